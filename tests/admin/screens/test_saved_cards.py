"""Cards, people and further addresses in the back office: what is shown, what never is, and no number of a card by any channel."""

import logging
from typing import Any

import pytest
import sqlalchemy as sa

from models.contact import AccountHolder, ContactEmail
from models.journal import Change, Changeset
from models.run import RunItem
from models.saved_card import SavedCard
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.imports import apply, counts, mapped, verdicts
from tests.admin.pages import page_of
from tests.admin.row_actions.test_acting import HTMX, some_customer

NUMBER, SAID = "4242 4242 4242 4242", "This looks like a card number."
CARD = {
    "provider": "Cardpay",
    "token": "tok_1",
    "brand": "Visa",
    "last_four": "4242",
    "expiry_month": 8,
    "expiry_year": 2031,
}
TOKEN = "tok_never_to_be_seen"


def cards(shop: Shop, **values: Any) -> Any:
    return shop.make(factories.make_saved_card, token=f"{TOKEN}-{factories.number()}", **values)


def nothing_of(shop: Shop, text: str) -> None:
    """No row of the journal has it, nor the tables."""
    with shop.look() as session:
        kept = session.execute(sa.select(Change.before, Change.after)).all()
        reasons = [
            *session.scalars(sa.select(Changeset.reason)),
            *session.scalars(sa.select(RunItem.message)),
        ]
        rows = [
            row.__dict__
            for m in (SavedCard, AccountHolder, ContactEmail)
            for row in session.scalars(sa.select(m))
        ]
    assert text not in repr(kept) + repr(reasons) + repr(rows)


def test_the_tab_lists_brand_end_and_expiry_in_words(shop: Shop) -> None:
    customer = some_customer(shop)
    cards(shop, customer_id=customer, last_four="0005", is_default=True)
    cards(shop, customer_id=customer, brand="Amex", expiry_month=1, expiry_year=2020)
    page = page_of(shop.client("Support").get(f"/admin/saved_card/?customer__eq={customer}"))
    for told in ("Visa", "•••• 0005", "Expires 08/2029", "Amex", "Expired 01/2020"):
        assert told in page.text, told
    record = page_of(shop.client("Support").get(f"/admin/customer/details/?id={customer}")).text
    for tab in ("Cards", "People", "Additional emails"):
        assert tab in record, tab


def test_no_form_adds_or_edits_a_card(shop: Shop) -> None:
    card = cards(shop, is_default=True)
    client = shop.client()
    for path in (
        "/admin/saved_card/new/",
        f"/admin/saved_card/edit/?id={card.id}",
        "/admin/saved_card/import/",
    ):
        assert client.get(path).status_code in (403, 404), path
    listed = page_of(client.get("/admin/saved_card/"))
    assert "/act/store/" not in str(listed.tags), "saving one is for programs"
    for method, path in (("POST", "/api/v1/saved_card/"), ("PATCH", f"/api/v1/saved_card/{card.id}")):
        assert shop.api().send(method, path, {"brand": "Other"}, If_Match='"1"').status_code in (
            403,
            404,
            405,
        )


def test_no_channel_shows_the_token(shop: Shop) -> None:
    card = cards(shop, is_default=True)
    client, api = shop.client(), shop.api()
    pages = [
        client.get("/admin/saved_card/"), client.get(f"/admin/saved_card/details/?id={card.id}"),
        client.get("/admin/saved_card/export/csv/"), api.send("GET", f"/api/v1/saved_card/{card.id}"),
        api.send("GET", "/api/v1/saved_card/"), client.get("/api/v1/openapi.json"),
        client.post(f"/admin/saved_card/act/set_expiry/?id={card.id}&preview=1", headers={**HTMX, "X-CSRFToken": client.csrf_token()},
                    data={"expiry_month": "2", "expiry_year": "2031"}),
    ]  # fmt: skip
    assert [page.status_code for page in pages[:5]] == [200] * 5
    for page in pages:
        text = page.get_data(as_text=True)
        assert TOKEN not in text
        assert card.token_key not in text
    assert "token" not in api.send("GET", f"/api/v1/saved_card/{card.id}").json


