"""Orders that go to and fro: whatever was earned, spent and invoiced, all balances add up (rules 3.31 to 3.36)."""

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.core.base import Invalid, Refused
from actions.ledgers import accounts, loyalty, shop_api
from actions.ledgers.credit import adjust as adjust_credit
from actions.merging.order_move import move
from actions.undo.undo import undo
from models.account import Invoice
from models.loyalty import LoyaltyLot
from models.order import Order
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import trouble
from tests.scale import scaled

WAYS = ("earn", "earn", "goodwill", "correct", "spend", "redeem", "credit", "use", "back", "invoice", "void", "pay",
        "later", "move", "move", "move", "undo", "undo")  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from(WAYS), st.integers(0, 2), st.integers(0, 1), st.integers(1, 60)),
    min_size=4,
    max_size=18,
)
ORDERLY = settings(
    max_examples=scaled(400, least=8),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
Figures = tuple[int, int, int]


class Street:
    """Three customers and two orders, which earn, use, are invoiced and go to and fro."""

    def __init__(self, desk: Desk) -> None:
        desk.now = factories.NOW
        self.desk = desk
        self.people = [desk.customer(pay_on_account=n < 2) for n in range(3)]
        self.orders = [desk.make(factories.make_order, customer_id=self.people[0]) for _n in range(2)]
        self.numbers = [desk.get(Order, order).number for order in self.orders]
        self.moves: list[int] = []

    def owner(self, which: int) -> int:
        return self.desk.get(Order, self.orders[which]).customer_id

    def figures(self) -> Figures:
        rows = [self.desk.of(person) for person in self.people]
        return (
            sum(row.points for row in rows),
            sum(row.account_balance for row in rows),
            sum(row.credit_balance for row in rows),
        )

    def spendable(self) -> Counter[object]:
        """How many points end when, whoever has them."""
        found: Counter[object] = Counter()
        for person in self.people:
            for lot in self.desk.all(LoyaltyLot, customer_id=person):
                if lot.expires_at is None or lot.expires_at > self.desk.now:
                    found[lot.expires_at] += lot.unspent
        return +found

    def owed(self) -> int:
        """What stands of all invoices."""
        with self.desk.look() as session:
            mine = session.query(Invoice).filter(Invoice.customer_id.in_(self.people), ~Invoice.voided)
            return sum(invoice.amount for invoice in mine)

    def happen(self, way: str, who: int, which: int, size: int) -> None:
        """Do one thing; what the rules refuse does not happen. A move changes whose it is, and nothing else."""
        before = self.spendable(), self.owed(), self.figures()[1:]
        with suppress(Refused, Invalid):
            getattr(self, way)(who, which, size)
        if way in ("move", "undo"):
            assert (self.spendable(), self.owed(), self.figures()[1:]) == before
        assert trouble(self.desk, *self.people) == []

    def of(self, which: int) -> dict[str, object]:
        return {"customer": self.owner(which), "order_ref": self.numbers[which]}

    def earn(self, who: int, which: int, size: int) -> None:
        days = (None, 5, 30)[size % 3]
        self.desk.do(shop_api.earn, **self.of(which), points=size, expires_after_days=days)

    def goodwill(self, who: int, which: int, size: int) -> None:
        self.desk.do(
            loyalty.adjust, **self.of(which), points=size, comment="Bought as a guest", expires_after_days=30
        )

    def correct(self, who: int, which: int, size: int) -> None:
        self.desk.do(shop_api.correct_points, **self.of(which), points=-size)

    def spend(self, who: int, which: int, size: int) -> None:
        self.desk.do(loyalty.adjust, customer=self.people[who], points=-size, comment="Voucher")

    def redeem(self, who: int, which: int, size: int) -> None:
        self.desk.do(shop_api.redeem, **self.of(which), points=size)

    def credit(self, who: int, which: int, size: int) -> None:
        self.desk.do(adjust_credit, customer=self.people[who], amount=size, comment="Card")

    def use(self, who: int, which: int, size: int) -> None:
        self.desk.do(shop_api.redeem_credit, **self.of(which), amount=size)

    def back(self, who: int, which: int, size: int) -> None:
        cancel = shop_api.cancel_points if size % 2 else shop_api.cancel_credit
        self.desk.do(cancel, **self.of(which), reason="Cancelled")

    def invoice(self, who: int, which: int, size: int) -> None:
        self.desk.do(shop_api.record_invoice, **self.of(which), amount=size)

    def void(self, who: int, which: int, size: int) -> None:
        there = self.desk.all(Invoice, customer_id=self.owner(which), order_ref=self.numbers[which])
        for invoice in there[-1:]:
            self.desk.do(accounts.void_invoice, invoice.id, reason="Mistake")

    def pay(self, who: int, which: int, size: int) -> None:
        self.desk.do(accounts.pay, customer=self.people[who], amount=size, method="cash")

    def later(self, who: int, which: int, size: int) -> None:
        self.desk.later(days=size % 8)

    def move(self, who: int, which: int, size: int) -> None:
        done = self.desk.do(move, self.orders[which], customer=self.people[who], reason="Whose it is")
        assert done.changeset_id is not None
        assert self.owner(which) == self.people[who]
        self.moves.append(done.changeset_id)

    def undo(self, who: int, which: int, size: int) -> None:
        if self.moves:
            self.desk.do(undo, self.moves[-1 - size % len(self.moves)])


@pytest.mark.either_database
@pytest.mark.soak
@ORDERLY
@given(steps=STEPS)
def test_orders_that_go_to_and_fro_lose_and_make_nothing(
    desk: Desk, steps: list[tuple[str, int, int, int]]
) -> None:
    street = Street(desk)
    for step in steps:
        street.happen(*step)


@pytest.mark.either_database
@pytest.mark.soak
@ORDERLY
@given(points=st.lists(st.tuples(st.integers(1, 500), st.sampled_from([None, 5, 30])), max_size=3),
       bill=st.integers(0, 900), paid=st.integers(0, 900), away=st.integers(0, 40))  # fmt: skip
def test_a_move_undone_leaves_everybody_with_what_they_had(
    desk: Desk, points: list[tuple[int, int | None]], bill: int, paid: int, away: int
) -> None:
    street = Street(desk)
    for size, days in points:
        desk.do(shop_api.earn, **street.of(0), points=size, expires_after_days=days)
    if bill:
        desk.do(shop_api.record_invoice, **street.of(0), amount=bill)
    if paid:
        desk.do(accounts.pay, customer=street.people[0], amount=paid, method="cash")
    desk.later(days=away)

    def had() -> list[object]:
        rows = [desk.of(person) for person in street.people]
        with desk.look() as session:
            points = [loyalty.available(session, row.id, desk.now) for row in rows]
        return [street.owner(0), points, [(row.account_balance, row.credit_balance) for row in rows]]

    before, ends = had(), street.spendable()
    street.move(1, 0, 0)
    desk.do(undo, street.moves[-1])
    assert had() == before
    assert street.spendable() == ends
    assert trouble(desk, *street.people) == []
