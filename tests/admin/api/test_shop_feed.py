"""The API as a shop and an accounting package use it, each with a key of its own: docs/shop-hooks.md, line by line."""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from actions.staff.api_keys import digest as key_digest
from models.api_key import KeyScope
from models.base import Staff
from models.codes import digest
from models.credit import CreditEntry
from models.customer import Customer
from tests import application, factories
from tests.admin.conftest import Api, Shop
from tests.databases import Database

DOCS = Path(__file__).parents[3] / "docs" / "shop-hooks.md"
EXAMPLE = re.compile(
    r"curl -X POST \$SHOP/api/v1/(?P<path>\S+) .*?"
    r"(?:-H 'Idempotency-Key: (?P<key>[^']+)' .*?)?-d '(?P<body>[^']*)'",
    re.DOTALL,
)


def key_of(shop: Shop, role: str) -> Api:
    """A caller with a key of somebody with a role."""
    key = f"clt_{factories.number():043d}"
    with shop.arrange() as session:
        owner = session.scalar(select(Staff.id).where(Staff.username == application.USERNAMES[role]))
        factories.make_api_key(session, user_id=owner, hash=key_digest(key), scope=KeyScope.FULL)
    return Api(shop.app, key)


def keep_in_package(shop: Shop) -> None:
    shop.make(factories.make_shop_setting, code="external_accounting", value=True)
    shop.make(factories.make_shop_setting, code="accounting_package", value="Xero")


