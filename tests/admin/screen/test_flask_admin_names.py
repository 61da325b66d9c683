"""Flask-Admin's names on a screen: honoured as documented, or refused when the class is declared. None is ignored."""

import inspect
from typing import Any

import pytest
import sqlalchemy as sa
from flask_admin._backwards import ObsoleteAttr
from flask_admin.actions import action as bulk_action
from flask_admin.contrib.sqla import ModelView
from wtforms.validators import Length, ValidationError

from admin.listing.order import ordered
from admin.request.context import allowed
from admin.screen import flask_admin_names
from admin.screen.base import Screen
from admin.screen.flask_admin_names import HONOURED, INSTEAD
from admin.screens.addresses import AddressScreen
from admin.site import access
from models.address import Address
from models.customer import Customer
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.imports import mapped, verdicts
from tests.admin.pages import Page, page_of, rows_of
from tests.admin.screen.test_twelve_lines import Gizmo, GizmoScreen, Workshop
from tests.databases import Database


def flask_admins_own() -> set[str]:
    """Every public name of Flask-Admin's classes, now and as it was, and what they take when a view is made."""
    made = (
        inspect.signature(kind.__init__).parameters
        for kind in ModelView.__mro__[:-1]
        if "__init__" in vars(kind)
    )
    taken = {name for parameters in made for name in parameters}
    obsolete = {
        v.old_name for kind in ModelView.__mro__ for v in vars(kind).values() if isinstance(v, ObsoleteAttr)
    }
    found = {*dir(ModelView), *taken, *obsolete}
    return {name for name in found if not name.startswith("_")} - {"self", "model"}


def test_every_name_of_flask_admins_is_honoured_or_refused() -> None:
    assert flask_admins_own() - HONOURED - set(INSTEAD) == set(), (
        "say in admin/screen/flask_admin_names.py which"
    )
    assert (HONOURED | set(INSTEAD)) - flask_admins_own() == set()
    assert not HONOURED & set(INSTEAD)


def test_what_is_honoured_is_looked_at_here() -> None:
    ours = {name for part in Screen.__mro__ if part.__module__.startswith("admin.") for name in vars(part)}
    assert HONOURED - ours == set()


@pytest.mark.parametrize("value", [None, lambda self, *given: None])
def test_each_other_name_is_refused_at_once_with_what_to_use_instead(value: Any) -> None:
    for name in INSTEAD:
        with pytest.raises(TypeError) as refused:
            type("GuardedScreen", (GizmoScreen,), {name: value})
        assert f"GuardedScreen.{name} has no effect" in str(refused.value)
        assert str(refused.value).endswith(flask_admin_names.told(name))


def test_a_name_from_a_class_mixed_in_is_refused_likewise() -> None:
    class Stamps:
        def on_model_change(self, form: Any, model: Any, is_created: bool) -> None: ...

    with pytest.raises(TypeError, match=r"MixedScreen\.on_model_change .* @before_save"):
        type("MixedScreen", (Stamps, GizmoScreen), {})


def test_an_action_of_flask_admins_is_refused() -> None:
    class Offers:
        @bulk_action("melt", "Melt")
        def melt(self, ids: Any) -> None: ...

    with pytest.raises(TypeError, match=r"melt is an @action of Flask-Admin\. Use row_actions"):
        type("MeltingScreen", (Offers, GizmoScreen), {})


@pytest.mark.parametrize(("name", "close"), [("column_lables", "column_labels"), ("can_import", "")])
def test_a_misspelt_declaration_is_refused(name: str, close: str) -> None:
    with pytest.raises(TypeError, match=f"{name} is nothing that a screen knows.*{close}"):
        type("HastyScreen", (GizmoScreen,), {name: ()})


# -- is_accessible, is_visible, inaccessible_callback ------------------------------------------------------------------


class GatedScreen(GizmoScreen):
    is_shut = is_hidden = False
    answer: Any = None

    def is_accessible(self) -> bool:
        """As the documentation shows it, it may ask what the person is allowed to."""
        return self.can("list") and allowed("show", "gizmo") and not GatedScreen.is_shut

    def is_visible(self) -> bool:
        return not GatedScreen.is_hidden


