"""Row scope: whoever is limited to some sales channels meets nothing of other customers, at no channel (rule 17)."""

import datetime as dt
import re
from typing import Any

import pytest
import sqlalchemy as sa

from models.base import Base, Staff
from models.customer import Customer
from models.journal import Changeset
from models.member import StaffChannel
from models.order import ExternalId
from models.row_scope import is_limited, limited_models
from models.run import ItemState, RunItem
from tests import application, factories, staffing
from tests.admin.conftest import RESOURCES, Shop
from tests.admin.pages import page_of, rows_of
from tests.admin.row_actions.test_acting import CASES, DECLARED
from tests.admin.world import MISSING, SECRET_NAME, World
from tests.databases import recorded_statements
from tests.factories import NOW

pytestmark = pytest.mark.both_databases

HTMX = {"HX-Request": "true"}
SCOPED = (
    "account_entry", "account_holder", "address", "attribute_value", "changeset", "contact_email", "credit_entry", "customer", "duplicate",
    "external_id", "gift_card", "invoice", "login_as", "loyalty_entry", "mail", "merge", "note", "order_line", "owing", "pair_decision", "phone", "run_item", "sales_channel",
    "sales_order", "saved_card", "shipment", "tasting_entry",
)  # fmt: skip
each_scoped = pytest.mark.parametrize("resource", SCOPED)


@pytest.fixture
def own_world(shop: Shop) -> World:
    """The same for one test alone, with few rows."""
    return World(shop, few=True)


def csrf(shop: Shop) -> dict[str, str]:
    return {"X-CSRFToken": shop.client().csrf_token()}


def same(answer: Any, *ids: int) -> tuple[int, str]:
    """Return status and body of an answer without what differs by the request alone: its id, and the row's."""
    text = answer.get_data(as_text=True)
    text = re.sub(r"\b[0-9a-f]{16}\b", "REQUEST", re.sub(r'(content|value)="[^"]{60,}"', "TOKEN", text))
    for row_id in ids:
        text = text.replace(f"id={row_id}", "id=ID")
    return answer.status_code, text


def test_what_belongs_to_customers_is_exactly_this(world: World) -> None:
    limited = [r for r in RESOURCES if is_limited(world.shop.screen(r).model)]
    assert sorted(limited) == list(SCOPED)


def test_a_gift_card_is_in_everybodys_scope_until_somebody_redeems_it(own_world: World) -> None:
    shop, world = own_world.shop, own_world
    with shop.arrange() as session:
        waiting = factories.make_gift_card(session).id
        redeemed = {
            kind: factories.make_gift_card(
                session,
                redeemed_entry_id=factories.make_credit_entry(session, customer_id=world.customers[kind]).id,
            ).id
            for kind in ("own", "foreign")
        }
    shown = set(rows_of(shop.client().get("/admin/gift_card/?view=all&page_size=200")))
    assert {waiting, redeemed["own"]} <= shown
    assert redeemed["foreign"] not in shown


def test_a_new_table_that_refers_to_a_customer_needs_no_line(world: World) -> None:
    covered = {model.__tablename__ for model in limited_models()}
    for mapper in Base.registry.mappers:
        table = mapper.local_table
        if any(key.column.table.name == "customer" for key in table.foreign_keys):
            assert table.name in covered


# -- reading ------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
@each_scoped
def test_a_list_holds_nothing_from_out_of_scope(world: World, resource: str) -> None:
    shop, foreign = world.shop, set(world.ids[resource]["foreign"])
    asked = {"view": "all"} if shop.screen(resource).views else {}
    asked |= (
        {"subject_table__eq": "customer"} if resource == "changeset" else {}
    )  # not what others' tests leave
    answer = shop.client().get(f"/admin/{resource}/", query_string={**asked, "page_size": 200})
    shown = set(rows_of(answer))
    assert shown & set(world.ids[resource]["own"])
    assert not shown & foreign
    assert SECRET_NAME not in answer.get_data(as_text=True)
    listed = shop.api().get(f"/api/v1/{resource}/", page_size=200, **asked)
    assert {row["id"] for row in listed.json["result"]} == shown
    assert listed.json["count"] == len(shown)
    found = shop.client().get(f"/admin/{resource}/", query_string={**asked, "q": SECRET_NAME})
    assert not set(rows_of(found)) & foreign


