"""axe-core on every screen, in light and dark and at 360 px; and no error, refused content or outside request.

The screens come from the registry: a new one is walked through without a line here. The pages of all screens are made of the
same templates: the customer's are looked at with the frame around them, of the others' lists and tabs one in three, of their
other pages one in six, and in a soak all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from admin.screens import SCREENS
from models.base import metadata
from tests import application
from tests.admin import stock
from tests.browser.accessibility import AXE, check_accessibility, check_everywhere
from tests.browser.conftest import Problems, serving, sign_in, window, writing
from tests.conftest import RUN
from tests.databases import Database, SQLiteDatabases
from tests.scale import FULL, sampled

TABLES = {screen.named(): screen.model.__tablename__ for screen in SCREENS}
RESOURCES = list(TABLES)
LOOKED_AT = ("customer", "role", "sales_order", "shop_setting")
"""Screens whose pages are like no other's."""
ROWS = 6
ACTS = 3
"""Actions of a screen whose forms are looked at: all are made of the same few fields."""
MAIN = "main"
"""The part of a page that is its own; around it stands the frame, the same on all of them."""


@dataclass
class Walk:
    """A window somebody is signed in at, and what goes wrong in it."""

    page: Page
    problems: Problems

    def visit(self, path: str, status: int = 200, within: str | None = None) -> None:
        """Open a page and check all there is to check, or only the part that no page before it had."""
        if status != 200:
            self.problems.expect(f"status of {status}|{status} from")
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"
        self.look(within)

    def look(self, within: str | None = None) -> None:
        """Check the page as it stands, or a part of it."""
        check_everywhere(self.page, within)
        found = self.problems.found()
        assert not found, f"{self.page.url} had problems:\n" + "\n".join(found)


class Premises:
    """A served shop and the windows people sit at, all opened once a worker for the tests of this file."""

    def __init__(self, chromium: Browser, database: Database, stack: ExitStack) -> None:
        self._chromium, self._stack, self.database = chromium, stack, database
        self.app = application.make(database.url)
        self.app.add_url_rule("/broken/", "broken", _break)
        self._address = stack.enter_context(serving(self.app))
        self._walks: dict[str, Walk] = {}

    def walk(self, role: str = "Admin") -> Walk:
        """Return the window of somebody with that role ("" is nobody), at rest on an empty page."""
        if role not in self._walks:
            problems = Problems(self._address)
            context = window(self._chromium, self._address, problems, reduced_motion="reduce")
            context.add_init_script(path=AXE)  # sent once a window instead of once a page
            self._stack.callback(context.close)
            if role:
                sign_in(context, role)
            self._walks[role] = Walk(context.new_page(), problems)
        found = self._walks[role]
        found.problems.begin()
        return found

    def first(self, resource: str) -> int | None:
        """Return the lowest id of a screen's rows."""
        table = metadata.tables[TABLES[resource]]
        if "id" not in table.c:
            return None
        shown = table.c.account_balance != 0 if resource == "owing" else sa.true()
        with self.database.connect() as connection:
            return connection.scalar(sa.select(sa.func.min(table.c.id)).where(shown))


def _break() -> str:
    raise RuntimeError("a test asked for it")


@contextmanager
def _premises(request: pytest.FixtureRequest, chromium: Browser, name: str) -> Iterator[Premises]:
    run = request.config.stash[RUN]
    own = run.own / f"walk-{name}"
    own.mkdir()
    database = SQLiteDatabases(run.folder, own).database(application.build_template)
    database.renew()
    with ExitStack() as stack:
        yield Premises(chromium, database, stack)


@pytest.fixture(scope="session")
def busy(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Premises]:
    """A shop with a few rows on every screen."""
    with _premises(request, chromium, "busy") as premises:
        with writing(premises.database) as session:
            stock.fill_everything(session, RESOURCES, ROWS)
        yield premises


@pytest.fixture(scope="session")
def new(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Premises]:
    """A shop on its first day: every list is empty."""
    with _premises(request, chromium, "new") as premises:
        yield premises


def addresses(app: Flask, resource: str, row: int | None) -> Iterator[str]:
    """Yield the address of every page that a screen has."""
    screen: Any = app.extensions["clientele.screens"].screens[resource]
    base = f"/admin/{resource}"
    yield f"{base}/"
    if screen.can_create:
        yield f"{base}/new/"
    if row is None:
        return
    yield f"{base}/details/?id={row}"
    if screen.can_edit:
        yield f"{base}/edit/?id={row}"
    for declared in screen.actions()[:ACTS]:
        yield f"{base}/act/{declared.action.verb}/" + (f"?id={row}" if declared.action.targeted else "")


