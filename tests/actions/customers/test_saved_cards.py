"""Saved cards: one default, an expiry that is not over, a token that nobody sees, and merging (rules 3.4, 12.4, 12.5)."""

import json

import pytest
from sqlalchemy import select

from actions.core import journal
from actions.core.base import Actor, Invalid, Missing, Refused
from actions.customers.saved_cards import REMOVE, make_default, set_expiry, store
from actions.execution.records import record_actions
from actions.execution.runner import Call, dry_run, perform
from actions.undo.undo import undo
from models.journal import Change, Changeset
from models.saved_card import SavedCard
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import put_together

NUMBER = "4242 4242 4242 4242"
GIVEN = {"provider": "Cardpay", "brand": "Visa", "last_four": "4242", "expiry_month": 8, "expiry_year": 2031}


def save(desk: Desk, customer: int | str, token: str = "", **values) -> int:
    given = {**GIVEN, "token": token or f"tok_{factories.number():x}", **values}
    found = desk.do(store, customer=customer, **given).record_id
    assert found is not None
    return found


def default(desk: Desk, customer: int) -> list[int]:
    return [card.id for card in desk.all(SavedCard, customer_id=customer) if card.is_default]


# -- the one default ----------------------------------------------------------------------------------------------


def test_the_first_is_the_default_by_itself_and_the_second_is_not(desk: Desk) -> None:
    customer = desk.customer()
    first = save(desk, customer)
    save(desk, customer)
    assert default(desk, customer) == [first]


def test_a_new_default_takes_the_place_of_the_old_in_one_changeset(desk: Desk) -> None:
    customer = desk.customer()
    first, second = save(desk, customer), save(desk, customer, is_default=True)
    assert default(desk, customer) == [second]
    done = desk.do(make_default, first)
    assert default(desk, customer) == [first]
    marks = {c.row_id: c.after["is_default"] for c in desk.changes(done.changeset_id)}
    assert marks == {first: True, second: False}
    desk.do(undo, done.changeset_id)
    assert default(desk, customer) == [second]


def test_what_is_the_default_is_not_made_it_again(desk: Desk) -> None:
    only = save(desk, desk.customer())
    with pytest.raises(Refused) as refused:
        desk.do(make_default, only)
    assert refused.value.code == "default"


def test_removing_the_default_hands_it_to_the_oldest_that_remains(desk: Desk) -> None:
    customer = desk.customer()
    first, second, third = (save(desk, customer) for _n in range(3))
    desk.do(REMOVE, first)
    assert default(desk, customer) == [second]
    desk.do(REMOVE, third)
    assert default(desk, customer) == [second]
    desk.do(REMOVE, second)
    assert desk.all(SavedCard, customer_id=customer) == []
    assert default(desk, customer) == [], "who has none needs none"


def test_undoing_that_a_card_was_saved_leaves_a_default(desk: Desk) -> None:
    customer = desk.customer()
    first = save(desk, customer)
    made = desk.do(store, customer=customer, token="tok_second", is_default=True, **GIVEN)
    assert default(desk, customer) != [first]
    desk.do(undo, made.changeset_id)
    assert default(desk, customer) == [first]


def test_a_removed_card_does_not_come_back(desk: Desk) -> None:
    done = desk.do(REMOVE, save(desk, desk.customer()))
    with pytest.raises(Refused) as refused:
        desk.do(undo, done.changeset_id)
    assert refused.value.code == "final", "its token is nowhere"


@pytest.mark.parametrize("state", ["merged", "erased"])
def test_cards_of_a_record_that_is_no_more_stay_as_they_are(desk: Desk, state: str) -> None:
    customer, survivor = desk.customer(), desk.customer()
    card = desk.make(factories.make_saved_card, customer_id=customer, is_default=True)
    gone = {"merged_into_id": survivor} if state == "merged" else {"anonymised_at": desk.now}
    with desk.engine.begin() as connection:
        table = factories.table_of(desk.of(customer))
        connection.execute(table.update().where(table.c.id == customer).values(**gone))
    for action, values in ((REMOVE, {}), (set_expiry, {"expiry_month": 1, "expiry_year": 2033})):
        with pytest.raises(Refused) as refused:
            desk.do(action, card, **values)
        assert refused.value.code == state


# -- expiry -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("month", "year", "field"),
    [(0, 2031, "expiry_month"), (13, 2031, "expiry_month"), (8, 31, "expiry_year"), (8, 2100, "expiry_year"),
     (8, 2026, "expiry_year"), ("8", 2031, "expiry_month"), (True, 2031, "expiry_month"), (None, 2031, "expiry_month")],
)  # fmt: skip
def test_an_expiry_is_a_month_that_is_not_over(desk: Desk, month, year, field: str) -> None:
    customer = desk.customer()
    card = save(desk, customer)
    with pytest.raises(Invalid) as invalid:
        desk.do(set_expiry, card, expiry_month=month, expiry_year=year)
    assert list(invalid.value.errors) == [field]
    with pytest.raises(Invalid) as invalid:
        save(desk, customer, expiry_month=month, expiry_year=year)
    assert list(invalid.value.errors) == [field]


def test_a_card_is_good_to_the_last_day_of_its_month(desk: Desk) -> None:
    card = save(desk, desk.customer())
    desk.do(set_expiry, card, expiry_month=9, expiry_year=2026)
    found = desk.get(SavedCard, card)
    assert not found.has_expired(factories.TODAY.replace(day=30))
    assert found.has_expired(factories.TODAY.replace(month=10, day=1))
    assert found.expires == "09/2026"


