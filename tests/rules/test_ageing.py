"""How late what is owed is, against a plain model that settles invoice by invoice (rule 2.9)."""

import datetime as dt
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from actions.ledgers.ageing import Ageing, ageing
from models.account import AccountEntry
from models.customer import Customer
from models.dialect import WRITE
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import put_together, take_back
from tests.scale import scaled

TODAY = factories.TODAY
MODEST = settings(
    max_examples=scaled(2_000, least=20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@dataclass(frozen=True)
class Move:
    """An invoice, payment or refund ``ago`` days ago; an invoice is due ``terms`` days later."""

    kind: str
    amount: int
    ago: int
    terms: int
    voided: bool

    @property
    def day(self) -> dt.date:
        return TODAY - dt.timedelta(days=self.ago)

    @property
    def voided_on(self) -> dt.date:
        """The day a void counts from: today, but not before what it takes back (rule 2.4)."""
        return max(TODAY, self.day)

    @property
    def due(self) -> dt.date:
        return self.day + dt.timedelta(days=self.terms if self.kind == "invoice" else 0)


moves = st.lists(
    st.builds(
        Move,
        kind=st.sampled_from(["invoice", "invoice", "payment", "refund"]),
        amount=st.integers(1, 300),
        ago=st.integers(-5, 130),
        terms=st.sampled_from([0, 14, 30, 60]),
        voided=st.sampled_from([False, False, False, True]),
    ),
    max_size=12,
)


def plain(history: list[Move]) -> Ageing:
    """Give refunds out of the payments, then settle the oldest invoice first, then sort what is left by its date."""
    live = sorted((move for move in history if not move.voided), key=lambda move: move.day)
    money = sum(move.amount for move in live if move.kind == "payment")
    buckets = dict.fromkeys(("current", "days_30", "days_60", "days_90", "older"), 0)
    for kind in ("refund", "invoice"):
        for move in live:
            if move.kind == kind:
                settled = min(money, move.amount)
                money -= settled
                buckets[bucket((TODAY - move.due).days)] += move.amount - settled
    return Ageing(**buckets, credit=money)


def bucket(late: int) -> str:
    """Say in which bucket something is that is so many days late."""
    if late <= 0:
        return "current"
    return next(
        (name for name, most in (("days_30", 30), ("days_60", 60), ("days_90", 90)) if late <= most), "older"
    )


def write(session: Session, customer: Customer, history: list[Move], currency: str) -> None:
    """Put a history into the ledger, voids and all, and keep the cached balance."""
    for move in history:
        owned = {"customer": customer, "customer_id": customer.id, "currency": currency}
        billed = move.kind == "invoice"
        days = {"issued_on": move.day, "due_on": move.due}
        invoice = factories.make_invoice(session, amount=move.amount, **days, **owned) if billed else None
        amount = -move.amount if move.kind == "payment" else move.amount
        more = {"invoice": invoice, "value_date": move.day, **owned}
        entry = factories.make_account_entry(session, kind=move.kind, amount=amount, **more)
        if move.voided:
            back = {**more, "value_date": move.voided_on, "reverses": entry}
            factories.make_account_entry(session, kind="reversal", amount=-amount, **back)
    total = select(func.coalesce(func.sum(AccountEntry.amount), 0)).filter_by(customer_id=customer.id)
    session.flush()
    session.execute(
        update(Customer).where(Customer.id == customer.id).values(account_balance=total.scalar_subquery())
    )


def settled(history: list[Move]) -> list[Move]:
    """Bring a history to zero, after which an account may change its currency."""
    owed = plain(history)
    balance = owed.total - owed.credit
    return (
        history
        if not balance
        else [*history, Move("payment" if balance > 0 else "refund", abs(balance), 3, 0, False)]
    )


@pytest.mark.either_database
@pytest.mark.soak
@MODEST
@given(history=moves, before=moves)
def test_ageing_is_what_settling_invoice_by_invoice_leaves(
    desk: Desk, history: list[Move], before: list[Move]
) -> None:
    with Session(desk.engine) as session:
        customer = factories.make_customer(session)
        session.flush()
        write(session, customer, settled(before), "EUR")
        write(session, customer, history, "GBP")
        found = ageing(session, [customer.id], TODAY)[customer.id]
        balance = session.scalar(select(Customer.account_balance).filter_by(id=customer.id))
        session.rollback()
    assert found == plain(history)
    assert found.total - found.credit == balance


@pytest.mark.either_database
@pytest.mark.soak
@settings(MODEST, max_examples=scaled(300, least=6))
@given(one=moves, other=moves)
def test_a_merge_settles_both_accounts_as_one_and_its_undo_each_by_itself(
    desk: Desk, one: list[Move], other: list[Move]
) -> None:
    with Session(desk.engine.execution_options(**{WRITE: True})) as session, session.begin():
        ids = []
        for history in (one, other):
            customer = factories.make_customer(session)
            session.flush()
            write(session, customer, history, "GBP")
            ids.append(customer.id)
    merged = put_together(desk, *ids)
    with desk.look() as session:
        assert ageing(session, ids, TODAY)[ids[0]] == plain([*one, *other])
    take_back(desk, merged)
    with desk.look() as session:
        found = ageing(session, ids, TODAY)
    assert [found[customer] for customer in ids] == [plain(one), plain(other)]
