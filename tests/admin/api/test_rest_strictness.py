"""What a program sends wrong is refused by name: nothing left empty, nothing left out, nothing half read."""

from typing import Any

import pytest

from tests import application, factories
from tests.admin.conftest import Shop
from tests.admin.row_actions.test_acting import some_customer


@pytest.mark.parametrize("verb", ["deactivate", "add_note", "merge"])
@pytest.mark.parametrize("query", ["", "?preview=1"])
def test_an_action_without_its_required_fields_is_refused(shop: Shop, verb: str, query: str) -> None:
    path = f"/api/v1/customer/{some_customer(shop)}/actions/{verb}{query}"
    before = shop.figures()
    answer = shop.api().send("POST", path, {})
    assert answer.status_code == 422, answer.json
    assert answer.json["errors"]
    assert shop.figures() == before


@pytest.mark.parametrize("name", ["email__eq", "points__ge", "sort", "page_size", "after", "view"])
def test_an_argument_left_empty_does_not_match_everything(stocked: Shop, name: str) -> None:
    answer = stocked.api().get("/api/v1/customer/", **{name: ""})
    assert (answer.status_code, answer.json["field"]) == (400, name)


@pytest.mark.parametrize("key", ["", " ", "x" * 101, "caf\u00e9", "a\tb"])
@pytest.mark.parametrize("query", ["", "?preview=1"])
def test_a_key_that_would_protect_nothing_is_refused(shop: Shop, key: str, query: str) -> None:
    path = f"/api/v1/customer/{some_customer(shop)}/actions/verify{query}"
    answer = shop.api().send("POST", path, {}, Idempotency_Key=key)
    assert (answer.status_code, answer.json["field"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize("version", ['"1', '1"', '""1""', "*", '"1", "2"', "-1", "W/1"])
def test_an_odd_version_is_refused(shop: Shop, version: str) -> None:
    path = f"/api/v1/customer/{some_customer(shop)}"
    answer = shop.api().send("PATCH", path, {}, If_Match=version)
    assert (answer.status_code, answer.json["field"]) == (400, "If-Match")


@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "text/plain"}, {"Content-Type": "application/json", "Content-Encoding": "gzip"}],
)
def test_a_body_that_is_not_plain_json_is_415(shop: Shop, headers: dict[str, str]) -> None:
    sender: Any = shop.api()
    answer = sender._client.post("/api/v1/note/", data=b"{}", headers={**sender._headers, **headers})
    assert answer.status_code == 415


def test_signing_in_without_a_provider_is_refused_and_not_a_fault(shop: Shop) -> None:
    good = {"username": "admin", "password": application.PASSWORD, "provider": "db"}
    for wrong, field in (
        ({"provider": None}, "provider"), ({"provider": "saml"}, "provider"), ({"username": ["admin"]}, "username"),
        ({"password": ""}, "password"), ({"refresh": "yes"}, "refresh"), ({"role": "Admin"}, "role"),
    ):  # fmt: skip
        body = {name: value for name, value in {**good, **wrong}.items() if value is not None}
        answer = shop.app.test_client().post("/api/v1/security/login", json=body)
        assert (answer.status_code, answer.json["field"]) == (400, field)


@pytest.mark.parametrize(
    "raw", [b"[" * 100_000, b'{"body": 1e400}', b'{"body": NaN}', b"\xff\xfe{}", b'{"body": "\\ud800"}']
)
def test_hostile_json_is_refused(shop: Shop, raw: bytes) -> None:
    sender: Any = shop.api()
    answer = sender._client.post(
        "/api/v1/note/", data=raw, content_type="application/json", headers=sender._headers
    )
    assert answer.status_code in (400, 422), answer.get_data(as_text=True)


@pytest.mark.parametrize("points", [10**15, -(10**15), 10**16])
@pytest.mark.parametrize("query", ["", "?preview=1"])
def test_a_figure_beyond_its_description_is_refused_even_before_a_rule_looks(
    shop: Shop, points: int, query: str
) -> None:
    body = {"customer": some_customer(shop), "points": points, "comment": "Sorry"}
    answer = shop.api().send("POST", f"/api/v1/loyalty_entry/actions/adjust{query}", body)
    assert (answer.status_code, answer.json["field"]) == (422, "points")


def test_the_fields_to_change_are_described_as_the_list_they_are(shop: Shop) -> None:
    paths = shop.api().get("/api/v1/_openapi").json["paths"]
    body = paths["/api/v1/note/{id}/actions/edit_fields"]["post"]["requestBody"]
    described = body["content"]["application/json"]["schema"]["properties"]["change"]
    assert described == {
        "type": "array",
        "items": {"type": "string", "enum": ["kind", "due_on"]},
        "minItems": 1,
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"change": "due_on", "due_on": "2031-01-01"}, "change"),
        ({"change": ["body"], "due_on": "2031-01-01"}, "change"),
        ({"change": []}, "change"),
        ({"change": ["due_on"], "due_on": "2031-01-01", "kind": "nonsense"}, "kind"),
    ],
)
def test_what_is_sent_with_chosen_fields_is_looked_at_whole(
    shop: Shop, body: dict[str, Any], field: str
) -> None:
    note = shop.make(factories.make_note).id
    answer = shop.api().send("POST", f"/api/v1/note/{note}/actions/edit_fields", body)
    assert (answer.status_code, answer.json["field"]) == (422, field)