def test_who_may_do_what(shop: Shop) -> None:
    card = cards(shop, is_default=True)
    for role, allowed in (("Shop", {"store"}), ("Support", {"set_expiry", "delete"}), ("Read-only", set())):
        api = shop.api(role)
        stored = api.send(
            "POST", "/api/v1/saved_card/actions/store", {**CARD, "customer": some_customer(shop)}
        )
        changed = api.send(
            "POST",
            f"/api/v1/saved_card/{card.id}/actions/set_expiry",
            {"expiry_month": 3, "expiry_year": 2032},
        )
        found = {
            verb for verb, answer in (("store", stored), ("set_expiry", changed)) if answer.status_code == 200
        }
        assert found == allowed - {"delete"}, (role, stored.json, changed.json)
    gone = shop.api("Support").send(
        "DELETE", f"/api/v1/saved_card/{card.id}", If_Match=f'"{shop.get(SavedCard, card.id).version}"'
    )
    assert gone.status_code in (200, 204), gone.json
    with shop.look() as session:
        assert session.get(SavedCard, card.id) is None


@pytest.mark.parametrize("field", ["provider", "token", "brand", "last_four"])
def test_the_api_refuses_the_number_of_a_card(
    shop: Shop, field: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    customer = some_customer(shop)
    answer = shop.api().send(
        "POST", "/api/v1/saved_card/actions/store", {**CARD, "customer": customer, field: NUMBER}
    )
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert NUMBER not in answer.get_data(as_text=True)
    assert NUMBER not in caplog.text
    nothing_of(shop, NUMBER)


TEXTS = [
    ("account_holder", "name", NUMBER), ("account_holder", "role", NUMBER), ("account_holder", "phone", NUMBER),
    ("account_holder", "email", "4242424242424242@example.com"), ("contact_email", "email", "4242424242424242@example.com"),
    ("contact_email", "label", NUMBER), ("address", "email", "4242424242424242@example.com"),
]  # fmt: skip
WHOLE = {
    "account_holder": {"name": "Nora Lind"},
    "contact_email": {"email": "office@example.com"},
    "address": {"line1": "14 Mill Lane", "country": "GB"},
}


@pytest.mark.parametrize(("resource", "field", "value"), TEXTS)
def test_a_form_the_api_and_a_file_refuse_it_in_every_text(
    shop: Shop, resource: str, field: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    customer = some_customer(shop)
    given = {**WHOLE[resource], field: value}
    form = page_of(shop.client().get(f"/admin/{resource}/new/?customer={customer}")).form("/new/")
    answer = shop.client().post(form.action, data=form.filled(customer=str(customer), **given))
    assert answer.status_code == 422
    assert SAID in page_of(answer).text
    made = shop.api().send("POST", f"/api/v1/{resource}/", {"customer": customer, **given})
    assert (made.status_code, list(made.json["errors"])) == (422, [field])
    titles, cells = (
        ",".join(["Customer", *map(str.capitalize, given)]),
        ",".join([f"#{customer}", *given.values()]),
    )
    titles = titles.replace("Line1", "Address 1")
    file_id = mapped(shop, resource, f"{titles}\n{cells}\n")
    assert counts(shop, file_id) == (0, 0, 0, 1)
    assert list(verdicts(shop, file_id)[0]) == [field]
    page = shop.client().get(f"/admin/{resource}/import/rows/?id={file_id}").get_data(as_text=True)
    assert SAID in page
    assert value not in page
    apply(shop, resource, file_id)
    nothing_of(shop, value)
    assert value not in caplog.text
    with shop.look() as session:
        model = shop.screen(resource).model
        assert not session.scalar(
            sa.select(sa.func.count()).select_from(model).where(model.customer_id == customer)
        )


def test_what_is_masked_for_some_is_masked_here_too(shop: Shop) -> None:
    holder = shop.make(factories.make_account_holder, email="nora@example.com", phone="0113 496 0123")
    shop.make(factories.make_contact_email, email="office@example.com")
    shop.make(factories.make_address, email="invoices@example.com")
    for resource in ("account_holder", "contact_email", "address"):
        text = shop.client("Read-only").get(f"/admin/{resource}/export/csv/").get_data(as_text=True)
        text += shop.client("Read-only").get(f"/admin/{resource}/").get_data(as_text=True)
        for hidden in ("nora@", "office@", "invoices@", "0113 496"):
            assert hidden not in text, (resource, hidden)
    assert (
        "nora@example.com"
        in shop.client("Support").get(f"/admin/account_holder/details/?id={holder.id}").text
    )
