"""Bad input in every field of every form: refused or taken, and never an error of ours, on both databases."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import pytest
from wtforms import Form as Fields

from models.customer import Customer
from tests import factories
from tests.admin.answers import refused, sane
from tests.admin.conftest import RESOURCES, Shop
from tests.admin.pages import Form, page_of
from tests.admin.screen.test_screens import CREATE, INLINE, create, filled
from tests.scale import sampled, scaled
from tests.usual import maker

HTMX = {"HX-Request": "true"}
HUGE = "1" + "0" * 30
NASTY: tuple[Any, ...] = (
    HUGE, "-" + HUGE, "9223372036854775808", "2147483648", "-1", "x" * 10_000, "' OR 1=1 --", "%(x)s {0} {{7*7}}", "\u202e\u200b\x01\x7f", "😀" * 50,
    "[]", "null", "NaN", "1e400", "９", "0000-00-00", "9999-12-31", ["a", "b"], ["", "1"],
)  # fmt: skip
APART = (
    HUGE,
    "9223372036854775808",
    "2147483648",
    "x" * 10_000,
    "%(x)s {0} {{7*7}}",
    "\u202e\u200b\x01\x7f",
    "😀" * 50,
    "9999-12-31",
    ["a", "b"],
)
"""What PostgreSQL may take otherwise than SQLite: too big or too long for a column, odd characters, far dates."""
SAMPLE = scaled(3, least=1)
FINE = {200, 204, 302, 400, 403, 404, 409, 422}


class Typist:
    """Types nonsense into the fields of a screen: more of it where a kind of field comes by first, elsewhere a little.

    Fields of a kind are read by the same code: the same class with the same validators, over a column of the same type
    with the same check. Each further one gets the next few values, so that all are typed into some field. In a soak the first of
    a kind gets them all.
    """

    def __init__(self, shop: Shop, resource: str) -> None:
        self._resource, self._columns = resource, columns_of(shop, resource)
        self._first = first_of_kind(shop)
        self._values = NASTY if shop.database.kind == "sqlite" else APART
        self._met: Counter[Hashable] = Counter()

    def values(self, fields: type[Fields], name: str) -> Sequence[Any]:
        """Return what to type into a field."""
        kind = kind_of(fields, name, self._columns)
        times = self._met[kind]
        self._met[kind] += 1
        if not times and self._first.get(kind, self._resource) == self._resource:
            return [value for value in self._values if sampled(f"{name} {value}", 3)]
        start = (RESOURCES.index(self._resource) + times) * SAMPLE
        return [self._values[n % len(self._values)] for n in range(start, start + SAMPLE)]


def kind_of(fields: type[Fields], name: str, columns: Any) -> Hashable:
    """What fields that are read alike have in common."""
    made, column = getattr(fields, name, None), columns.get(name)
    if made is None:
        return name  # the key, the version, a line of a repeated row
    validators = made.kwargs.get("validators") or next(iter(made.args[1:2]), ())
    checks = tuple(type(validator) for validator in validators)
    if column is None:
        return made.field_class, checks
    indexed = bool(column.index or column.unique)
    return made.field_class, checks, type(column.type), indexed, column.info.get("check")


def columns_of(shop: Shop, resource: str) -> Any:
    return shop.screen(resource).model.__table__.c


def first_of_kind(shop: Shop) -> dict[Hashable, str]:
    """Kind of field -> the first screen that has one in a form of its own."""
    found: dict[Hashable, str] = {}
    with shop.app.test_request_context():
        for resource in CREATE:
            fields = shop.screen(resource).form_class
            for field in fields():
                found.setdefault(kind_of(fields, field.name, columns_of(shop, resource)), resource)
    return found


def form_at(shop: Shop, path: str, action: str) -> Form:
    """The form at an address, in the drawer."""
    return page_of(shop.client().get(path, headers=HTMX)).form(action)


def forms_of(shop: Shop, resource: str) -> dict[str, tuple[Form, type[Fields]]]:
    """Every form of a screen by its address, and the class that reads it."""
    screen, client, found = shop.screen(resource), shop.client(), {}
    for declared in screen.actions():
        path = f"/admin/{resource}/act/{declared.action.verb}/" + (
            "?id=1" if declared.action.targeted else ""
        )
        answer = client.get(path, headers=HTMX)
        if answer.status_code == 200:
            found[path] = page_of(answer).form("/act/"), declared.form
    if screen.can_create:
        path = f"/admin/{resource}/new/"
        found[path] = form_at(shop, path, "/new/"), screen.form_class
    return found


def check(answer: Any, why: str) -> None:
    """Check that an answer to nonsense is one we meant to give."""
    sane(answer, why=why)
    assert answer.status_code in FINE, f"{why}: {answer.status}"


def entry(shop: Shop, resource: str) -> None:
    """A row of a ledger with all that belongs to it, or an order or a changeset."""
    customer = shop.make(factories.make_customer, points=100, account_balance=12_000, credit_balance=2_500).id
    if shop.screen(resource).model is Customer:
        return
    made = shop.make(
        maker(resource),
        **({"customer_id": customer} if "customer_id" in shop.screen(resource).model.__table__.c else {}),
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


@pytest.mark.soak
@pytest.mark.parametrize("resource", [r for r in RESOURCES if r != "shop_setting"])
def test_no_field_of_a_form_is_broken_by_what_is_typed(shop: Shop, resource: str) -> None:
    if resource in CREATE:
        create(shop, resource)
    else:
        entry(shop, resource)
    client, typist = (
        shop.client(),
        Typist(shop, resource),
    )  # after the row, so that no session tried is this one
    for path, (form, fields) in forms_of(shop, resource).items():
        given = filled(shop, CREATE[resource]) if path.endswith("/new/") else {}
        for number, name in enumerate(n for n in form.fields if n != "csrf_token"):
            for value in typist.values(fields, name):
                sent = {**form.filled(key=f"{number}-{str(value)[:40]}", **given), name: value}
                check(client.post(path, data=sent, headers=HTMX), f"{path} {name}={str(value)[:40]!r}")
            if sampled(f"{path} {name}", 3):
                refused(
                    client.post(path, data={**form.filled(), name: "a\x00b"}, headers=HTMX),
                    name,
                    why=f"{path} {name} NUL",
                )


@pytest.mark.soak
@pytest.mark.parametrize("resource", CREATE)
def test_no_edit_is_broken_by_what_is_typed(shop: Shop, resource: str) -> None:
    client, row_id, typist = shop.client(), create(shop, resource), Typist(shop, resource)
    path, fields = f"/admin/{resource}/edit/?id={row_id}", shop.screen(resource).form_class
    form = form_at(shop, path, "/edit/")
    for name in [n for n in form.fields if n != "csrf_token"]:
        for value in typist.values(fields, name):
            answer = client.post(path, data={**form.filled(), name: value}, headers=HTMX)
            check(answer, f"{path} {name}={str(value)[:40]!r}")
            if answer.status_code == 204:  # saved: the form in hand is out of date
                form = form_at(shop, path, "/edit/")
    for view in ("details", "edit"):
        assert client.get(f"/admin/{resource}/{view}/?id={row_id}").status_code == 200, (
            "what was stored can be shown"
        )


@pytest.mark.parametrize(("resource", "column"), sorted({(r, c) for r, c, _t, _s in INLINE}))
def test_no_cell_is_broken_by_what_is_typed(shop: Shop, resource: str, column: str) -> None:
    client, row_id = shop.client(), create(shop, resource)
    path = f"/admin/{resource}/ajax/update/?id={row_id}&column={column}"
    form = form_at(shop, path, "ajax/update")
    for value in NASTY if shop.database.kind == "sqlite" else APART:
        answer = client.post(form.action, data={**form.filled(), column: value}, headers=HTMX)
        check(answer, f"{column}={str(value)[:40]!r}")
        if answer.status_code == 200:
            form = form_at(shop, path, "ajax/update")
    refused(client.post(form.action, data={**form.filled(), column: "a\x00b"}, headers=HTMX), column)


@pytest.mark.soak
def test_no_setting_is_broken_by_what_is_typed(shop: Shop) -> None:
    client = shop.client()
    form = page_of(client.get("/admin/shop_setting/")).form("/save/")
    for name in (n for n in form.fields if n != "csrf_token"):
        values = NASTY if shop.database.kind == "sqlite" else APART
        for value in [v for v in values if sampled(f"{name} {v}", 4)]:
            check(
                client.post(form.action, data={**form.filled(), name: value}), f"{name}={str(value)[:40]!r}"
            )
        assert client.get("/admin/").status_code == 200, f"{name} broke every page"


def test_too_much_is_refused(shop: Shop) -> None:
    client = shop.client()
    csrf = {"X-CSRFToken": client.csrf_token()}
    refused(client.post("/admin/note/new/", data={"body": "x" * 11_000_000}, headers=csrf))
    refused(client.post("/admin/note/bulk/delete/", data={"ids": list(range(1, 3000))}, headers=csrf), "ids")
    many = {f"field{n}": "x" for n in range(3000)}
    sane(client.post("/admin/note/new/", data=many, headers=csrf))
    sane(client.post("/admin/note/new/", data=many, headers=csrf, content_type="multipart/form-data"))
    sane(client.post("/admin/note/columns/", data={"columns": ["body"] * 3000}, headers=csrf))
