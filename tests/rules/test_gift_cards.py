"""Gift cards against a plain model: whatever is done, a card's money is credited once at most (rules 2.13, 2.14)."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from actions.core.base import Refused
from actions.ledgers import credit, gift_cards
from actions.undo.undo import undo
from models.gift_card import GiftCard
from tests.actions.desk import Desk
from tests.rules.plain import MODEST

CARD = 2_500


class Cards(RuleBasedStateMachine):
    """Gift cards of a few customers: whatever is done, a card's money is credited once at most."""

    desk: Desk

    def __init__(self) -> None:
        super().__init__()
        self.customers = [self.desk.customer() for _ in range(2)]
        self.codes: dict[int, str] = {}
        self.holder: dict[int, tuple[int, int]] = {}
        self.voided: set[int] = set()
        self.changesets: dict[int, int] = {}
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
        self.changesets[card] = done.changeset_id

    @precondition(lambda self: self.holder)
    @rule(data=st.data(), undoing=st.booleans())
    def take_back(self, data: st.DataObject, undoing: bool) -> None:
        card = data.draw(st.sampled_from(sorted(self.holder)))
        customer, entry = self.holder[card]
        back = (undo, self.changesets[card], {}) if undoing else (credit.reverse, entry, {"reason": "Wrong"})
        if self.worth(customer) < CARD:
            with pytest.raises(Refused):
                self.desk.do(back[0], back[1], **back[2])
            return
        self.desk.do(back[0], back[1], **back[2])
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


@pytest.mark.either_database
@pytest.mark.slow
@pytest.mark.soak
def test_cards_do_what_the_plain_model_does(desk: Desk) -> None:
    run_state_machine_as_test(type("CardsHere", (Cards,), {"desk": desk}), settings=MODEST)
