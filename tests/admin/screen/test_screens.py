"""The contract of every screen: create, edit, edit in place, delete, look up, export; on a page and in the drawer."""

import csv
import io
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from admin.request.permissions import SHIPPED_ROLES
from models.journal import Change, Changeset
from tests import factories
from tests.admin import usual_forms
from tests.admin.conftest import RESOURCES, Shop
from tests.admin.pages import links_of, page_of, rows_of
from tests.admin.stock import NASTY
from tests.usual import maker

HTMX = {"HX-Request": "true"}
LISTED = [r for r in RESOURCES if r != "shop_setting"]  # the settings are one form, not a list

# What somebody fills in for a new record; "@" stands for a related record of that table.
CREATE: dict[str, dict[str, str]] = {
    "customer": {
        "first_name": "Ada",
        "last_name": "Byron",
        "sales_channel": "@sales_channel",
        "credit_limit": "12.50",
    },
    "address": {
        "customer": "@customer",
        "line1": "1 High Street",
        "town": "Leeds",
        "postcode": "LS2 9JT",
        "country": "GB",
    },
    "phone": {
        "customer": "@customer",
        "number": "0113 496 0123",
        "kind": "work",
        "country": "GB",
        "extension": "12",
    },
    "account_holder": {
        "customer": "@customer",
        "name": "Nora Lind",
        "role": "Buyer",
        "email": "nora@example.com",
        "phone": "0113 496 0123",
    },
    "contact_email": {"customer": "@customer", "email": "office@example.com", "label": "Office"},
    "customer_class": {"name": "Gold", "discount": "7.5", "free_tastings": "2"},
    "note": {"customer": "@customer", "kind": "task", "body": "Call back", "due_on": "2026-10-01"},
    "external_id": {"customer": "@customer", "system": "ebay", "kind": "user", "value": "buyer"},
    "attribute_value": {"customer": "@customer", "definition": "@attribute_definition", "value": "42"},
    "membership_group": {"name": "Club", "description": "Inner"},
    "acquisition_source": {"name": "A friend"},
    "price_list": {"name": "Trade", "currency": "EUR"},
    "sales_channel": {"name": "Shop", "code": "SHOP"},
    "payment_term": {"name": "A month", "days": "30"},
    "bank_account": {"name": "Main", "iban_last4": "4821", "currency": "GBP"},
    "attribute_definition": {"name": "Shoe size", "code": "shoe_size", "kind": "number", "position": "3"},
    "role": {"name": "Night desk"},
    "staff_group": {"name": "Night shift"},
}
# Then one field of it is changed: its new value as typed, and as stored.
EDIT: dict[str, tuple[str, str, Any]] = {
    "customer": ("credit_limit", "1000", 100_000),
    "address": ("label", "Cellar", "Cellar"),
    "phone": ("extension", "", None),
    "account_holder": ("role", "", None),
    "contact_email": ("label", "Bookkeeping", "Bookkeeping"),
    "customer_class": ("free_tastings", "0", 0),
    "note": ("body", "Line one\r\nLine two", "Line one\nLine two"),
    "external_id": ("value", "seller", "seller"),
    "attribute_value": ("value", "43", "43"),
    "membership_group": ("description", "", None),
    "acquisition_source": ("name", "An enemy", "An enemy"),
    "price_list": ("name", "Retail", "Retail"),
    "sales_channel": ("name", "The shop", "The shop"),
    "payment_term": ("days", "0", 0),
    "bank_account": ("name", "Other", "Other"),
    "attribute_definition": ("position", "9", 9),
    "role": ("name", "Early desk", "Early desk"),
    "staff_group": ("name", "Early shift", "Early shift"),
}
# A screen that is not named in these is filled in as its columns' types allow.
CREATE |= {r: usual_forms.filled_in(r) for r in usual_forms.CREATING if r not in CREATE}
EDIT |= {r: usual_forms.changed(r) for r in CREATE if r not in EDIT}
# What refers to a record that may be deleted once nothing does.
REFERRING = {
    "customer_class": ("make_customer", "customer_class"),
    "membership_group": ("make_customer", "membership_group"),
    "acquisition_source": ("make_customer", "acquisition_source"),
    "price_list": ("make_customer", "price_list"),
    "sales_channel": ("make_customer", "sales_channel"),
    "payment_term": ("make_customer", "payment_term"),
    "bank_account": ("make_customer", "bank_account"),
    "attribute_definition": ("make_attribute_value", "definition"),
    "role": ("make_role_holder", "role"),
    "staff_group": ("make_group_member", "group"),
}
ALONE = sorted(usual_forms.DELETING - set(REFERRING))
"""Lists of what may be deleted and nothing refers to."""


