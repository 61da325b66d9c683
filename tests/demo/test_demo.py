"""The demo shop obeys every rule that the actions keep, on both databases, and has something of everything."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.orm import Session

import demo
from actions.core import journal
from actions.ledgers import loyalty
from actions.maintenance.verify import verify
from admin.request.permissions import SHIPPED_ROLES
from demo import points
from demo.cli import commands
from models import schema
from models.account import AccountEntry, AccountKind, Invoice
from models.address import Address
from models.base import Base, Invalid, Record, Staff, metadata
from models.choices import AccountType, Status
from models.credit import CreditEntry, CreditKind
from models.customer import Customer
from models.demo_accounts import MEMBERS, has_demo_staff
from models.journal import Change, Changeset
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyKind, LoyaltyLot
from models.note import Note, NoteKind
from models.order import Order, OrderLine, OrderStatus
from models.saved_card import SavedCard
from models.shop import Shop
from models.tasting import TastingEntry, TastingKind
from models.vault import Secret
from tests.conftest import MakeUrl
from tests.keyring import VAULT

NOW = dt.datetime(2026, 11, 21, 15, 30, tzinfo=dt.UTC)
CUSTOMERS = 300
LEDGERS: tuple[tuple[type[Base], str, str], ...] = (
    (LoyaltyEntry, "points", "points"),
    (AccountEntry, "amount", "account_balance"),
    (CreditEntry, "amount", "credit_balance"),
)


def make(url: str, customers: int = CUSTOMERS, **options: Any) -> sa.Engine:
    """Migrate the database at ``url`` and load a demo shop."""
    engine = schema.open_engine(url, VAULT)
    schema.migrate(engine)
    demo.load(engine, customers, now=NOW, **options)
    return engine


@pytest.fixture(scope="module")
def shops(make_url: MakeUrl) -> dict[str, sa.Engine]:
    """One demo shop of each kind of database, loaded when first asked for; tests only read them."""
    found: dict[str, sa.Engine] = {}

    class Shops(dict[str, sa.Engine]):
        def __missing__(self, kind: str) -> sa.Engine:
            self[kind] = make(make_url(kind, "demo"))
            return self[kind]

    return Shops(found)


@pytest.fixture
def shop(shops: dict[str, sa.Engine], database_kind: str) -> sa.Engine:
    """The demo shop on the kind of database under test."""
    return shops[database_kind]


@pytest.fixture
def session(shop: sa.Engine) -> Iterator[Session]:
    """A session that reads the demo shop."""
    with Session(shop) as found:
        yield found


def every(session: Session, model: type[Base]) -> list[Any]:
    """Return all rows of a model in the order of their ids."""
    return list(session.scalars(sa.select(model).order_by(model.__mapper__.primary_key[0])).unique())


def columns(model: type[Base]) -> list[str]:
    """Return the names of a model's columns."""
    return list(model.__mapper__.columns.keys())


def records() -> list[type[Record]]:
    """Return every model of the product whose rows staff create and edit."""
    mapped = (m.class_ for m in Base.registry.mappers if m.class_.metadata is metadata)
    return [model for model in mapped if issubclass(model, Record)]


# ------------------------------------------------------------------------------------------------ rules
def test_caches_equal_their_ledgers(session: Session) -> None:
    assert verify(session) == []


@pytest.mark.parametrize(("model", "figure", "cache"), LEDGERS)
def test_running_balances_end_at_the_cache(session: Session, model: Any, figure: str, cache: str) -> None:
    balances: dict[int, int] = defaultdict(int)
    for entry in session.scalars(sa.select(model).order_by(model.created_at, model.id)):
        balances[entry.customer_id] += getattr(entry, figure)
        assert balances[entry.customer_id] >= 0 or model is AccountEntry, entry.id
    assert balances
    for customer in every(session, Customer):
        assert getattr(customer, cache) == balances[customer.id]


def test_points_lie_in_lots(session: Session) -> None:
    taken: dict[int, int] = defaultdict(int)
    for allocation in every(session, LoyaltyAllocation):
        taken[allocation.lot_id] += allocation.points
    lots = every(session, LoyaltyLot)
    assert all(lot.unspent == lot.points - taken[lot.id] for lot in lots)
    assert {lot.entry_id for lot in lots} == {
        e.id for e in every(session, LoyaltyEntry) if e.points > 0 and e.kind != LoyaltyKind.REVERSAL
    }
    assert not [lot for lot in lots if lot.unspent and lot.expires_at and lot.expires_at <= NOW]


