"""Many people at one customer at once: no movement is lost, and nothing is spent twice (rules 1.3, 1.7, 2.2, 2.7)."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine

from actions.core.base import Action, Refused
from actions.customers.reassignment import BALANCES
from actions.ledgers import accounts, credit, loyalty, shop_api
from actions.maintenance.verify import verify
from actions.undo.undo import undo
from models.account import AccountEntry
from models.credit import CreditEntry
from models.loyalty import LoyaltyEntry
from models.schema import open_engine
from tests.actions.desk import Desk
from tests.databases import Database
from tests.scale import scaled

PEOPLE = 8
PLENTY = 1_000_000
"""What is there before, so that no change can be refused."""


@pytest.fixture
def engine(database: Database) -> Engine:
    """As many connections as there are people: nobody waits for anything but the customer."""
    return open_engine(database.url)


Moved = tuple[str, int, Callable[[], Any]]
"""Which balance moved by how much, and how it is taken back."""


class Clerk:
    """One of them, at a customer who has plenty: what they have moved, in how many changes."""

    def __init__(self, desk: Desk, customer: int, number: int) -> None:
        self.desk, self.customer, self.chance = desk, customer, random.Random(number)
        self.moved = dict.fromkeys(BALANCES, 0)
        self.changes = 0

    def change(self) -> None:
        """Move some points, money or credit; one in five times take it back."""
        what = self.chance.choice((self.points, self.pay, self.refund, self.invoice, self.credit))
        balance, amount, take_back = what(self.chance.randint(1, 900))
        if self.chance.random() < 0.2:
            take_back()
        else:
            self.moved[balance] += amount

    def points(self, size: int) -> Moved:
        amount = self.chance.choice((size, -size))
        row = self.do(loyalty.adjust, customer=self.customer, points=amount, comment="Voucher")
        return "points", amount, lambda: self.do(loyalty.reverse, row, reason="Mistake")

    def pay(self, size: int) -> Moved:
        row = self.do(accounts.pay, customer=self.customer, amount=size, method="cash")
        return "account_balance", -size, lambda: self.do(accounts.void, row, reason="Mistake")

    def refund(self, size: int) -> Moved:
        row = self.do(accounts.refund, customer=self.customer, amount=size, method="cash")
        return "account_balance", size, lambda: self.do(accounts.void, row, reason="Mistake")

    def invoice(self, size: int) -> Moved:
        row = self.do(accounts.raise_invoice, customer=self.customer, amount=size)
        return "account_balance", size, lambda: self.do(accounts.void_invoice, row, reason="Mistake")

    def credit(self, size: int) -> Moved:
        amount = self.chance.choice((size, -size))
        row = self.do(credit.adjust, customer=self.customer, amount=amount, comment="Card found")
        return "credit_balance", amount, lambda: self.do(credit.reverse, row, reason="Mistake")

    def do(self, action: Action, target: int | None = None, **values: Any) -> int | None:
        self.changes += 1
        return self.desk.do(action, target, **values).record_id


@pytest.mark.slow
@pytest.mark.soak
def test_of_eight_people_making_a_hundred_changes_each_none_is_lost(desk: Desk) -> None:
    each = scaled(100, least=8)
    customer = desk.customer(pay_on_account=True, credit_limit=None)
    desk.do(loyalty.adjust, customer=customer, points=PLENTY, comment="Plenty")
    desk.do(credit.adjust, customer=customer, amount=PLENTY, comment="Plenty")
    before = {"points": PLENTY, "account_balance": 0, "credit_balance": PLENTY}
    clerks = [Clerk(desk, customer, number) for number in range(PEOPLE)]
    gate = Barrier(PEOPLE)

    def work(clerk: Clerk) -> None:
        gate.wait()
        for _change in range(each):
            clerk.change()

    with ThreadPoolExecutor(PEOPLE) as pool:
        list(pool.map(work, clerks))
    now = desk.of(customer)
    moved = {name: getattr(now, name) - before[name] for name in BALANCES}
    assert moved == {name: sum(clerk.moved[name] for clerk in clerks) for name in BALANCES}
    rows = sum(len(desk.all(model)) for model in (LoyaltyEntry, AccountEntry, CreditEntry))
    assert rows == sum(clerk.changes for clerk in clerks) + 2, "each action has its entry"
    with desk.look() as session:
        assert verify(session) == []


@pytest.mark.slow
def test_of_fifty_spends_of_a_hundred_at_once_from_five_hundred_exactly_five_win(desk: Desk) -> None:
    customer = desk.customer()
    desk.do(loyalty.adjust, customer=customer, points=500, comment="Sorry")
    gate = Barrier(50)

    def spend(_who: int) -> str:
        gate.wait()
        try:
            desk.do(loyalty.adjust, customer=customer, points=-100, comment="Voucher")
        except Refused as refused:
            return refused.code
        return "won"

    with ThreadPoolExecutor(50) as pool:
        ends = Counter(pool.map(spend, range(50)))
    assert ends == {"won": 5, "too_few_points": 45}
    assert (desk.of(customer).points, desk.lots(customer)) == (0, [(500, 0)])
    assert len(desk.all(LoyaltyEntry, customer_id=customer)) == 6
    with desk.look() as session:
        assert verify(session) == []


@pytest.mark.slow
@pytest.mark.parametrize("what", ["points", "credit"])
def test_of_many_ways_to_give_an_order_back_at_once_no_more_comes_back_than_it_took(
    desk: Desk, what: str
) -> None:
    customer = desk.customer()
    order = {"customer": customer, "order_ref": "SO-1"}
    if what == "points":
        desk.do(loyalty.adjust, customer=customer, points=500, comment="Sorry")
        taken = desk.do(shop_api.redeem, **order, points=300)
        part, cancel, reverse = shop_api.correct_points, shop_api.cancel_points, loyalty.reverse
    else:
        desk.do(credit.adjust, customer=customer, amount=500, comment="Card found")
        taken = desk.do(shop_api.redeem_credit, **order, amount=300)
        part, cancel, reverse = shop_api.correct_credit, shop_api.cancel_credit, credit.reverse
    size = {"points" if what == "points" else "amount": 100}
    ways: list[Callable[[], Any]] = [
        *[lambda: desk.do(part, **order, **size)] * 5,
        lambda: desk.do(cancel, **order, reason="Cancelled"),
        lambda: desk.do(reverse, taken.record_id, reason="Mistake"),
        lambda: desk.do(undo, taken.changeset_id),
    ]
    gate = Barrier(len(ways))

    def give(way: Callable[[], Any]) -> str:
        gate.wait()
        try:
            way()
        except Refused as refused:
            return refused.code
        return "won"

    with ThreadPoolExecutor(len(ways)) as pool:
        ends = Counter(pool.map(give, ways))
    refusals = {"more_than_taken", "nothing_to_cancel", "already_reversed", "nothing_to_undo"}
    assert 1 <= ends["won"] <= 3
    assert set(ends) <= {"won", *refusals}, ends
    now = desk.of(customer)
    assert (now.points, now.credit_balance) == ((500, 0) if what == "points" else (0, 500))
    with desk.look() as session:
        assert verify(session) == []