def filled(shop: Shop, values: dict[str, str]) -> dict[str, str]:
    """The values with a related record made for each "@"."""
    made = {}
    for name, value in values.items():
        made[name] = str(shop.make(maker(value[1:])).id) if value.startswith("@") else value
    return made


def create(shop: Shop, resource: str, role: str = "Admin", **changes: str) -> int:
    """Create a record through the page's own form; return its id."""
    client, path = shop.client(role), f"/admin/{resource}/new/"
    values = filled(shop, CREATE[resource]) | changes
    form = page_of(client.get(path)).form(path)
    assert set(values) <= {*form.fields, *BOXES}, set(values) - set(form.fields)
    answer = client.post(form.action, data=form.filled(**values))
    assert answer.status_code == 302, page_of(answer).errors
    return int(answer.location.rpartition("=")[2])


BOXES = {"is_active", "is_primary"}


def changesets(shop: Shop) -> list[tuple[str, str]]:
    """(action, who) of every changeset that a person made."""
    with shop.look() as session:
        made = sa.select(Changeset).where(Changeset.actor_name != "system").order_by(Changeset.id)
        return [(c.action, c.actor_name) for c in session.scalars(made)]


def test_every_screen_that_can_create_or_edit_is_tried_here(stocked: Shop) -> None:
    creating = {r for r in RESOURCES if stocked.screen(r).can_create}
    assert creating == set(CREATE) == set(EDIT)
    assert {r for r in RESOURCES if stocked.screen(r).can_edit} - creating <= {"shop_setting", "staff"}
    assert {r for r in RESOURCES if stocked.screen(r).can_delete} == {*REFERRING, *ALONE}
    assert [r for r in ALONE if usual_forms.is_referred_to(r)] == [], "say in REFERRING by what"


@pytest.mark.every_case
@pytest.mark.parametrize("resource", CREATE)
def test_a_record_is_created_shown_edited_and_journalled(shop: Shop, resource: str) -> None:
    screen, client = shop.screen(resource), shop.client()
    row_id = create(shop, resource)
    first = shop.get(screen.model, row_id)
    assert changesets(shop)[-1] == (f"{resource}.create", "Admin Tester")
    assert client.get(f"/admin/{resource}/details/?id={row_id}").status_code == 200
    assert row_id in rows_of(client.get(f"/admin/{resource}/"))
    path, before = f"/admin/{resource}/edit/?id={row_id}", len(changesets(shop))
    form = page_of(client.get(path)).form("/edit/")
    assert client.post(form.action, data=form.filled()).status_code == 302
    assert len(changesets(shop)) == before, "saving a form as it was opened is no change"
    assert shop.get(screen.model, row_id).version == first.version
    name, typed, stored = EDIT[resource]
    assert client.post(form.action, data=form.filled(**{name: typed})).status_code == 302
    after = shop.get(screen.model, row_id)
    assert (getattr(after, name), after.version) == (stored, first.version + 1)
    others = {c.key for c in sa.inspect(screen.model).column_attrs} - {
        name,
        f"{name}_key",
        "version",
        "updated_at",
    }
    assert {n: getattr(after, n) for n in others} == {n: getattr(first, n) for n in others}
    with shop.look() as session:
        change = session.scalars(
            sa.select(Change)
            .where(Change.table_name == screen.model.__tablename__)
            .order_by(Change.id.desc())
        ).first()
        assert change is not None
        assert set(change.after) >= {name, "version"}