@pytest.mark.soak
@pytest.mark.parametrize("resource", [r for r in RESOURCES if r in LOOKED_AT or sampled(r, 6)])
def test_a_screen_with_rows(busy: Premises, resource: str) -> None:
    walk = busy.walk()
    first, *rest = addresses(busy.app, resource, busy.first(resource))
    walk.visit(first, within=None if FULL or resource == "customer" else MAIN)
    for address in rest:
        if sampled(address, 6):
            walk.visit(address, within=MAIN)


@pytest.mark.soak
@pytest.mark.parametrize("resource", [r for r in RESOURCES if sampled(r, 8)])
def test_an_empty_screen(new: Premises, resource: str) -> None:
    new.walk().visit(f"/admin/{resource}/", within=MAIN)


@pytest.mark.soak
@pytest.mark.parametrize("resource", [s.named() for s in SCREENS if s.tabs])
def test_the_tabs_of_a_record(busy: Premises, resource: str) -> None:
    walk = busy.walk()
    screen: Any = busy.app.extensions["clientele.screens"].screens[resource]
    for tab in screen.tabs:
        if not sampled(f"{resource} {tab.resource}", 6):
            continue
        walk.visit(
            f"/admin/{resource}/details/?id={busy.first(resource)}&tab={tab.resource}", within="#record-panel"
        )
        expect(walk.page.locator(f"[data-list={tab.resource}]")).to_be_visible()


@pytest.mark.parametrize("premises", ["busy", "new"])
def test_today_and_search(request: pytest.FixtureRequest, premises: str) -> None:
    walk = request.getfixturevalue(premises).walk()
    walk.visit("/admin/")
    walk.visit("/admin/search/?q=text")
    walk.visit("/admin/search/?q=nothing-is-called-that")


def test_signing_in(busy: Premises) -> None:
    walk = busy.walk("")
    walk.visit("/login/")
    walk.page.get_by_label("User name").fill("admin")
    walk.page.get_by_label("Password").fill("not this one")
    walk.problems.expect("401")
    walk.page.get_by_role("button", name="Sign in").click()
    expect(walk.page.get_by_role("alert")).to_be_visible()
    walk.look()


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("Admin", "/admin/customer/?sort=password_hash", 400),
        ("Read-only", "/admin/customer/new/", 403),
        ("Admin", "/admin/customer/details/?id=999999", 404),
        ("", "/nowhere/", 404),
        ("Admin", "/admin/customer/delete/", 405),
        ("Admin", "/broken/", 500),
    ],
)
def test_an_error(busy: Premises, role: str, path: str, status: int) -> None:
    busy.walk(role).visit(path, status)


def test_a_reader(busy: Premises) -> None:
    walk = busy.walk("Read-only")
    walk.visit("/admin/customer/?view=all")
    walk.visit("/admin/customer/?q=nothing-is-called-that", within=MAIN)
    walk.visit(f"/admin/customer/details/?id={busy.first('customer')}")


# -- what opens on a page -------------------------------------------------------------------------------------------


def test_a_form_with_errors_and_the_question_before_leaving(busy: Premises) -> None:
    walk = busy.walk()
    page = walk.page
    page.goto(f"/admin/customer/edit/?id={busy.first('customer')}")
    page.get_by_label("Email", exact=True).fill("not an address")
    page.get_by_role("group", name="Phones").get_by_role("button", name="Add").click()
    page.locator("[data-row]").last.get_by_label("Number").fill("12")
    walk.problems.expect("422")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-form-errors]")).to_be_focused()
    walk.look()
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator("dialog#ask")).to_be_visible()
    walk.look("dialog#ask")
    with page.expect_navigation():
        page.get_by_role("button", name="Leave without saving").click()


def test_a_conflict(busy: Premises) -> None:
    walk = busy.walk()
    address = f"/admin/customer/edit/?id={busy.first('customer')}"
    page, other = walk.page, walk.page.context.new_page()
    page.goto(address)
    other.goto(address)
    for where, name in ((other, "Theirs"), (page, "Mine")):
        where.get_by_label("First name").fill(name)
    other.get_by_label("Trading name").fill("Only theirs")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_role("heading", name="Theirs", level=1)).to_be_visible()
    other.close()
    walk.problems.expect("409")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("while you were editing it")
    walk.look()


def _open_drawer(page: Page) -> None:
    page.get_by_role("link", name="New note").click()
    expect(page.locator("dialog#drawer").get_by_role("heading")).to_be_visible()


def _drawer_errors(page: Page) -> None:
    _open_drawer(page)
    page.locator("dialog#drawer [type=submit]").click()
    expect(page.locator("dialog#drawer [data-form-errors]")).to_be_focused()


def _row_menu(page: Page) -> None:
    page.locator("tbody .row-menu summary").first.click()


def _column_chooser(page: Page) -> None:
    page.locator("summary", has_text="Columns").click()


def _record_menu(page: Page) -> None:
    page.locator("#record-header").get_by_label("More actions").click()


