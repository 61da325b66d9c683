"""``flask verify`` finds every kind of wrong figure, and nothing where nothing is wrong (rule 1.3)."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import inspect, text, update
from sqlalchemy.orm import Session

from actions.cli import commands
from actions.core.base import Actor, Context
from actions.core.journal import Journal
from actions.ledgers import accounts, credit, loyalty, shop_api
from actions.maintenance.verify import SHOWN, verify
from models import triggers
from models.account import AccountEntry, AccountKind
from models.address import Address
from models.customer import Customer
from models.loyalty import LoyaltyEntry, LoyaltyLot
from models.shop import Shop
from tests import factories
from tests.actions.desk import Desk
from tests.models.conftest import _migrated, session

__all__ = ["_migrated", "session"]


def busy_customer(session: Session) -> Customer:
    """A customer with every kind of entry, an address and a phone."""
    customer = factories.make_customer(session, pay_on_account=True)
    factories.make_address(session, customer=customer, is_primary=True)
    factories.make_address(session, customer=customer)
    factories.make_phone(session, customer=customer, is_primary=True)
    journal = Journal({"action": "test.busy", "actor_name": "Mary Kaur"}, factories.NOW)
    ctx = Context(session, Actor(None, "Mary Kaur"), factories.NOW, Shop(), journal)
    points = {"customer": customer.id, "comment": "Sorry"}
    loyalty.adjust(ctx, **points, points=500, expires_after_days=30)
    wrong = loyalty.adjust(ctx, **points, points=70).record
    loyalty.reverse(ctx, wrong, reason="Typing error")
    back = loyalty.adjust(ctx, **points, points=-200).record
    loyalty.reverse(ctx, back, reason="Cancelled")
    loyalty.adjust(ctx, **points, points=-100)
    accounts.raise_invoice(ctx, customer=customer.id, amount=12_000)
    void = accounts.raise_invoice(ctx, customer=customer.id, amount=3_000).record
    accounts.void_invoice(ctx, void, reason="Twice")
    accounts.pay(ctx, customer=customer.id, amount=5_000, method="cash")
    credit.adjust(ctx, customer=customer.id, amount=2_500, comment="Card found")
    gone = loyalty.adjust(ctx, **points, points=30, expires_after_days=1).record
    session.flush()
    session.refresh(gone)
    loyalty.expire_lot(replace(ctx, now=factories.NOW + dt.timedelta(days=3)), customer, gone.lot)
    session.flush()
    return customer


def test_all_is_well_after_every_kind_of_action(session: Session) -> None:
    busy_customer(session)
    factories.make_customer(session)
    assert verify(session) == []


def customer_with_orders(session: Session) -> Customer:
    """A customer to whom a part of an order went back, in points and in credit, and from whom a part was taken back."""
    customer = factories.make_customer(session)
    factories.make_address(session, customer=customer, is_primary=True)
    journal = Journal({"action": "test.orders", "actor_name": "Mary Kaur"}, factories.NOW)
    ctx = Context(session, Actor(None, "Mary Kaur"), factories.NOW, Shop(), journal)
    order = {"customer": customer.id, "order_ref": "SO-1"}
    shop_api.earn(ctx, **order, points=100)
    shop_api.redeem(ctx, **order, points=60)
    shop_api.correct_points(ctx, **order, points=25)
    shop_api.correct_points(ctx, **order, points=-10)
    credit.adjust(ctx, customer=customer.id, amount=2_500, comment="Card found")
    shop_api.redeem_credit(ctx, **order, amount=900)
    shop_api.correct_credit(ctx, **order, amount=400)
    session.flush()
    return customer


def _set(model: Any, **values: Any) -> Callable[[Session, Customer], None]:
    def corrupt(session: Session, customer: Customer) -> None:
        own = model.id if model is Customer else model.customer_id
        first = session.query(model.id).filter(own == customer.id).order_by(model.id).limit(1).scalar()
        session.execute(update(model).where(model.id == first).values(**values))

    return corrupt


def _stray_entry(session: Session, customer: Customer) -> None:
    factories.make_loyalty_entry(session, customer=customer)


def _stray_invoice(session: Session, customer: Customer) -> None:
    factories.make_invoice(session, customer=customer)


def _wrong_reversal(session: Session, customer: Customer) -> None:
    entry = factories.make_account_entry(session, customer=customer, amount=-100)
    values = {"kind": AccountKind.REVERSAL, "amount": 99, "reverses_id": entry.id}
    factories.make_account_entry(session, customer=customer, **values)


def _merged(session: Session, customer: Customer) -> None:
    survivor = factories.make_customer(session)
    session.execute(update(Customer).where(Customer.id == customer.id).values(merged_into_id=survivor.id))


def _raw(*statements: str) -> Callable[[Session, Customer], None]:
    """Do it behind the product's back, where no trigger and no foreign key is in the way; ``:c`` is the customer."""

    def corrupt(session: Session, customer: Customer) -> None:
        session.flush()
        connection = session.connection()
        triggers.remove(connection)
        if connection.dialect.name == "sqlite":
            connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        else:
            for table in ("loyalty_lot", "loyalty_allocation"):
                for key in inspect(connection).get_foreign_keys(table):
                    connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {key['name']}"))
        for statement in statements:
            done = connection.execute(text(statement), {"c": customer.id} if ":c" in statement else {})
            assert done.rowcount > 0, "there was nothing to damage"

    return corrupt