# -- the token, and numbers that are none of ours -------------------------------------------------------------------


def test_the_token_is_kept_for_charging_and_seen_nowhere(desk: Desk) -> None:
    customer, token = desk.customer(), "tok_seen_nowhere"
    seen = dry_run(desk.engine, store, desk.call(), customer=customer, token=token, **GIVEN)
    card = save(desk, customer, token)
    row = desk.get(SavedCard, card)
    with desk.look() as session:
        assert session.get_one(SavedCard, card).token.open() == token
        stored = (
            session.connection()
            .exec_driver_sql(f"SELECT token FROM saved_card WHERE id = {card}")
            .scalar_one()
        )
        kept = session.execute(
            select(Change.before, Change.after).where(Change.table_name == "saved_card")
        ).all()
    told = [
        stored,
        repr(row.__dict__),
        str(row),
        repr(seen),
        json.dumps([list(line) for line in kept]),
        journal.snapshot(row),
    ]
    assert not any(token in str(text) for text in told)
    assert not any(row.token_key in str(text) for text in told[2:])


def test_the_same_card_is_renewed_and_not_there_twice(desk: Desk) -> None:
    customer = desk.customer()
    first = save(desk, customer, "tok_same")
    save(desk, customer, "tok_other", is_default=True)
    assert save(desk, customer, "tok_same", expiry_year=2035) == first
    assert desk.get(SavedCard, first).expiry_year == 2035
    assert default(desk, customer) != [first], "renewing it does not make it the default"
    assert save(desk, customer, "tok_same", provider="Otherpay") != first, "a token is its provider's"


@pytest.mark.parametrize("field", ["provider", "token", "brand", "last_four"])
@pytest.mark.parametrize("value", [NUMBER, NUMBER.replace(" ", "-"), NUMBER.replace(" ", "")])
def test_the_number_of_a_card_is_refused_in_every_text_and_kept_nowhere(
    desk: Desk, field: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    customer = desk.customer()
    before = len(desk.all(Changeset))
    given = {"customer": customer, **GIVEN, "token": "tok_1", field: value}
    with pytest.raises(Invalid) as invalid:
        desk.do(store, **given)
    assert list(invalid.value.errors) == [field]
    assert list(dry_run(desk.engine, store, desk.call(), **given).errors) == [field]
    assert desk.all(SavedCard, customer_id=customer) == []
    assert len(desk.all(Changeset)) == before
    assert value not in caplog.text


@pytest.mark.parametrize(
    ("field", "value"),
    [("token", ""), ("token", None), ("token", 7), ("token", "x" * 501), ("token", "tok\n1"), ("token", "tök"), ("provider", ""),
     ("provider", None), ("provider", 7), ("brand", ""), ("brand", ["Visa"]), ("last_four", "42"), ("last_four", "42424"),
     ("last_four", "abcd"), ("last_four", "٤٢٤٢"), ("last_four", 4242)],
)  # fmt: skip
def test_what_is_no_card_is_refused_by_field(desk: Desk, field: str, value) -> None:
    with pytest.raises(Invalid) as invalid:
        desk.do(store, customer=desk.customer(), **{**GIVEN, "token": "tok_1", field: value})
    assert list(invalid.value.errors) == [field]


# -- whose they are -------------------------------------------------------------------------------------------------


def test_in_a_portal_nobody_reaches_anybody_elses_cards_nor_saves_one(desk: Desk) -> None:
    mine, theirs = desk.customer(), desk.customer()
    card = save(desk, theirs)
    call = Call(Actor(None, "customer", mine), desk.now)
    for action, values in (
        (make_default, {}), (set_expiry, {"expiry_month": 1, "expiry_year": 2033}), (REMOVE, {}),
    ):  # fmt: skip
        with pytest.raises(Missing):
            perform(desk.engine, action, call, card, **values)
    create, edit, _delete = record_actions(SavedCard)
    for action, target, values in (
        (store, None, {"customer": mine, "token": "tok_1", **GIVEN}), (create, None, {"values": {}}),
        (edit, card, {"values": {}, "version": None}),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            perform(desk.engine, action, call, target, **values)
        assert refused.value.code == "not_in_portal"


def test_a_merge_keeps_each_card_once_and_the_survivors_default(desk: Desk) -> None:
    survivor, other = desk.customer(), desk.customer()
    same, own = save(desk, survivor, "tok_same"), save(desk, survivor, "tok_own", is_default=True)
    save(desk, other, "tok_same")
    moved = save(desk, other, "tok_moved")
    done = put_together(desk, survivor, other)
    assert [card.id for card in desk.all(SavedCard, customer_id=survivor)] == [same, own, moved]
    assert default(desk, survivor) == [own]
    assert desk.all(SavedCard, customer_id=other) == []
    desk.do(undo, done.changeset_id)
    assert [card.id for card in desk.all(SavedCard, customer_id=survivor)] == [same, own]
    assert default(desk, survivor) == [own]
    assert default(desk, other) == [moved], (
        "what was combined away has lost its token; the other is the default"
    )


def test_a_merge_into_a_record_without_cards_keeps_the_default(desk: Desk) -> None:
    survivor, other = desk.customer(), desk.customer()
    save(desk, other)
    chosen = save(desk, other, is_default=True)
    put_together(desk, survivor, other)
    assert default(desk, survivor) == [chosen]
