"""Whom somebody is told of who is about to make a duplicate (rules 7.10 and 7.11)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from actions.core.base import Outcome
from actions.duplicates import alike, checking, crowds, looking, typed
from actions.duplicates.keys import Facts
from actions.duplicates.places import at
from actions.portal.invitations import add_in_store
from models import masks
from models.address import Address
from models.customer import Customer
from models.duplicate import PairDecision
from models.evidence import Evidence as E
from models.phone import Phone
from tests import factories
from tests.actions.desk import Desk
from tests.actions.duplicates.test_looking import pairs, person
from tests.databases import recorded_statements

NAMED = E.SURNAME | E.POSTCODE
Found = dict[int, E]


def checked(desk: Desk) -> None:
    """Let the worker come by."""
    checking.check_all(desk.engine, lambda: desk.now)


def found(desk: Desk, facts: Facts, channels: frozenset[int] | None = None, but: int | None = None) -> Found:
    """Whom these facts lead to, in order."""
    with desk.look() as session:
        return {one.customer.id: one.evidence for one in alike.find(session, facts, channels, but=but)}


def of_form(desk: Desk, model: Any, row_id: int | None = None, **values: Any) -> Found:
    """Whom a form leads to."""
    with desk.look() as session:
        row = session.get(model, row_id) if row_id is not None else None
        return {one.customer.id: one.evidence for one in typed.of_form(session, model, values, row, None)}


def told(outcome: Outcome) -> list[str]:
    """What is said of others besides."""
    return [warned.text for warned in outcome.warnings]


def test_an_email_a_phone_and_a_surname_with_a_postcode_are_looked_for(desk: Desk) -> None:
    by_email = person(desk, first_name="Zoe", last_name="Quill", email="otto@example.com", status="guest")
    by_name = person(desk, "LS2 9JT")
    by_phone = person(desk, phone="0113 496 0123", last_name="Byrne")
    person(desk, "YO1 7HH", email="otto@example.org", phone="0113 496 0124")
    checked(desk)
    facts = Facts(
        email="otto@example.com",
        last_name="ham",
        places=at(["ls29jt"]),
        phones=frozenset({"441134960123"}),
    )
    assert list(found(desk, facts).items()) == [(by_email, E.EMAIL), (by_name, NAMED), (by_phone, E.PHONE)]
    assert found(desk, Facts(last_name="ham")) == found(desk, Facts()) == {}


def test_what_the_look_up_finds_is_what_the_job_flags(desk: Desk) -> None:
    one, other = person(desk, "LS2 9JT", last_name="Müller"), person(desk, "ls29jt", last_name="MULLER")
    flagged = pairs(desk)
    assert [bits & NAMED for bits, _likely in flagged.values()] == [NAMED]
    with Session(desk.engine) as session:
        facts = looking.keys.facts_of(session.connection(), [one])[one]
    assert found(desk, facts) == {one: NAMED, other: NAMED}


def test_merged_and_erased_records_are_not_named(desk: Desk) -> None:
    survivor = person(desk, last_name="Byrne")
    merged, erased = (person(desk, email="otto@example.com", status="guest") for _ in range(2))
    checked(desk)
    assert set(found(desk, Facts(email="otto@example.com"))) == {merged, erased}
    with Session(desk.engine) as session, session.begin():
        session.get_one(Customer, merged).merged_into_id = survivor
        session.get_one(Customer, erased).anonymised_at = desk.now
    assert found(desk, Facts(email="otto@example.com")) == {}


def test_whom_somebody_has_decided_about_is_not_named(desk: Desk) -> None:
    one, other = (person(desk, "LS2 9JT") for _ in range(2))
    third = person(desk, phone="0113 496 0123", last_name="Byrne")
    checked(desk)
    phones = Facts(phones=frozenset({"441134960123"}))
    for low, high in ((one, third), (other, third)):
        assert found(desk, phones, but=low) == {third: E.PHONE}
        desk.make(factories.make_pair_decision, lower_id=low, higher_id=high)
        assert found(desk, phones, but=low) == {}
    assert found(desk, phones) == {third: E.PHONE}
    with Session(desk.engine) as session, session.begin():
        session.execute(sa.update(PairDecision).values(reopened_at=desk.now))
    assert found(desk, phones, but=one) == {third: E.PHONE}


def test_at_most_five_are_named_and_of_a_crowd_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(6):
        person(desk, "LS2 9JT")
    checked(desk)
    facts = Facts(last_name="ham", places=at(["ls29jt"]))
    assert len(found(desk, facts)) == alike.MOST == 5
    monkeypatch.setattr(crowds, "CROWD", 5)
    assert found(desk, facts) == {}


def test_only_customers_in_scope_are_named(desk: Desk) -> None:
    channel = desk.make(factories.make_sales_channel, name="Shop", code="SHOP")
    inside = person(desk, email="otto@example.com", status="guest", sales_channel_id=channel)
    outside = person(desk, email="otto@example.com", status="guest")
    checked(desk)
    facts = Facts(email="otto@example.com")
    assert set(found(desk, facts)) == {inside, outside}
    assert set(found(desk, facts, frozenset({channel}))) == {inside}


@contextmanager
def reading(*hidden: str) -> Iterator[None]:
    """As somebody who does not see some groups of fields."""
    before = masks._ask[0]
    masks.provide(lambda: masks.MaskContext(frozenset(hidden)))
    try:
        yield
    finally:
        masks.provide(before)


@pytest.mark.parametrize(
    ("group", "left"),
    [("email", {NAMED, E.PHONE}), ("phone", {E.EMAIL, NAMED}), ("address", {E.EMAIL, E.PHONE})],
)
def test_nothing_is_told_by_what_the_reader_does_not_see(desk: Desk, group: str, left: set[E]) -> None:
    person(desk, last_name="Quill", email="otto@example.com", status="guest")
    person(desk, "LS2 9JT")
    person(desk, phone="0113 496 0123", last_name="Byrne")
    checked(desk)
    facts = Facts(
        "otto@example.com",
        last_name="ham",
        places=at(["ls29jt"]),
        phones=frozenset({"441134960123"}),
    )
    with reading(group):
        assert set(found(desk, facts).values()) == left


def test_a_look_up_is_one_statement_and_reads_no_table_from_end_to_end(desk: Desk) -> None:
    facts = Facts(
        "otto@example.com",
        last_name="ham",
        places=at(["ls29jt"]),
        phones=frozenset({"441134960123"}),
    )
    with desk.look() as session:
        session.connection()
        with recorded_statements() as seen:
            alike.find(session, facts, None, but=1)
            alike.find(session, Facts(last_name="ham"), None)
        assert len(seen) == 1


# -- what is typed --------------------------------------------------------------------------------------------------


def test_a_new_customers_form_is_looked_at_as_it_would_be_saved(desk: Desk) -> None:
    other = person(
        desk, phone="+44 113 496 0123", last_name="Byrne", email="otto@example.com", status="guest"
    )
    checked(desk)
    assert of_form(desk, Customer, email=" Otto@Example.com ", last_name="Quill") == {other: E.EMAIL}
    assert of_form(desk, Customer, phones=[{"number": "(0113) 496 0123", "country": "GB"}]) == {
        other: E.PHONE
    }
    assert of_form(desk, Customer, email="no address", phones=[{"number": "12", "country": "GB"}]) == {}


def test_a_customers_own_form_tells_of_what_is_new_in_it(desk: Desk) -> None:
    one = person(
        desk, "LS2 9JT", "0113 496 0123", last_name="Byrne", email="otto@example.com", status="guest"
    )
    other = person(desk, "LS2 9JT", "0113 496 0123", email="ham@example.com", status="guest")
    third = person(desk, email="otto@example.com", status="guest", last_name="Quill")
    checked(desk)
    phones = [{"id": 1, "version": 1, "number": "0113 496 0123", "country": "GB"}]
    same = {"email": "otto@example.com", "last_name": "Byrne"}
    assert of_form(desk, Customer, one, **same, phones=phones) == {}, "the record says that already"
    assert of_form(desk, Customer, one, **{**same, "last_name": "HAM"}, phones=phones) == {other: NAMED}
    assert of_form(desk, Customer, one, **{**same, "email": "ham@example.com"}) == {other: E.EMAIL}
    assert of_form(desk, Customer, third, last_name="Ham") == {}, "whoever has no postcode shares none"


def test_an_address_and_a_phone_are_looked_at_with_whose_they_are(desk: Desk) -> None:
    one, other = person(desk), person(desk, "LS2 9JT", "0113 496 0123")
    checked(desk)
    assert of_form(desk, Address, customer_id=one, postcode="ls29jt", country="GB") == {other: NAMED}
    assert of_form(desk, Phone, customer_id=one, number="0113 4960123", country="GB") == {other: E.PHONE}
    assert of_form(desk, Address, postcode="ls29jt", country="GB") == {}
    assert of_form(desk, Phone, customer_id=10**9, number="0113 4960123") == {}


# -- saves ----------------------------------------------------------------------------------------------------------


def test_a_save_names_whom_the_record_may_be_the_same_as(desk: Desk) -> None:
    other = person(desk, "LS2 9JT", "0113 496 0123", email="otto@example.com", status="guest")
    checked(desk)
    said = f"May be the same customer as Otto Ham #{other} "
    made = desk.do_create(Customer, last_name="Byrne", email="OTTO@example.com")
    assert told(made) == [said + "(same email)."]
    assert made.warnings[0].see == ("customer", other)
    mine = made.record_id
    assert mine is not None
    added = desk.do_create(Phone, customer_id=mine, number="0113 496 0123")
    assert told(added) == [said + "(same phone)."]
    assert (
        told(desk.do_create(Address, customer_id=mine, line1="1 High St", town="Leeds", postcode="LS29JT"))
        == []
    )
    assert told(desk.edit(Customer, mine, last_name="Ham")) == [said + "(same surname and postcode)."]
    checked(desk)
    assert told(desk.edit(Customer, mine, first_name="Otto", last_name="Ham")) == []


def test_a_new_in_store_customer_is_looked_at_beforehand_too(desk: Desk) -> None:
    other = person(desk, phone="0113 496 0123", email="otto@example.com", status="guest")
    checked(desk)
    made = desk.do(add_in_store, last_name="Byrne", email="otto@example.com", phone="0113 496 0123")
    assert f"May be the same customer as Otto Ham #{other} (same email and phone)." in told(made)


def test_a_save_that_changes_nothing_of_the_kind_asks_nothing_more(desk: Desk) -> None:
    one = person(desk, "LS2 9JT", "0113 496 0123", email="otto@example.com")
    for values, statements in (
        ({"title": "Dr"}, 0),
        ({"email": "o@example.com"}, 1),
        ({"last_name": "Byrne"}, 2),
    ):
        with recorded_statements() as seen:
            desk.edit(Customer, one, **values)
        asked = [text for text in seen if "duplicate_key" in text or "address.postcode_key" in text]
        assert len(asked) == statements, values


def test_customers_themselves_are_told_of_nobody(desk: Desk) -> None:
    person(desk, email="otto@example.com", status="guest")
    checked(desk)
    desk.actor = type(desk.actor)(None, "the shop")
    assert told(desk.do_create(Customer, last_name="Byrne", email="otto@example.com")) == []


def test_every_kind_of_likeness_has_its_words() -> None:
    wanted = {
        sum(bits)
        for n in range(1, 8)
        for bits in [[b for i, b in enumerate(alike.TELLS.values()) if n >> i & 1]]
    }
    assert {int(bits) for bits in typed.SAID} == wanted
