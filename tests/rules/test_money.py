"""Account and gift-card credit against plain models (rule 2)."""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from actions import accounts, credit, gift_cards
from actions.base import Refused
from actions.ledger import running_balance
from actions.undo import undo
from models.account import AccountEntry
from models.credit import CreditEntry
from models.customer import Customer
from models.gift_card import GiftCard
from tests.actions.desk import Desk
from tests.scale import scaled

MODEST = settings(
    max_examples=scaled(400, least=15),
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
amounts = st.integers(1, 50_000)
CARD = 2_500


@dataclass
class Book:
    """A list of signed amounts, what may be taken back, and what was."""

    rows: list[int] = field(default_factory=list)
    open: dict[int, int] = field(default_factory=dict)
    taken_back: set[int] = field(default_factory=set)

    def add(self, entry: int, amount: int) -> None:
        self.rows.append(amount)
        self.open[entry] = amount

    @property
    def balance(self) -> int:
        return sum(self.rows)


class Account(RuleBasedStateMachine):
    """Payments, refunds, invoices and voids on one account whose terms change meanwhile."""

    desk: Desk

    def __init__(self) -> None:
        super().__init__()
        self.customer = self.desk.customer(pay_on_account=True, credit_limit=60_000)
        self.allowed = True
        self.limit: int | None = 60_000
        self.moves, self.invoices = Book(), Book()

    @property
    def balance(self) -> int:
        return self.moves.balance + self.invoices.balance

    def fits(self, amount: int) -> bool:
        return self.limit is None or self.balance + amount <= self.limit

    @rule(amount=amounts)
    def pay(self, amount: int) -> None:
        done = self.desk.do(accounts.pay, customer=self.customer, amount=amount, method="cash")
        self.moves.add(done.record_id, -amount)

    @rule(amount=amounts)
    def refund(self, amount: int) -> None:
        values = {"customer": self.customer, "amount": amount, "method": "cash"}
        if not self.fits(amount):
            with pytest.raises(Refused) as refused:
                self.desk.do(accounts.refund, **values)
            assert refused.value.code == "credit_limit"
            return
        self.moves.add(self.desk.do(accounts.refund, **values).record_id, amount)

    @rule(amount=amounts)
    def invoice(self, amount: int) -> None:
        values = {"customer": self.customer, "amount": amount}
        if not self.allowed or not self.fits(amount):
            with pytest.raises(Refused) as refused:
                self.desk.do(accounts.raise_invoice, **values)
            assert refused.value.code == ("credit_limit" if self.allowed else "pay_on_account_off")
            return
        self.invoices.add(self.desk.do(accounts.raise_invoice, **values).record_id, amount)

    def take_back(self, book: Book, action, data: st.DataObject) -> None:
        target = data.draw(st.sampled_from(sorted(book.open)))
        if target in book.taken_back:
            with pytest.raises(Refused):
                self.desk.do(action, target, reason="Again")
            return
        self.desk.do(action, target, reason="Wrong")
        book.taken_back.add(target)
        book.rows.append(-book.open[target])

    @precondition(lambda self: self.moves.open)
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        self.take_back(self.moves, accounts.void, data)

    @precondition(lambda self: self.invoices.open)
    @rule(data=st.data())
    def void_invoice(self, data: st.DataObject) -> None:
        self.take_back(self.invoices, accounts.void_invoice, data)

    @rule(allowed=st.booleans(), limit=st.none() | st.integers(0, 100_000))
    def terms_change(self, allowed: bool, limit: int | None) -> None:
        self.desk.edit(Customer, self.customer, pay_on_account=allowed, credit_limit=limit)
        self.allowed, self.limit = allowed, limit

    @invariant()
    def the_database_says_the_same(self) -> None:
        assert self.desk.of(self.customer).account_balance == self.balance
        rows = self.desk.all(AccountEntry, customer_id=self.customer)
        assert sorted(row.amount for row in rows) == sorted(self.moves.rows + self.invoices.rows)

    @invariant()
    def the_running_balance_is_the_prefix_sum(self) -> None:
        with self.desk.look() as session:
            query = select(AccountEntry.amount, running_balance(AccountEntry)).filter_by(
                customer_id=self.customer
            )
            total = 0
            for amount, running in session.execute(query.order_by(AccountEntry.created_at, AccountEntry.id)):
                total += amount
                assert running == total


class Credit(RuleBasedStateMachine):
    """Gift-card credit that never goes below zero."""

    desk: Desk

    def __init__(self) -> None:
        super().__init__()
        self.customer = self.desk.customer()
        self.book = Book()

    @rule(amount=st.integers(-50_000, 50_000).filter(bool))
    def adjust(self, amount: int) -> None:
        values = {"customer": self.customer, "amount": amount, "comment": "Card found"}
        if self.book.balance + amount < 0:
            with pytest.raises(Refused) as refused:
                self.desk.do(credit.adjust, **values)
            assert refused.value.code == "too_little_credit"
            return
        self.book.add(self.desk.do(credit.adjust, **values).record_id, amount)

    @precondition(lambda self: self.book.open)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(sorted(self.book.open)))
        amount = self.book.open[entry]
        if entry in self.book.taken_back or self.book.balance - amount < 0:
            with pytest.raises(Refused):
                self.desk.do(credit.reverse, entry, reason="Wrong")
            return
        self.desk.do(credit.reverse, entry, reason="Wrong")
        self.book.taken_back.add(entry)
        self.book.rows.append(-amount)

    @invariant()
    def the_database_says_the_same(self) -> None:
        assert self.desk.of(self.customer).credit_balance == self.book.balance >= 0
        rows = self.desk.all(CreditEntry, customer_id=self.customer)
        assert [row.amount for row in rows] == self.book.rows


