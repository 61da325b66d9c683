"""Writing through the API: the form's own rules, versions that must match, keys, and every action with its preview."""

from typing import Any

import pytest
import sqlalchemy as sa
from openapi_spec_validator import validate
from werkzeug.datastructures import MultiDict

from actions.core.journal import plain
from models.choices import CreatedVia
from models.customer import Customer
from models.journal import Change, Changeset
from models.phone import Phone
from tests import factories
from tests.admin.conftest import RESOURCES, Shop
from tests.admin.row_actions.test_acting import (
    CASES,
    DECLARED,
    Channel,
    every_action,
    on_postgresql,
    some_customer,
)
from tests.admin.screen.test_screens import CREATE, filled


def as_json(shop: Shop, form_class: Any, given: dict[str, str]) -> dict[str, Any]:
    """What a program would send where a person fills in ``given``."""
    with shop.app.test_request_context():
        form = form_class(MultiDict(given))
        return {name: plain(form[name].data) for name in given}


class ApiChannel(Channel):
    """The same action by its address in the API."""

    def __init__(self, shop: Shop, code: str, role: str = "Admin") -> None:
        super().__init__(shop, code, role)
        resource, verb = code.split(".")
        where = f"/{self.row}" if self.row else ""
        self.path = f"/api/v1/{resource}{where}/actions/{verb}"
        self.body = as_json(shop, DECLARED[code].form, self.given)

    def call(self, role: str = "Admin", query: str = "", **more: Any) -> Any:
        confirm = {"confirm": self.confirm} if self.confirm else {}
        body = self.body | confirm | more.pop("body", {})
        return self.shop.api(role).send("POST", self.path + query, body, **more)


@on_postgresql
@every_action
def test_an_action_by_the_api_is_refused_previewed_and_done_as_by_its_form(shop: Shop, code: str) -> None:
    channel = ApiChannel(shop, code)
    before = shop.figures()
    it_needs_the_same_permission(channel)
    it_refuses_what_no_form_has(channel)
    seen = channel.call(query="?preview=1")
    assert seen.status_code == 200, seen.json
    assert seen.json["possible"], seen.json
    assert seen.json["rows"] or seen.json["warnings"]
    assert shop.figures() == before
    done = channel.call(body={"fingerprint": seen.json["fingerprint"]}, Idempotency_Key="once")
    assert done.status_code == 200, done.json
    after = shop.figures()
    again = channel.call(body={"fingerprint": seen.json["fingerprint"]}, Idempotency_Key="once")
    assert again.json["changeset"] == done.json["changeset"]
    assert shop.figures() == after
    with shop.look() as session:
        changeset = session.get_one(Changeset, done.json["changeset"])
        assert (changeset.action, changeset.actor_name) == (code, "Admin Tester")


def it_needs_the_same_permission(channel: ApiChannel) -> None:
    """As its form does; and the cookie opens nothing here."""
    assert channel.call("Read-only").status_code == 403
    assert channel.call("Read-only", query="?preview=1").status_code == 403
    assert channel.shop.client().post(channel.path, json=channel.body).status_code == 401


def it_refuses_what_no_form_has(channel: ApiChannel) -> None:
    """Fields it lacks are named; values of another kind and arguments it lacks are bad input."""
    extra = channel.call(body={"is_superuser": True})
    assert extra.status_code == 422
    assert "is_superuser" in extra.json["errors"]
    for name in channel.body:
        for wrong in ([1.5, "x"], {"a": 1}, 1.5, "x\x00y"):
            answer = channel.call(body={name: wrong})
            assert answer.status_code in (400, 422), (name, wrong, answer.json)
    for query in ("?preview=2", "?x=1", "?preview=1&y=2"):
        assert channel.call(query=query).status_code == 400


@pytest.mark.either_database
def test_every_action_is_described(stocked: Shop) -> None:
    document = stocked.api().get("/api/v1/_openapi").json
    validate(document)
    for code in CASES:
        resource, verb = code.split(".")
        where = "/{id}" if CASES[code][0] is not None else ""
        assert f"/api/v1/{resource}{where}/actions/{verb}" in document["paths"]


