"""Account and gift-card credit against plain models (rule 2)."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from actions.core.base import Action
from actions.ledgers import accounts, credit, shop_api
from models.account import AccountEntry
from models.credit import CreditEntry
from models.customer import Customer
from tests.actions.desk import Desk
from tests.rules.plain import MODEST, Entry, Pair, of, of_one_order

amounts = st.integers(1, 50_000)
people = st.integers(0, 1)
orders = st.sampled_from(["SO-1", "SO-2"])


class Account(Pair):
    """Payments, refunds, invoices and voids on accounts whose terms change in the meantime."""

    ledger, cache = AccountEntry, "account_balance"
    given = {"pay_on_account": True, "credit_limit": 60_000}

    def an_action(self, customer: int) -> tuple[Action, dict[str, Any]]:
        return accounts.pay, {"customer": customer, "amount": 5, "method": "cash"}

    def reverser(self, entry: Entry) -> Action:
        return accounts.void_invoice if entry.kind == "invoice" else accounts.void

    def why_not(self, entry: Entry) -> str:
        if entry.reverses is not None:
            return "is_reversal"
        if not entry.reversed:
            return ""
        return "already_voided" if entry.kind == "invoice" else "already_reversed"

    def terms(self, owner: int, amount: int) -> str:
        """Why somebody may not owe so much more; the terms are what is written on the record."""
        row = self.desk.of(owner)
        over = row.credit_limit is not None and self.balance(owner) + amount > row.credit_limit
        return "credit_limit" if over else ""

    def move(self, code: str, action: Action, owner: int, change: int, kind: str, **values: Any) -> None:
        if code:
            self.refused(code, action, customer=owner, **values)
            return
        done = self.send(action, customer=owner, **values)
        self.note(Entry(owner, change, done.record_id, done.changeset_id, kind=kind))

    @rule(which=people, amount=amounts)
    def pay(self, which: int, amount: int) -> None:
        values = {"amount": amount, "method": "cash", "comment": "Thanks"}
        self.move("", accounts.pay, self.who(which), -amount, "payment", **values)

    @rule(which=people, amount=amounts)
    def refund(self, which: int, amount: int) -> None:
        owner = self.who(which)
        values = {"amount": amount, "method": "cash", "comment": "Sorry"}
        self.move(self.terms(owner, amount), accounts.refund, owner, amount, "refund", **values)

    @rule(which=people, amount=amounts)
    def invoice(self, which: int, amount: int) -> None:
        owner = self.who(which)
        code = self.terms(owner, amount) if self.desk.of(owner).pay_on_account else "pay_on_account_off"
        values = {"amount": amount, "description": "Wine"}
        self.move(code, accounts.raise_invoice, owner, amount, "invoice", **values)

    @rule(which=people, allowed=st.booleans(), limit=st.none() | st.integers(0, 100_000))
    def terms_change(self, which: int, allowed: bool, limit: int | None) -> None:
        self.desk.edit(Customer, self.who(which), pay_on_account=allowed, credit_limit=limit)


class Credit(Pair):
    """Gift-card credit that never goes below zero."""

    ledger, cache = CreditEntry, "credit_balance"

    def an_action(self, customer: int) -> tuple[Action, dict[str, Any]]:
        return credit.adjust, {"customer": customer, "amount": 5, "comment": "Card found"}

    def reverser(self, entry: Entry) -> Action:
        return credit.reverse

    def left(self, owner: int, order: str) -> int:
        """What an order took and has not given back."""
        return -sum(entry.amount for entry in self.of_order(owner, order, "redeemed", "corrected"))

    def why_not(self, entry: Entry) -> str:
        if entry.reverses is not None:
            return "is_reversal"
        if entry.reversed:
            return "already_reversed"
        if entry.order and entry.amount < 0 and self.left(entry.owner, entry.order) < -entry.amount:
            return "more_than_taken"
        return "too_little_credit" if self.balance(entry.owner) < entry.amount else ""

    def follows(self, entry: Entry) -> bool:
        return entry.kind in ("reversal", "corrected", "handed")

    def pairs(self, moved: set[Entry]) -> list[tuple[Entry, Entry]]:
        """A correction hangs together with all that its order moved, of whichever record."""
        theirs = {entry for entry in self.entries if entry.owner == self.merged[0]}
        return super().pairs(moved) + of_one_order(theirs - moved, self.entries, self.before_merge)

    def parted(self, moved: set[Entry]) -> tuple[set[Entry], set[Entry]]:
        """All of it stays, where too much has been used since."""
        going, kept = super().parted(moved)
        home = sum(entry.amount for entry in going)
        return (going, kept) if 0 <= home <= self.balance(self.merged[0]) else (set(), going | kept)

    def rest(self, kept: set[Entry], survivor: int, gone: int, changeset: int | None) -> bool:
        orders = {entry.order for entry in kept}
        sums = {order: sum(e.amount for e in kept if e.order == order) for order in orders}
        total = sum(amount if not order else min(amount, 0) for order, amount in sums.items())
        left = min(total, self.balance(survivor))
        if total > 0 and left:
            self.note(Entry(survivor, -left, kind="handed"))
            self.note(Entry(gone, left, kind="handed"))
        return total > max(left, 0)

    @rule(which=people, amount=st.integers(-50_000, 50_000).filter(bool))
    def adjust(self, which: int, amount: int) -> None:
        owner = self.who(which)
        values = {"customer": owner, "amount": amount, "comment": "Card found"}
        if self.balance(owner) + amount < 0:
            self.refused("too_little_credit", credit.adjust, **values)
            return
        done = self.send(credit.adjust, **values)
        self.note(Entry(owner, amount, done.record_id, done.changeset_id))

    def moved(self, code: str, hook: Action, owner: int, change: int, kind: str, **values: Any) -> None:
        """Do what a shop reports of an order, or see it refused."""
        if code:
            self.refused(code, hook, customer=owner, **values)
            return
        done = self.send(hook, customer=owner, **values)
        entry = Entry(owner, change, done.record_id, done.changeset_id, kind=kind, order=values["order_ref"])
        self.note(entry)

    @rule(which=people, part=st.integers(1, 120), order=orders)
    def an_order_takes_some(self, which: int, part: int, order: str) -> None:
        owner = self.who(which)
        amount = max(1, self.balance(owner) * part // 100)
        code = "too_little_credit" if amount > self.balance(owner) else ""
        values = {"amount": amount, "order_ref": order, "comment": "Order"}
        self.moved(code, shop_api.redeem_credit, owner, -amount, "redeemed", **values)

    @rule(which=people, part=st.integers(-20, 120).filter(bool), order=orders)
    def a_part_of_an_order_goes_back(self, which: int, part: int, order: str) -> None:
        owner = self.who(which)
        left = self.left(owner, order)
        change = (left * part // 100 or 1) if part > 0 else -1
        code = "more_than_taken" if change > left and change > 0 else ""
        code = "too_little_credit" if self.balance(owner) + change < 0 else code
        values = {"amount": change, "order_ref": order, "comment": "Came back"}
        self.moved(code, shop_api.correct_credit, owner, change, "corrected", **values)

    @rule(which=people, order=orders)
    def an_order_is_cancelled(self, which: int, order: str) -> None:
        owner = self.who(which)
        left = self.left(owner, order)
        values = {"customer": owner, "order_ref": order, "reason": "Cancelled"}
        if not left:
            self.refused("nothing_to_cancel", shop_api.cancel_credit, **values)
            return
        mine = self.of_order(owner, order, "redeemed", "corrected")
        self.send(shop_api.cancel_credit, **values)
        if any(entry.kind == "corrected" for entry in mine):
            self.note(Entry(owner, left, kind="corrected", order=order))
            return
        for entry in reversed(mine):
            self.take_back(entry, None, None)

    @precondition(lambda self: self.balance(self.who(0)))
    @rule()
    def use_it_up(self) -> None:
        self.adjust(0, -self.balance(self.who(0)))


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("machine", [Account, Credit])
def test_money_does_what_the_plain_model_does(desk: Desk, machine: type[Pair]) -> None:
    run_state_machine_as_test(of(desk, machine), settings=MODEST)
