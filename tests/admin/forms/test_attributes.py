"""A custom attribute takes values of its kind alone, whichever way they come, and its form shows a field of the kind."""

from typing import Any

import pytest

from models.attribute import AttributeValue
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.imports import mapped, verdicts
from tests.admin.pages import page_of

KINDS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "number": ({}, "12.5", "abc", "a number such as 12.5"),
    "date": ({}, "2026-09-01", "tomorrow", "a date such as 2026-09-01"),
    "boolean": ({}, "true", "perhaps", "true or false"),
    "choice": ({"choices": ["Red", "Green"]}, "Green", "purple", "Red, Green"),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def attribute(shop: Shop, kind: str) -> tuple[int, int]:
    """Somebody, and an attribute of the kind; by their ids."""
    with shop.arrange() as session:
        return (
            factories.make_customer(session).id,
            factories.make_attribute_definition(session, kind=kind, **KINDS[kind][0]).id,
        )


@every_kind
def test_the_api_takes_a_value_of_the_kind_and_refuses_any_other(shop: Shop, kind: str) -> None:
    customer, definition = attribute(shop, kind)
    _choices, good, bad, told = KINDS[kind]
    body = {"customer": customer, "definition": definition}
    refused = shop.api().send("POST", "/api/v1/attribute_value/", {**body, "value": bad})
    assert refused.status_code == 422
    assert told in refused.json["errors"]["value"]
    made = shop.api().send("POST", "/api/v1/attribute_value/", {**body, "value": good})
    assert made.status_code == 201
    row, version = made.json["result"]["id"], f'"{made.json["result"]["version"]}"'
    changed = shop.api().send("PATCH", f"/api/v1/attribute_value/{row}", {"value": bad}, If_Match=version)
    assert changed.status_code == 422
    assert shop.get(AttributeValue, row).value == good


@every_kind
def test_so_do_form_and_cell(shop: Shop, kind: str) -> None:
    customer, definition = attribute(shop, kind)
    _choices, good, bad, told = KINDS[kind]
    form = page_of(shop.client().get(f"/admin/attribute_value/new/?customer={customer}")).form("/new/")
    refused = shop.client().post(form.action, data=form.filled(definition=str(definition), value=bad))
    assert refused.status_code == 422
    assert told in page_of(refused).text
    made = shop.client().post(form.action, data=form.filled(definition=str(definition), value=good))
    assert made.status_code == 302
    row = int(made.location.rpartition("=")[2])
    cell = {"id": str(row), "column": "value", "version": "1", "value": bad}
    answer = shop.client().send("/admin/attribute_value/ajax/update/", cell)
    assert answer.status_code == 422
    assert told in page_of(answer).text


@every_kind
def test_so_does_a_file(shop: Shop, kind: str) -> None:
    customer, definition = attribute(shop, kind)
    with shop.look() as session:
        name = session.get_one(factories.AttributeDefinition, definition).name
    _choices, good, bad, told = KINDS[kind]
    other = shop.make(factories.make_customer).id
    text = f"Customer,Attribute,Value\n#{customer},{name},{bad}\n#{other},{name},{good}\n"
    refused, taken = verdicts(shop, mapped(shop, "attribute_value", text))
    assert told in refused["value"]
    assert not isinstance(taken, dict)


def test_a_value_that_is_moved_to_another_attribute_is_held_to_that_one(shop: Shop) -> None:
    customer, number = attribute(shop, "number")
    _other, date = attribute(shop, "date")
    row = shop.make(factories.make_attribute_value, customer_id=customer, definition_id=number, value="12")
    moved = shop.api().send(
        "PATCH", f"/api/v1/attribute_value/{row.id}", {"definition": date}, If_Match='"1"'
    )
    assert moved.status_code == 422
    assert "date" in moved.json["errors"]["value"]


@pytest.mark.parametrize(
    ("kind", "control"),
    [
        ("number", 'inputmode="decimal"'), ("date", 'type="date"'),
        ("boolean", '<option value="true">Yes</option>'), ("choice", '<option value="Green">Green</option>'),
    ],
)  # fmt: skip
def test_the_form_shows_a_field_of_the_kind(shop: Shop, kind: str, control: str) -> None:
    customer, definition = attribute(shop, kind)
    new = f"/admin/attribute_value/new/?customer={customer}&definition={definition}"
    assert control in shop.client().get(new).get_data(as_text=True)
    good = KINDS[kind][1]
    row = shop.make(
        factories.make_attribute_value, customer_id=customer, definition_id=definition, value=good
    )
    page = shop.client().get(f"/admin/attribute_value/edit/?id={row.id}")
    assert page_of(page).form("/edit/").fields["value"] == good
    cell = shop.client().get(f"/admin/attribute_value/ajax/update/?id={row.id}&column=value")
    assert f'data-kind="{kind}"' in cell.get_data(as_text=True)
    assert 'hx-params="definition"' in page.get_data(as_text=True)


def test_a_choice_that_is_no_more_stays_until_another_is_made(shop: Shop) -> None:
    customer, definition = attribute(shop, "choice")
    row = shop.make(
        factories.make_attribute_value, customer_id=customer, definition_id=definition, value="Blue"
    )
    form = page_of(shop.client().get(f"/admin/attribute_value/edit/?id={row.id}")).form("/edit/")
    assert form.fields["value"] == "Blue"
    assert shop.client().post(form.action, data=form.filled()).status_code == 302


def test_what_a_new_customers_agent_must_be_holds_from_the_first_save(shop: Shop) -> None:
    somebody = shop.make(factories.make_customer).id
    body = {"last_name": "Karim", "sales_channel": shop.make(factories.make_sales_channel).id}
    refused = shop.api().send("POST", "/api/v1/customer/", {**body, "agent": somebody})
    assert refused.status_code == 422
    assert set(refused.json["errors"]) == {"agent"}
