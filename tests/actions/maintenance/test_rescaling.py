"""Stored amounts keep the scale they were written with, until ``flask rescale`` converts them (rule 2.1)."""

from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.exc import DBAPIError

from actions.cli import commands
from actions.ledgers import accounts, credit, gift_cards
from actions.maintenance import seals
from actions.maintenance.rescaling import rescale
from actions.maintenance.verify import verify
from actions.undo.undo import undo
from models import currencies, rescaling, schema
from models.account import AccountEntry, Invoice
from models.credit import CreditEntry
from models.customer import Customer
from models.dialect import WRITE
from models.gift_card import GiftCard
from models.journal import Change, Changeset
from models.order import Order, OrderLine
from models.run import RunState
from models.scale import CurrencyScale
from tests import factories
from tests.actions.desk import Desk
from tests.databases import Database

MODELS = (Customer, Order, OrderLine, Invoice, AccountEntry, CreditEntry, GiftCard)


@pytest.fixture
def desk(database: Database) -> Desk:
    """A member of staff in a shop of their own."""
    return Desk(database.engine)


def written_as(desk: Desk, currency: str, places: int) -> None:
    """Have the database say that a currency was written with so many decimals."""
    run(desk, sa.update(CurrencyScale).where(CurrencyScale.currency == currency).values(places=places))


def run(desk: Desk, statement: Any) -> None:
    with desk.engine.execution_options(**{WRITE: True}).begin() as connection:
        connection.execute(statement)


def busy(desk: Desk, currency: str) -> int:
    """A customer with amounts of every kind, and a history of changed ones."""
    customer = desk.create(Customer, last_name="Petrović", currency=currency, credit_limit=70_000)
    desk.edit(Customer, customer, credit_limit=90_000)
    desk.edit(Customer, customer, pay_on_account=True)
    desk.do(accounts.raise_invoice, customer=customer, amount=12_000)
    twice = desk.do(accounts.raise_invoice, customer=customer, amount=3_000).record_id
    desk.do(accounts.void_invoice, twice, reason="Twice")
    desk.do(accounts.pay, customer=customer, amount=5_000, method="cash")
    desk.do(credit.adjust, customer=customer, amount=2_500, comment="Card found")
    desk.do(gift_cards.issue, amount=4_000, currency=currency)
    with (
        desk.engine.execution_options(**{WRITE: True}).begin() as connection,
        sa.orm.Session(connection) as own,
    ):
        order = factories.make_order(own, customer_id=customer, currency=currency, total=900, subtotal=900)
        factories.make_order_line(own, order=order, unit_price=450, total=900)
        own.commit()
    return customer


def stored(desk: Desk) -> dict[str, list[Any]]:
    """Every amount there is, by table; those that are empty left out."""
    with desk.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(*columns).order_by(table.c.id))]
            for table, columns in rescaling.amounts().items()
        }


def times(figures: dict[str, list[Any]], factor: int) -> dict[str, list[Any]]:
    return {
        name: [tuple(None if v is None else v * factor for v in row) for row in rows]
        for name, rows in figures.items()
    }


def test_every_table_with_amounts_says_which_currency_they_are_in() -> None:
    assert {table.name for table in rescaling.amounts()} == {model.__tablename__ for model in MODELS}
    for table in rescaling.amounts():
        rescaling.in_currency(table, "GBP")


def test_all_amounts_of_a_currency_are_converted_and_no_other(desk: Desk) -> None:
    written_as(desk, "RSD", 0)
    busy(desk, "RSD")
    dinars = stored(desk)
    seals.seal_waiting(desk.engine)
    assert rescale(desk.engine, "RSD", desk.now, preview=True).rows["account_entry"] == 4
    assert stored(desk) == dinars
    other = busy(desk, "GBP")
    done = rescale(desk.engine, "RSD", desk.now)
    assert {name: count for name, count in done.rows.items() if count} == {
        "customer": 1, "sales_order": 1, "order_line": 1, "invoice": 2, "account_entry": 4, "credit_entry": 1,
        "gift_card": 1, "change": 3,
    }  # fmt: skip
    converted = stored(desk)
    for name, rows in times(dinars, 100).items():
        assert converted[name][: len(rows)] == rows, name
    assert desk.of(other).account_balance == 7_000
    rescaling.refuse_differences(desk.engine)
    with sa.orm.Session(desk.engine) as session:
        assert verify(session) == []
        assert session.scalar(sa.select(sa.func.count()).where(CurrencyScale.multiply.is_not(None))) == 0
        events = session.scalars(
            sa.select(Changeset).where(Changeset.action == "shop_setting.rescaled")
        ).all()
        assert [event.actor_name for event in events] == ["system"]


def test_an_undo_from_before_brings_back_the_converted_amount(desk: Desk) -> None:
    written_as(desk, "IQD", 0)
    customer = desk.create(Customer, last_name="Petrović", currency="IQD", credit_limit=70_000)
    raised = desk.edit(Customer, customer, credit_limit=90_000).changeset_id
    rescale(desk.engine, "IQD", desk.now)
    assert desk.of(customer).credit_limit == 90_000_000
    desk.do(undo, raised)
    assert desk.of(customer).credit_limit == 70_000_000


