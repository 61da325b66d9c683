"""Gift cards: a code is credited once, wrong ones are counted, and none is kept anywhere (rules 2.13 to 2.15)."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from actions.core.base import Actor, Invalid, Outcome, Refused
from actions.execution.code_attempts import TOO_MANY
from actions.execution.runner import dry_run, perform
from actions.ledgers import credit, gift_cards
from actions.maintenance.verify import checks
from actions.undo.undo import undo
from models.base import metadata
from models.codes import digest
from models.credit import CreditEntry
from models.gift_card import CardState, GiftCard
from tests import factories
from tests.actions.desk import Desk


def issue(desk: Desk, amount: int = 2_500, **values: Any) -> tuple[int, str]:
    """A new card and its code."""
    done = desk.do(gift_cards.issue, amount=amount, **values)
    assert done.record_id is not None
    return done.record_id, done.secret


def redeem(desk: Desk, customer: Any, code: str, **values: Any) -> Outcome:
    return desk.do(gift_cards.redeem_code, customer=customer, code=code, **values)


def colleague(desk: Desk) -> Desk:
    """Somebody else at the same database, who has made no mistakes yet."""
    return Desk(desk.engine)


def balance(desk: Desk, customer: int) -> int:
    return desk.of(customer).credit_balance


def test_a_card_is_credited_once_however_its_code_is_typed(desk: Desk) -> None:
    customer, other = desk.customer(), desk.customer()
    card, code = issue(desk)
    assert len(code) == 19
    done = redeem(desk, customer, f" {code.lower().replace('-', ' ')} ")
    assert balance(desk, customer) == 2_500
    entry = desk.get(CreditEntry, done.record_id)
    assert (entry.kind, entry.code_last4) == ("gift_card", code[-4:])
    assert desk.get(GiftCard, card).redeemed_entry_id == entry.id
    for again in (customer, other):
        with pytest.raises(Refused) as refused:
            redeem(desk, again, code)
        assert refused.value.code == "card_redeemed"


def test_a_printed_code_is_taken_as_it_is(desk: Desk) -> None:
    printed = f"1234-{factories.number():012d}"
    _card, told = issue(desk, code=printed)
    assert told == "", "whoever gave it knows it"
    with pytest.raises(Invalid) as invalid:
        issue(desk, code=printed.replace("-", ""))
    assert set(invalid.value.errors) == {"code"}
    customer = desk.customer()
    redeem(desk, customer, printed.replace("-", " "))
    assert balance(desk, customer) == 2_500


def test_what_will_not_do_says_why(desk: Desk) -> None:
    customer = desk.customer()
    voided, code_voided = issue(desk)
    desk.do(gift_cards.void, voided, reason="Lost in the post")
    _over, code_over = issue(desk, expires_on=factories.TODAY)
    _foreign, code_foreign = issue(desk, currency="EUR")
    later = Desk(desk.engine)
    later.later(days=1)
    for where, code, why in (
        (desk, code_voided, "card_voided"),
        (later, code_over, "card_expired"),
        (desk, code_foreign, "card_currency"),
    ):
        with pytest.raises(Refused) as refused:
            redeem(where, customer, code)
        assert refused.value.code == why
    assert balance(desk, customer) == 0
    redeem(desk, customer, code_over)  # on its last day it is good


def test_a_voided_or_redeemed_card_is_not_voided(desk: Desk) -> None:
    card, code = issue(desk)
    redeem(desk, desk.customer(), code)
    with pytest.raises(Refused) as refused:
        desk.do(gift_cards.void, card, reason="Lost")
    assert refused.value.code == "card_redeemed"
    second, _code = issue(desk)
    done = desk.do(gift_cards.void, second, reason="Lost")
    with pytest.raises(Refused):
        desk.do(gift_cards.void, second, reason="Lost")
    desk.do(undo, done.changeset_id)
    assert desk.get(GiftCard, second).state == CardState.OPEN


def take_back(desk: Desk, done: Outcome, way: str) -> None:
    """Take a redemption back, by its entry or by an undo."""
    if way == "undo":
        desk.do(undo, done.changeset_id)
    else:
        desk.do(credit.reverse, done.record_id, reason="Wrong customer")


@pytest.mark.parametrize("way", ["reverse", "undo"])
def test_a_redemption_taken_back_opens_the_card_again(desk: Desk, way: str) -> None:
    customer, other = desk.customer(), desk.customer()
    card, code = issue(desk)
    done = redeem(desk, customer, code)
    take_back(desk, done, way)
    assert (balance(desk, customer), desk.get(GiftCard, card).state) == (0, CardState.OPEN)
    redeem(desk, other, code)
    assert balance(desk, other) == 2_500


@pytest.mark.parametrize("way", ["reverse", "undo"])
def test_a_card_whose_credit_was_used_stays_redeemed(desk: Desk, way: str) -> None:
    customer = desk.customer()
    card, code = issue(desk)
    done = redeem(desk, customer, code)
    desk.do(credit.adjust, customer=customer, amount=-1, comment="Used")
    with pytest.raises(Refused):
        take_back(desk, done, way)
    assert desk.get(GiftCard, card).redeemed_entry_id == done.record_id


def test_a_redemption_taken_back_is_not_brought_back_by_an_undo(desk: Desk) -> None:
    customer = desk.customer()
    card, code = issue(desk)
    back = desk.do(credit.reverse, redeem(desk, customer, code).record_id, reason="Wrong customer")
    with pytest.raises(Refused):
        desk.do(undo, back.changeset_id)
    assert (balance(desk, customer), desk.get(GiftCard, card).state) == (0, CardState.OPEN)


def test_bad_input_names_its_field(desk: Desk) -> None:
    yesterday = factories.TODAY - dt.timedelta(days=1)
    bad: tuple[tuple[dict[str, Any], str], ...] = (
        ({"amount": 0}, "amount"),
        ({"currency": "DEM"}, "currency"),
        ({"code": "1234567"}, "code"),
        ({"code": "ÉÉÉÉÉÉÉÉ"}, "code"),
        ({"code": "x" * 33}, "code"),
        ({"expires_on": yesterday}, "expires_on"),
    )
    for values, field in bad:
        with pytest.raises(Invalid) as invalid:
            desk.do(gift_cards.issue, **{"amount": 100} | values)
        assert set(invalid.value.errors) == {field}, values


def test_of_two_at_once_one_redeems_it(desk: Desk) -> None:
    customers = [desk.customer() for _ in range(4)]
    card, code = issue(desk)

    def attempt(customer: int) -> str:
        try:
            redeem(desk, customer, code)
        except Refused as refused:
            return refused.code
        return "done"

    with ThreadPoolExecutor(len(customers)) as pool:
        found = sorted(pool.map(attempt, customers))
    assert found == ["card_redeemed"] * 3 + ["done"]
    assert sum(balance(desk, customer) for customer in customers) == 2_500
    assert desk.get(GiftCard, card).redeemed_entry_id is not None


# -- guessing -------------------------------------------------------------------------------------------------------


def test_who_tries_too_many_wrong_codes_waits_and_others_do_not(desk: Desk) -> None:
    customer = desk.customer()
    _card, code = issue(desk)
    for number in range(20):
        with pytest.raises(Invalid) as invalid:
            redeem(desk, customer, f"WRONG-CODE-{number:04d}")
        assert set(invalid.value.errors) == {"code"}
    for tried in (code, "WRONG-CODE-9999"):
        with pytest.raises(Refused) as refused:
            redeem(desk, customer, tried)
        assert (refused.value.code, refused.value.status) == (TOO_MANY[0], 429), "right or wrong, alike"
    assert balance(desk, customer) == 0
    with pytest.raises(Refused):
        issue(desk, code=code)
    desk.later(minutes=16)
    redeem(desk, customer, code)
    assert balance(desk, customer) == 2_500


def test_previews_count_and_right_codes_do_not(desk: Desk) -> None:
    customer = desk.customer()
    for _ in range(22):
        _card, code = issue(desk)
        redeem(desk, customer, code)
    for number in range(20):
        wrong = {"customer": customer, "code": f"WRONG-CODE-{number:04d}"}
        assert set(dry_run(desk.engine, gift_cards.redeem_code, desk.call(), **wrong).errors) == {"code"}
    found = dry_run(
        desk.engine, gift_cards.redeem_code, desk.call(), customer=customer, code="WRONG-CODE-9999"
    )
    assert [blocker.code for blocker in found.blockers] == [TOO_MANY[0]]
    redeem(colleague(desk), customer, issue(colleague(desk))[1])


def test_no_code_is_kept_anywhere(desk: Desk) -> None:
    customer = desk.customer()
    code = f"KEPT-NOWHERE-{factories.number():04d}"
    issue(desk, code=code, amount=700)
    desk.do(gift_cards.redeem_code, key=f"redeem-{code[-4:]}", customer=customer, code=code)
    again = desk.do(gift_cards.redeem_code, key=f"redeem-{code[-4:]}", customer=customer, code=code.lower())
    assert (again.message, balance(desk, customer)) == ("Already done.", 700)
    with pytest.raises(Invalid) as invalid:
        desk.do(gift_cards.redeem_code, key=f"redeem-{code[-4:]}", customer=customer, code="ANOTHER-CODE")
    assert set(invalid.value.errors) == {"key"}
    bare = code.replace("-", "")
    with desk.look() as session:
        for table in metadata.sorted_tables:
            for row in session.execute(select(table)):
                text = json.dumps([str(value) for value in row])
                assert code not in text, table.name
                assert bare not in text, table.name
        assert session.scalar(select(GiftCard.id).filter_by(code_key=digest(code))) is not None


def test_the_product_itself_is_not_counted(desk: Desk) -> None:
    nobody = replace(desk.call(), actor=Actor(None, "system"))
    customer = desk.customer()
    for number in range(21):
        values = {"customer": customer, "code": f"WRONG-CODE-{number:04d}"}
        with pytest.raises(Invalid):
            perform(desk.engine, gift_cards.redeem_code, nobody, **values)


def test_verify_names_a_card_that_disagrees_with_its_entry(desk: Desk) -> None:
    customer, text = desk.customer(), "no gift card was redeemed"
    stray = desk.make(factories.make_credit_entry, customer_id=customer)
    wrong = desk.make(factories.make_gift_card, amount=1, redeemed_entry_id=stray)
    lonely = desk.make(factories.make_credit_entry, customer_id=customer)
    with desk.look() as session:
        found = {
            check.sentence % row._mapping
            for check in checks()
            if "ift card" in check.sentence
            for row in session.execute(check.query)
        }
    assert any(sentence.startswith(f"Gift card {wrong}:") for sentence in found)
    assert any(sentence.startswith(f"Credit entry {lonely}:") and text in sentence for sentence in found)
    assert not any(sentence.startswith(f"Credit entry {stray}:") for sentence in found)