class Cards(RuleBasedStateMachine):
    """Gift cards of a few customers: whatever is done, a card's money is credited once at most."""

    desk: Desk

    def __init__(self) -> None:
        super().__init__()
        self.customers = [self.desk.customer() for _ in range(2)]
        self.codes: dict[int, str] = {}
        self.holder: dict[int, tuple[int, int]] = {}
        self.voided: set[int] = set()
        self.deeds: dict[int, int] = {}
        self.spent = dict.fromkeys(self.customers, 0)

    def worth(self, customer: int) -> int:
        return CARD * sum(who == customer for who, _entry in self.holder.values()) - self.spent[customer]

    @precondition(lambda self: len(self.codes) < 3)
    @rule()
    def issue(self) -> None:
        done = self.desk.do(gift_cards.issue, amount=CARD)
        self.codes[done.record_id] = done.secret

    @precondition(lambda self: self.codes)
    @rule(data=st.data(), who=st.integers(0, 1))
    def redeem(self, data: st.DataObject, who: int) -> None:
        card, customer = data.draw(st.sampled_from(sorted(self.codes))), self.customers[who]
        values = {"customer": customer, "code": self.codes[card]}
        if card in self.holder or card in self.voided:
            with pytest.raises(Refused):
                self.desk.do(gift_cards.redeem_code, **values)
            return
        done = self.desk.do(gift_cards.redeem_code, **values)
        self.holder[card] = (customer, done.record_id)
        self.deeds[card] = done.changeset_id

    @precondition(lambda self: self.holder)
    @rule(data=st.data(), undoing=st.booleans())
    def take_back(self, data: st.DataObject, undoing: bool) -> None:
        card = data.draw(st.sampled_from(sorted(self.holder)))
        customer, entry = self.holder[card]
        deed = (undo, self.deeds[card], {}) if undoing else (credit.reverse, entry, {"reason": "Wrong"})
        if self.worth(customer) < CARD:
            with pytest.raises(Refused):
                self.desk.do(deed[0], deed[1], **deed[2])
            return
        self.desk.do(deed[0], deed[1], **deed[2])
        del self.holder[card]

    @rule(who=st.integers(0, 1), amount=st.integers(1, CARD))
    def spend(self, who: int, amount: int) -> None:
        customer = self.customers[who]
        if self.worth(customer) < amount:
            return
        self.desk.do(credit.adjust, customer=customer, amount=-amount, comment="Bought wine")
        self.spent[customer] += amount

    @precondition(lambda self: self.codes)
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        card = data.draw(st.sampled_from(sorted(self.codes)))
        if card in self.holder or card in self.voided:
            with pytest.raises(Refused):
                self.desk.do(gift_cards.void, card, reason="Lost")
            return
        self.desk.do(gift_cards.void, card, reason="Lost")
        self.voided.add(card)

    @invariant()
    def the_database_says_the_same(self) -> None:
        for customer in self.customers:
            assert self.desk.of(customer).credit_balance == self.worth(customer) >= 0
        for card in self.codes:
            _who, entry = self.holder.get(card, (0, None))
            assert self.desk.get(GiftCard, card).redeemed_entry_id == entry


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("machine", [Account, Credit, Cards])
def test_money_does_what_the_plain_model_does(desk: Desk, machine: type[RuleBasedStateMachine]) -> None:
    run_state_machine_as_test(type(f"{machine.__name__}Here", (machine,), {"desk": desk}), settings=MODEST)
