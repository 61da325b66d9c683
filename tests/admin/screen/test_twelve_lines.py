"""A screen for a new model is at most twelve lines and needs no template. This one is made up, and driven over HTTP."""

import inspect
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import MetaData, String
from sqlalchemy.orm import Mapped, Session, mapped_column
from wtforms import Form
from wtforms.validators import InputRequired

from actions.core.base import Context, Outcome, Refused, action
from admin.forms.form_fields import WholeNumberField
from admin.screen.base import Screen
from admin.screen_spec.declare import RowAction
from models.base import Record
from models.base import metadata as product
from models.dialect import WRITE
from models.journal import Change, Changeset
from models.personal import fact
from models.schema import open_engine
from models.types import Minor, Percent
from tests import application
from tests.admin.conftest import Api, token
from tests.admin.pages import page_of, rows_of
from tests.databases import Database
from tests.factories import NOW


class Apart(Record):
    """Keeps the made-up table out of the product's own metadata, which other tests compare with the database."""

    __abstract__ = True
    metadata = MetaData(naming_convention=product.naming_convention)


class Gizmo(Apart):
    __tablename__ = "gizmo"
    __label__ = "Gizmo"
    __plural__ = "Gizmos"

    name: Mapped[str] = mapped_column(String(40), unique=True, info=fact())
    price: Mapped[int] = mapped_column(Minor, info=fact())
    rebate: Mapped[Decimal] = mapped_column(Percent, default=Decimal(0), info=fact())

    def __str__(self) -> str:
        return self.name


@action("gizmo.mark_down", Gizmo, label="Mark down")
def mark_down(ctx: Context, gizmo: Gizmo, *, percent: int) -> Outcome:
    """Take a percentage off the price."""
    if not 0 < percent <= 50:
        raise Refused("too_much", "Between 1 and 50 per cent.")
    gizmo.price -= gizmo.price * percent // 100
    return Outcome("%(gizmo)s is cheaper now.", gizmo, {"gizmo": str(gizmo)})


class MarkDownForm(Form):
    percent = WholeNumberField("Percent", [InputRequired()])


class GizmoScreen(Screen):
    model = Gizmo
    column_list = ("name", "price", "rebate")
    column_searchable_list = ("name",)
    column_filters = ("name", "price")
    column_editable_list = ("price",)
    form_columns = ("name", "price", "rebate")
    row_actions = (RowAction(mark_down, MarkDownForm, "discount"),)


class Workshop:
    """The back office with the made-up screen, an Admin at work in it, and a caller of its API."""

    def __init__(self, database: Database, screen: type[Screen] = GizmoScreen) -> None:
        self.database, self.engine = database, open_engine(database.url)
        Gizmo.metadata.create_all(self.engine)
        self.app = application.make(database.url, wiring={"screens": (screen,)})
        done = self.app.test_cli_runner().invoke(args=["up"])
        assert done.exit_code == 0, done.output
        self.client = application.sign_in(self.app, "Admin")
        self.api = Api(self.app, token(self.app, "Admin"))

    def save(self, path: str, **values: str) -> Any:
        """Fill in the form at ``path``, send it, and return the answer."""
        form = page_of(self.client.get(path)).form("/admin/gizmo/")
        return self.client.post(form.action or path, data=form.filled(**values))

    def add(self, *names: str) -> None:
        with Session(self.engine.execution_options(**{WRITE: True})) as session, session.begin():
            session.add_all(
                Gizmo(name=n, price=100 * k, version=1, created_at=NOW, updated_at=NOW)
                for k, n in enumerate(names, 1)
            )

    def changes(self) -> list[tuple[str, dict | None, dict | None]]:
        with Session(self.engine) as session:
            query = (
                sa.select(Changeset.action, Change.before, Change.after)
                .join(Change.changeset)
                .where(Change.table_name == "gizmo")
                .order_by(Change.id)
            )
            return [tuple(row) for row in session.execute(query)]


@pytest.fixture
def workshop(database: Database) -> Iterator[Workshop]:
    made = Workshop(database)
    yield made
    made.engine.dispose()


def test_the_declaration_is_at_most_twelve_lines():
    assert len(inspect.getsource(GizmoScreen).strip().splitlines()) <= 12