@each_scoped
def test_a_file_and_a_picker_hold_nothing_from_out_of_scope(world: World, resource: str) -> None:
    shop, foreign = world.shop, world.ids[resource]["foreign"]
    client, screen = shop.client(), shop.screen(resource)
    if screen.can_export:
        ticked = {"ids": [*foreign, MISSING]}
        told = client.get(f"/admin/{resource}/export/csv/", query_string=ticked)
        assert told.status_code == 409
        assert SECRET_NAME not in told.text
        sent = client.get(
            f"/admin/{resource}/export/csv/", query_string={**ticked, "left_out": len({*foreign, MISSING})}
        )
        assert len(sent.text.splitlines()) == 1
        assert SECRET_NAME not in client.get(f"/admin/{resource}/export/csv/").get_data(as_text=True)
    with shop.app.test_request_context():
        from flask import g

        g.user = _staff("admin")
        offered = {row_id for row_id, _label in screen.lookup_options(limit=200)}
    assert offered
    assert not offered & set(foreign)


def _staff(username: str) -> Any:
    from models.base import db

    return db.session.scalar(sa.select(Staff).where(Staff.username == username))


@each_scoped
def test_a_row_out_of_scope_answers_like_one_that_is_not_there(world: World, resource: str) -> None:
    shop, screen = world.shop, world.shop.screen(resource)
    client, api, token = shop.client(), shop.api(), csrf(world.shop)
    hidden, before = world.id(resource, "foreign"), shop.figures()
    at = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    pages = ["details/?id={}", f"past/?id={{}}&at={at}", f"restore/?id={{}}&at={at}&field=x&version=1"]
    pages += ["edit/?id={}"] if screen.can_edit else []
    pages += ["body/?id={}"] if resource == "mail" else []
    pages += [f"ajax/update/?id={{}}&column={c}" for c in screen.column_editable_list]
    pages += [f"act/{a.action.verb}/?id={{}}" for a in screen.actions() if a.action.targeted]
    for page in pages:
        answers = [same(client.get(f"/admin/{resource}/{page.format(i)}"), i) for i in (hidden, MISSING)]
        assert answers[0] == answers[1], page
        assert answers[0][0] == 404 or not (screen.model.__journal__ and screen.can_edit), page
    posts = [(f"act/{a.action.verb}/?id={{}}", {}) for a in screen.actions() if a.action.targeted]
    posts += [("edit/?id={}", {"version": "1"})] if screen.can_edit else []
    posts += [("delete/", {"id": "{}"}), ("bulk/delete/", {"ids": "{}"})] if screen.can_delete else []
    posts += [
        ("ajax/update/", {"id": "{}", "column": c, "version": "1"}) for c in screen.column_editable_list
    ]
    for page, data in posts:
        answers = [
            same(
                client.post(
                    f"/admin/{resource}/{page.format(i)}",
                    data={k: v.format(i) for k, v in data.items()},
                    headers=token,
                ),
                i,
            )
            for i in (hidden, MISSING)
        ]
        assert answers[0] == answers[1], page
        assert answers[0][0] == 404, page
    asked = [("GET", "{}", {}), ("GET", f"{{}}?at={at}", {})]
    asked += [("PATCH", "{}", {"If_Match": '"1"'})] if screen.can_edit else []
    asked += [("DELETE", "{}", {})] if screen.can_delete else []
    asked += [("POST", f"{{}}/actions/{a.action.verb}", {}) for a in screen.actions() if a.action.targeted]
    for method, path, headers in asked:
        answers = [
            same(
                api.send(
                    method, f"/api/v1/{resource}/{path.format(i)}", {} if method != "GET" else None, **headers
                ),
                i,
            )
            for i in (hidden, MISSING)
        ]
        assert answers[0] == answers[1], (method, path)
        assert answers[0][0] == 404 or "?at=" in path, (method, path)
    found = client.get("/admin/palette/", query_string={"resource": resource, "id": hidden})
    assert found.status_code == 404
    assert shop.figures() == before


