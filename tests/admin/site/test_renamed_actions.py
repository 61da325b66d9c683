"""Addresses and codes of the release before answer for one release more (models/renamed_codes.py)."""

import pytest

from tests import factories, staffing
from tests.admin.conftest import Shop

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def test_the_page_of_an_action_answers_at_its_old_address(shop: Shop) -> None:
    role = shop.make(staffing.make_role)
    page = shop.client().get(f"/admin/role/act/require_factor/?id={role.id}")
    assert page.status_code == 200
    assert "requires_two_factor" in page.text
    assert "Deprecation" not in page.headers, "a person is told nothing"
    refused = shop.client("Support").get(f"/admin/role/act/require_factor/?id={role.id}")
    assert refused.status_code == 403


def test_a_verb_that_never_was_is_not_found(shop: Shop) -> None:
    row = shop.make(factories.make_customer)
    answer = shop.api().send("POST", f"/api/v1/customer/{row.id}/actions/require_factor")
    assert answer.status_code == 404
    assert "Deprecation" not in answer.headers


def test_a_refusal_says_its_former_code(shop: Shop) -> None:
    customer = shop.make(factories.make_customer)
    entry = shop.make(factories.make_loyalty_entry, customer=customer, kind="expired", points=-5)
    answer = shop.api().send("POST", f"/api/v1/loyalty_entry/{entry.id}/actions/reverse", {"reason": "Sorry"})
    assert (answer.status_code, answer.json["code"]) == (409, "expired"), answer.json
    assert answer.json["former_code"] == "lapsed"