@pytest.mark.either_database
@pytest.mark.parametrize("resource", CREATE)
def test_the_drawer_gets_a_fragment_and_says_what_was_saved(shop: Shop, resource: str) -> None:
    client = shop.client()
    values = filled(shop, CREATE[resource])
    opened = client.get(f"/admin/{resource}/new/", headers=HTMX)
    assert "<html" not in opened.get_data(as_text=True)
    form = page_of(opened).form("/new/")
    empty = client.post(
        form.action, data={"csrf_token": form.fields["csrf_token"], "key": "k1"}, headers=HTMX
    )
    assert empty.status_code == 422
    assert page_of(empty).errors or 'role="alert"' in empty.get_data(as_text=True)
    answer = client.post(form.action, data=form.filled(**values), headers=HTMX)
    assert answer.status_code == 204, page_of(answer).errors
    said = json.loads(answer.headers["HX-Trigger"])["saved"]
    assert said["resource"] == resource
    assert said["message"]
    form = page_of(client.get(f"/admin/{resource}/edit/?id={said['id']}", headers=HTMX)).form("/edit/")
    name, typed, stored = EDIT[resource]
    assert client.post(form.action, data=form.filled(**{name: typed}), headers=HTMX).status_code == 204
    assert getattr(shop.get(shop.screen(resource).model, said["id"]), name) == stored


TEXT_FIELDS = [
    ("note", "body"),
    ("customer", "last_name"),
    ("address", "label"),
    ("customer_class", "name"),
    ("external_id", "value"),
]


def test_what_was_typed_comes_back_as_typed(shop: Shop) -> None:
    client = shop.client()
    for resource, name in TEXT_FIELDS:
        for text in (
            (*NASTY, "a  b", "tab\there", "１２", "é" * 10, "😀", "line\r\nbreak")
            if resource == "note"
            else NASTY[::2]
        ):
            row_id = create(shop, resource, **{name: text})
            assert getattr(shop.get(shop.screen(resource).model, row_id), name) == text.replace("\r\n", "\n")
            form = page_of(client.get(f"/admin/{resource}/edit/?id={row_id}")).form("/edit/")
            assert form.fields[name] == text
            shown = client.get(f"/admin/{resource}/details/?id={row_id}")
            assert "<script>alert" not in shown.get_data(as_text=True)


INLINE = [
    ("customer", "customer_class", "@customer_class", None), ("customer", "membership_group", "@membership_group", None),
    ("address", "label", "Cellar", "Cellar"), ("customer_class", "discount", "12.25", None), ("customer_class", "free_tastings", "7", 7),
    ("customer_class", "is_active", None, False), ("note", "due_on", "2026-12-24", None), ("attribute_definition", "position", "9", 9),
    ("attribute_definition", "is_active", None, False), ("attribute_value", "value", "44", "44"), ("payment_term", "is_active", None, False),
]  # fmt: skip
INLINE += [
    cell for cell in usual_forms.CELLS if cell[0] not in {r for r, _n, _v, _s in INLINE} | {*REFERRING}
]


def test_every_column_edited_in_place_is_tried_here(stocked: Shop) -> None:
    lookups = {(r, "is_active") for r in REFERRING}
    declared = {(r, n) for r in RESOURCES for n in stocked.screen(r).column_editable_list}
    assert declared - lookups <= {(r, n) for r, n, _v, _s in INLINE}


@pytest.mark.parametrize(("resource", "column", "typed", "stored"), INLINE)
def test_a_cell_is_edited_in_place(
    shop: Shop, resource: str, column: str, typed: str | None, stored: Any
) -> None:
    client, model = shop.client(), shop.screen(resource).model
    row_id = create(shop, resource)
    client.send(f"/admin/{resource}/columns/", {"columns": list(shop.screen(resource).column_list)})
    assert f'data-edit="{column}"' in client.get(f"/admin/{resource}/").get_data(as_text=True)
    path = f"/admin/{resource}/ajax/update/?id={row_id}&column={column}"
    form = page_of(client.get(path, headers=HTMX)).form("ajax/update")
    values = filled(shop, {column: typed}) if typed is not None else {column: None}
    answer = client.post(form.action, data=form.filled(**values), headers=HTMX)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert "<form" not in answer.get_data(as_text=True)
    field = shop.screen(resource).field(column)
    found = getattr(shop.get(model, row_id), field.column.key if field.kind == "lookup" else column)
    assert found == stored if stored is not None else str(found) == values[column]
    stale = client.post(form.action, data=form.filled(**values), headers=HTMX)
    assert stale.status_code == 409
    assert "Admin Tester" in stale.get_data(as_text=True)
    without = client.post(form.action, data=form.filled(version=None, **values), headers=HTMX)
    assert without.status_code == 400