# -- records ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", sorted(CREATE))
def test_a_record_is_created_changed_and_deleted_as_by_its_form(shop: Shop, resource: str) -> None:
    screen, api = shop.screen(resource), shop.api()
    with shop.app.app_context():
        form_class = screen.form_class
    given = {k: v for k, v in filled(shop, CREATE[resource]).items() if "-" not in k and k != "phones"}
    body = as_json(shop, form_class, given)
    made = api.send("POST", f"/api/v1/{resource}/", body, Idempotency_Key="new")
    assert made.status_code == 201, made.json
    row_id = made.json["result"]["id"]
    assert made.headers["Location"] == f"/api/v1/{resource}/{row_id}"
    assert (
        api.send("POST", f"/api/v1/{resource}/", body, Idempotency_Key="new").json["result"]["id"] == row_id
    )
    path, version = made.headers["Location"], made.headers["ETag"]
    same = api.send("PATCH", path, {}, If_Match=version)
    assert (same.status_code, same.headers["ETag"]) == (200, version), "nothing sent, nothing changed"
    for wrong, status in (("", 428), ('"x"', 400), ('"99"', 412)):
        assert api.send("PATCH", path, body, If_Match=wrong).status_code == status
    if screen.can_delete:
        assert api.send("DELETE", path).status_code in (204, 409)
    else:
        assert api.send("DELETE", path).status_code == 405


def test_patch_writes_only_what_was_sent(shop: Shop) -> None:
    customer = some_customer(shop, title="Mr", free_delivery=True, first_name="Ann", last_name="Old")
    api, path = shop.api(), f"/api/v1/customer/{customer}"
    version = api.get(path).headers["ETag"]
    answer = api.send("PATCH", path, {"title": None, "credit_limit": 1250}, If_Match=version)
    assert answer.status_code == 200, answer.json
    row = shop.get(Customer, customer)
    assert (row.title, row.credit_limit, row.free_delivery, row.first_name) == (None, 1250, True, "Ann")
    with shop.look() as session:
        change = session.scalars(
            sa.select(Change).where(Change.table_name == "customer", Change.row_id == customer)
        ).one()
        assert set(change.after) - {"version", "updated_at"} == {"title", "credit_limit"}


def test_a_stale_patch_is_told_base_theirs_and_mine(shop: Shop) -> None:
    customer = some_customer(shop, first_name="Ann", last_name="Old")
    api, path = shop.api(), f"/api/v1/customer/{customer}"
    version = api.get(path).headers["ETag"]
    assert api.send("PATCH", path, {"last_name": "Theirs"}, If_Match=version).status_code == 200
    stale = api.send("PATCH", path, {"last_name": "Mine"}, If_Match=version)
    assert stale.status_code == 412
    told = stale.json
    assert (told["base"], told["theirs"], told["mine"]) == (
        {"last_name": "Old"}, {"last_name": "Theirs"}, {"last_name": "Mine"},
    )  # fmt: skip
    assert shop.get(Customer, customer).last_name == "Theirs"


def test_phones_come_with_their_customer_and_those_left_out_stay(shop: Shop) -> None:
    api = shop.api()
    body = {"last_name": "Karim", "phones": [{"number": "020 7946 0001", "kind": "mobile"}]}
    made = api.send("POST", "/api/v1/customer/", body)
    assert made.status_code == 201, made.json
    customer = made.json["result"]["id"]
    more = {"phones": [{"number": "020 7946 0002", "kind": "work"}]}
    path = f"/api/v1/customer/{customer}"
    assert api.send("PATCH", path, more, If_Match=made.headers["ETag"]).status_code == 200
    with shop.look() as session:
        numbers = session.scalars(sa.select(Phone.number).where(Phone.customer_id == customer)).all()
        assert len(numbers) == 2
    for wrong in ("x", [1], [{"nope": 1}], [{"number": 5}], {"number": "1"}):
        assert api.send("POST", "/api/v1/customer/", {"last_name": "K", "phones": wrong}).status_code == 422