@each_scoped
def test_of_ticked_rows_one_out_of_scope_stops_all_as_one_that_is_missing_does(
    world: World, resource: str
) -> None:
    shop, screen, token = world.shop, world.shop.screen(resource), csrf(world.shop)
    own, hidden, before = world.id(resource, "own"), world.id(resource, "foreign"), shop.figures()
    pages = [f"act/{a.action.verb}/" for a in screen.actions() if a.action.targeted and a.bulk]
    pages += ["bulk/delete/"] if screen.can_delete else []
    for page in pages:
        for more in ({}, {"key": "x" * 32, "preview": "1"}):
            answers = [
                same(shop.client().post(f"/admin/{resource}/{page}", data={"ids": [own, i], **more}, headers=token), i)
                for i in (hidden, MISSING)
            ]  # fmt: skip
            assert answers[0] == answers[1], page
            assert answers[0][0] == 404, page
            assert "Nothing was changed" in str(answers[0]), page
    assert shop.figures() == before


def test_the_home_page_the_menu_and_the_search_count_only_what_is_in_scope(own_world: World) -> None:
    shop, world = own_world.shop, own_world
    with shop.arrange() as session:
        for customer in (world.customers["foreign"], world.customers["own"]):
            factories.make_note(
                session, customer_id=customer, kind="task", due_on=factories.TODAY, body="Ring"
            )
            session.get_one(Customer, customer).account_balance = 1250
        for gone in (world.customers["merged"], world.customers["erased"]):
            session.get_one(Customer, gone).account_balance = 0
    page = page_of(shop.client().get("/admin/"))
    assert SECRET_NAME not in page.text
    owed = page_of(shop.client().get("/admin/?owed=1")).text
    assert "£12.50" in owed
    assert "from 1 customer," in owed
    assert "1 due" in page.text
    assert "Nothing found" in page_of(shop.client().get(f"/admin/search/?q={SECRET_NAME}")).text
    found = page_of(shop.client().get("/admin/search/?q=Own", headers=HTMX))
    assert "Own, Own" in found.text


def test_a_change_of_several_customers_is_shown_without_those_out_of_scope(own_world: World) -> None:
    shop, world = own_world.shop, own_world
    with shop.arrange() as session:
        changeset = factories.make_changeset(
            session,
            at=dt.datetime.now(dt.UTC),
            action="customer.edit_fields",
            subject_table="customer",
            subject_id=world.customers["foreign"],
        )
        for kind, told in (("own", "Visible"), ("foreign", SECRET_NAME)):
            customer = world.customers[kind]
            factories.make_change(
                session,
                changeset=changeset,
                row_id=customer,
                customer_id=customer,
                before={"title": "Mr"},
                after={"title": told},
            )
            factories.make_loyalty_entry(
                session, changeset_id=changeset.id, customer_id=customer, points=7 if kind == "own" else 7777
            )
        changeset_id = changeset.id
    for path in (f"details/?id={changeset_id}", "", f"?customer__eq={world.customers['own']}", "export/csv/"):
        text = shop.client().get(f"/admin/changeset/{path}").get_data(as_text=True)
        assert "Visible" in text, path
        assert SECRET_NAME not in text, path
        assert "7,777" not in text, path
    form = page_of(shop.client().get(f"/admin/changeset/act/undo/?id={changeset_id}")).form("/act/undo/")
    refused = shop.client().post(form.action, data=form.filled())
    assert refused.status_code == 409
    assert "do not have access" in page_of(refused).text, page_of(refused).text


def test_an_agent_out_of_scope_is_a_number_and_stays_when_the_form_is_saved(own_world: World) -> None:
    shop, world = own_world.shop, own_world
    with shop.arrange() as session:
        agent = factories.make_agent(session, last_name=SECRET_NAME, sales_channel_id=world.theirs).id
        session.get_one(Customer, world.customers["own"]).agent_id = agent
    own = world.customers["own"]
    client = shop.client()
    for path in (f"details/?id={own}", f"edit/?id={own}", "export/csv/", "?view=all"):
        text = client.get(f"/admin/customer/{path}").get_data(as_text=True)
        assert SECRET_NAME not in text, path
    form = page_of(client.get(f"/admin/customer/edit/?id={own}")).form("/edit/")
    assert client.post(form.action, data=form.filled(title="Dr")).status_code == 302
    saved = shop.get(Customer, own)
    assert (saved.title, saved.agent_id) == ("Dr", agent)
    other = shop.make(factories.make_customer, sales_channel_id=world.ours).id
    for named in (agent, MISSING):
        refused = shop.api().send("PATCH", f"/api/v1/customer/{other}", {"agent": named}, If_Match='"1"')
        assert (refused.status_code, list(refused.json["errors"])) == (422, ["agent"])


