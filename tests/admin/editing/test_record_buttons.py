"""The everyday jobs stand as buttons in the head of a customer's record, where the person asking may do them (feature 16b)."""

import re
from typing import Any

import pytest

from tests import application, factories
from tests.admin.conftest import Shop

EVERYDAY = {
    "customer/act/send_reset": "Send password reset",
    "loyalty_entry/act/adjust": "Adjust points",
    "account_entry/act/pay": "Add payment",
}


def buttons(shop: Shop, role: str, customer_id: int) -> dict[str, str]:
    """Address -> label of the buttons in the head of a record."""
    page = application.sign_in(shop.app, role).get(f"/admin/customer/details/?id={customer_id}").text
    head = page.partition('<div class="record-buttons">')[2].partition('<details class="pop')[0]
    found = re.findall(r'<a href="/admin/([^"?]+?)/?\?([^"]*)"[^>]*>.*?<span>([^<]+)</span>', head)
    assert all(str(customer_id) in query for _path, query, _label in found), "each is about this record"
    return {path: label for path, _query, label in found}


@pytest.mark.parametrize(
    ("role", "has"),
    [
        ("Admin", set(EVERYDAY)),
        ("Support", {"customer/act/send_reset", "loyalty_entry/act/adjust"}),
        ("Finance", {"account_entry/act/pay"}),
        ("Read-only", set()),
    ],
)
def test_the_everyday_jobs_are_buttons_for_users_who_may(shop: Shop, role: str, has: set[str]) -> None:
    with shop.arrange() as session:
        one = int(factories.make_customer(session).id)
    found = buttons(shop, role, one)
    assert found.keys() & EVERYDAY.keys() == has
    assert all(found[path] == EVERYDAY[path] for path in has)


@pytest.mark.parametrize("values", [{"merged_into_id": None}, {"anonymised_at": factories.NOW}])
def test_a_record_that_nothing_is_done_to_has_none(shop: Shop, values: dict[str, Any]) -> None:
    with shop.arrange() as session:
        if "merged_into_id" in values:
            values = {"merged_into_id": factories.make_customer(session).id}
        one = int(factories.make_customer(session, **values).id)
    assert not buttons(shop, "Admin", one).keys() & EVERYDAY.keys()


def test_a_button_opens_the_form_with_this_customer(shop: Shop) -> None:
    with shop.arrange() as session:
        one = int(factories.make_customer(session, last_name="Quillfeather").id)
    form = application.sign_in(shop.app, "Admin").get(f"/admin/loyalty_entry/act/adjust/?customer={one}").text
    assert "Quillfeather" in form