OF = "(SELECT MIN(id) FROM {} WHERE customer_id = :c AND kind = '{}')"
REDEEMED, EXPIRED = OF.format("loyalty_entry", "redeemed"), OF.format("loyalty_entry", "expired")
FIRST_LOT = "(SELECT MIN(id) FROM loyalty_lot WHERE customer_id = :c)"
EXPIRED_LOT = f"(SELECT lot_id FROM loyalty_allocation WHERE entry_id = {EXPIRED})"
EXPIRE_AGAIN = """
INSERT INTO loyalty_entry (customer_id, kind, points, created_at, actor_name, comment, key, changeset_id)
SELECT customer_id, kind, points, created_at, actor_name, comment, 'once more', changeset_id FROM loyalty_entry
WHERE customer_id = :c AND kind = 'expired'
"""
TAKE_AGAIN = f"""
INSERT INTO loyalty_allocation (entry_id, lot_id, points)
SELECT MAX(id), {EXPIRED_LOT}, 30 FROM loyalty_entry WHERE customer_id = :c AND kind = 'expired'
"""


@pytest.mark.parametrize(
    ("corrupt", "sentence"),
    [
        (
            _raw(f"DELETE FROM loyalty_allocation WHERE entry_id = {REDEEMED}"),
            "it has -200 points, but its lot and allocations add up to 0",
        ),
        (
            _raw(f"DELETE FROM loyalty_allocation WHERE entry_id = {REDEEMED}"),
            "100 points are used, but the allocations add up to -100",
        ),
        (
            _raw(f"UPDATE loyalty_allocation SET points = 201 WHERE entry_id = {REDEEMED}"),
            "it has -200 points, but its lot and allocations add up to -201",
        ),
        (
            _raw(
                f"INSERT INTO loyalty_allocation (entry_id, lot_id, points) VALUES ({EXPIRED}, {FIRST_LOT}, 7)"
            ),
            "100 points are used, but the allocations add up to 107",
        ),
        (
            _raw(
                f"DELETE FROM loyalty_entry WHERE id = (SELECT entry_id FROM loyalty_lot WHERE id = {FIRST_LOT})"
            ),
            "its customer, points or date differ from its entry",
        ),
        (
            _raw(f"DELETE FROM loyalty_lot WHERE id = {FIRST_LOT}"),
            "it has 500 points, but its lot and allocations add up to 0",
        ),
        (
            _raw(f"DELETE FROM loyalty_lot WHERE id = {FIRST_LOT}"),
            "its lot and its entry belong to different customers",
        ),
        (
            _raw(f"DELETE FROM loyalty_entry WHERE id = {REDEEMED.replace('MIN', 'MAX')}"),
            "its lot and its entry belong to different customers",
        ),
        (_raw(EXPIRE_AGAIN, TAKE_AGAIN), "30 points are used, but the allocations add up to 60"),
        (_raw(EXPIRE_AGAIN, TAKE_AGAIN), "a second time"),
        (
            _raw(f"UPDATE loyalty_entry SET created_at = '2026-09-02 10:00:00' WHERE id = {EXPIRED}"),
            "had not expired by then",
        ),
        (
            _raw(
                f"UPDATE loyalty_lot SET expires_at = NULL WHERE id = {EXPIRED_LOT}",
                "UPDATE loyalty_entry SET expires_at = NULL WHERE customer_id = :c AND points = 30",
            ),
            "had not expired by then",
        ),
        (
            _raw("UPDATE loyalty_lot SET points = 31 WHERE points = 30 AND customer_id = :c"),
            "differ from its entry",
        ),
        (
            _raw("UPDATE account_entry SET currency = 'EUR' WHERE customer_id = :c AND kind = 'payment'"),
            "-5000 of the account are in EUR, not in the customer's currency",
        ),
        (
            _raw("UPDATE credit_entry SET currency = 'USD' WHERE customer_id = :c"),
            "2500 of the gift-card credit are in USD, not in the customer's currency",
        ),
        (
            _raw("UPDATE account_entry SET currency = 'EUR' WHERE customer_id = :c AND kind = 'reversal'"),
            "it is not the opposite of what it reverses",
        ),
        (
            _raw("UPDATE loyalty_entry SET points = points + 1 WHERE customer_id = :c AND kind = 'reversal'"),
            "it is not the opposite of what it reverses",
        ),
        (
            _raw("UPDATE account_entry SET amount = amount + 1 WHERE customer_id = :c AND kind = 'payment'"),
            "the account balance is 7000, but the entries add up to 7001",
        ),
        (
            _raw("DELETE FROM credit_entry WHERE customer_id = :c"),
            "the gift-card credit is 2500, but the entries add up to 0",
        ),
        (_set(Customer, points=1), "points are 1, but the entries add up to 400"),
        (_set(Customer, points=1), "points are 1, but the unspent lots add up to 400"),
        (_set(LoyaltyLot, unspent=399), "the unspent lots add up to 399"),
        (_set(LoyaltyLot, unspent=399), "101 points are used, but the allocations add up to 100"),
        (_set(LoyaltyLot, expires_at=None), "its customer, points or date differ from its entry"),
        (_stray_entry, "it has 100 points, but its lot and allocations add up to 0"),
        (_set(Customer, account_balance=1), "the account balance is 1, but the entries add up to 7000"),
        (_set(Customer, credit_balance=1), "the gift-card credit is 1, but the entries add up to 2500"),
        (_stray_invoice, "no account entry matches it"),
        (_wrong_reversal, "it is not the opposite of what it reverses"),
        (_set(Address, is_primary=False), "0 of the addresses are primary, not one"),
        (_merged, "who was merged"),
    ],
)
def test_what_is_off_is_named(session: Session, corrupt: Callable[..., None], sentence: str) -> None:
    customer = busy_customer(session)
    corrupt(session, customer)
    session.expire_all()
    found = verify(session)
    assert any(sentence in line for line in found), found