def test_it_lists_searches_filters_and_sorts(workshop: Workshop):
    workshop.add("anvil", "bellows", "crane")
    ask = lambda **query: rows_of(workshop.client.get("/admin/gizmo/", query_string=query))  # noqa: E731
    assert ask() == [1, 2, 3]
    assert ask(q="bell") == [2]
    assert ask(price__ge="2.00") == [2, 3]
    assert ask(sort="-price") == [3, 2, 1]
    assert ask(sort="name", page_size=2) == [1, 2]
    first = workshop.client.get("/admin/gizmo/?sort=name&page_size=2")
    (onward,) = {link for link in page_of(first).links if "after=" in link}
    assert rows_of(workshop.client.get(onward)) == [3]
    assert "/admin/gizmo/" in page_of(workshop.client.get("/admin/")).links


def test_it_creates_edits_and_deletes_through_the_journal(workshop: Workshop):
    created = workshop.save("/admin/gizmo/new/", name="anvil", price="12.50")
    assert created.status_code == 302
    assert created.location == "/admin/gizmo/details/?id=1"
    assert "12.50" in page_of(workshop.client.get(created.location)).text
    assert workshop.save("/admin/gizmo/edit/?id=1", price="13.00", rebate="2.5").status_code == 302
    assert workshop.client.send("/admin/gizmo/delete/", {"id": "1"}).status_code == 302
    assert rows_of(workshop.client.get("/admin/gizmo/")) == []
    actions = [action for action, _before, _after in workshop.changes()]
    assert actions == ["gizmo.create", "gizmo.edit", "gizmo.delete"]
    _action, before, after = workshop.changes()[1]
    assert (before["price"], after["price"]) == (1250, 1300)
    assert (before["rebate"], after["rebate"]) == ("0.00", "2.5")


def test_bad_input_is_named_and_a_taken_name_said_so(workshop: Workshop):
    workshop.add("anvil")
    wrong = workshop.save("/admin/gizmo/new/", name="", price="1e5")
    assert wrong.status_code == 422
    assert set(page_of(wrong).errors) == {"name", "price"}
    taken = workshop.save("/admin/gizmo/new/", name="anvil", price="1")
    assert taken.status_code == 422
    assert page_of(taken).error("name")


def test_the_second_of_two_saves_gets_the_conflict_page(workshop: Workshop):
    workshop.add("anvil")
    stale = page_of(workshop.client.get("/admin/gizmo/edit/?id=1")).form("/admin/gizmo/edit/")
    workshop.save("/admin/gizmo/edit/?id=1", name="hammer")
    answer = workshop.client.post(stale.action, data=stale.filled(name="tongs"))
    assert answer.status_code == 409
    assert all(word in page_of(answer).text for word in ("anvil", "hammer", "tongs"))


def test_a_cell_is_edited_in_place(workshop: Workshop):
    workshop.add("anvil")
    form = page_of(workshop.client.get("/admin/gizmo/ajax/update/?id=1&column=price")).form("ajax/update")
    answer = workshop.client.post(form.action, data=form.filled(price="7.25"))
    assert answer.status_code == 200
    assert "7.25" in answer.get_data(as_text=True)
    assert workshop.client.post(form.action, data=form.filled(price="8.00")).status_code == 409


def test_it_exports_and_answers_the_api(workshop: Workshop):
    workshop.add("anvil", "=1+1")
    exported = workshop.client.get("/admin/gizmo/export/csv/").get_data(as_text=True)
    assert "anvil,1.00" in exported
    assert "'=1+1" in exported
    listed = workshop.api.get("/api/v1/gizmo/", sort="-name").json
    assert [row["name"] for row in listed["result"]] == ["anvil", "=1+1"]
    assert workshop.api.get("/api/v1/gizmo/1").json["result"]["price"] == 100
    assert workshop.api.get("/api/v1/gizmo/", price__ge="x").status_code == 400
    paths = workshop.api.get("/api/v1/_openapi").json["paths"]
    assert {"/api/v1/gizmo/", "/api/v1/gizmo/{id}"} <= paths.keys()


def test_an_action_from_form_to_api_is_at_most_twenty_five_lines():
    parts = (inspect.getsource(mark_down.function), inspect.getsource(MarkDownForm), "row_actions = ...")
    assert sum(len(part.strip().splitlines()) for part in parts) <= 25