def test_the_history_of_a_customer_who_had_another_currency_is_converted_for_its_own_time(desk: Desk) -> None:
    written_as(desk, "RSD", 0)
    customer = desk.create(Customer, last_name="Petrović", currency="RSD", credit_limit=500)
    desk.edit(Customer, customer, currency="EUR", credit_limit=400)
    desk.edit(Customer, customer, credit_limit=300)
    rescale(desk.engine, "RSD", desk.now)
    with sa.orm.Session(desk.engine) as session:
        found = session.execute(
            sa.select(Change.before, Change.after).where(Change.table_name == "customer").order_by(Change.id)
        ).all()
    limits = [((b or {}).get("credit_limit"), (a or {}).get("credit_limit")) for b, a in found]
    assert limits == [(None, 50_000), (50_000, 400), (400, 300)]
    assert desk.of(customer).credit_limit == 300


def test_what_cannot_be_said_with_fewer_decimals_keeps_everything_as_it_is(desk: Desk) -> None:
    written_as(desk, "JPY", 2)
    customer = desk.create(Customer, last_name="Mori", currency="JPY")
    for amount in (5_000, 50):
        desk.do(accounts.pay, customer=customer, amount=amount, method="cash")
    before = stored(desk)
    with pytest.raises(schema.SchemaError, match="has no decimals for any more; nothing was converted"):
        rescale(desk.engine, "JPY", desk.now)
    assert stored(desk) == before
    with pytest.raises(schema.SchemaError, match="JPY with 2 decimals instead of 0"):
        rescaling.refuse_differences(desk.engine)


def test_amounts_with_decimals_to_spare_are_divided(desk: Desk) -> None:
    written_as(desk, "JPY", 2)
    customer = desk.create(Customer, last_name="Mori", currency="JPY", credit_limit=12_300)
    desk.do(accounts.pay, customer=customer, amount=5_000, method="cash")
    rescale(desk.engine, "JPY", desk.now)
    assert (desk.of(customer).account_balance, desk.of(customer).credit_limit) == (-50, 123)


def test_something_wrong_afterwards_takes_it_all_back(desk: Desk) -> None:
    written_as(desk, "RSD", 0)
    customer = busy(desk, "RSD")
    before = stored(desk)
    seals.seal_waiting(desk.engine)
    run(desk, sa.update(Customer.__table__).where(Customer.id == customer).values(account_balance=1))
    with pytest.raises(schema.SchemaError, match=r"something is off: .*the account balance is 100"):
        rescale(desk.engine, "RSD", desk.now)
    after = stored(desk)
    assert {name: after[name] for name in after if name != "customer"} == {
        name: before[name] for name in before if name != "customer"
    }


MARKED = "UPDATE currency_scale SET multiply = 100, divide = 1 WHERE currency = 'RSD'"


@pytest.mark.parametrize(
    ("change", "lets_through"),
    [
        ("amount = amount * 100", True),
        ("amount = amount * 10", False),
        ("amount = amount + 1", False),
        ("amount = amount * 100, currency = 'GBP'", False),
        ("amount = amount * 100, comment = 'Hello'", False),
    ],
)
def test_the_ledgers_let_through_the_very_conversion_that_is_marked(
    desk: Desk, change: str, lets_through: bool
) -> None:
    busy(desk, "RSD")
    statement = sa.text(f"UPDATE account_entry SET {change}")
    with desk.engine.execution_options(**{WRITE: True}).connect() as connection, connection.begin() as tried:
        with pytest.raises(DBAPIError, match="append-only"), connection.begin_nested():
            connection.execute(statement)
        connection.exec_driver_sql(MARKED)
        if lets_through:
            connection.execute(statement)
        else:
            with pytest.raises(DBAPIError, match="append-only"):
                connection.execute(statement)
        tried.rollback()


def test_amounts_of_another_currency_stay_while_one_is_marked(desk: Desk) -> None:
    busy(desk, "GBP")
    with desk.engine.execution_options(**{WRITE: True}).connect() as connection, connection.begin() as tried:
        connection.exec_driver_sql(MARKED)
        with pytest.raises(DBAPIError, match="append-only"):
            connection.exec_driver_sql("UPDATE account_entry SET amount = amount * 100")
        tried.rollback()


def test_a_currency_that_nothing_is_stored_in_takes_the_scale_of_this_version(desk: Desk) -> None:
    written_as(desk, "RSD", 0)
    run(desk, sa.delete(CurrencyScale).where(CurrencyScale.currency == "KWD"))
    rescaling.settle(desk.engine)
    with desk.engine.connect() as connection:
        kept = rescaling.recorded(connection)
    assert kept == {code: currencies.places(code) for code in currencies.KNOWN}


def test_the_command_tells_what_it_does_and_refuses_what_need_not_be(desk: Desk) -> None:
    written_as(desk, "RSD", 0)
    busy(desk, "RSD")
    found = {command.name: command for command in commands(lambda: desk.engine, lambda: desk.now, None)}
    tried = CliRunner().invoke(found["rescale"], ["rsd", "--preview"])
    assert "RSD: 0 decimals become 2." in tried.output
    assert "4 × account entry" in tried.output
    assert "Nothing was changed." in tried.output
    assert (
        "All balances, lots and caches are correct." in CliRunner().invoke(found["rescale"], ["RSD"]).output
    )
    again = CliRunner().invoke(found["rescale"], ["RSD"])
    assert (again.exit_code, "have the scale that this version counts with" in again.output) == (1, True)


def test_runs_that_wait_are_worked_off_first(desk: Desk) -> None:
    written_as(desk, "RSD", 0)
    busy(desk, "RSD")
    with sa.orm.Session(desk.engine.execution_options(**{WRITE: True})) as session, session.begin():
        factories.make_run(session, state=RunState.QUEUED)
    with pytest.raises(schema.SchemaError, match="1 runs are not finished"):
        rescale(desk.engine, "RSD", desk.now)
