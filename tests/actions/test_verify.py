"""``flask verify`` finds every kind of wrong figure, and nothing where nothing is wrong (rule 1.3)."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import update
from sqlalchemy.orm import Session

from actions import accounts, credit, loyalty
from actions.base import Actor, Context
from actions.cli import commands
from actions.journal import Journal
from actions.verify import SHOWN, verify
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
    session.flush()
    return customer


def test_all_is_well_after_every_kind_of_deed(session: Session) -> None:
    busy_customer(session)
    factories.make_customer(session)
    assert verify(session) == []


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


@pytest.mark.parametrize(
    ("corrupt", "sentence"),
    [
        (_set(Customer, points=1), "points are 1, the entries add up to 400"),
        (_set(Customer, points=1), "points are 1, the unspent lots add up to 400"),
        (_set(LoyaltyLot, unspent=399), "the unspent lots add up to 399"),
        (_set(LoyaltyLot, unspent=399), "101 points are gone, the allocations add up to 100"),
        (_set(LoyaltyLot, expires_at=None), "its customer or date is not that of its entry"),
        (_stray_entry, "it has 100 points, its lot and allocations make 0"),
        (_set(Customer, account_balance=1), "the account balance is 1, the entries add up to 7000"),
        (_set(Customer, credit_balance=1), "the gift-card credit is 1, the entries add up to 2500"),
        (_stray_invoice, "no account entry says the same"),
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