def test_nothing_was_taken_from_an_expired_lot_but_by_expiring(session: Session) -> None:
    for allocation in every(session, LoyaltyAllocation):
        entry, expires = allocation.entry, allocation.lot.expires_at
        if entry.kind in (LoyaltyKind.REDEEMED, LoyaltyKind.ADJUSTMENT):
            assert expires is None or expires > entry.created_at
        elif entry.kind == LoyaltyKind.EXPIRED:
            assert entry.created_at >= expires
            assert entry.key is not None
            assert entry.key.startswith(f"lapse:{allocation.lot_id}")


@pytest.mark.parametrize("days", [None, 1, 365, 3650])
def test_points_expire_when_the_action_says(days: int | None) -> None:
    zone = Shop().zone
    for hours in range(0, 9000, 7):
        when = NOW + dt.timedelta(hours=hours)
        assert points.expiry_instant(when, days, zone) == loyalty.expiry_instant(when, days, zone)


def test_every_customer_has_exactly_one_primary_address(session: Session) -> None:
    primary = [address.customer_id for address in every(session, Address) if address.is_primary]
    assert sorted(primary) == [customer.id for customer in every(session, Customer)]


def test_who_has_cards_has_exactly_one_default(session: Session) -> None:
    cards = every(session, SavedCard)
    defaults = [card.customer_id for card in cards if card.is_default]
    assert len(cards) > len(defaults) > 10
    assert sorted(defaults) == sorted({card.customer_id for card in cards})
    assert {card.has_expired(NOW.date()) for card in cards} == {True, False}


def test_keys_are_what_the_models_derive(session: Session) -> None:
    for model in records():
        for row in every(session, model):
            before = {name: getattr(row, name) for name in columns(model)}
            row.derive()
            assert before == {name: getattr(row, name) for name in before}


def test_validators_accept_every_value(session: Session) -> None:
    """Each row is made again from its values, as a form would, and asked for its problems."""
    for model in records():
        for row in every(session, model):
            names = set(columns(model)) - {"id"}
            fresh = model()
            for name in names:
                setattr(fresh, name, getattr(row, name))
            assert all(getattr(fresh, name) == getattr(row, name) for name in names)
            assert row.problems(names) == {}, row


def test_every_created_row_is_in_the_journal_as_the_actions_would_write_it(session: Session) -> None:
    created = {(c.table_name, c.row_id): c for c in every(session, Change) if c.before is None}
    rows = [row for model in records() for row in every(session, model)]
    assert created.keys() == {(row.__tablename__, row.id) for row in rows}
    for row in rows:
        change = created[row.__tablename__, row.id]
        assert change.customer_id == journal.customer_of(row)
        if row.version == 1:
            assert change.after == journal.snapshot(row)


def test_the_journal_leads_from_creation_to_the_present(session: Session) -> None:
    now: dict[tuple[str, int], dict[str, Any]] = {}
    for change in every(session, Change):
        place = (change.table_name, change.row_id)
        state = now.setdefault(place, {})
        if change.before is not None:
            assert change.before == {name: state.get(name) for name in change.before}
        state.update(change.after)
    for model in records():
        for row in every(session, model):
            state = {
                name: value for name, value in now[row.__tablename__, row.id].items() if value is not None
            }
            assert state == journal.snapshot(row)


def test_changesets_follow_time(session: Session) -> None:
    times = [changeset.at for changeset in every(session, Changeset)]
    assert times == sorted(times)
    assert times[-1] < NOW
    assert NOW - times[-1] < dt.timedelta(hours=6)


def test_nothing_happens_in_the_future_or_before_its_customer(session: Session) -> None:
    joined = {customer.id: customer.created_at for customer in every(session, Customer)}
    for model in (*records(), LoyaltyEntry, AccountEntry, Invoice, CreditEntry, TastingEntry):
        for row in every(session, model):
            assert row.created_at <= NOW
            assert row.created_at >= joined.get(getattr(row, "customer_id", None), row.created_at)


def test_orders_add_up(session: Session) -> None:
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    for line in every(session, OrderLine):
        assert line.total == line.quantity * line.unit_price
        lines[line.order_id].append(line)
    for order in every(session, Order):
        assert order.subtotal == sum(line.total for line in lines[order.id])
        assert order.item_count == sum(line.quantity for line in lines[order.id])
        assert order.total == order.subtotal + order.tax + order.shipping
        assert bool(order.shipments) == (order.status == OrderStatus.DISPATCHED)


