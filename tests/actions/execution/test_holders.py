"""A clash with a value that only one record may have leads to that record (rule 10.14)."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from actions.core.base import Actor, Invalid
from actions.customers.customers import approve
from actions.customers.loyalty_cards import set_loyalty_card
from models import masks
from models.customer import Customer
from models.member import StaffChannel
from tests import factories
from tests.actions.desk import Desk

VALUES: list[tuple[str, str, str]] = [
    ("email", "o'hara=1@example.com", "O'Hara=1@Example.com"),
    ("loyalty_code", "CARD-77", "CARD-77"),
    ("account_code", "AC/1", "ac/1"),
]


def clash(desk: Desk, action: Any, *args: Any, **values: Any) -> Invalid:
    """What a save is refused with."""
    with pytest.raises(Invalid) as refused:
        action(*args, **values)
    return refused.value


@pytest.mark.parametrize(("name", "held", "typed"), VALUES)
def test_a_create_and_an_edit_lead_to_who_has_it(desk: Desk, name: str, held: str, typed: str) -> None:
    holder, other = desk.customer(**{name: held}), desk.customer()
    assert clash(desk, desk.create, Customer, last_name="Ham", **{name: typed}).see == ("customer", holder)
    assert clash(desk, desk.edit, Customer, other, **{name: typed}).see == ("customer", holder)


def test_an_action_of_its_own_leads_there_too(desk: Desk) -> None:
    holder, other = desk.customer(loyalty_code="CARD-78"), desk.customer()
    assert clash(desk, desk.do, set_loyalty_card, other, loyalty_code="CARD-78").see == ("customer", holder)


def test_a_value_that_was_there_before_leads_nowhere_on_sqlite(desk: Desk) -> None:
    holder = desk.customer(email="trade@example.com")
    waiting = desk.customer(
        email="trade@example.com", status="pending_approval", account_type="trade", is_active=False
    )
    found = clash(desk, desk.do, approve, waiting)
    assert found.see == (("customer", holder) if desk.engine.dialect.name == "postgresql" else None)


def test_nobody_out_of_scope_is_led_to_nor_by_what_is_masked(desk: Desk) -> None:
    holder = desk.customer(email="hidden@example.com", loyalty_code="CARD-79")
    before = masks._ask[0]
    masks.provide(lambda: masks.MaskContext(frozenset({"email"})))
    try:
        assert clash(desk, desk.create, Customer, email="hidden@example.com").see is None
        assert clash(desk, desk.create, Customer, last_name="A", loyalty_code="CARD-79").see == (
            "customer",
            holder,
        )
    finally:
        masks.provide(before)
    with Session(desk.engine) as session, session.begin():
        channel = factories.make_sales_channel(session).id
        session.add(StaffChannel(user_id=desk.actor.id, sales_channel_id=channel))
    assert clash(desk, desk.create, Customer, email="hidden@example.com").see is None


def test_the_shop_itself_and_customers_are_led_nowhere(desk: Desk) -> None:
    desk.customer(email="shop@example.com")
    desk.actor = Actor(None, "the shop")
    assert clash(desk, desk.create, Customer, email="shop@example.com").see is None