@pytest.mark.both_databases
@pytest.mark.parametrize("resource", sorted({*REFERRING, *ALONE}))
def test_a_record_is_deleted_unless_something_refers_to_it(shop: Shop, resource: str) -> None:
    client, model = shop.client(), shop.screen(resource).model
    make = maker(resource)
    free, drawer, held = (shop.make(make).id for _n in range(3))
    if resource in REFERRING:
        other, relation = REFERRING[resource]
        shop.make(maker(other.removeprefix("make_")), **{f"{relation}_id": held})
        for headers in ({}, HTMX):
            answer = client.send(f"/admin/{resource}/delete/", {"id": held}, headers=headers)
            assert answer.status_code == 409
            assert "cannot be deleted" in answer.headers.get("HX-Trigger", answer.get_data(as_text=True))
        bulk = client.send(f"/admin/{resource}/bulk/delete/", {"ids": [free, held]})
        assert bulk.status_code == 409
        assert shop.get(model, held) is not None
        assert shop.get(model, free) is not None, "all of them or none"
    assert client.send(f"/admin/{resource}/delete/", {"id": free}).status_code == 302
    assert client.send(f"/admin/{resource}/delete/", {"id": drawer}, headers=HTMX).status_code == 204
    assert shop.get(model, free) is None
    assert shop.get(model, drawer) is None
    assert client.send(f"/admin/{resource}/delete/", {"id": free}).status_code == 404
    with shop.look() as session:
        gone = session.scalars(
            sa.select(Change).where(Change.table_name == model.__tablename__, Change.row_id == free)
        ).one()
        assert gone.before
        assert gone.after is None


def test_deleting_everything_that_matches_goes_by_the_filter_and_not_by_the_page(shop: Shop) -> None:
    with shop.arrange() as session:
        kept = [factories.make_membership_group(session, name=f"Keep {n}").id for n in range(3)]
        for n in range(60):
            factories.make_membership_group(session, name=f"Drop {n}")
    client = shop.client()
    answer = client.send(
        "/admin/membership_group/bulk/delete/", {"all": "1", "name__starts": "Drop", "ids": kept}
    )
    assert answer.status_code == 302
    with shop.look() as session:
        assert list(session.scalars(sa.select(shop.screen("membership_group").model.id))) == kept
    assert (
        client.send("/admin/membership_group/bulk/delete/", {"all": "1", "nonsense": "1"}).status_code == 400
    )
    assert client.send("/admin/membership_group/bulk/delete/", {}).status_code == 400


@pytest.mark.both_databases
@pytest.mark.parametrize("resource", LISTED)
def test_pickers_find_page_and_label(stocked: Shop, resource: str) -> None:
    client, screen = stocked.client(), stocked.screen(resource)
    names = dict.fromkeys(
        n for n in (*screen.form_columns, *screen.offered_filters) if screen.field(n).kind == "lookup"
    )
    for name in names:
        target = screen.field(name).target.__tablename__

        def picked(**arguments: Any) -> list[Any]:
            return client.get(
                f"/admin/{resource}/ajax/lookup/", query_string={"name": name, **arguments}
            ).json

        found = picked()
        assert 0 < len(found) <= 20, name
        assert all(isinstance(row_id, int) and label for row_id, label in found), name
        assert not {r for r, _l in found} & {r for r, _l in picked(offset=20)}, name
        row_id, label = found[0]
        words = label.replace(",", " ").split()
        assert row_id in [r for r, _l in picked(query=words[0])], f"{target} {label}"


@pytest.mark.parametrize("resource", LISTED)
def test_the_file_holds_every_row_with_a_cell_for_every_column(stocked: Shop, resource: str) -> None:
    answer = stocked.client().get(
        f"/admin/{resource}/export/csv/?{'view=all' if stocked.screen(resource).views else ''}"
    )
    text = answer.get_data(as_text=True)
    titles, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    view = {"view": "all"} if stocked.screen(resource).views else {}
    same = stocked.api().get(f"/api/v1/{resource}/", page_size=200, **view).json["result"]
    assert [int(row[0]) for row in rows] == [row["id"] for row in same]
    assert {len(row) for row in rows} == {len(titles)}
    assert " object at 0x" not in text
    assert "<" not in text.replace("<script>alert(1)</script>", "").replace("<b>", ""), (
        "a file holds no markup"
    )