def test_credit_limits_were_never_passed(session: Session) -> None:
    limits = {c.id: c.credit_limit for c in every(session, Customer) if c.credit_limit is not None}
    owed: dict[int, int] = defaultdict(int)
    for entry in session.scalars(sa.select(AccountEntry).order_by(AccountEntry.created_at, AccountEntry.id)):
        owed[entry.customer_id] += entry.amount
        assert owed[entry.customer_id] <= limits.get(entry.customer_id, 10**12)


def test_only_trade_waits_for_approval_and_is_switched_off(session: Session) -> None:
    for customer in every(session, Customer):
        if customer.status == Status.PENDING_APPROVAL:
            assert (customer.account_type, customer.is_active) == (AccountType.TRADE, False)
        assert (customer.registered_at is not None) == (customer.status == Status.REGISTERED)


def test_the_database_is_still_what_the_models_declare(shop: sa.Engine) -> None:
    assert schema.drift(shop) == []


def test_the_database_goes_on_counting_where_the_demo_stopped(shop: sa.Engine) -> None:
    table = metadata.tables["phone"]
    with shop.connect() as connection:
        highest = connection.scalar(sa.select(sa.func.max(table.c.id)))
        row = dict(connection.execute(sa.select(table).limit(1)).mappings().one())
        del row["id"]
        made = connection.execute(sa.insert(table).values(**row | {"is_primary": False}))
        assert made.inserted_primary_key[0] == highest + 1
        connection.rollback()


# -------------------------------------------------------------------------------------------- believable
def test_there_is_something_of_everything(session: Session) -> None:
    customers = every(session, Customer)
    assert {c.status for c in customers} == set(Status)
    assert {c.account_type for c in customers} == set(AccountType)
    assert {n.kind for n in every(session, Note)} == set(NoteKind)
    assert {o.status for o in every(session, Order)} == set(OrderStatus)
    assert {e.kind for e in every(session, LoyaltyEntry)} >= set(LoyaltyKind) - {LoyaltyKind.ADJUSTMENT}
    assert {e.kind for e in every(session, AccountEntry)} >= {AccountKind.INVOICE, AccountKind.PAYMENT}
    assert {e.kind for e in every(session, TastingEntry)} == set(TastingKind)
    assert {e.kind for e in every(session, CreditEntry)} >= {CreditKind.GIFT_CARD, CreditKind.REDEEMED}
    assert any(c.account_balance > 0 for c in customers)
    assert any(c.agent_id for c in customers)
    assert any(not (c.last_name or "").isascii() for c in customers)