@pytest.mark.parametrize("body", [[], "x", 1, True, [[]]])
def test_a_body_that_is_no_object_is_refused(shop: Shop, body: Any) -> None:
    answer = shop.api().send("POST", "/api/v1/note/", body)
    assert answer.status_code == 400
    assert "JSON object" in answer.json["message"]


def test_what_no_form_writes_the_api_does_not_write_either(shop: Shop) -> None:
    customer = some_customer(shop)
    api, path = shop.api(), f"/api/v1/customer/{customer}"
    version = api.get(path).headers["ETag"]
    for name in ("points", "status", "account_balance", "merged_into_id", "password_hash", "version", "id"):
        answer = api.send("PATCH", path, {name: 5}, If_Match=version)
        assert answer.status_code == 422, name
        assert name in answer.json["errors"]
    assert shop.get(Customer, customer).points == 0


@pytest.mark.either_database
@pytest.mark.parametrize("resource", RESOURCES)
def test_what_a_screen_does_not_allow_the_api_does_not_offer(stocked: Shop, resource: str) -> None:
    screen, api = stocked.screen(resource), stocked.api()
    document = api.get("/api/v1/_openapi").json["paths"]
    offered = set(document[f"/api/v1/{resource}/"]) | set(document[f"/api/v1/{resource}/{{id}}"])
    for method, can in (
        ("post", screen.can_create),
        ("patch", screen.can_edit),
        ("delete", screen.can_delete),
    ):
        assert (method in offered) == can
        if not can:
            path = f"/api/v1/{resource}/" + ("" if method == "post" else "1")
            assert api.send(method.upper(), path, {}, If_Match='"1"').status_code == 405


@pytest.mark.parametrize("role", ["Read-only", "Finance"])
def test_a_reader_writes_nothing(shop: Shop, role: str) -> None:
    customer = shop.make(factories.make_customer).id
    api, before = shop.api(role), shop.figures()
    assert api.send("POST", "/api/v1/customer/", {"last_name": "X"}).status_code == 403
    assert (
        api.send("PATCH", f"/api/v1/customer/{customer}", {"title": "X"}, If_Match='"1"').status_code == 403
    )
    assert api.send("DELETE", "/api/v1/note/1").status_code == 403
    assert shop.figures() == before


def test_an_action_whose_form_starts_from_the_row_leaves_what_is_not_sent_as_it_is(shop: Shop) -> None:
    terms = shop.make(factories.make_payment_term)
    one = some_customer(shop, payment_term_id=terms.id, free_delivery=True, global_discount=5)
    path = f"/api/v1/customer/{one}/actions/set_terms"
    done = shop.api().send("POST", path, {"credit_limit": 50_000})
    assert done.status_code == 200, done.json
    row = shop.get(Customer, one)
    assert (row.credit_limit, row.payment_term_id) == (50_000, terms.id)
    assert (row.free_delivery, row.global_discount) == (True, 5)
    emptied = shop.api().send("POST", path, {"sales_channel": None})
    assert (emptied.status_code, list(emptied.json["errors"])) == (422, ["sales_channel"])
    args = ["act", "customer.set_terms", str(one), "--as", "admin", "--set", "payment_term="]
    told = shop.app.test_cli_runner().invoke(args=args)
    assert told.exit_code == 0, told.output
    row = shop.get(Customer, one)
    assert (row.credit_limit, row.payment_term_id, row.free_delivery) == (50_000, None, True)


def test_a_customer_that_a_program_makes_says_so(shop: Shop) -> None:
    made = shop.api().send("POST", "/api/v1/customer/", {"last_name": "Programmed", "first_name": "Ada"})
    assert made.status_code == 201, made.json
    with shop.look() as session:
        row = session.query(Customer).filter_by(last_name="Programmed").one()
        assert row.created_via == CreatedVia.API
