"""A stocked shop of each kind of database for tests that only read, and browsers for the rest."""

import datetime as dt
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from actions.staff.security_events import EVENTS
from admin.screens import SCREENS
from models.base import metadata
from tests import application
from tests.admin import stock
from tests.conftest import FindDatabase
from tests.databases import Database
from tests.factories import NOW
from tests.scale import ASKED

RESOURCES = [screen.named() for screen in SCREENS]
OF_STATEMENTS = frozenset({"history", "listing", "reports"})
"""Rooms whose tests are about statements as much as about pages: a half of them runs on either database. Those of the other
rooms mostly run on SQLite: what is done and read there is tried on both below the web. ``both_databases`` says otherwise."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of pages."""
    here = f"{Path(__file__).parent}{os.sep}"
    for item in items:
        path = str(item.path)
        room = path.removeprefix(here).split(os.sep)[0] if path.startswith(here) else ""
        if room and not any(map(item.get_closest_marker, ASKED)):
            item.add_marker("half_on_either" if room in OF_STATEMENTS else "either_database")


OF_SIGNING_IN = frozenset({"staff_session", "attempt_bucket", "known_browser"})
"""What people's comings and goings leave: no fact about the shop."""


@cache
def _counts(leave_out: frozenset[str]) -> sa.CompoundSelect[Any]:
    """One statement for what every table holds; of the journal, without the events in which nothing changed."""
    return sa.union_all(
        *(_count(t) for t in metadata.sorted_tables if t.name not in leave_out | OF_SIGNING_IN)
    )


def _count(table: sa.Table) -> sa.Select[Any]:
    none = sa.cast(sa.null(), sa.BigInteger)
    highest = sa.func.max(table.c.id) if "id" in table.c else none
    found = sa.select(sa.literal(table.name), sa.func.count(), highest).select_from(table)
    return found.where(table.c.action.not_in(EVENTS)) if table.name == "changeset" else found


class Shop:
    """An application, its database, and the people at work in it."""

    def __init__(self, app: Flask, database: Database) -> None:
        self.app, self.database = app, database
        self._clients: dict[str, application.Client] = {}
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()

    def client(self, role: str = "Admin") -> application.Client:
        """Return the browser of the member of staff with that role, signed in once."""
        with self._lock:
            if role not in self._clients:
                self._clients[role] = application.sign_in(self.app, role)
            return self._clients[role]

    def api(self, role: str = "Admin") -> "Api":
        """Return a caller of the API with that role's token."""
        if role not in self._tokens:
            self._tokens[role] = token(self.app, role)
        return Api(self.app, self._tokens[role])

    def screen(self, resource: str) -> Any:
        """Return a registered screen, with the filters it works out on first use."""
        screen = self.app.extensions["clientele.screens"].screens[resource]
        with self.app.app_context():
            _ = screen.filters
        return screen

    @contextmanager
    def arrange(self) -> Iterator[Session]:
        """Yield a session in which the factories work; what they made is committed."""
        with Session(self.database.desk, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def look(self) -> Iterator[Session]:
        """Yield a session for looking only."""
        with Session(self.database.desk) as session:
            yield session

    def make(self, factory: Callable[..., Any], **values: Any) -> Any:
        """Return a row of a factory, detached."""
        with self.arrange() as session:
            return factory(session, **values)

    def get(self, model: Any, row_id: int) -> Any:
        """Return a row as it is now, or None."""
        with self.look() as session:
            return session.get(model, row_id)

    def figures(self, leave_out: frozenset[str] = frozenset()) -> dict[str, tuple[int, int | None]]:
        """Return table -> (how many rows, highest id) for every table, to see that nothing was written."""
        with self.look() as session:
            return {row[0]: (row[1], row[2]) for row in session.execute(_counts(leave_out))}


class Api:
    """A caller of the API."""

    def __init__(self, app: Flask, bearer: str) -> None:
        self._client, self._headers = app.test_client(), {"Authorization": f"Bearer {bearer}"}

    def get(self, path: str, **arguments: Any) -> Any:
        """Answer a GET; ``arguments`` make the query string."""
        return self._client.get(path, query_string=arguments or None, headers=self._headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Answer a request with a JSON body; ``headers`` with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.open(path, method=method, json=body, headers={**self._headers, **named})


def token(app: Flask, role: str) -> str:
    """Return a bearer token of the member of staff with that role."""
    return application.bearer(app, application.USERNAMES[role])


@pytest.fixture
def shop(app: Flask, database: Database) -> Shop:
    """A shop with nothing in it but its staff; each test has its own."""
    return Shop(app, database)


@pytest.fixture
def place(database: Database) -> Any:
    """A shop whose clock stands still until a test moves it (tests/admin/signing_in.py)."""
    from tests.admin.signing_in import Clock, Place

    clock = Clock()
    made = Place(application.shared(database.url, clock), database)
    made.clock = clock
    return made


def _stock(database: Database) -> None:
    with Session(database.desk) as session, session.begin():
        stock.fill_everything(session, RESOURCES)


@pytest.fixture(scope="session")
def _stocked(databases: FindDatabase) -> Callable[[str], Shop]:
    known: dict[str, Shop] = {}

    def find(kind: str) -> Shop:
        if kind not in known:
            database = databases(kind, "stocked")
            database.furnish("stocked", _stock)
            made = Shop(application.make(database.url, wiring={"clock": lambda: NOW}), database)
            # A token is kept for the whole run, which on a busy machine lasts longer than a token does.
            made.app.config["JWT_ACCESS_TOKEN_EXPIRES"] = dt.timedelta(days=1)
            known[kind] = made
        return known[kind]

    return find


@contextmanager
def leaving_no_trace() -> Iterator[None]:
    """Keep what reading leaves in the journal, exports and refusals, from piling up in a shop that tests share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("actions.staff.security_events.record", lambda *_given: None)
        yield


@pytest.fixture
def stocked(database_kind: str, _stocked: Callable[[str], Shop]) -> Iterator[Shop]:
    """A shop with more than sixty rows on every screen, shared by all tests of a worker: they only read."""
    with leaving_no_trace():
        yield _stocked(database_kind)


@pytest.fixture(scope="session")
def _worlds(databases: FindDatabase) -> Callable[[str], Any]:
    from tests.admin.world import World

    known: dict[str, World] = {}

    def find(kind: str) -> World:
        if kind not in known:
            database = databases(kind, "world")
            app = application.make(database.url, wiring={"clock": lambda: NOW})
            app.config["JWT_ACCESS_TOKEN_EXPIRES"] = dt.timedelta(days=1)
            known[kind] = World(Shop(app, database))
        return known[kind]

    return find


@pytest.fixture
def world(database_kind: str, _worlds: Callable[[str], Any]) -> Any:
    """A shop whose whole staff is limited to one sales channel, shared by tests that leave it as it is."""
    return _worlds(database_kind)
