"""A screen for a new model is at most twelve lines and needs no template. This one is made up, and driven over HTTP."""

import inspect
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import MetaData, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from admin.base import Screen
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


class GizmoScreen(Screen):
    model = Gizmo
    column_list = ("name", "price", "rebate")
    column_searchable_list = ("name",)
    column_filters = ("name", "price")
    column_editable_list = ("price",)
    form_columns = ("name", "price", "rebate")


class Workshop:
    """The back office with the made-up screen, an Admin at work in it, and a caller of its API."""

    def __init__(self, database: Database) -> None:
        self.engine = open_engine(database.url)
        Gizmo.metadata.create_all(self.engine)
        self.app = application.make(database.url, wiring={"screens": (GizmoScreen,)})
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
    assert ask(sort="name", page_size=2, after=2) == [3]
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


def test_its_permissions_stand_in_the_role_tables_and_gate_it(workshop: Workshop):
    with workshop.engine.connect() as connection:
        names = connection.execute(
            sa.text(
                "SELECT p.name FROM ab_permission p JOIN ab_permission_view pv ON pv.permission_id = p.id "
                "JOIN ab_view_menu v ON v.id = pv.view_menu_id WHERE v.name = 'gizmo'"
            )
        )
        assert {row[0] for row in names} == {
            f"can_{v}" for v in ("list", "show", "add", "edit", "delete", "export")
        }
    manager = application.sign_in(workshop.app, "Manager")
    assert manager.get("/admin/gizmo/").status_code == 403
    assert "/admin/gizmo/" not in page_of(manager.get("/admin/")).links
