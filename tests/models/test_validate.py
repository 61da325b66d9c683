"""What may be set on a record, field by field, and that what was there already never blocks a save."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from models import validate
from models.address import Address
from models.attribute import AttributeDefinition, AttributeKind, AttributeValue
from models.base import Invalid
from models.choices import AccountType, Status
from models.customer import Customer
from models.lookups import CustomerClass
from models.note import Note, NoteKind
from models.phone import Phone
from models.types import Percent
from tests.factories import (
    NOW,
    make_address,
    make_agent,
    make_attribute_definition,
    make_attribute_value,
    make_customer,
    make_payment_term,
    make_phone,
    table_of,
)


def refused(row, **values) -> dict[str, str]:
    with pytest.raises(Invalid) as error:
        validate.assign(row, values)
    return error.value.errors


# --------------------------------------------------------------------------------------- texts of every kind
@pytest.mark.parametrize(
    "bad", ["a\x00", "a\nb", "a\u2028b", "\ud83d", "x" * 101, 5, ["Ann"], {"a": 1}, True, b"Ann"]
)
def test_names_are_one_line_of_visible_text(bad):
    assert set(refused(Customer(), first_name=bad)) == {"first_name"}


@given(st.text(max_size=100))
def test_a_name_is_taken_or_refused_but_always_storable(name: str):
    customer = Customer()
    try:
        customer.first_name = name
    except Invalid:
        return
    kept = customer.first_name
    assert kept is None or (kept == kept.strip(" \t\u00a0\u3000") and kept)
    if kept:
        assert "\x00" not in kept
        kept.encode()


def test_an_empty_text_is_none_where_it_may_be():
    customer = Customer(first_name="Ann", email="ann@example.com")
    validate.assign(customer, {"first_name": "  ", "email": ""})
    assert (customer.first_name, customer.email) == (None, None)


def test_a_text_of_several_lines_keeps_them():
    note = Note(body="  one\r\ntwo\ttabbed \n")
    assert note.body == "one\ntwo\ttabbed"
    assert set(refused(note, body=" \n ")) == {"body"}
    assert set(refused(note, body="a\x07b")) == {"body"}


def test_every_error_is_told_at_once():
    errors = refused(Customer(), email="nobody", currency="DEM", global_discount="101", first_name="Ann")
    assert set(errors) == {"email", "currency", "global_discount"}
    assert all(sentence.endswith((".", "list.")) for sentence in errors.values())


def test_a_message_can_be_translated_with_its_values():
    (sentence,) = refused(Customer(), title="x" * 31).values()
    assert isinstance(sentence, validate.Message)
    assert sentence.template % sentence.values == sentence
    assert "30" in sentence


# --------------------------------------------------------------------------------------------- single fields
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Rashid.Karim+wine@EXAMPLE.com", "Rashid.Karim+wine@example.com"),
        ("josé@exämple.com", "josé@exämple.com"),
        ("q1w2@marketplace.amazon.co.uk", "q1w2@marketplace.amazon.co.uk"),
    ],
)
def test_emails(given: str, kept: str):
    assert Customer(email=given).email == kept


@pytest.mark.parametrize(
    "bad",
    [
        "rashid",
        "@example.com",
        "a@b",
        "a@@example.com",
        "a b@example.com",
        "Ann <a@example.com>",
        "a@exa_mple.com",
        "a@example.com, b@example.com",
        "a" * 65 + "@example.com",
    ],
)
def test_emails_that_are_none(bad: str):
    assert refused(Customer(), email=bad) == {"email": "Enter an email address such as rashid@example.com."}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("12.5", "12.50"),
        (0, "0.00"),
        (100, "100.00"),
        (Decimal("7.25"), "7.25"),
        (Decimal("1E+1"), "10.00"),
        (Decimal("5.500"), "5.50"),
        ("0.01", "0.01"),
    ],
)
def test_percentages(given, kept: str):
    assert str(CustomerClass(discount=given).discount) == kept


@pytest.mark.parametrize(
    "bad",
    [
        "100.01",
        "-1",
        "1e1",
        "0.005",
        "NaN",
        "Infinity",
        "1_0",
        "１０",
        "",
        " ",
        12.5,
        True,
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1E+50"),
        Decimal("0.001"),
        "1,5",
        -1,
    ],
)
def test_percentages_that_are_none(bad):
    assert set(refused(CustomerClass(), discount=bad)) == {"discount"}


@given(st.integers(0, 10_000))
def test_a_percentage_survives_as_hundredths(hundredths: int):
    value = Decimal(hundredths) / 100
    kept = CustomerClass(discount=value).discount
    bound = Percent().process_bind_param(kept, sqlite.dialect())
    assert bound == hundredths


def test_dates_and_times():
    customer = Customer()
    assert set(refused(customer, date_of_birth="1990-01-01")) == {"date_of_birth"}
    assert set(refused(customer, date_of_birth=NOW)) == {"date_of_birth"}
    assert set(refused(customer, date_of_birth=dt.date(1899, 12, 31))) == {"date_of_birth"}
    assert set(refused(customer, last_login_at=dt.datetime(2026, 9, 1))) == {"last_login_at"}
    customer.updated_at = NOW
    customer.date_of_birth = NOW.date() + dt.timedelta(days=1)
    assert set(customer.problems({"date_of_birth"})) == {"date_of_birth"}
    customer.date_of_birth = NOW.date()
    assert customer.problems({"date_of_birth"}) == {}


def test_choices_come_as_members_and_go_by_value():
    customer = Customer(status="guest", account_type=AccountType.TRADE, gender="")
    assert customer.status is Status.GUEST
    assert customer.status.label == "Guest"
    assert f"{customer.account_type}" == "trade"
    assert customer.gender is None
    assert set(refused(customer, status="banned", account_type="GUEST", gender=["female"])) == {
        "status",
        "account_type",
        "gender",
    }


def test_codes_are_kept_in_capitals():
    assert Customer(loyalty_code=" vb-00123/a ").loyalty_code == "VB-00123/A"
    assert set(refused(Customer(), loyalty_code="12 34", account_code="é1")) == {
        "loyalty_code",
        "account_code",
    }


def test_language_and_currency():
    customer = Customer(language="EN-gb", currency="eur")
    assert (customer.language, customer.currency) == ("en-GB", "EUR")
    assert set(refused(customer, language="klingon", currency="ZZZ")) == {"language", "currency"}
    assert set(refused(customer, language="../x", currency=None)) == {"language", "currency"}


def test_credit_limit():
    assert set(refused(Customer(), credit_limit=-1)) == {"credit_limit"}
    assert Customer(credit_limit=0).credit_limit == 0


# -------------------------------------------------------------------------------------------- several fields
def test_an_agent_is_of_type_agent_and_not_oneself(session: Session):
    agent, other = make_agent(session), make_customer(session)
    customer = make_customer(session, agent=agent)
    assert customer.problems({"agent"}) == {}
    customer.agent = other
    assert customer.problems({"agent_id"}) == {"agent": "Choose a customer whose type is agent."}
    agent.agent = customer
    assert set(agent.problems({"agent"})) == {"agent"}
    agent.agent = agent
    assert set(agent.problems({"agent"})) == {"agent"}


def test_only_a_task_is_due():
    note = Note(kind=NoteKind.NOTE, body="x", due_on=NOW.date())
    assert set(note.problems({"due_on"})) == {"due_on"}
    note.kind = NoteKind.TASK
    assert note.problems({"due_on", "kind"}) == {}
    assert set(Note(kind="note", body="x", done_at=NOW).problems({"done_at"})) == {"kind"}


def test_full_payment_first_means_no_credit_days(session: Session):
    term = make_payment_term(session, days=30)
    term.full_payment_first = True
    assert set(term.problems({"full_payment_first"})) == {"days"}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (AttributeKind.NUMBER, "12.5", ["x", "NaN", "1_0", "１２", "Infinity"]),
        (AttributeKind.DATE, "2026-09-01", ["2026-9-1", "01/09/2026", "20260901"]),
        (AttributeKind.BOOLEAN, "true", ["yes", "True"]),
        (AttributeKind.CHOICE, "Red", ["red", "Blue"]),
    ],
)
def test_attribute_values_fit_their_kind(session: Session, kind: AttributeKind, good: str, bad: list[str]):
    definition = make_attribute_definition(
        session, kind=kind, choices=["Red", "White"] if kind == "choice" else None
    )
    value = make_attribute_value(session, definition=definition, value=good)
    assert value.problems({"value"}) == {}
    assert set(AttributeValue(definition=definition, value=bad[0]).problems({"value"})) == {"value"}
    for wrong in bad:
        value.value = wrong
        assert set(value.problems({"value"})) == {"value"}, wrong


def test_a_choice_has_choices_and_nothing_else_has():
    assert set(AttributeDefinition(kind="choice").problems({"kind"})) == {"choices"}
    assert set(AttributeDefinition(kind="text", choices=["a"]).problems({"kind"})) == {"choices"}
    for bad in (["a", "a"], ["", "b"], "a", [1], ["x" * 81], ["a\x00"]):
        assert set(refused(AttributeDefinition(), choices=bad)) == {"choices"}


# ---------------------------------------------------------------------------- only what changes is validated
def test_an_old_bad_value_never_blocks_a_save(session: Session):
    good = make_phone(session)
    columns = {c.name: getattr(good, c.name) for c in table_of(Phone).c if c.name != "id"}
    session.execute(insert(table_of(Phone)).values({**columns, "number": "ring the bell!", "number_key": ""}))
    old = session.scalars(select(Phone).where(Phone.number == "ring the bell!")).one()
    old.number = "ring the bell!"
    old.extension = "12"
    session.flush()
    session.refresh(old)
    assert (old.number, old.extension) == ("ring the bell!", "12")
    assert old.problems({"extension"}) == {}
    assert set(refused(old, number="ring again!")) == {"number"}


def test_an_old_postcode_is_left_as_it_is(session: Session):
    address = make_address(session)
    session.connection().execute(table_of(Address).update().values(postcode="ls29jt"))
    session.expire_all()
    address.town = "York"
    session.flush()
    session.refresh(address)
    assert (address.postcode, address.town_key) == ("ls29jt", "york")


def test_what_is_missing_is_refused_in_words(session: Session):
    session.add(Customer(first_name="Ann", created_at=NOW, updated_at=NOW))
    with pytest.raises(Invalid) as error:
        session.flush()
    assert error.value.errors == {"sales_channel_id": "This field is required."}


def test_what_is_needed_cannot_be_emptied(session: Session):
    customer = make_customer(session)
    customer.sales_channel = None
    with pytest.raises(Invalid) as error:
        session.flush()
    assert error.value.errors == {"sales_channel_id": "This field is required."}