def test_the_action_is_on_every_channel_previewed_and_undone(workshop: Workshop):
    workshop.add("anvil", "bellows")
    client, url = workshop.client, "/admin/gizmo/act/mark_down/"
    assert f"{url}?id=1" in page_of(client.get("/admin/gizmo/")).links
    form = page_of(client.get(f"{url}?id=1")).form(url)
    seen = page_of(client.post(f"{url}?id=1&preview=1", data=form.filled(percent="10"))).text
    assert "anvil Price: £1.00 → £0.90" in seen
    assert client.post(form.action, data=form.filled(percent="10")).status_code == 302
    data = {"csrf_token": client.csrf_token(), "ids": ["1", "2"]}
    many = page_of(client.post(url, data=data)).form(url)
    assert client.post(many.action, data=many.filled(percent="50")).status_code == 302
    path = "/api/v1/gizmo/2/actions/mark_down"
    assert (
        workshop.api.send("POST", f"{path}?preview=1", {"percent": 50}).json["rows"][0]["after"]["price"]
        == 50
    )
    assert workshop.api.send("POST", path, {"percent": 51}).status_code == 409
    assert workshop.api.send("POST", path, {"percent": 50}).status_code == 200
    run = workshop.app.test_cli_runner().invoke
    assert run(args=["act", "gizmo.mark_down", "1", "--as", "admin", "--set", "percent=20"]).exit_code == 0
    assert [row["price"] for row in workshop.api.get("/api/v1/gizmo/").json["result"]] == [36, 50]
    with Session(workshop.engine) as session:
        bulk = session.scalars(sa.select(Changeset.id).order_by(Changeset.id)).all()[-3]
    form = page_of(client.get(f"/admin/changeset/act/undo/?id={bulk}")).form("/act/undo/")
    undo = client.post(f"{form.action}&preview=1", data=form.filled())
    assert "price has been changed since" in page_of(undo).text
    assert "/api/v1/gizmo/{id}/actions/mark_down" in workshop.api.get("/api/v1/_openapi").json["paths"]


EACH = "501 records, each checked on its own. The job lists those that it refuses, and why."


def test_for_many_rows_an_action_without_counts_says_that_each_is_checked_on_its_own(workshop: Workshop):
    workshop.add(*(f"tool {n:03}" for n in range(501)))
    client, url = workshop.client, "/admin/gizmo/act/mark_down/"
    opened = page_of(client.post(url, data={"csrf_token": client.csrf_token(), "all": "1"}))
    form = opened.form(url)
    seen = client.post(
        f"{form.action}?preview=1", data=form.filled(percent="10"), headers={"HX-Request": "true"}
    )
    for page in (opened, page_of(seen)):
        assert EACH in page.text
        assert "in the background" in page.text
        assert not any("data-count" in given for _tag, given in page.tags), "there is nothing to count by"
    assert client.post(f"{form.action}?preview=1&count=1", data=form.filled(percent="10")).status_code == 200
    assert workshop.changes() == []
    started = client.post(form.action, data=form.filled(percent="10"))
    assert "/admin/run/details/" in started.location
    assert workshop.app.test_cli_runner().invoke(args=["worker", "--once"]).exit_code == 0
    assert (
        len([action for action, _before, _after in workshop.changes() if action == "gizmo.mark_down"]) == 501
    )


@pytest.mark.either_database
def test_a_program_and_the_command_line_try_it_as_ever(workshop: Workshop):
    workshop.add("anvil", "bellows")
    seen = workshop.api.send("POST", "/api/v1/gizmo/1/actions/mark_down?preview=1", {"percent": 10}).json
    assert (seen["possible"], seen["rows"][0]["after"]["price"]) == (True, 90)
    asked = ["act", "gizmo.mark_down", "1", "2", "--as", "admin", "--set", "percent=10", "--preview"]
    told = workshop.app.test_cli_runner().invoke(args=asked)
    assert told.exit_code == 0
    assert "Gizmos: 2" in told.output
    assert workshop.changes() == []


def test_its_permissions_stand_in_the_role_tables_and_gate_it(workshop: Workshop):
    with workshop.engine.connect() as connection:
        names = connection.execute(
            sa.text(
                "SELECT p.name FROM ab_permission p JOIN ab_permission_view pv ON pv.permission_id = p.id "
                "JOIN ab_view_menu v ON v.id = pv.view_menu_id WHERE v.name = 'gizmo'"
            )
        )
        assert {row[0] for row in names} == {
            f"can_{v}" for v in ("list", "show", "add", "edit", "delete", "export", "import", "mark_down")
        }
    manager = application.sign_in(workshop.app, "Manager")
    assert manager.get("/admin/gizmo/").status_code == 403
    assert "/admin/gizmo/" not in page_of(manager.get("/admin/")).links
