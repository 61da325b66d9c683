"""Gift-card credit: signed edits, never below zero (rule 2.7)."""

import pytest

from actions.core.base import Invalid, Refused
from actions.ledgers.credit import adjust, reverse
from models.credit import CreditEntry
from tests.actions.desk import Desk


def credit(desk: Desk, customer: int, amount: int, comment: str = "Card found") -> int:
    return desk.do(adjust, customer=customer, amount=amount, comment=comment).record_id


def test_credit_goes_up_and_down_with_a_comment(desk: Desk) -> None:
    customer = desk.customer()
    entry = desk.get(CreditEntry, credit(desk, customer, 2_500))
    credit(desk, customer, -1_000)
    assert (entry.kind, entry.amount, entry.currency, entry.comment) == (
        "adjustment",
        2_500,
        "GBP",
        "Card found",
    )
    assert desk.of(customer).credit_balance == 1_500


def test_credit_never_goes_below_zero(desk: Desk) -> None:
    customer = desk.customer()
    credit(desk, customer, 2_500)
    with pytest.raises(Refused, match=r"£25.00 available, £25.01 requested") as refused:
        credit(desk, customer, -2_501)
    assert refused.value.code == "too_little_credit"
    credit(desk, customer, -2_500)
    assert desk.of(customer).credit_balance == 0


def test_a_reversal_happens_once_and_not_after_the_credit_was_used(desk: Desk) -> None:
    customer = desk.customer()
    entry = credit(desk, customer, 2_500)
    used = credit(desk, customer, -1_000)
    with pytest.raises(Refused):
        desk.do(reverse, entry, reason="Wrong card")
    back = desk.do(reverse, used, reason="Order cancelled")
    desk.do(reverse, entry, reason="Wrong card")
    assert desk.of(customer).credit_balance == 0
    for target in (entry, back.record_id):
        with pytest.raises(Refused):
            desk.do(reverse, target, reason="Again")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": 10**12}, "amount"),
        ({"amount": "5"}, "amount"),
        ({"comment": "ab"}, "comment"),
        ({"customer": -1}, "customer"),
    ],
)
def test_bad_input_is_refused_by_field(desk: Desk, values, field) -> None:
    with pytest.raises(Invalid) as invalid:
        desk.do(adjust, **{"customer": desk.customer(), "amount": 100, "comment": "Card found", **values})
    assert set(invalid.value.errors) == {field}