def _set_many(page: Page) -> None:
    page.get_by_role("checkbox", name="Select all rows on this page").check()
    page.locator("[data-bulk]").get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Edit fields").click()
    expect(page.locator("dialog#drawer").get_by_label("Credit limit", exact=True)).to_be_visible()


def _person(page: Page) -> None:
    page.locator("summary.person-name").click()


def _selection(page: Page) -> None:
    page.get_by_role("checkbox").nth(1).check()
    expect(page.locator("[data-bulk]")).to_be_visible()


def _results(page: Page) -> None:
    page.get_by_role("combobox", name="Search everything").press_sequentially("text")
    expect(page.locator("#search-results")).to_be_visible()


def _keys(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.locator("dialog#help")).to_be_visible()


def _cell(page: Page) -> None:
    page.locator("td[data-edit]").first.dblclick()
    expect(page.locator("[data-cell-form]")).to_be_visible()


def _preview(page: Page) -> None:
    page.locator("#record-header").get_by_label("More actions").click()
    page.get_by_role("link", name="Mark as verified").click()
    expect(page.locator("[data-preview] .preview-group")).to_be_visible()


def _many(page: Page) -> None:
    page.get_by_role("checkbox", name="Select all rows on this page").check()
    page.locator("[data-bulk]").get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Approve trade account").click()
    expect(page.locator("[data-preview] .preview-blockers")).to_be_visible()


def _toast(page: Page) -> None:
    page.evaluate(
        "import('/static/toast.js').then((it) => { it.toast('Saved.'); it.toast('Not saved.', 'bad'); })"
    )
    expect(page.locator(".toast-note")).to_have_count(2)


DRAWER = "dialog#drawer"
OPENED = {
    _person: ".person", _record_menu: ".record-bar", _results: "#search-results", _keys: "dialog#help",
    **dict.fromkeys((_open_drawer, _drawer_errors, _preview, _many, _set_many), DRAWER),
}  # fmt: skip
"""What opens something that stands by itself, or covers what is under it -> where that is."""


OPENINGS: list[tuple[str, Callable[[Page], None]]] = [
    ("/admin/note/?view=all", _row_menu),
    ("/admin/note/", _column_chooser),
    ("/admin/customer/?view=all", _column_chooser),
    ("/admin/changeset/", _row_menu),
    ("/admin/customer/details/?id={customer}", _record_menu),
    ("/admin/customer/?view=all", _set_many),
    ("/admin/note/", _person),
    ("/admin/note/", _selection),
    ("/admin/note/", _results),
    ("/admin/note/", _keys),
    ("/admin/note/", _cell),
    ("/admin/customer_class/", _cell),
    ("/admin/customer/", _cell),
    ("/admin/note/", _toast),
    ("/admin/customer/details/?id={customer}&tab=note", _open_drawer),
    ("/admin/customer/details/?id={customer}", _preview),
    ("/admin/customer/?view=all", _many),
    ("/admin/customer/details/?id={customer}&tab=note", _drawer_errors),
]


@pytest.mark.soak
@pytest.mark.parametrize(
    ("path", "open_it"),
    [(path, open_it) for path, open_it in OPENINGS if sampled(f"{path} {open_it.__name__}", 2)],
    ids=lambda value: value.__name__.strip("_") if callable(value) else None,
)
def test_what_opens(busy: Premises, path: str, open_it: Callable[[Page], None]) -> None:
    walk = busy.walk()
    walk.problems.expect("422")
    walk.page.goto(path.format(customer=busy.first("customer")))
    open_it(walk.page)
    walk.look(OPENED.get(open_it))


@pytest.mark.soak
def test_the_filter_builder_for_every_column(busy: Premises) -> None:
    walk = busy.walk()
    walk.page.goto("/admin/customer/")
    walk.page.locator("summary", has_text="Add filter").click()
    column = walk.page.get_by_label("Column", exact=True)
    kinds: dict[str, str] = {}  # one column of each kind will do
    for field in busy.app.extensions["clientele.screens"].screens["customer"].filters.values():
        kinds.setdefault(field.kind, field.name)
    for name in (name for kind, name in kinds.items() if sampled(kind, 3)):
        column.select_option(name)
        check_accessibility(walk.page, "[data-filter-add]")
    walk.look("[data-filter-add]")


def test_the_menu_of_a_narrow_screen(busy: Premises) -> None:
    walk = busy.walk()
    walk.page.goto("/admin/customer/")
    walk.page.set_viewport_size({"width": 360, "height": 740})
    walk.page.get_by_role("link", name="Open menu").click()
    expect(walk.page.get_by_role("link", name="Close menu")).to_be_visible()
    check_accessibility(walk.page)
    walk.page.set_viewport_size({"width": 1280, "height": 800})
    walk.look()
