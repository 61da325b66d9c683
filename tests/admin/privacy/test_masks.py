"""Sensitive columns, for a role that may not see them: at no channel, whatever is asked; and never written over (rule 19)."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import g
from sqlalchemy import select
from wtforms import Form, StringField

from actions.core.base import ACTIONS, Actor, Context, Outcome, action
from actions.execution.runner import Call
from actions.runs import runs
from admin.request.context import forget_person, mask_context
from admin.request.permissions import SHIPPED_ROLES
from admin.screen_spec.declare import RowAction
from admin.screens.addresses import AddressScreen
from models import masks
from models.address import Address
from models.api_key import KeyScope
from models.base import Staff, db
from models.customer import Customer
from models.journal import Changeset
from models.personal import personal
from models.phone import Phone
from tests import application, factories
from tests.admin import hiding
from tests.admin.auth.test_api_keys import KEY, key_of
from tests.admin.conftest import RESOURCES, Shop
from tests.admin.crawl import HTMX, crawl
from tests.admin.hiding import AT, ROLE, Planted, told, told_in
from tests.admin.importing.test_import import mapped, work
from tests.admin.pages import page_of, rows_of

either = pytest.mark.either_database


def of_each(made: Planted, pattern: str) -> list[str]:
    """The addresses of a view of every planted row."""
    found = [pattern.format(resource=table, id=row.id, at=AT) for table, row in made.rows.items()]
    return [*found, pattern.format(resource="customer", id=made.nameless.id, at=AT)]


VIEWS = (
    "/admin/{resource}/details/?id={id}",
    "/admin/{resource}/edit/?id={id}",
    "/admin/{resource}/past/?id={id}&at={at}",
    "/admin/palette/?resource={resource}&id={id}",
    "/api/v1/{resource}/{id}",
    "/api/v1/{resource}/{id}?at={at}",
)


def ask(shop: Shop, url: str, role: str = ROLE) -> Any:
    """The answer of the page or, at its addresses, of the API."""
    return shop.api(role).get(url) if url.startswith("/api/") else shop.client(role).get(url)


def test_every_group_is_a_permission_and_the_shipped_roles_hold_them_as_meant(stocked: Shop) -> None:
    groups = {f"can_see_{group}" for group in masks.groups()}
    assert groups == {f"can_see_{group}" for group in ("address", "birth", "email", "phone", "vat")}
    assert {f"can_{verb}" for verb in stocked.screen("customer").verbs} >= {*groups, "can_reveal"}
    for role, held in SHIPPED_ROLES.items():
        if held is not None:
            seen = {verb for verb, resource in held if resource == "customer"} & groups
            programs = ("Shop", "Accounting package")
            assert seen == (set() if role in ("Read-only", *programs) else groups), role


@either
def test_nothing_that_can_be_clicked_tells_a_secret(shop: Shop, made: Planted) -> None:
    visits = crawl(shop.client(ROLE), secrets=made.secrets)
    assert len(visits) > 300
    assert [(v.url, v.problems) for v in visits if any("secret" in p for p in v.problems)] == []
    assert [(v.url, v.status) for v in visits if v.status >= 500] == []


@pytest.mark.parametrize("view", VIEWS)
@either
def test_no_view_of_a_record_tells_a_secret(shop: Shop, made: Planted, view: str) -> None:
    for url in of_each(made, view):
        answer = ask(shop, url)
        assert answer.status_code in (200, 302, 403, 404, 400), url
        assert told(answer, made.secrets) == [], url


@either
@pytest.mark.every_case
@pytest.mark.parametrize("resource", RESOURCES)
def test_no_list_tab_file_or_answer_tells_a_secret(shop: Shop, made: Planted, resource: str) -> None:
    client, api = shop.client(ROLE), shop.api(ROLE)
    customer = made.rows["customer"].id
    view = "view=all&" if shop.screen(resource).views else ""
    everything = list(shop.screen(resource).column_list)
    client.send(f"/admin/{resource}/columns/", {"columns": everything})
    for url in (
        f"/admin/{resource}/?{view}",
        f"/admin/{resource}/?embed=1&customer__eq={customer}",
        f"/admin/{resource}/?{view}q=Ada",
        f"/admin/{resource}/export/csv/?{view}",
        f"/admin/{resource}/export/xlsx/?{view}",
        f"/admin/{resource}/ajax/lookup/?name=customer&query=",
        f"/admin/{resource}/import/",
    ):
        answer = client.get(url)
        assert answer.status_code < 500, url
        assert told(answer, made.secrets) == [], url
    assert told(api.get(f"/api/v1/{resource}/"), made.secrets) == []


@either
def test_search_activity_and_the_api_s_own_description_tell_no_secret(shop: Shop, made: Planted) -> None:
    client = shop.client(ROLE)
    for text in ("Ada", "Byron", "hush", "0113"):
        assert told(client.get("/admin/search/", query_string={"q": text}), made.secrets) == []
    for changeset in made.changesets:
        assert told(client.get(f"/admin/changeset/details/?id={changeset}"), made.secrets) == []
        undo = client.send(f"/admin/changeset/act/undo/?id={changeset}&preview=1", headers=HTMX)
        assert undo.status_code == 200
        assert told(undo, made.secrets) == []
        asked = shop.api(ROLE).send("POST", f"/api/v1/changeset/{changeset}/actions/undo?preview=1", {})
        assert told(asked, made.secrets) == []
    assert told(shop.api(ROLE).get("/api/v1/_openapi"), made.secrets) == []


@either
def test_actions_their_previews_and_their_refusals_name_rows_by_masks(shop: Shop, made: Planted) -> None:
    api, nameless = shop.api(ROLE), made.nameless.id
    customer = made.rows["customer"].id
    merging = {"others": [nameless], "reason": "the same person"}
    for path, body in (
        (f"/api/v1/customer/{customer}/actions/merge?preview=1", merging),
        (f"/api/v1/customer/{nameless}/actions/deactivate?preview=1", {"reason": "as they asked"}),
        (f"/api/v1/customer/{nameless}/actions/deactivate", {"reason": "as they asked"}),
        (f"/api/v1/customer/{nameless}/actions/deactivate", {"reason": "as they asked"}),
        (f"/api/v1/customer/{nameless}/actions/add_note", {"kind": "note", "body": "Called."}),
        (f"/api/v1/address/{made.rows['address'].id}/actions/make_primary?preview=1", {}),
        ("/api/v1/account_entry/actions/pay", {"customer": nameless, "amount": 1250, "method": "cash"}),
        ("/api/v1/loyalty_entry/actions/adjust", {"customer": nameless, "points": 5, "comment": "Sorry"}),
        ("/api/v1/credit_entry/actions/adjust", {"customer": nameless, "amount": 500, "comment": "Card"}),
    ):
        answer = api.send("POST", path, body)
        assert answer.status_code in (200, 409), (path, answer.json)
        assert told(answer, made.secrets) == [], path
    for row_id, verb in ((nameless, "merge"), (customer, "merge")):
        page = shop.client(ROLE).get(f"/admin/customer/act/{verb}/?id={row_id}")
        assert told(page, made.secrets) == []
    told_by_command = shop.app.test_cli_runner().invoke(
        args=["act", "customer.merge", str(customer), "--as", hiding.USERNAME, "--preview",
              "--set", f"others={nameless}", "--set", "reason=the same person"]
    )  # fmt: skip
    assert told_by_command.exit_code == 0, told_by_command.output
    assert told_in(told_by_command.output, made.secrets) == []


@either
def test_a_run_keeps_no_secret_in_its_results(shop: Shop, made: Planted, clock: hiding.Clock) -> None:
    address = made.rows["address"]
    with shop.app.app_context():
        admin = db.session.scalars(select(Staff.id).where(Staff.username == "admin")).one()
        asked = Call(Actor(admin, "Admin"), clock())
        chosen = select(Address.id).where(Address.id == address.id)
        run_id = runs.start(db.engine, "address.edit_fields", asked, chosen, {"values": {"label": "Home"}})
    work(shop)
    results = shop.client(ROLE).get(f"/admin/run_item/?run__eq={run_id}&embed=1")
    assert "was saved" in results.get_data(as_text=True)
    assert told(results, made.secrets) == []


@either
def test_who_may_see_a_group_sees_it_and_no_other(shop: Shop, made: Planted) -> None:
    api = shop.api(ROLE)
    for group in sorted(masks.groups()):
        hiding.allow(shop, f"can_see_{group}")
        for model, name, policy in hiding.columns():
            table = model.__tablename__
            shown = api.get(f"/api/v1/{table}/{made.rows[table].id}").json["result"]
            if name in shown:
                real = hiding.shown_as(made.values[table, name])
                seen = policy.sensitive <= group
                assert (str(shown[name]) in real) == seen, (group, table, name)


@either
def test_an_admin_is_shown_every_sensitive_value(shop: Shop, made: Planted) -> None:
    client = shop.client()
    for model, name, _policy in hiding.columns():
        table = model.__tablename__
        page = client.get(f"/admin/{table}/details/?id={made.rows[table].id}").get_data(as_text=True)
        assert any(text in page for text in hiding.shown_as(made.values[table, name])), (table, name)


# -- asking -----------------------------------------------------------------------------------------------------------


def test_no_list_is_filtered_or_sorted_by_what_is_masked(shop: Shop, made: Planted) -> None:
    for model, name, _policy in hiding.columns():
        table = model.__tablename__
        for arguments in (
            {f"{name}__eq": "x"},
            {f"{name}__empty": "1"},
            {f"{name}__starts": "x"},
            {"sort": name},
        ):
            assert shop.client(ROLE).get(f"/admin/{table}/", query_string=arguments).status_code == 400
            assert shop.api(ROLE).get(f"/api/v1/{table}/", **arguments).status_code == 400
    for name in ("primary_phone", "primary_address"):
        assert shop.client(ROLE).get("/admin/customer/", query_string={"sort": name}).status_code == 400
    page = page_of(shop.client(ROLE).get("/admin/customer/?view=all"))
    assert not [link for link in page.links if "sort=email" in link or "sort=primary_phone" in link]
    assert [
        link
        for link in page_of(shop.client().get("/admin/customer/?view=all")).links
        if "sort=primary_phone" in link
    ]


def test_a_whole_email_phone_or_postcode_finds_its_customer_and_a_part_does_not(
    shop: Shop, made: Planted
) -> None:
    client, customer = shop.client(ROLE), made.rows["customer"]
    for table, name in (
        ("customer", "email"),
        ("phone", "number"),
        ("address", "postcode"),
        ("address", "line1"),
    ):
        whole = str(made.values[table, name])
        for text, found in ((whole, True), (whole.upper(), True), (whole[:-2], False), (whole[:4], False)):
            rows = rows_of(client.get("/admin/customer/", query_string={"q": text, "view": "all"}))
            assert (customer.id in rows) == found, (name, text)
            hits = client.get("/admin/search/", query_string={"q": text}).get_data(as_text=True)
            assert ("Byron" in hits) == found, (name, text)
            assert told_in(hits.replace(text, ""), made.secrets) == []
    part = str(made.values["customer", "email"])[:4]
    assert customer.id in rows_of(
        shop.client().get("/admin/customer/", query_string={"q": part, "view": "all"})
    )


def test_a_whole_address_finds_the_rows_of_other_lists_too(shop: Shop, made: Planted) -> None:
    client = shop.client(ROLE)
    for table, name in (("mail", "recipient"), ("phone", "number"), ("address", "postcode")):
        whole = str(made.values[table, name])
        for text, found in ((whole, True), (whole[:-2], False)):
            rows = rows_of(client.get(f"/admin/{table}/", query_string={"q": text}))
            assert (made.rows[table].id in rows) == found, (table, text)
    assert rows_of(client.get("/admin/address/", query_string={"q": "'"})) == []


# -- writing ----------------------------------------------------------------------------------------------------------


def test_saving_forms_writes_over_nothing_that_is_masked(shop: Shop, made: Planted) -> None:
    client, before = shop.client(ROLE), hiding.stored(shop, made)
    for table, row in made.rows.items():
        if not shop.screen(table).can_edit:
            continue
        path = f"/admin/{table}/edit/"
        form = page_of(client.get(f"{path}?id={row.id}")).form(path)
        gone = {name for owner, name in made.values if owner == table}
        assert not gone & set(form.fields), table
        sent = form.filled(**dict.fromkeys(gone, "overwritten"))
        if "first_name" in form.fields:
            sent["first_name"] = ["Augusta"]
        assert client.post(form.action, data=sent).status_code == 302, table
    assert hiding.stored(shop, made) == before
    assert shop.get(Customer, made.rows["customer"].id).first_name == "Augusta"
    assert shop.get(Phone, made.rows["phone"].id) is not None, "a list of rows that was left out removes none"


def test_sending_a_masked_field_to_the_api_is_refused_by_name(shop: Shop, made: Planted) -> None:
    api, before = shop.api(ROLE), hiding.stored(shop, made)
    for (table, name), _value in made.values.items():
        if not shop.screen(table).can_edit:
            continue
        row = shop.get(type(made.rows[table]), made.rows[table].id)
        answer = api.send("PATCH", f"/api/v1/{table}/{row.id}", {name: "x"}, If_Match=str(row.version))
        assert answer.status_code == 422, (table, name)
        assert answer.json["errors"] == {name: "You do not have permission to see this field."}
    assert (
        api.send("POST", "/api/v1/customer/", {"last_name": "New", "email": "a@b.example"}).status_code == 422
    )
    assert hiding.stored(shop, made) == before


@either
def test_what_needs_a_masked_value_cannot_be_made(shop: Shop, made: Planted) -> None:
    for table in ("address", "phone"):
        assert shop.client(ROLE).get(f"/admin/{table}/new/").status_code == 403
        assert shop.api(ROLE).send("POST", f"/api/v1/{table}/", {}).status_code == 403
    assert shop.client(ROLE).get("/admin/customer/new/").status_code == 200


@either
def test_an_import_offers_no_masked_field_and_tells_nothing(shop: Shop, made: Planted) -> None:
    customer, before = made.rows["customer"], hiding.stored(shop, made)
    text = f"Clientele record number,First name,Email,VAT number\n{customer.id},Augusta,new@b.example,GB1\n{made.nameless.id},Zoë,,\n"
    file_id = mapped(shop, "customer", text, ROLE)
    rows = shop.client(ROLE).get(f"/admin/customer/import/rows/?id={file_id}")
    assert "Augusta" in rows.get_data(as_text=True)
    assert told(rows, made.secrets) == []
    shop.client(ROLE).send(f"/admin/customer/import/apply/?id={file_id}", {})
    work(shop)
    assert shop.get(Customer, customer.id).first_name == "Augusta"
    assert hiding.stored(shop, made) == before
    upload = shop.client(ROLE).send(
        "/admin/customer/import/", {"file": (io.BytesIO(b"Email\nx@y.example\n"), "f.csv")}
    )
    place = page_of(shop.client(ROLE).get(upload.location)).form("/admin/customer/import/columns/")
    assert shop.client(ROLE).post(place.action, data=place.filled(**{"column-0": "email"})).status_code == 400


@either
def test_an_import_offers_no_masked_phone_or_address_either(shop: Shop, made: Planted) -> None:
    customer, before = made.rows["customer"], hiding.stored(shop, made)
    text = f"Clientele record number,Mobile,Address 1,Town\n{customer.id},0113 496 0999,9 Mill Lane,York\n"
    upload = shop.client(ROLE).send("/admin/customer/import/", {"file": (io.BytesIO(text.encode()), "f.csv")})
    place = page_of(shop.client(ROLE).get(upload.location)).form("/admin/customer/import/columns/")
    assert [place.fields[f"column-{n}"] for n in range(4)] == ["id", "", "", ""]
    for n, name in ((1, "phones.mobile.number"), (2, "primary_address.line1"), (3, "primary_address.town")):
        sent = place.filled(**{f"column-{n}": name})
        assert shop.client(ROLE).post(place.action, data=sent).status_code == 400
    assert hiding.stored(shop, made) == before
    files = shop.client(ROLE).get("/admin/customer/export/csv/?view=all")
    assert "Primary address: address 1" in files.get_data(as_text=True)
    assert told(files, made.secrets) == []


@either
def test_a_conflict_tells_nothing_either(shop: Shop, made: Planted) -> None:
    client, customer = shop.client(ROLE), made.rows["customer"]
    path = "/admin/customer/edit/"
    form = page_of(client.get(f"{path}?id={customer.id}")).form(path)
    api = shop.api()
    version = shop.get(Customer, customer.id).version
    changed = {"first_name": "Anna", "email": "hush0q@mask.example"}
    answer = api.send("PATCH", f"/api/v1/customer/{customer.id}", changed, If_Match=str(version))
    assert answer.status_code == 200
    secrets = [*made.secrets, "hush0q"]
    second = client.post(form.action, data=form.filled(first_name="Augusta"))
    assert second.status_code == 409
    assert told(second, secrets) == []
    late = shop.api(ROLE).send(
        "PATCH", f"/api/v1/customer/{customer.id}", {"first_name": "B"}, If_Match=str(version)
    )
    assert late.status_code == 412
    assert told(late, secrets) == []


@either
def test_a_masked_value_is_not_restored_but_its_action_may_be_undone(shop: Shop, made: Planted) -> None:
    client, customer = shop.client(ROLE), made.rows["customer"]
    url = f"/admin/customer/restore/?id={customer.id}&at={AT}&field=email&version={customer.version}"
    assert client.get(url).status_code == 400
    assert "restore" not in client.get(f"/admin/customer/past/?id={customer.id}&at={AT}").get_data(
        as_text=True
    )
    with shop.look() as session:
        edit = session.query(Changeset).filter_by(action="customer.edit").one()
    answer = shop.api(ROLE).send("POST", f"/api/v1/changeset/{edit.id}/actions/undo", {})
    assert answer.status_code == 200, answer.json
    assert told(answer, made.secrets) == []
    now = shop.get(Customer, customer.id)
    assert now.email != made.values["customer", "email"]
    assert re.fullmatch(r"hush\d+q@mask\.example", now.email)


@either
def test_the_time_machine_says_that_something_changed_without_saying_what(shop: Shop, made: Planted) -> None:
    page = page_of(shop.client(ROLE).get(f"/admin/customer/past/?id={made.rows['customer'].id}&at={AT}"))
    assert "****-**-**" in page.text
    assert "h***@mask.example" in page.text


@either
def test_bulk_editing_leaves_masked_fields_out(
    shop: Shop, made: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AddressScreen, "column_bulk_list", ("label", "town"))
    monkeypatch.setattr(AddressScreen, "column_editable_list", ("label", "town"))
    app = application.make(shop.database.url)
    address = made.rows["address"].id
    other = Shop(app, shop.database)
    body = {"change": ["town"], "town": "Leeds"}
    assert (
        other.api(ROLE).send("POST", f"/api/v1/address/{address}/actions/edit_fields", body).status_code
        == 422
    )
    assert other.client(ROLE).get(f"/admin/address/ajax/update/?id={address}&column=town").status_code == 404
    assert other.client().get(f"/admin/address/ajax/update/?id={address}&column=town").status_code == 200
    assert other.api().send("POST", f"/api/v1/address/{address}/actions/edit_fields", body).status_code == 200


def test_a_sensitive_column_without_a_mask_fails_where_it_is_declared() -> None:
    with pytest.raises(ValueError, match="needs a mask"):
        personal("none", sensitive="email")


@either
def test_a_key_for_reading_sees_what_its_owner_sees(shop: Shop, made: Planted) -> None:
    key_of(shop, scope=KeyScope.READ)
    bearer = {"Authorization": f"Bearer {KEY}"}
    url = f"/api/v1/customer/{made.rows['customer'].id}"
    shown = shop.app.test_client().get(url, headers=bearer).json["result"]
    assert shown["email"] == made.values["customer", "email"]


@either
def test_an_action_that_begins_with_a_masked_value_is_not_offered(
    shop: Shop, made: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TownForm(Form):
        town = StringField()

    @action("address.move", Address, label="Move")
    def move(ctx: Context, address: Address, *, town: str) -> Outcome:
        address.town = town
        return Outcome("Moved.")

    ACTIONS.pop("address.move")  # for good: no other test of this process knows it
    moving = RowAction(move, TownForm, bulk=False, from_row=True)
    monkeypatch.setattr(AddressScreen, "row_actions", (moving,))
    other = Shop(application.make(shop.database.url), shop.database)
    with shop.arrange() as session:
        for username in (hiding.USERNAME, "admin"):
            who = session.scalars(select(Staff.id).where(Staff.username == username)).one()
            factories.grant(session, who, "can_move", "address")
    url = f"/admin/address/act/move/?id={made.rows['address'].id}"
    assert other.client(ROLE).get(url).status_code == 403
    assert made.values["address", "town"] in other.client().get(url).get_data(as_text=True)


@either
def test_what_somebody_sees_is_worked_out_once_and_forgotten_with_them(shop: Shop, made: Planted) -> None:
    with shop.app.test_request_context():
        people = {
            p.username: p
            for p in db.session.scalars(select(Staff).where(Staff.username.in_((hiding.USERNAME, "admin"))))
        }
        g.user = people[hiding.USERNAME]
        seen = mask_context()
        assert seen.hidden == masks.groups()
        assert mask_context() is seen, "hundreds of values of a page ask"
        forget_person()
        g.user = people["admin"]
        assert not mask_context().hidden
