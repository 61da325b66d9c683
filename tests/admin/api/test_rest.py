"""The read API: bearer tokens only, the screens' own scope and permissions, and a description that is true."""

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from admin.screens import SCREENS
from tests import application
from tests.admin.conftest import RESOURCES, Api, Shop
from tests.factories import NOW


def described(shop: Shop) -> dict:
    """Return the OpenAPI document."""
    return shop.api().get("/api/v1/_openapi").json


def inlined(document: dict, schema: dict) -> dict:
    """Return a JSON schema in which references and OpenAPI 3.0's nullable are spelled out."""
    if "$ref" in schema:
        return inlined(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    made = {key: value for key, value in schema.items() if key != "nullable"}
    if "properties" in made:
        made["properties"] = {name: inlined(document, value) for name, value in made["properties"].items()}
    if "anyOf" in made:
        made["anyOf"] = [inlined(document, part) for part in made["anyOf"]]
    if "items" in made:
        made["items"] = inlined(document, made["items"])
    if schema.get("nullable") and "type" in made:
        made["type"] = [made["type"], "null"]
        made.pop("enum", None)
    return made


@pytest.mark.either_database
def test_the_description_is_valid_openapi_and_names_every_resource(stocked: Shop):
    document = described(stocked)
    validate(document)
    for resource in RESOURCES:
        assert {f"/api/v1/{resource}/", f"/api/v1/{resource}/{{id}}"} <= document["paths"].keys()


@pytest.mark.parametrize("resource", RESOURCES)
def test_list_and_record_are_as_described(stocked: Shop, resource: str):
    document, api = described(stocked), stocked.api()
    for path in (f"/api/v1/{resource}/", f"/api/v1/{resource}/{{id}}"):
        rows = api.get(f"/api/v1/{resource}/").json["result"]
        answer = api.get(path.replace("{id}", str(rows[0]["id"] if rows else 1)))
        if answer.status_code == 404 and not rows:
            continue
        assert answer.status_code == 200
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator(inlined(document, schema)).validate(answer.json)


JOURNALLED = [s.named() for s in SCREENS if s.model.__journal__]
CACHED = {"points", "account_balance", "credit_balance"}
"""What the stocked shop's customers have without any entries behind it."""


@pytest.mark.parametrize("resource", sorted(set(JOURNALLED) - {"shop_setting"}))
def test_a_record_as_it_was_is_as_described(stocked: Shop, resource: str):
    document, api = described(stocked), stocked.api()
    row = api.get(f"/api/v1/{resource}/", sort="-id").json["result"][0]
    answer = api.get(f"/api/v1/{resource}/{row['id']}", at=NOW.isoformat())
    assert answer.status_code == 200
    content = document["paths"][f"/api/v1/{resource}/{{id}}"]["get"]["responses"]["200"]["content"]
    past = content["application/json"]["schema"]["anyOf"][1]
    Draft202012Validator(inlined(document, past)).validate(answer.json)
    assert {n for n, value in answer.json["result"].items() if row[n] != value} <= CACHED


@pytest.mark.parametrize("resource", sorted(set(RESOURCES) - set(JOURNALLED)))
def test_what_has_no_journal_is_not_described_as_having_a_past(stocked: Shop, resource: str):
    operation = described(stocked)["paths"][f"/api/v1/{resource}/{{id}}"]["get"]
    assert "at" not in [parameter["name"] for parameter in operation["parameters"]]
    answer = stocked.api().get(f"/api/v1/{resource}/1", at=NOW.isoformat())
    assert (answer.status_code, answer.json["field"]) == (400, "at")


@pytest.mark.either_database
@pytest.mark.every_case
@pytest.mark.parametrize("resource", RESOURCES)
def test_only_a_bearer_token_opens_it_never_the_cookie(stocked: Shop, resource: str):
    for path in (f"/api/v1/{resource}/", f"/api/v1/{resource}/1", "/api/v1/_openapi"):
        assert stocked.client().get(path).status_code == 401
        assert application.browser(stocked.app).get(path).status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer x", "Basic YTpi", "Bearer a.b.c", "Bearer " + "x" * 9000]
)
def test_a_bad_token_is_401_in_plain_json(stocked: Shop, header: str):
    client = application.browser(stocked.app)
    answer = client.get("/api/v1/customer/", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json["message"]
    assert answer.json["request_id"]


@pytest.mark.parametrize("role", ["Read-only", "Support", "Finance"])
def test_a_role_reads_what_its_permissions_say_and_no_more(stocked: Shop, role: str):
    api = stocked.api(role)
    assert api.get("/api/v1/customer/").status_code == 200
    assert api.get("/api/v1/shop_setting/").status_code == 403
    assert api.get("/api/v1/changeset/").status_code == (200 if role == "Finance" else 403)


@pytest.mark.parametrize("row_id", ["0", "-1", "x", "1e3", "9" * 30, "999999999", "%00", "1.5"])
def test_a_row_that_is_not_there_is_404(stocked: Shop, row_id: str):
    answer = stocked.api().get(f"/api/v1/customer/{row_id}")
    assert answer.status_code in (400, 404)
    assert "message" in answer.json


def test_hashes_are_in_no_answer_and_no_description(stocked: Shop):
    api = stocked.api()
    assert "password" not in str(described(stocked)["components"]["schemas"])
    assert "password_hash" not in api.get("/api/v1/customer/", page_size=200).get_data(as_text=True)


def test_a_wrong_password_gets_no_token(stocked: Shop):
    client = application.browser(stocked.app)
    for body in (
        {"username": "admin", "password": "wrong", "provider": "db"},
        {"username": "nobody", "password": "wrong", "provider": "db"},
    ):
        assert client.post("/api/v1/security/login", json=body).status_code == 401


def test_a_deactivated_person_keeps_no_access(shop: Shop):
    api: Api = shop.api("Support")
    assert api.get("/api/v1/customer/").status_code == 200
    with shop.app.app_context():
        security = shop.app.extensions["appbuilder"].sm
        person = security.find_user("support")
        person.active = False
        security.update_user(person)
    assert api.get("/api/v1/customer/").status_code == 401


@pytest.mark.parametrize("row_id", ["2147483648", "9223372036854775807"])
@pytest.mark.parametrize("resource", RESOURCES)
def test_an_id_as_large_as_can_be_is_a_row_that_is_not_there(
    stocked: Shop, resource: str, row_id: str
) -> None:
    api = stocked.api()
    assert api.get(f"/api/v1/{resource}/{row_id}").status_code == 404
    assert api.get(f"/api/v1/{resource}/{row_id}", at="2026-01-01T00:00:00Z").status_code in (400, 404)
    assert stocked.client().get(f"/admin/{resource}/details/?id={row_id}").status_code == 404
