"""The one table of who gets in where (docs/access.md), and the application asked every line of it.

What it asks changes next to nothing in the world: changes are tried only, and no row is deleted that anybody counts on.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from flask import Flask
from werkzeug.routing import Map, Rule

from admin.screen_spec.declare import everybody
from admin.site.access import (
    BESIDES,
    NOBODY,
    ROLES,
    Answer,
    EntryPoint,
    Who,
    entry_points,
    expected,
    holds,
    page,
)
from tests import application
from tests.admin.world import World
from tests.databases import KINDS
from tests.factories import NOW
from tests.scale import FULL, one_by_name

TABLE = Path(__file__).parents[3] / "docs" / "access.md"
HTMX = {"HX-Request": "true"}
AT = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
AGAIN = "write it anew with `flask --app app access > docs/access.md` and look at what changed"
ACTION_OF_UNDO = {"changeset.undo": "edit", "run.undo": "verify"}
"""What was done to a customer in the world, and is undone here: an undo needs the permission of the change, too."""

FOR_THE_UNLIMITED = {"duplicate_crowd"}
"""Lists whose rows are about customers of all channels together: who is limited to some sees none of them (rule 17)."""


def all_entries(app: Flask) -> list[EntryPoint]:
    return entry_points(app.url_map, app.extensions["clientele.screens"].screens.values())


class Caller:
    """Somebody with a role, or nobody, who asks at every channel."""

    def __init__(self, world: World, role: str) -> None:
        self.world, self.role, self.shop = world, role, world.shop
        self.client = application.browser(self.shop.app) if role == NOBODY else self.shop.client(role)
        self.csrf = {"X-CSRFToken": self.client.csrf_token("/login/" if role == NOBODY else "/admin/")}

    def ask(self, entry: EntryPoint, record: str) -> Any:
        """Ask as far as what the role may do can be seen, without a body that would do anything."""
        if entry.screen is None or entry.view == "beside":
            return self._beside(entry)
        row = self._row(entry, record)
        ask = partial(self._program if entry.in_api else self._person, entry, row)
        if record != "own" or not entry.record or entry.screen.resource not in FOR_THE_UNLIMITED:
            return ask()
        assert answer_of(entry, ask()) == expected(entry, self.role, "missing"), (
            "there is none for the limited"
        )
        with self.world.unlimited(application.USERNAMES.get(self.role, "")):
            return ask()

    def _row(self, entry: EntryPoint, record: str) -> int:
        assert entry.screen is not None
        resource = entry.screen.resource
        if not entry.record:
            return 0
        if record == "own" and entry.screen.narrows and "user_id" in entry.screen.model.__table__.c:
            return self.world.personal(resource, application.USERNAMES.get(self.role, "admin"))
        if record == "own" and expected(entry, self.role) == Answer.LETS_IN and entry.needs == ("delete",):
            return self.world.spare(resource)
        return self.world.id(resource, record)

    def _beside(self, entry: EntryPoint) -> Any:
        path = entry.rule.replace("<version>", "v1").replace("<path:filename>", "logo.svg")
        if entry.in_api:
            return self._send(entry.method, path)
        client = (
            application.sign_in(self.shop.app, self.role)
            if path == "/logout/" and self.role != NOBODY
            else None
        )
        data = {"id": "x"} if entry.method == "POST" else None
        return (client or self.client).open(path, method=entry.method, headers=self.csrf, data=data)

    def _person(self, entry: EntryPoint, row: int) -> Any:
        assert entry.screen is not None
        columns = entry.screen.column_editable_list
        query: dict[str, Any] = {"id": row} if row else {}
        data: dict[str, Any] = {}
        if entry.view in ("past_view", "restore_view"):
            query["at"] = AT
        if entry.view == "ajax_update":
            query["column"] = columns[0] if columns else "id"
        if entry.view in ("delete_view", "bulk_delete_view", "ajax_update") and entry.method == "POST":
            data, query = {("ids" if "bulk" in entry.view else "id"): row, **query}, {}
        if entry.view == "act_view" and entry.method == "POST":
            query["preview"] = "1"
        if entry.view == "save_view":
            data = {"points_expire_after_days": "x"}
        path = entry.rule.replace("<export_type>", "csv")
        sent = (
            {"data": data, "headers": {**self.csrf, **HTMX}} if entry.method == "POST" else {"headers": HTMX}
        )
        return self.client.open(path, method=entry.method, query_string=query, **sent)

    def _program(self, entry: EntryPoint, row: int) -> Any:
        path = entry.rule.replace("<string:row_id>", str(row))
        return self._send(entry.method, f"{path}?preview=1" if "/actions/" in path else path)

    def _send(self, method: str, path: str) -> Any:
        if self.role == NOBODY:
            return self.client.open(path, method=method, json=None if method == "GET" else {})
        return self.shop.api(self.role).send(method, path, None if method in ("GET", "DELETE") else {})


def answer_of(entry: EntryPoint, answer: Any) -> Answer:
    """Return the kind of an answer. What is wrong with the request is told to those only who may send it."""
    assert answer.status_code < 500, answer.get_data(as_text=True)[:500]
    assert answer.status_code != 405
    to_sign_in = answer.status_code == 302 and answer.location.startswith("/login/")
    if (answer.status_code == 401 or to_sign_in) and entry.who != Who.ANYBODY:
        return Answer.SIGN_IN
    return {403: Answer.FORBIDDEN, 404: Answer.MISSING}.get(answer.status_code, Answer.LETS_IN)


def wanted(app: Flask, entry: EntryPoint, role: str, record: str) -> Answer:
    """Return what the table says; of an undo, with the permission of the change of the world."""
    said = expected(entry, role, record)
    if entry.action is None or entry.action.permitted_if is everybody or said != Answer.LETS_IN:
        return said
    customer = app.extensions["clientele.screens"].screens["customer"]
    return said if holds(role, customer, ACTION_OF_UNDO[entry.action.action.code]) else Answer.FORBIDDEN


def asks(app: Flask, role: str, entry: EntryPoint) -> bool:
    """Whether a role asks at a channel: one of the roles that the table says the same of, as no two of them get in by
    another way than their permissions; in a soak each."""
    alike = [other for other in ROLES if _said(app, entry, other) == _said(app, entry, role)]
    return role in one_by_name(f"{entry.method} {entry.rule}", alike)


def _said(app: Flask, entry: EntryPoint, role: str) -> list[Answer]:
    return [wanted(app, entry, role, record) for record in entry.records]


def cases(app: Flask, role: str, kind: str) -> Iterator[tuple[EntryPoint, str]]:
    """Yield each channel with each kind of record; where the role does not get as far as the record, with one of them.

    Each is asked on one of the two databases, in a soak on both: what a database has to say to a row out of scope, the tests of the scope
    ask both.
    """
    for entry in (entry for entry in all_entries(app) if asks(app, role, entry)):
        refused = expected(entry, role) in (Answer.FORBIDDEN, Answer.SIGN_IN)
        one = entry.records[_mark(role, entry) % len(entry.records)]
        for record in (one,) if refused else entry.records:
            if FULL or KINDS[_mark(role, entry, record) % len(KINDS)] == kind:
                yield entry, record


def _mark(role: str, entry: EntryPoint, record: str = "") -> int:
    return crc32(f"{role} {entry.method} {entry.rule} {record}".encode())


def test_the_published_table_is_what_the_declarations_say(world: World) -> None:
    app = world.shop.app
    with app.test_request_context():
        made = page(app.url_map, list(app.extensions["clientele.screens"].screens.values()))
    assert TABLE.read_text() == f"{made}\n", f"docs/access.md is not what the declarations say: {AGAIN}"


def test_every_address_has_its_line_and_every_line_its_address(world: World) -> None:
    app = world.shop.app
    rules = {
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    known = {(entry.rule, entry.method) for entry in all_entries(app)}
    without = {(rule, method) for rule, method in rules if "verb>" not in rule} - known
    assert without == set()
    assert set(BESIDES) <= {rule for rule, _method in rules}


@pytest.mark.parametrize("endpoint", ["new", "screen_note.odd_view", "NoteApi.odd"])
def test_a_new_address_without_a_line_is_told_what_it_lacks(world: World, endpoint: str) -> None:
    path = {"new": "/admin/new/", "NoteApi.odd": "/api/v1/note/odd"}.get(endpoint, "/admin/note/odd/")
    with pytest.raises(LookupError, match=r"admin/site/access\.py.*docs/access\.md"):
        entry_points(
            Map([Rule(path, endpoint=endpoint, methods=["GET"])]),
            world.shop.app.extensions["clientele.screens"].screens.values(),
        )


@pytest.mark.soak
@pytest.mark.parametrize("role", ROLES)
def test_the_application_answers_as_the_table_says(world: World, database_kind: str, role: str) -> None:
    caller, wrong = Caller(world, role), []
    for entry, record in cases(world.shop.app, role, database_kind):
        answer, said = caller.ask(entry, record), wanted(world.shop.app, entry, role, record)
        if answer_of(entry, answer) != said:
            wrong.append(f"{entry.method} {entry.rule} {record}: {answer.status_code}, not {said.value}")
    assert wrong == []