def test_a_tabs_file_is_what_the_tab_lists(stocked: Shop) -> None:
    with stocked.look() as session:
        agent = session.execute(sa.text("SELECT id FROM customer WHERE account_type = 'agent'")).scalar()
    tab = stocked.client().get(f"/admin/customer/?embed=1&agent__eq={agent}", headers=HTMX)
    links = [u for u in links_of(tab) if "/export/csv/" in u]
    listed = stocked.api().get("/api/v1/customer/", agent__eq=agent, page_size=200).json["result"]
    for url in (links[0], f"{links[0]}&all=1"):
        text = stocked.client().get(url).get_data(as_text=True)
        found = [int(row[0]) for row in list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))[1:]]
        assert sorted(found) == sorted(row["id"] for row in listed), url


def test_ticked_rows_are_exported_from_the_form_that_ticks_them(stocked: Shop) -> None:
    client = stocked.client()
    page = page_of(client.get("/admin/note/?sort=due_on"))
    ids = page.rows[:3]
    button = next(given for _t, given in page.tags if "/export/" in given.get("formaction", ""))
    assert button["formmethod"] == "get", "a download is asked for by its address"
    url = button["formaction"].split("?")[0]
    fields = {
        name: value
        for name, value in page.form(method="post", holding="all").fields.items()
        if name != "csrf_token"
    }
    answer = client.get(url, query_string={**fields, "ids": ids})
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))[1:]
    assert [int(row[0]) for row in rows] == ids, "in the order of the list"
    assert url == "/admin/note/export/csv/"


def entry_of(shop: Shop, url: str) -> tuple[str, str] | None:
    """(permission, resource) that an address of a screen needs; None for other addresses and for look-ups."""
    parts = urlsplit(url).path.strip("/").split("/")
    if len(parts) < 2 or parts[0] != "admin" or parts[1] not in RESOURCES:
        return None
    view = "/".join(parts[2:])
    verbs = {
        "": "list",
        "details": "show",
        "new": "add",
        "past": "show",
        "edit": "edit",
        "delete": "delete",
        "bulk/delete": "delete",
    }
    more = {
        "export/csv": "export",
        "export/xlsx": "export",
        "import": "import",
        "ajax/update": "edit",
        "columns": "list",
        "save": "edit",
        "body": "show",
        "attachment": "show",
        "lots": "list",
        "statement": "show",
        "statement/pdf": "show",
    }
    verb = {**verbs, **more}.get(view, parts[3] if view.startswith("act/") else None)
    assert verb or view == "ajax/lookup", url
    return (f"can_{verb}", parts[1]) if verb else None


@pytest.mark.either_database
@pytest.mark.parametrize("role", [role for role in SHIPPED_ROLES if role != "Admin"])
def test_a_page_offers_a_role_only_what_it_may_do(stocked: Shop, role: str) -> None:
    held, client = SHIPPED_ROLES[role], stocked.client(role)
    assert held is not None
    for resource in RESOURCES:
        if ("can_list", resource) not in held:
            continue
        view = "view=all&" if stocked.screen(resource).views else ""
        listed = client.get(f"/admin/{resource}/?{view}page_size=12")
        ids = rows_of(listed)
        lines = [given for tag, given in page_of(listed).tags if tag == "tr" and "data-id" in given]
        opens = ("can_show", resource) in held
        assert {"data-url" in line for line in lines} <= {opens}, f"a click on a row of {resource} opens it"
        pages = [listed, client.get(f"/admin/{resource}/details/?id={ids[0]}")] if ids else [listed]
        for answer in pages:
            page = page_of(answer)
            addresses = {
                *page.links,
                *(f.action for f in page.forms),
                *(given.get("formaction", "") for _t, given in page.tags),
            }
            entries = {(url, entry_of(stocked, url)) for url in addresses}
            assert [url for url, entry in entries if entry is not None and entry not in held] == [], (
                f"{role} {resource}"
            )
        offered = {entry for _url, entry in entries} if ids else set()
        assert (
            not ids
            or (("can_edit", resource) in held) == (("can_edit", resource) in offered)
            or resource == "shop_setting"
        )