@pytest.fixture
def gated(database: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Workshop(database, GatedScreen)
    made.add("anvil")
    monkeypatch.setattr(GatedScreen, "is_shut", False)
    monkeypatch.setattr(GatedScreen, "is_hidden", False)
    yield made
    made.engine.dispose()


def every_answer(gated: Workshop) -> dict[tuple[str, str], int]:
    """What every address of the screen answers, to a page and to a program."""
    found = {}
    screens = gated.app.extensions["clientele.screens"].screens.values()
    for entry in access.entry_points(gated.app.url_map, screens):
        if entry.screen is None or entry.screen.resource != "gizmo":
            continue
        path = entry.rule.replace("<string:row_id>", "1").replace("<export_type>", "csv")
        if entry.in_api:
            answer = gated.api.send(entry.method, path, {}) if entry.method != "GET" else gated.api.get(path)
        else:
            data = {"csrf_token": gated.client.csrf_token(), "id": "1"}
            path = f"{path}?id=1" if entry.record == "id" else path
            answer = gated.client.open(
                path, method=entry.method, data=data if entry.method == "POST" else None
            )
        found[entry.method, entry.rule] = answer.status_code
    return found


@pytest.mark.either_database
def test_a_screen_that_is_not_accessible_is_shut_at_every_address(
    gated: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GatedScreen, "is_shut", True)
    shut = every_answer(gated)
    assert len(shut) > 25
    assert set(shut.values()) == {403}
    monkeypatch.setattr(GatedScreen, "is_shut", False)
    assert 403 not in every_answer(gated).values()


@pytest.mark.either_database
def test_nothing_leads_to_a_screen_that_is_not_accessible(
    gated: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def led() -> list[bool]:
        places = gated.client.get("/admin/"), gated.client.get("/admin/palette/")
        return [any("/admin/gizmo/" in link for link in page_of(answer).links) for answer in places]

    act = ["act", "gizmo.mark_down", "1", "--as", "admin", "--set", "percent=20"]
    assert led() == [True, True]
    monkeypatch.setattr(GatedScreen, "is_shut", True)
    assert led() == [False, False]
    refused = gated.app.test_cli_runner().invoke(args=act)
    assert refused.exit_code != 0
    assert "do not have permission" in refused.output
    assert gated.changes() == []
    monkeypatch.setattr(GatedScreen, "is_shut", False)
    assert gated.app.test_cli_runner().invoke(args=act).exit_code == 0


@pytest.mark.either_database
def test_nothing_is_undone_on_a_screen_that_is_not_accessible(
    gated: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gated.api.send("POST", "/api/v1/gizmo/1/actions/mark_down", {"percent": 20}).status_code == 200
    last = gated.api.get("/api/v1/changeset/", sort="-id").json["result"][0]["id"]
    monkeypatch.setattr(GatedScreen, "is_shut", True)
    assert gated.api.send("POST", f"/api/v1/changeset/{last}/actions/undo", {}).status_code == 403
    assert gated.client.get(f"/admin/changeset/act/undo/?id={last}").status_code == 403
    monkeypatch.setattr(GatedScreen, "is_shut", False)
    assert gated.api.send("POST", f"/api/v1/changeset/{last}/actions/undo", {}).status_code == 200


@pytest.mark.either_database
def test_a_screen_that_is_not_visible_is_in_no_menu_and_open_all_the_same(
    gated: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GatedScreen, "is_hidden", True)
    for place in ("/admin/", "/admin/palette/"):
        assert not any("/admin/gizmo/" in link for link in page_of(gated.client.get(place)).links)
    assert rows_of(gated.client.get("/admin/gizmo/")) == [1]


@pytest.mark.either_database
def test_a_page_that_is_not_accessible_answers_as_the_screen_says(
    gated: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GatedScreen, "is_shut", True)
    monkeypatch.setattr(
        GatedScreen, "inaccessible_callback", lambda self, name, **given: (f"no {name}", 418), raising=False
    )
    answer = gated.client.get("/admin/gizmo/")
    assert (answer.status_code, answer.text) == (418, "no index_view")
    assert gated.api.get("/api/v1/gizmo/").status_code == 403
    monkeypatch.setattr(GatedScreen, "inaccessible_callback", lambda self, name, **given: None)
    assert gated.client.get("/admin/gizmo/").status_code == 403, "an answer that was forgotten lets nobody in"


# -- what it says of columns, pages and forms --------------------------------------------------------------------------


def no_anvils(form: Any, field: Any) -> None:
    if field.data == "anvil":
        raise ValidationError("No more anvils.")


class WordyScreen(Screen):
    model = Gizmo
    column_list = ("name", "price", "rebate", "version")
    column_exclude_list = ("rebate",)
    column_details_list = ("name", "price", "rebate", "version")
    column_details_exclude_list = ("version",)
    column_export_exclude_list = ("price",)
    column_sortable_list = ("name", ("version", ("name", Gizmo.price)))
    column_choices = {"version": [(1, "as made"), (2, "repaired")]}
    column_filters = ("name", "version")
    column_type_formatters = {str: lambda view, value, name: f"<{name}: {value}>"}
    column_type_formatters_export = {str: lambda view, value, name: f"{name} {value}"}
    column_formatters_detail = {"price": lambda view, context, row, name: f"{row.price} pence"}
    column_descriptions = {"name": "What it is called"}
    form_columns = ("name", "price", "rebate")
    form_excluded_columns = ("rebate",)
    form_args = {"name": {"label": "Called", "default": "nameless", "validators": [Length(min=4), no_anvils]}}
    form_widget_args = {"name": {"placeholder": "Any tool", "maxlength": "12"}}
    can_set_page_size = False
    page_size = 2


@pytest.fixture
def wordy(database: Database) -> Any:
    made = Workshop(database, WordyScreen)
    made.add("bellows", "crane", "anvil")
    yield made
    made.engine.dispose()


def listed(wordy: Workshop, **query: str) -> Page:
    return page_of(wordy.client.get("/admin/gizmo/", query_string=query))


def test_lists_and_records_show_what_is_declared(wordy: Workshop) -> None:
    page = listed(wordy)
    assert "<name: bellows>" in page.text
    assert "as made" in page.text
    assert "Rebate" not in page.text
    assert not any("page_size" in link for link in page.links)
    assert wordy.client.get("/admin/gizmo/?page_size=50").status_code == 400
    record = page_of(wordy.client.get("/admin/gizmo/details/?id=1")).text
    assert "100 pence" in record
    assert "Rebate" in record
    assert "<name:" not in record
    assert "as made" not in record
    lines = wordy.client.get("/admin/gizmo/export/csv/").get_data(as_text=True).splitlines()
    assert lines[0].removeprefix("\ufeff") == "Clientele record number,Name,Version"
    assert lines[1] == "1,name bellows,as made"


def test_lists_are_sorted_and_filtered_by_what_is_declared(wordy: Workshop) -> None:
    with wordy.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE gizmo SET version = 2 WHERE id = 2")
    ask = lambda **query: rows_of(wordy.client.get("/admin/gizmo/", query_string=query))  # noqa: E731
    assert ask(sort="name") == [3, 1]
    assert ask(sort="-version") == [2, 1], "by the pair's own order"
    assert wordy.client.get("/admin/gizmo/?sort=price").status_code == 400
    assert wordy.api.get("/api/v1/gizmo/", sort="price").status_code == 400
    assert ask(version__eq="2") == [2]
    page = listed(wordy, version__eq="2")
    assert "repaired" in page.text


@pytest.mark.either_database
def test_what_a_form_is_told_holds_for_programs_and_files_too(wordy: Workshop) -> None:
    page = page_of(wordy.client.get("/admin/gizmo/new/"))
    form = page.form("/admin/gizmo/new/")
    assert form.fields["name"] == "nameless"
    assert "rebate" not in form.fields
    assert "Called" in page.text
    assert any(given.get("placeholder") == "Any tool" for _tag, given in page.tags)
    wrong = wordy.save("/admin/gizmo/new/", name="anvil", price="1")
    assert page_of(wrong).error("name") == "No more anvils."
    assert wordy.api.send("POST", "/api/v1/gizmo/", {"name": "saw", "price": 1}).status_code == 422
    shop = Shop(wordy.app, wordy.database)
    file = mapped(shop, "gizmo", "Name,Price\nsaw,1\nanvil,2\nhammer,3\n")
    short, banned, made = verdicts(shop, file)
    assert "4" in short["name"]
    assert banned == {"name": "No more anvils."}
    assert made == "created"


# -- no page for a single record -----------------------------------------------------------------------------------------


class ListOnlyScreen(GizmoScreen):
    can_view_details = False


@pytest.mark.either_database
def test_a_screen_without_records_of_their_own_has_neither_page_nor_address_for_one(
    database: Database,
) -> None:
    made = Workshop(database, ListOnlyScreen)
    made.add("anvil")
    listed = made.client.get("/admin/gizmo/")
    assert rows_of(listed) == [1]
    assert not any("/details/" in link for link in page_of(listed).links if "gizmo" in link)
    assert made.client.get("/admin/gizmo/details/?id=1").status_code == 403
    assert made.api.get("/api/v1/gizmo/1").status_code == 405
    assert "get" not in made.api.get("/api/v1/_openapi").json["paths"]["/api/v1/gizmo/{id}"]
    assert made.save("/admin/gizmo/edit/?id=1", name="hammer").status_code == 302
    made.engine.dispose()


def test_a_list_is_sorted_by_what_a_reference_leads_to_where_a_pair_says_so(shop: Shop) -> None:
    made = type(
        "SortedScreen", (AddressScreen,), {"column_sortable_list": (("customer", Customer.email_key), "town")}
    )
    with shop.arrange() as session:
        for last_name, email in (("Adams", "c@x.com"), ("Brown", "a@x.com"), ("Clark", "b@x.com")):
            owner = factories.make_customer(session, last_name=last_name, email=email)
            factories.make_address(session, customer=owner, town=last_name)
    with shop.app.app_context(), shop.look() as session:
        screen: Any = made()
        assert screen.sortable == {"customer", "town"}
        for descending, towns in ((False, ["Brown", "Clark", "Adams"]), (True, ["Adams", "Clark", "Brown"])):
            keys = screen.sort_keys("customer", descending)
            assert [a.town for a in session.scalars(ordered(sa.select(Address), keys))] == towns
        none: Any = type("UnsortedScreen", (AddressScreen,), {"column_sortable_list": False})()
        assert none.sortable == frozenset()
