"""A form that clashes with another record links to it, and the API names it (rule 10.14)."""

from __future__ import annotations

from tests import factories
from tests.admin.conftest import Shop
from tests.admin.editing.test_alike import grants, limit
from tests.admin.pages import page_of

NEW = "/admin/customer/new/"


def test_the_form_links_to_who_has_the_value_and_the_api_names_them(shop: Shop) -> None:
    holder = shop.make(factories.make_customer, email="joan@example.com").id
    other = shop.make(factories.make_customer).id
    way = f'Another record already has this value. <a href="/admin/customer/details/?id={holder}">Open</a>'
    client, edit = shop.client(), f"/admin/customer/edit/?id={other}"
    for url in (NEW, edit):
        form = page_of(client.get(url)).form("/admin/customer/")
        refused = client.post(url, data=form.filled(last_name="Byrne", email="joan@example.com"))
        assert refused.status_code == 422
        assert refused.text.count(way) == 2, "over the form and at the field"
    refused = shop.api().send("POST", "/api/v1/customer/", {"email": "joan@example.com"})
    assert (refused.status_code, refused.json["taken_by"]) == (422, {"resource": "customer", "id": holder})
    sentence = refused.json["errors"]["email"]
    limit(shop)
    refused = shop.api("Manager").send("POST", "/api/v1/customer/", {"email": "joan@example.com"})
    assert refused.json["errors"]["email"] == sentence
    assert "taken_by" not in refused.json


def test_who_may_not_open_records_reads_the_sentence_alone(shop: Shop) -> None:
    shop.make(factories.make_customer, loyalty_code="CARD-77")
    grants(shop, "Manager", ("can_show", "customer"))
    refused = shop.api("Manager").send(
        "POST", "/api/v1/customer/", {"last_name": "B", "loyalty_code": "CARD-77"}
    )
    assert refused.status_code == 422
    assert "taken_by" not in refused.json