def test_most_are_registered_retail_and_few_have_most_orders(session: Session) -> None:
    customers = every(session, Customer)
    assert 0.5 < sum(c.status == Status.REGISTERED for c in customers) / len(customers) < 0.85
    assert 0.8 < sum(c.account_type == AccountType.RETAIL for c in customers) / len(customers) < 0.97
    count: dict[int, int] = defaultdict(int)
    for order in every(session, Order):
        count[order.customer_id] += 1
    ranked = sorted(count.values(), reverse=True)
    assert sum(ranked[: len(customers) // 10]) > 0.3 * sum(ranked)


def test_some_customers_are_there_twice(session: Session) -> None:
    """By email, and by surname and postcode (feature 100), but never two registered with one email."""
    customers, homes = (
        every(session, Customer),
        {a.customer_id: a for a in every(session, Address) if a.is_primary},
    )
    emails: dict[str, list[Status]] = defaultdict(list)
    places: dict[tuple[str, str], int] = defaultdict(int)
    for customer in customers:
        emails[customer.email_key].append(customer.status)
        places[customer.last_name_key, homes[customer.id].postcode_key] += 1
    del emails[""]
    assert any(len(found) > 1 for found in emails.values())
    assert all(found.count(Status.REGISTERED) < 2 for found in emails.values())
    assert sum(found > 1 for found in places.values()) >= 2


def test_tasks_are_due_and_points_expire_soon(session: Session) -> None:
    tasks = [note for note in every(session, Note) if note.kind == NoteKind.TASK and note.is_open]
    assert any(abs((task.due_on - NOW.date()).days) <= 10 for task in tasks)
    soon = NOW + dt.timedelta(days=60)
    assert any(lot.unspent and lot.expires_at and lot.expires_at < soon for lot in every(session, LoyaltyLot))


def test_activity_looks_alive(session: Session) -> None:
    edits = [change for change in every(session, Change) if change.before is not None]
    assert len(edits) >= CUSTOMERS // 10
    assert len({change.changeset.actor_name for change in edits}) >= 3


# ---------------------------------------------------------------------------------------------- the channel
def _clear(value: Any) -> Any:
    """Return a value, or what is encrypted: the same text is encrypted otherwise each time."""
    return value.open() if isinstance(value, Secret) else value


def dump(engine: sa.Engine) -> list[Any]:
    """Return every row of every table."""
    with engine.connect() as connection:
        return [
            (
                table.name,
                [
                    tuple(map(_clear, row))
                    for row in connection.execute(sa.select(table).order_by(*table.primary_key))
                ],
            )
            for table in metadata.sorted_tables
        ]


def test_the_same_seed_and_time_give_the_same_rows(make_url: MakeUrl) -> None:
    first, second, other = (
        dump(make(make_url("sqlite", name), 40, seed=seed)) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == second
    assert first != other


def test_both_databases_get_the_same_rows(shops: dict[str, sa.Engine]) -> None:
    assert dump(shops["sqlite"]) == dump(shops["postgresql"])


def test_chunks_follow_one_another(make_url: MakeUrl) -> None:
    engine = make(make_url("sqlite", "two"), 250, chunk=100)
    with Session(engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Customer)) == 250
        loads = sa.select(sa.func.count()).select_from(Changeset).where(Changeset.action == "demo.load")
        assert session.scalar(loads) == 3
        assert verify(session) == []


def test_a_shop_with_customers_is_left_alone(make_url: MakeUrl) -> None:
    engine = make(make_url("sqlite", "full"), 30)
    before = dump(engine)
    with pytest.raises(demo.DemoRefused, match="already has customers"):
        demo.load(engine, 30, now=NOW)
    assert dump(engine) == before


def test_lists_that_are_there_already_are_used(make_url: MakeUrl) -> None:
    engine = schema.open_engine(make_url("sqlite", "lists"), VAULT)
    schema.migrate(engine)
    table = metadata.tables["sales_channel"]
    row = {"name": "Our shop", "name_key": "our shop", "code": "WEB", "created_at": NOW, "updated_at": NOW}
    with engine.begin() as connection:
        connection.execute(sa.insert(table).values(version=1, is_active=True, **row))
    demo.load(engine, 30, now=NOW)
    with engine.connect() as connection:
        assert connection.scalar(sa.select(table.c.name).where(table.c.code == "WEB")) == "Our shop"


def add_roles(engine: sa.Engine) -> None:
    """Add the shipped roles, as ``flask up`` does."""
    names = [member.role for member in MEMBERS]
    with engine.begin() as connection:
        connection.execute(sa.insert(metadata.tables["ab_role"]), [{"name": name} for name in names])


def test_demo_staff_is_an_account_for_each_shipped_role(empty_url: str) -> None:
    engine = schema.open_engine(empty_url)
    schema.migrate(engine)
    add_roles(engine)
    with Session(engine) as session, session.begin():
        assert not has_demo_staff(session)
        assert len(demo.demo_staff(session, lambda password: f"hashed {password}")) == len(SHIPPED_ROLES)
        assert has_demo_staff(session)
        assert demo.demo_staff(session, str) == []
    with Session(engine) as session:
        for user in every(session, Staff):
            assert [len(user.roles), user.password, user.active] == [1, f"hashed {demo.PASSWORD}", True]
        session.execute(sa.update(Staff).values(active=False))
        assert not has_demo_staff(session)
    engine.dispose()


def test_demo_staff_needs_roles(make_url: MakeUrl) -> None:
    engine = schema.open_engine(make_url("sqlite", "roles"))
    schema.migrate(engine)
    with Session(engine) as session, pytest.raises(LookupError, match="flask --app app up"):
        demo.demo_staff(session, str)


def test_the_command_loads_a_shop_once(make_url: MakeUrl) -> None:
    engine = schema.open_engine(make_url("sqlite", "command"), VAULT)
    (command,) = commands(lambda: engine, str)
    run = CliRunner()
    assert "flask --app app up" in run.invoke(command, ["--customers", "30"]).output
    schema.migrate(engine)
    add_roles(engine)
    done = run.invoke(command, ["--customers", "30"])
    assert done.exit_code == 0, done.output
    assert "admin" in done.output
    assert demo.PASSWORD in done.output
    again = run.invoke(command, ["--customers", "30"])
    assert again.exit_code == 1
    assert "already has customers" in again.output
    assert run.invoke(command, ["--customers", "0"]).exit_code == 2


def test_a_bad_value_would_be_noticed(session: Session) -> None:
    """The validators that the test above relies on do refuse."""
    customer = Customer()
    with pytest.raises(Invalid):
        customer.email = "nobody"