# -- writing ------------------------------------------------------------------------------------------------------


def test_no_channel_puts_a_customer_into_a_sales_channel_out_of_scope(own_world: World) -> None:
    shop, world = own_world.shop, own_world
    own, client, api = world.customers["own"], own_world.shop.client(), own_world.shop.api()
    form = page_of(client.get(f"/admin/customer/edit/?id={own}")).form("/edit/")
    answer = client.post(form.action, data=form.filled(sales_channel=str(world.theirs)))
    assert answer.status_code == 422
    assert page_of(answer).error("sales_channel")
    form = page_of(client.get("/admin/customer/new/")).form("/new/")
    answer = client.post(form.action, data=form.filled(last_name="New", sales_channel=str(world.theirs)))
    assert page_of(answer).error("sales_channel")
    sent = {"sales_channel": world.theirs}
    for method, path, body, headers in (
        ("PATCH", f"{own}", sent, {"If_Match": '"1"'}),
        ("POST", "", {"last_name": "New", **sent}, {}),
        ("POST", f"{own}/actions/set_terms", sent, {}),
        ("POST", f"{own}/actions/edit_fields", {"change": ["sales_channel"], **sent}, {}),
    ):
        answer = api.send(method, f"/api/v1/customer/{path}", body, **headers)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["sales_channel"]), path
    command = [
        "act",
        "customer.set_terms",
        str(own),
        "--as",
        "admin",
        "--set",
        f"sales_channel={world.theirs}",
    ]
    assert "sales_channel" in shop.app.test_cli_runner().invoke(args=command).output
    assert shop.get(Customer, own).sales_channel_id == world.ours
    with shop.look() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Customer.last_name == "New")) == 0


def test_a_new_customer_gets_a_channel_that_whoever_makes_it_sees(own_world: World) -> None:
    shop = own_world.shop
    form = page_of(shop.client().get("/admin/customer/new/")).form("/new/")
    assert form.fields["sales_channel"] == str(own_world.ours)
    made = shop.api().send("POST", "/api/v1/customer/", {"last_name": "New"})
    assert made.json["result"]["sales_channel"] == own_world.ours


def test_nothing_is_added_to_a_customer_out_of_scope(own_world: World) -> None:
    shop, world = own_world.shop, own_world
    api, before = shop.api(), own_world.shop.figures()
    bodies: dict[str, dict[str, Any]] = {
        "note/": {"kind": "note", "body": "Hello"},
        "address/": {"line1": "1 Street", "country": "GB"},
        "loyalty_entry/actions/adjust": {"points": 10, "comment": "Sorry", "expires_after_days": 30},
        "account_entry/actions/pay": {"amount": 100, "method": "cash"},
        "invoice/actions/raise": {"amount": 100},
        "credit_entry/actions/adjust": {"amount": 100, "comment": "Card"},
        "tasting_entry/actions/use": {},
    }
    for path, body in bodies.items():
        answers = [
            same(api.send("POST", f"/api/v1/{path}", {"customer": customer, **body}))
            for customer in (world.customers["foreign"], MISSING)
        ]
        assert answers[0] == answers[1], path
        assert answers[0][0] == 422
    assert shop.figures() == before


