"""Account and gift-card credit against plain models (rule 2)."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from actions import accounts, credit
from actions.base import Action
from models.account import AccountEntry
from models.credit import CreditEntry
from models.customer import Customer
from tests.actions.desk import Desk
from tests.rules.plain import MODEST, Entry, Pair, bound, of

amounts = st.integers(1, 50_000)
people = st.integers(0, 1)


class Account(Pair):
    """Payments, refunds, invoices and voids on accounts whose terms change meanwhile."""

    ledger, cache = AccountEntry, "account_balance"
    given = {"pay_on_account": True, "credit_limit": 60_000}

    def deed(self, customer: int) -> tuple[Action, dict[str, Any]]:
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

    def deed(self, customer: int) -> tuple[Action, dict[str, Any]]:
        return credit.adjust, {"customer": customer, "amount": 5, "comment": "Card found"}

    def reverser(self, entry: Entry) -> Action:
        return credit.reverse

    def why_not(self, entry: Entry) -> str:
        if entry.reverses is not None:
            return "is_reversal"
        if entry.reversed:
            return "already_reversed"
        return "too_little_credit" if self.balance(entry.owner) < entry.amount else ""

    def stays(self, moved: set[Entry]) -> set[Entry]:
        """All of it, where some has been used since."""
        kept = bound(moved, self.entries)
        home = sum(entry.amount for entry in moved - kept)
        return kept if 0 <= home <= self.balance(self.merged[0]) else moved

    @rule(which=people, amount=st.integers(-50_000, 50_000).filter(bool))
    def adjust(self, which: int, amount: int) -> None:
        owner = self.who(which)
        values = {"customer": owner, "amount": amount, "comment": "Card found"}
        if self.balance(owner) + amount < 0:
            self.refused("too_little_credit", credit.adjust, **values)
            return
        done = self.send(credit.adjust, **values)
        self.note(Entry(owner, amount, done.record_id, done.changeset_id))

    @precondition(lambda self: self.balance(self.who(0)))
    @rule()
    def use_it_up(self) -> None:
        self.adjust(0, -self.balance(self.who(0)))


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("machine", [Account, Credit])
def test_money_does_what_the_plain_model_does(desk: Desk, machine: type[Pair]) -> None:
    run_state_machine_as_test(of(desk, machine), settings=MODEST)
