"""Every change is a changeset, in the transaction of the change (rule 9), and survives what can go wrong."""

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from actions.core.base import Conflict, Invalid
from actions.core.journal import WriteOutsideAction, read_only
from actions.ledgers.loyalty import adjust
from models.customer import Customer
from models.journal import Change, Changeset
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyLot
from models.note import Note
from tests import factories
from tests.actions.desk import Desk
from tests.scale import scaled

MODEST = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def count(desk: Desk) -> tuple[int, int]:
    with desk.look() as session:
        return tuple(session.scalar(select(func.count()).select_from(m)) for m in (Changeset, Change))


def test_a_save_is_a_changeset_with_before_and_after(desk: Desk) -> None:
    customer = desk.create(Customer, first_name="Rashid", last_name="Karim")
    done = desk.edit(Customer, customer, last_name="Khan", free_delivery=True)
    (change,) = desk.changes(done.changeset_id)
    assert (change.table_name, change.row_id, change.customer_id) == ("customer", customer, customer)
    assert change.before["last_name"], change.before["free_delivery"] == ("Karim", False)
    assert change.after["last_name"], change.after["free_delivery"] == ("Khan", True)
    assert (change.before["version"], change.after["version"]) == (1, 2)
    assert "email" not in change.after
    header = desk.get(Changeset, done.changeset_id)
    assert (header.action, header.actor_id, header.actor_name) == (
        "customer.edit",
        desk.actor.id,
        "Mary Kaur",
    )
    assert (header.at, header.subject_table, header.subject_id) == (desk.now, "customer", customer)


def test_a_creation_has_no_before_and_a_deletion_no_after(desk: Desk) -> None:
    customer = desk.customer()
    note = desk.create(Note, customer_id=customer, body="Call back")
    gone = desk.delete(Note, note)
    with desk.look() as session:
        rows = session.scalars(
            select(Change).filter_by(table_name="note", row_id=note).order_by(Change.id)
        ).all()
    first, last = rows
    assert (first.before, first.after["body"]) == (None, "Call back")
    assert (last.before["body"], last.after, last.changeset_id) == ("Call back", None, gone.changeset_id)
    assert {first.customer_id, last.customer_id} == {customer}


def test_secrets_search_keys_and_caches_never_enter_the_journal(desk: Desk) -> None:
    customer = desk.create(Customer, last_name="Karim", password_hash="hash")
    with desk.look() as session:
        row = session.scalars(select(Change).filter_by(table_name="customer", row_id=customer)).one()
    assert not {"password_hash", "last_name_key", "points", "account_balance"} & set(row.after)


def test_what_is_rolled_back_leaves_neither_change_nor_journal(desk: Desk) -> None:
    customer, before = desk.customer(), count(desk)

    def fail() -> None:
        with desk.changeset() as ctx:
            ctx.lock_one(Customer, customer).last_name = "Khan"
            ctx.session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert count(desk) == before
    assert desk.of(customer).last_name != "Khan"


def test_a_refused_save_leaves_neither(desk: Desk) -> None:
    customer, before = desk.customer(), count(desk)
    with pytest.raises(Invalid):
        desk.edit(Customer, customer, last_name="Khan", email="nonsense")
    assert count(desk) == before
    assert desk.of(customer).last_name != "Khan"


def test_nothing_to_change_writes_nothing(desk: Desk) -> None:
    customer, before = desk.customer(), count(desk)
    row = desk.of(customer)
    done = desk.edit(Customer, customer, version=1, last_name=row.last_name, email=row.email)
    assert (count(desk), done.changeset_id, desk.of(customer).version) == (before, None, 1)


@pytest.mark.parametrize(
    "statement",
    [
        update(Customer).values(last_name="Khan"),
        delete(Note),
        insert(Note).values(body="x"),
        update(Customer).values({Customer.first_name: "x", Customer.last_name_key: "x"}),
        update(Customer.__table__).values(first_name="x"),
    ],
)
def test_a_bulk_statement_on_a_journalled_table_raises(desk: Desk, statement) -> None:
    with pytest.raises(WriteOutsideAction), desk.changeset() as ctx:
        ctx.session.execute(statement)


def test_a_bulk_statement_on_caches_alone_is_let_through(desk: Desk) -> None:
    with desk.changeset() as ctx:
        for statement in (
            update(Customer).values(points=Customer.points + 1),
            update(Customer).ordered_values((Customer.points, 1), (Customer.credit_balance, 1)),
        ):
            ctx.session.execute(statement.where(Customer.id == 0))


def test_a_session_that_only_reads_refuses_to_write(desk: Desk) -> None:
    from sqlalchemy import event

    customer = desk.customer()
    with Session(desk.engine) as session:
        event.listen(session, "before_flush", read_only)
        session.get_one(Customer, customer).last_name = "Khan"
        with pytest.raises(WriteOutsideAction):
            session.flush()