def test_a_merge_does_not_find_records_out_of_scope(own_world: World) -> None:
    shop, world = own_world.shop, own_world
    path = f"/api/v1/customer/{world.customers['own']}/actions/merge?preview=1"
    answers = [
        same(shop.api().send("POST", path, {"others": [i], "reason": "The same"}), i)
        for i in (world.customers["foreign"], MISSING)
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 422


def test_an_import_matches_and_refers_to_nothing_out_of_scope(own_world: World) -> None:
    shop, world = own_world.shop, own_world
    lines = [f"{world.customers['foreign']},Dr", f"{MISSING},Dr", f"{world.customers['own']},Dr"]
    text = _tried(
        shop,
        "customer",
        "Clientele record number,title\n" + "\n".join(lines) + "\n",
        {"0": "id", "1": "title"},
        "id",
    )
    assert text.count("No record has this number.") == 2
    assert SECRET_NAME not in text
    rows = [f"#{world.customers[k]},Hello" for k in ("foreign", "own")]
    text = _tried(
        shop,
        "note",
        "customer,body,kind\n" + "\n".join(f"{r},note" for r in rows) + "\n",
        {"0": "customer", "1": "body", "2": "kind"},
        "",
    )
    assert "Record not found." in text
    assert SECRET_NAME not in text


def _tried(shop: Shop, resource: str, text: str, fields: dict[str, str], match: str) -> str:
    from io import BytesIO

    client = shop.client()
    page = page_of(client.get(f"/admin/{resource}/import/")).form("/import/")
    sent = client.post(
        page.action,
        data={**page.filled(), "file": (BytesIO(text.encode()), "f.csv")},
        content_type="multipart/form-data",
    )
    assert sent.status_code == 302, page_of(sent).text
    form = page_of(client.get(sent.location)).form("/import/columns/")
    chosen = {name: value for name, value in form.fields.items() if name.startswith("column")}
    assert len(chosen) == len(fields), chosen
    mapped = {name: fields[name.rpartition("-")[2]] for name in chosen}
    answer = client.post(form.action, data=form.filled(**mapped, match=match))
    assert answer.status_code == 302, page_of(answer).text
    return page_of(client.get(answer.location)).text


def test_a_run_leaves_alone_what_left_the_scope_of_who_started_it(own_world: World) -> None:
    shop, world = own_world.shop, own_world
    with shop.arrange() as session:
        people = [
            factories.make_customer(session, last_name="Zander", sales_channel_id=world.ours).id
            for _n in range(501)
        ]
        other = factories.make_customer(session, last_name="Zander", sales_channel_id=world.theirs).id
    client = shop.client()
    sent = {"all": "1", "view": "all", "last_name__eq": "Zander"}
    opened = client.post("/admin/customer/act/verify/", data=sent, headers={**HTMX, **csrf(shop)})
    assert "501 customers" in page_of(opened).text
    form = page_of(opened).form("/act/verify/")
    started = client.post(form.action, data=form.filled(), headers=HTMX)
    assert started.status_code == 204
    with shop.arrange() as session:
        session.execute(
            sa.update(Customer).where(Customer.id == people[0]).values(sales_channel_id=world.theirs)
        )
    assert shop.app.test_cli_runner().invoke(args=["worker", "--once"]).exit_code == 0
    assert shop.get(Customer, people[0]).verified_at is None
    assert shop.get(Customer, other).verified_at is None
    assert shop.get(Customer, people[1]).verified_at is not None
    with shop.look() as session:
        refused = session.scalars(sa.select(RunItem).where(RunItem.state == ItemState.REFUSED)).one()
        assert (refused.row_id, "do not have access" in refused.message) == (people[0], True)


def test_what_a_part_of_an_order_did_is_filed_under_the_orders_customer(own_world: World) -> None:
    shop, world = own_world.shop, own_world
    with shop.look() as session:
        found = session.scalars(sa.select(ExternalId).where(ExternalId.order_id.is_not(None))).all()
        row = next(r.id for r in found if r.order.customer_id == world.customers["own"])
    changed = shop.api().send("PATCH", f"/api/v1/external_id/{row}", {"value": "other"}, If_Match='"1"')
    assert changed.status_code == 200, changed.json
    with shop.look() as session:
        last = session.scalars(sa.select(Changeset).order_by(Changeset.id.desc())).first()
        assert [c.customer_id for c in last.changes] == [world.customers["own"]]


def test_the_command_line_finds_what_its_actor_sees(own_world: World) -> None:
    runner = own_world.shop.app.test_cli_runner()
    outputs = []
    for row in (own_world.customers["foreign"], MISSING):
        done = runner.invoke(args=["act", "customer.verify", str(row), "--as", "admin"])
        assert done.exit_code == 1
        outputs.append(done.output)
    assert outputs[0] == outputs[1]


# -- who sets the limits --------------------------------------------------------------------------------------------


@pytest.fixture
def boss(shop: Shop) -> World:
    """A shop in which the admin sees everything and the manager one channel."""
    return World(shop, limited=("manager",), few=True)


def limit(shop: Shop, who: str, channels: list[int], role: str = "Admin") -> Any:
    with shop.look() as session:
        row = session.scalars(sa.select(Staff.id).where(Staff.username == who)).one()
    return shop.api(role).send(
        "POST", f"/api/v1/staff/{row}/actions/limit_to_channels", {"sales_channels": channels}
    )


def channels_of(shop: Shop, who: str) -> set[int]:
    with shop.look() as session:
        rows = sa.select(StaffChannel.sales_channel_id).join(Staff, Staff.id == StaffChannel.user_id)
        return set(session.scalars(rows.where(Staff.username == who)))


def test_a_limit_holds_from_the_next_request_on_and_ends_what_was_open(boss: World) -> None:
    shop = boss.shop
    support = shop.client("Support")
    assert support.get(f"/admin/customer/details/?id={boss.customers['foreign']}").status_code == 200
    assert limit(shop, "support", [boss.ours]).status_code == 200
    assert support.get("/admin/").status_code == 302
    again = application.sign_in(shop.app, "Support")
    assert again.get(f"/admin/customer/details/?id={boss.customers['foreign']}").status_code == 404
    page = page_of(shop.client().get(f"/admin/staff/details/?id={_id(shop, 'support')}"))
    assert "Ours" in page.text
    form = page_of(shop.client().get(f"/admin/staff/act/limit_to_channels/?id={_id(shop, 'support')}")).form(
        "/act/"
    )
    assert form.fields.getlist("sales_channels") == [str(boss.ours)]
    assert limit(shop, "support", []).status_code == 200
    assert channels_of(shop, "support") == set()


def _id(shop: Shop, username: str) -> int:
    with shop.look() as session:
        return int(session.scalars(sa.select(Staff.id).where(Staff.username == username)).one())


def test_nobody_who_is_limited_shows_anybody_more_than_they_see(boss: World) -> None:
    shop = boss.shop
    with shop.arrange() as session:
        factories.grant(session, _manager(session), "can_limit_to_channels", "staff")
    assert limit(shop, "manager", [], "Manager").status_code == 422
    assert limit(shop, "manager", [boss.ours, boss.theirs], "Manager").status_code == 422
    assert limit(shop, "support", [boss.ours], "Manager").status_code == 409, (
        "support sees more than the manager"
    )
    assert limit(shop, "finance", [boss.ours]).status_code == 200
    assert limit(shop, "finance", [], "Manager").status_code == 422
    assert limit(shop, "finance", [boss.theirs], "Manager").status_code == 422
    assert channels_of(shop, "manager") == channels_of(shop, "finance") == {boss.ours}
    assert channels_of(shop, "support") == set()


def _manager(session: Any) -> int:
    return int(session.scalars(sa.select(Staff.id).where(Staff.username == "manager")).one())


def test_somebody_who_sees_everything_and_can_lift_limits_always_remains(boss: World) -> None:
    refused = limit(boss.shop, "admin", [boss.ours])
    assert (refused.status_code, refused.json["code"]) == (409, "last")
    with boss.shop.arrange() as session:
        other = staffing.make_member(session)
        admin = session.scalar(sa.text("SELECT id FROM ab_role WHERE name = 'Admin'"))
        staffing.make_role_holder(session, user_id=other.id, role_id=admin)
    assert limit(boss.shop, "admin", [boss.ours]).status_code == 200


def test_whoever_somebody_limited_lets_in_sees_no_more_than_they(boss: World) -> None:
    shop = boss.shop
    with shop.arrange() as session:
        manager = _manager(session)
        for verb in ("invite", "change_email", "activate", "deactivate", "set_roles"):
            factories.grant(session, manager, f"can_{verb}", "staff")
        unlimited = staffing.make_member(session, active=False).id
    api = shop.api("Manager")
    new = {"first_name": "Nina", "last_name": "New", "email": "nina@shop.example", "username": "nina"}
    assert api.send("POST", "/api/v1/staff/actions/invite", new).status_code == 200
    assert channels_of(shop, "nina") == {boss.ours}
    for verb, body in (
        ("change_email", {"email": "mine@shop.example"}),
        ("activate", {}),
        ("set_roles", {"roles": [_role_of(shop, "manager")], "groups": []}),
    ):
        refused = api.send("POST", f"/api/v1/staff/{unlimited}/actions/{verb}", body)
        assert (refused.status_code, refused.json["code"]) in ((409, "sees_more"), (409, "not_held")), verb
    mine = api.send(
        "POST", f"/api/v1/staff/{_id(shop, 'nina')}/actions/change_email", {"email": "n@shop.example"}
    )
    assert mine.status_code == 200, mine.json


def _role_of(shop: Shop, username: str) -> int:
    with shop.look() as session:
        held = sa.text(
            "SELECT min(role_id) FROM ab_user_role r JOIN ab_user u ON u.id = r.user_id WHERE u.username = :u"
        )
        return int(session.scalar(held, {"u": username}))


def test_the_last_who_sees_everything_is_not_deactivated_either(boss: World) -> None:
    shop = boss.shop
    with shop.arrange() as session:
        other = staffing.make_member(session, username="second", active=True)
        admin = session.scalar(sa.text("SELECT id FROM ab_role WHERE name = 'Admin'"))
        staffing.make_role_holder(session, user_id=other.id, role_id=admin)
        staffing.make_staff_channel(session, user_id=other.id, sales_channel_id=boss.ours)
    command = [
        "act",
        "staff.deactivate",
        str(_id(shop, "admin")),
        "--as",
        "second",
        "--set",
        "reason=Left us",
    ]
    refused = shop.app.test_cli_runner().invoke(args=command)
    assert (
        refused.exit_code,
        "At least one person who can change this must have access to all customers" in refused.output,
    ) == (1, True)


# -- what it costs --------------------------------------------------------------------------------------------------


def test_whoever_sees_everything_pays_nothing_for_it(boss: World) -> None:
    shop = boss.shop
    costs = {}
    for role in ("Admin", "Manager"):
        client = shop.client(role)
        client.get("/admin/customer/?view=all")
        with recorded_statements() as seen:
            client.get("/admin/customer/?view=all")
        costs[role] = len(seen)
        if role == "Admin":
            assert not [text for text in seen if "sales_channel_id IN" in text]
    assert costs["Admin"] == costs["Manager"]


ADDING = sorted(code for code, found in DECLARED.items() if "customer" in found.action.parameters)
"""Actions that name their customer by a field: of a list, or of a row that goes to that customer."""


@pytest.mark.parametrize("code", ADDING)
@pytest.mark.either_database
def test_a_customer_out_of_scope_in_a_field_answers_like_one_that_is_not_there(
    world: World, code: str
) -> None:
    shop, (resource, verb), found = world.shop, code.split("."), {}
    given = {k: v for k, v in CASES[code][1].items() if not v.startswith("@")}
    rows = [str(world.ids[resource]["own"][0])] if DECLARED[code].action.targeted else []
    url, before = f"/admin/{resource}/act/{verb}/", shop.figures()
    path = "/".join((f"/api/v1/{resource}", *rows, f"actions/{verb}"))
    for customer in (world.customers["foreign"], MISSING):
        body = {**given, "customer": customer}
        sets = (p for k, v in body.items() for p in ("--set", f"{k}={v}"))
        done = shop.app.test_cli_runner().invoke(args=["act", code, *rows, "--as", "admin", *sets])
        answers = [same(shop.client().get(url, query_string={"customer": customer, "id": rows}))]
        for more in ({"key": "k" * 32}, {"key": "k" * 32, "preview": "1"}):
            query = {"id": rows, **{k: v for k, v in more.items() if k == "preview"}}
            sent = shop.client().post(url, query_string=query, data={**body, **more}, headers=csrf(shop))
            answers.append(same(sent))
        answers += [same(shop.api().send("POST", path + more, body)) for more in ("", "?preview=1")]
        answers.append((done.exit_code, done.output))
        own = re.compile(rf'(?<=value=")({customer}|[^"]{{32,}})(?=")|(?<=customer=){customer}\b')
        found[customer] = [(status, own.sub("ID", text)) for status, text in answers]
    for seen, missing in zip(*(found[i] for i in (world.customers["foreign"], MISSING)), strict=True):
        assert (seen[0], seen[1].splitlines()) == (missing[0], missing[1].splitlines())
    assert [found[MISSING][n][0] for n in (1, 3, 5)] == [422, 422, 2], "form, API and command"
    assert shop.figures() == before