def examples(section: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(path, key, body) of each example under a heading of the page."""
    text = DOCS.read_text().split(f"\n## {section}\n")[1].split("\n## ")[0].replace("\\\n", " ")
    return [(m["path"], m["key"] or "", json.loads(m["body"])) for m in EXAMPLE.finditer(text)]


@pytest.mark.parametrize(
    ("section", "role"), [("A shop", "Shop"), ("An accounting package", "Accounting package")]
)
def test_every_example_of_the_page_does_what_it_says(shop: Shop, section: str, role: str) -> None:
    shop.make(
        factories.make_customer, email="ann@example.org", loyalty_code="LC-1042", account_code="AC-7",
        pay_on_account=True,
    )  # fmt: skip
    shop.make(factories.make_gift_card, code_key=digest("KR7M-2XQH-9TVA-C4WD"), last4="C4WD")
    if role == "Accounting package":
        keep_in_package(shop)
    api, found = key_of(shop, role), examples(section)
    assert len(found) > 2
    for path, key, body in found:
        headers = {"Idempotency_Key": key} if key else {}
        done = api.send("POST", f"/api/v1/{path}", body, **headers)
        assert done.status_code == 200, (path, done.text)
        if key:
            again = api.send("POST", f"/api/v1/{path}", body, **headers)
            assert (again.json["id"], again.json["changeset"]) == (done.json["id"], done.json["changeset"]), (
                path
            )
            other = api.send("POST", f"/api/v1/{path}", {**body, "comment": "Other"}, **headers)
            assert other.status_code == 422, path


@pytest.mark.either_database
def test_the_roles_hold_what_their_program_needs_and_no_more(shop: Shop) -> None:
    customer = shop.make(factories.make_customer).id
    feed = key_of(shop, "Shop")
    for path in (
        "loyalty_entry/actions/adjust",
        "credit_entry/actions/adjust",
        "account_entry/actions/feed",
        "note/",
    ):
        assert feed.send("POST", f"/api/v1/{path}", {}).status_code == 403, path
    assert (
        feed.send("PATCH", f"/api/v1/customer/{customer}", {"title": "Dr"}, If_Match="1").status_code == 403
    )
    seen = feed.get(f"/api/v1/customer/{customer}").json["result"]
    assert "***" in seen["email"], "a shop is shown no more than a mask"
    assert (seen["points"], seen["credit_balance"]) == (0, 0)
    package = key_of(shop, "Accounting package")
    for path in ("account_entry/actions/pay", "invoice/actions/record", "loyalty_entry/actions/earn"):
        assert package.send("POST", f"/api/v1/{path}", {}).status_code == 403, path


@pytest.mark.either_database
@pytest.mark.parametrize("verb", ["record", "pay"])
def test_the_same_request_after_midnight_is_answered_like_the_first(database: Database, verb: str) -> None:
    days = [factories.NOW, factories.NOW + dt.timedelta(days=1)]
    shop = Shop(application.shared(database.url, lambda: days[0]), database)
    customer = shop.make(factories.make_customer).id
    body = {"customer": customer, "amount": 1_250, "method": "card"} | (
        {"kind": "payment"} if verb == "record" else {}
    )
    sender = key_of(shop, "Shop" if verb == "record" else "Admin")
    path = f"/api/v1/account_entry/actions/{verb}"
    first = sender.send("POST", path, body, Idempotency_Key="payment-1")
    del days[0]
    again = sender.send("POST", path, body, Idempotency_Key="payment-1")
    assert (first.status_code, again.status_code) == (200, 200), again.json
    assert again.json["id"] == first.json["id"]
    assert shop.get(Customer, customer).account_balance == -1_250


def test_a_wrong_code_is_told_and_too_many_are_made_to_wait(shop: Shop) -> None:
    customer, feed = shop.make(factories.make_customer).id, key_of(shop, "Shop")
    path = "/api/v1/credit_entry/actions/redeem_code"
    for number in range(20):
        wrong = feed.send("POST", path, {"customer": customer, "code": f"WRONG-{number:06d}"})
        assert (wrong.status_code, wrong.json["field"]) == (422, "code")
    shop.make(factories.make_gift_card, code_key=digest("RIGHT-CODE-1"))
    late = feed.send("POST", path, {"customer": customer, "code": "RIGHT-CODE-1"})
    assert (late.status_code, late.json["code"]) == (429, "too_many_codes")
    assert 0 < int(late.headers["Retry-After"]) <= 15 * 60 + 1
    assert shop.get(Customer, customer).credit_balance == 0


@pytest.mark.either_database
def test_a_handle_is_text_with_a_colon_and_nothing_else(shop: Shop) -> None:
    feed = key_of(shop, "Shop")
    for handle in (
        "LC-1",
        "card:LC-1",
        "loyalty_code:",
        "loyalty_code: ",
        "email:" + "x" * 400,
        "",
        None,
        [],
        {"id": 1},
        1.5,
        True,
    ):
        body = {"customer": handle, "points": 1, "order_ref": "SO-1"}
        answer = feed.send("POST", "/api/v1/loyalty_entry/actions/earn", body)
        assert (answer.status_code, answer.json["field"]) == (422, "customer"), handle


def test_nobody_else_writes_where_a_package_keeps_the_balances(shop: Shop) -> None:
    customer = shop.make(
        factories.make_customer, pay_on_account=True, account_code="A/7", account_balance=500
    ).id
    entry = shop.make(factories.make_account_entry, customer_id=customer).id
    invoice = shop.make(factories.make_invoice, customer_id=customer)
    shop.make(
        factories.make_account_entry, customer_id=customer, kind="invoice", amount=invoice.amount,
        invoice_id=invoice.id, method=None,
    )  # fmt: skip
    assert (
        "act/raise"
        in shop.client("Finance").get(f"/admin/account_entry/?embed=1&customer__eq={customer}").text
    )
    keep_in_package(shop)
    shop.make(factories.make_shop_setting, code="accounting_url", value="https://x.example/c/{account_code}")
    page = shop.client("Finance").get(f"/admin/account_entry/?embed=1&customer__eq={customer}").text
    owing = shop.client("Finance").get("/admin/owing/").text
    assert f"id={customer}" in owing
    for gone in ("act/pay", "act/refund", "act/void", "act/raise", "act/send_statement"):
        assert gone not in page, gone
        assert gone not in owing, gone
    assert "Xero" in page
    assert 'href="https://x.example/c/A%2F7"' in page
    assert "Open in Xero" in shop.client("Finance").get(f"/admin/customer/details/?id={customer}").text
    api = shop.api("Finance")
    for path, body in (
        ("account_entry/actions/pay", {"customer": customer, "amount": 5, "method": "cash"}),
        ("invoice/actions/raise", {"customer": customer, "amount": 5}),
        (f"account_entry/{entry}/actions/void", {"reason": "Wrong"}),
    ):
        refused = api.send("POST", f"/api/v1/{path}", body)
        assert (refused.status_code, refused.json["code"]) == (409, "external_accounting")
        assert "kept in Xero" in refused.json["message"]


@pytest.mark.either_database
def test_a_code_is_redeemed_on_the_tab_and_stands_in_no_address(shop: Shop) -> None:
    customer = shop.make(factories.make_customer).id
    shop.make(factories.make_gift_card, code_key=digest("12345678"), last4="5678")
    client = shop.client("Support")
    tab = client.get(f"/admin/credit_entry/?embed=1&customer__eq={customer}").text
    assert f"act/redeem_code/?customer={customer}" in tab
    url = f"/admin/credit_entry/act/redeem_code/?customer={customer}"
    assert 'value="12345678"' not in client.get(f"{url}&code=12345678").text
    token = {"X-CSRFToken": client.csrf_token(), "HX-Request": "true"}
    wrong = client.post(url, data={"customer": customer, "code": "87654321", "key": "a"}, headers=token)
    assert wrong.status_code == 422
    assert "No gift card has this code" in wrong.text
    done = client.post(url, data={"customer": customer, "code": "1234 5678", "key": "b"}, headers=token)
    assert done.status_code == 204
    with shop.look() as session:
        (entry,) = session.scalars(select(CreditEntry).filter_by(customer_id=customer))
        assert (entry.amount, entry.code_last4) == (2_500, "5678")
