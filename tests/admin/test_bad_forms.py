"""Bad input in every field of every form: refused or taken, and never an error of ours, on both databases."""

from typing import Any

import pytest

from tests import factories
from tests.admin.answers import refused, sane
from tests.admin.conftest import RESOURCES, Shop
from tests.admin.pages import Form, page_of
from tests.admin.test_screens import CREATE, INLINE, create, filled

HTMX = {"HX-Request": "true"}
HUGE = "1" + "0" * 30
NASTY: tuple[Any, ...] = (
    HUGE, "-" + HUGE, "9223372036854775808", "2147483648", "-1", "x" * 10_000, "' OR 1=1 --", "%(x)s {0} {{7*7}}", "\u202e\u200b\x01\x7f", "😀" * 50,
    "[]", "null", "NaN", "1e400", "９", "0000-00-00", "9999-12-31", ["a", "b"], ["", "1"],
)  # fmt: skip
FINE = {200, 204, 302, 400, 403, 404, 409, 422}


def forms_of(shop: Shop, resource: str) -> dict[str, Form]:
    """Every form of a screen, by its address."""
    screen, client, found = shop.screen(resource), shop.client(), {}
    for action in screen.actions():
        path = f"/admin/{resource}/act/{action.action.verb}/" + ("?id=1" if action.action.targeted else "")
        answer = client.get(path, headers=HTMX)
        if answer.status_code == 200:
            found[path] = page_of(answer).form("/act/")
    if screen.can_create:
        found[f"/admin/{resource}/new/"] = page_of(client.get(f"/admin/{resource}/new/", headers=HTMX)).form(
            "/new/"
        )
    return found


def entry(shop: Shop, resource: str) -> None:
    """A row of a ledger with all that belongs to it, or an order or a changeset."""
    customer = shop.make(factories.make_customer, points=100, account_balance=12_000, credit_balance=2_500).id
    made = shop.make(
        getattr(factories, {"sales_order": "make_order"}.get(resource, f"make_{resource}")),
        **({} if resource == "changeset" else {"customer_id": customer}),
    )
    if resource == "loyalty_entry":
        shop.make(factories.make_loyalty_lot, entry=made)
    if resource == "invoice":
        shop.make(
            factories.make_account_entry,
            customer_id=customer,
            kind="invoice",
            amount=made.amount,
            invoice_id=made.id,
            method=None,
        )


@pytest.mark.parametrize("resource", [r for r in RESOURCES if r != "shop_setting"])
def test_no_field_of_a_form_is_broken_by_what_is_typed(shop: Shop, resource: str) -> None:
    client = shop.client()
    if resource in CREATE:
        create(shop, resource)
    else:
        entry(shop, resource)
    for path, form in forms_of(shop, resource).items():
        given = filled(shop, CREATE[resource]) if path.endswith("/new/") else {}
        for number, name in enumerate(n for n in form.fields if n not in ("csrf_token",)):
            for value in NASTY:
                sent = {**form.filled(key=f"{number}-{str(value)[:40]}", **given), name: value}
                answer = client.post(path, data=sent, headers=HTMX)
                sane(answer, why=f"{path} {name}={str(value)[:40]!r}")
                assert answer.status_code in FINE, f"{path} {name}={str(value)[:40]!r}: {answer.status}"
            refused(
                client.post(path, data={**form.filled(), name: "a\x00b"}, headers=HTMX),
                name,
                why=f"{path} {name} NUL",
            )


@pytest.mark.parametrize("resource", CREATE)
def test_no_edit_is_broken_by_what_is_typed(shop: Shop, resource: str) -> None:
    client, row_id = shop.client(), create(shop, resource)
    path = f"/admin/{resource}/edit/?id={row_id}"
    for name in (
        n for n in page_of(client.get(path, headers=HTMX)).form("/edit/").fields if n != "csrf_token"
    ):
        for value in NASTY[:: 3 if resource == "customer" else 1]:
            form = page_of(client.get(path, headers=HTMX)).form("/edit/")
            answer = client.post(path, data={**form.filled(), name: value}, headers=HTMX)
            sane(answer, why=f"{path} {name}={str(value)[:40]!r}")
            assert answer.status_code in FINE, f"{path} {name}={str(value)[:40]!r}: {answer.status}"
    for view in ("details", "edit"):
        assert client.get(f"/admin/{resource}/{view}/?id={row_id}").status_code == 200, (
            "what was stored can be shown"
        )


@pytest.mark.parametrize(("resource", "column"), sorted({(r, c) for r, c, _t, _s in INLINE}))
def test_no_cell_is_broken_by_what_is_typed(shop: Shop, resource: str, column: str) -> None:
    client, row_id = shop.client(), create(shop, resource)
    path = f"/admin/{resource}/ajax/update/?id={row_id}&column={column}"
    form = page_of(client.get(path, headers=HTMX)).form("ajax/update")
    for value in NASTY:
        answer = client.post(form.action, data={**form.filled(), column: value}, headers=HTMX)
        sane(answer, why=f"{column}={str(value)[:40]!r}")
        assert answer.status_code in FINE, f"{column}={str(value)[:40]!r}: {answer.status}"
        if answer.status_code == 200:
            form = page_of(client.get(path, headers=HTMX)).form("ajax/update")
    refused(client.post(form.action, data={**form.filled(), column: "a\x00b"}, headers=HTMX), column)


def test_no_setting_is_broken_by_what_is_typed(shop: Shop) -> None:
    client = shop.client()
    form = page_of(client.get("/admin/shop_setting/")).form("/save/")
    for name in (n for n in form.fields if n != "csrf_token"):
        for value in NASTY:
            answer = client.post(form.action, data={**form.filled(), name: value})
            sane(answer, why=f"{name}={str(value)[:40]!r}")
            assert answer.status_code in FINE, f"{name}={str(value)[:40]!r}: {answer.status}"
        assert client.get("/admin/").status_code == 200, f"{name} broke every page"


def test_too_much_is_refused(shop: Shop) -> None:
    client = shop.client()
    csrf = {"X-CSRFToken": client.csrf_token("/admin/")}
    refused(client.post("/admin/note/new/", data={"body": "x" * 11_000_000}, headers=csrf))
    refused(client.post("/admin/note/bulk/delete/", data={"ids": list(range(1, 3000))}, headers=csrf), "ids")
    many = {f"field{n}": "x" for n in range(3000)}
    sane(client.post("/admin/note/new/", data=many, headers=csrf))
    sane(client.post("/admin/note/new/", data=many, headers=csrf, content_type="multipart/form-data"))
    sane(client.post("/admin/note/columns/", data={"columns": ["body"] * 3000}, headers=csrf))
