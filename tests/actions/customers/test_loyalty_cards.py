"""Loyalty cards: scanned or typed, one customer a card (rules 11.4, 11.6)."""

import pytest

from actions.core.base import Invalid, Refused
from actions.customers.loyalty_cards import set_loyalty_card
from actions.undo.undo import undo
from models.customer import Customer
from models.validate import Message
from tests import factories, staffing
from tests.actions.customers.test_customers import close
from tests.actions.desk import Desk


def card(desk: Desk, customer: int) -> str | None:
    """The card a customer has."""
    return desk.of(customer).loyalty_code


@pytest.mark.parametrize(
    "scan", ["9826-a1{n}", "  9826-a1{n}\r\n", "\t9826-A1{n}\n", "\ufeff9826-A1{n}\u200b"]
)
def test_what_a_scanner_adds_is_no_part_of_the_number(desk: Desk, scan: str) -> None:
    n, customer = factories.number(), desk.customer()
    done = desk.do(set_loyalty_card, customer, loyalty_code=scan.format(n=n))
    assert card(desk, customer) == f"9826-A1{n}"
    again = desk.do(set_loyalty_card, customer, loyalty_code=f"9826-A1{n}")
    assert again.changeset_id is None
    desk.do(undo, done.changeset_id)
    assert card(desk, customer) is None


@pytest.mark.parametrize("none", [None, "", "  \n"])
def test_nothing_takes_the_card_away(desk: Desk, none: str | None) -> None:
    customer = desk.customer(loyalty_code=f"C{factories.number()}")
    desk.do(set_loyalty_card, customer, loyalty_code=none)
    assert card(desk, customer) is None


@pytest.mark.parametrize("bad", ["12 34", "<b>", "ü", "9" * 41, 7])
def test_what_is_no_card_is_bad_input(desk: Desk, bad: object) -> None:
    with pytest.raises(Invalid) as invalid:
        desk.do(set_loyalty_card, desk.customer(), loyalty_code=bad)
    assert set(invalid.value.errors) == {"loyalty_code"}


def said(desk: Desk, customer: int, code: str) -> str:
    """What a clash is told."""
    with pytest.raises(Invalid) as invalid:
        desk.do(set_loyalty_card, customer, loyalty_code=code)
    text = invalid.value.errors["loyalty_code"]
    assert isinstance(text, str | Message)
    return str(text)


def test_a_card_of_somebody_else_is_refused_by_name(desk: Desk) -> None:
    code = f"C{factories.number()}"
    other = desk.customer(loyalty_code=code, first_name="Zoë", last_name="Quill")
    customer = desk.customer()
    assert said(desk, customer, code.lower()).startswith(f"Zoë Quill (number {other}) already has this card.")
    close(desk, other, "erased")
    desk.do(set_loyalty_card, customer, loyalty_code=code)
    assert card(desk, customer) == code


def test_a_holder_out_of_scope_is_not_named(desk: Desk) -> None:
    code = f"C{factories.number()}"
    channels = [desk.make(factories.make_sales_channel, code=f"CH{factories.number()}") for _n in range(2)]
    desk.customer(loyalty_code=code, last_name="Hidden", sales_channel_id=channels[1])
    mine = desk.customer(sales_channel_id=channels[0])
    desk.make(staffing.make_staff_channel, user_id=desk.actor.id, sales_channel_id=channels[0])
    assert said(desk, mine, code) == "Another customer already has this card."


@pytest.mark.parametrize("closed", ["merged", "erased"])
def test_a_record_that_is_closed_gets_no_card(desk: Desk, closed: str) -> None:
    customer = desk.customer()
    close(desk, customer, closed)
    with pytest.raises(Refused) as refused:
        desk.do(set_loyalty_card, customer, loyalty_code="X1")
    assert refused.value.code == closed
    assert desk.get(Customer, customer).loyalty_code is None