@pytest.mark.parametrize("model", [Changeset, Change, LoyaltyEntry, LoyaltyAllocation])
def test_history_cannot_be_changed_or_deleted_by_anyone(desk: Desk, model) -> None:
    customer = desk.customer()
    desk.do(adjust, customer=customer, points=100, comment="Sorry")
    desk.do(adjust, customer=customer, points=-10, comment="Voucher")
    desk.edit(Customer, customer, last_name="Khan")
    for statement in (update(model).values(id=model.__table__.c.id + 1_000_000), delete(model)):
        with pytest.raises(IntegrityError, match="append-only"), desk.engine.begin() as connection:
            connection.execute(statement)


def test_caches_and_lots_are_not_journalled_and_leave_the_version_alone(desk: Desk) -> None:
    customer = desk.customer()
    done = desk.do(adjust, customer=customer, points=100, comment="Sorry")
    assert desk.changes(done.changeset_id) == []
    assert desk.of(customer).version == 1


names = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["C"]), min_size=1, max_size=20
)
edits = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "first_name": names.filter(str.strip),
            "last_name": st.just("Karim") | names.filter(str.strip),
            "free_delivery": st.booleans(),
            "credit_limit": st.none() | st.integers(0, 10**9),
            "global_discount": st.integers(0, 100),
        },
    ),
    max_size=6,
)


@MODEST
@given(edits)
def test_the_journal_read_backwards_gives_every_earlier_state(desk: Desk, history: list[dict]) -> None:
    fields = ("first_name", "last_name", "free_delivery", "credit_limit", "global_discount")
    customer = desk.customer()
    states = []
    for values in history:
        row = desk.of(customer)
        done = desk.edit(Customer, customer, **values)
        if done.changeset_id is not None:
            states.append((done.changeset_id, {name: getattr(row, name) for name in fields}))
    now = {name: getattr(desk.of(customer), name) for name in fields}
    for changeset_id, state in reversed(states):
        (change,) = desk.changes(changeset_id)
        assert all(str(now[name]) == str(value) for name, value in change.after.items() if name in fields)
        now |= {name: value for name, value in change.before.items() if name in fields}
        assert {name: str(value) for name, value in now.items()} == {n: str(v) for n, v in state.items()}


@pytest.mark.soak
def test_of_eight_people_making_sixty_edits_each_none_is_lost(desk: Desk) -> None:
    customer = desk.customer(credit_limit=0)
    people, each = 8, scaled(60, least=8)

    def work(_: int) -> None:
        for _ in range(each):
            while True:
                row = desk.of(customer)
                try:
                    desk.edit(Customer, customer, version=row.version, credit_limit=row.credit_limit + 1)
                    break
                except Conflict:
                    continue

    with ThreadPoolExecutor(people) as pool:
        list(pool.map(work, range(people)))
    assert desk.of(customer).credit_limit == people * each
    assert len(desk.all(Change, table_name="customer", row_id=customer)) == people * each


def test_one_key_sent_by_many_at_once_is_one_action(desk: Desk) -> None:
    customer = desk.customer()
    key = f"key-{factories.number()}"

    def send(_: int) -> int | None:
        return desk.do(adjust, key=key, customer=customer, points=100, comment="Sorry").record_id

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(send, range(16)))
    assert len(answers) == 1
    assert desk.of(customer).points == 100


KILLED = """
import os, signal, sys, datetime as dt
from sqlalchemy import create_engine
import actions.registry
from actions.core.base import Actor
from actions.ledgers.loyalty import adjust
from actions.execution.runner import Call, changeset
from models import dialect
from models.customer import Customer

url, customer = sys.argv[1], int(sys.argv[2])
engine = create_engine(url, **dialect.engine_options(url))
dialect.configure(engine)
with changeset(engine, "test.killed", Call(Actor(None, "Nobody"), dt.datetime.now(dt.UTC))) as ctx:
    adjust(ctx, customer=customer, points=100, comment="Sorry")
    adjust(ctx, customer=customer, points=-30, comment="Voucher")
    ctx.lock_one(Customer, customer).last_name = "Half"
    ctx.session.flush()
    ctx.journal.write(ctx.session)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_killed_in_the_middle_leaves_nothing_half_written(desk: Desk) -> None:
    customer, before = desk.customer(), count(desk)
    url = desk.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", textwrap.dedent(KILLED), url, str(customer)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    assert count(desk) == before
    assert (desk.of(customer).points, desk.lots(customer)) == (0, [])
    assert desk.of(customer).last_name != "Half"
    assert desk.all(LoyaltyEntry, customer_id=customer) == desk.all(LoyaltyLot, customer_id=customer) == []
    desk.do(adjust, customer=customer, points=100, comment="Sorry")
    assert desk.of(customer).points == 100