ORDERS = "UPDATE {} WHERE customer_id = :c AND kind = '{}'"
ANOTHER = "order_ref = 'SO-2'"


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        (
            [ORDERS.format("loyalty_entry SET points = -24", "redeemed")],
            "order SO-1: 1 points more were given back than it took",
        ),
        (
            [ORDERS.format(f"loyalty_entry SET {ANOTHER}", "redeemed")],
            "order SO-1: 25 points more were given back than it took",
        ),
        (
            [ORDERS.format(f"loyalty_entry SET {ANOTHER}", "earned")],
            "order SO-1: 10 points more were taken back than it earned",
        ),
        (
            [ORDERS.format("loyalty_entry SET points = 9", "earned")],
            "order SO-1: 1 points more were taken back than it earned",
        ),
        (
            ["UPDATE loyalty_allocation SET points = -61 WHERE points = -25"],
            "SO-1: it gave lot %(lot)s 1 points more than it took from it",
        ),
        (
            [ORDERS.format("credit_entry SET amount = -399", "redeemed")],
            "order SO-1: 1 of the gift-card credit more were given back than it took",
        ),
    ],
)
def test_more_given_or_taken_back_of_an_order_than_it_moved_is_named(
    session: Session, statements: list[str], sentence: str
) -> None:
    customer = customer_with_orders(session)
    assert verify(session) == []
    _raw(*statements)(session, customer)
    session.expire_all()
    found = verify(session)
    lot = session.query(LoyaltyLot.id).filter_by(customer_id=customer.id).scalar()
    assert any(sentence % {"lot": lot} in line for line in found), found


def test_many_of_a_kind_are_counted_and_not_all_listed(session: Session) -> None:
    for _ in range(SHOWN + 5):
        factories.make_customer(session, credit_balance=7)
    found = verify(session)
    assert len(found) == SHOWN + 1
    assert found[-1] == "… and 5 more like the last one."


def test_the_command_exits_with_1_and_names_what_is_off(desk: Desk) -> None:
    command = commands(lambda: desk.engine, lambda: desk.now, None)[0]
    customer = desk.customer(credit_balance=7)
    done = CliRunner().invoke(command)
    assert done.exit_code == 1
    assert "Customer " in done.output
    with desk.look() as session:
        names = verify(session)
    assert names
    assert desk.all(LoyaltyEntry, customer_id=customer) == desk.all(AccountEntry, customer_id=customer) == []
