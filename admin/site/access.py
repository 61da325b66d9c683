"""Who gets in where: every address, the permission it needs, and what it answers about which records.

Worked out from the declarations alone: the map of addresses, the screens, the shipped roles. ``flask --app app access``
prints it as docs/access.md; a test asks the running application every line of it. An address that nothing here knows
fails that test, and says what to add.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from werkzeug.routing import Map, Rule

from admin.request.permissions import SHIPPED_ROLES
from admin.screen.views import PERMISSION_OF
from models.lookups import SalesChannel
from models.row_scope import is_limited
from models.staff import PREFIX

if TYPE_CHECKING:
    from admin.screen_spec.declare import RowAction
    from admin.screen_spec.spec import ScreenSpec

NOBODY = "nobody"
ROLES: tuple[str, ...] = (*SHIPPED_ROLES, NOBODY)
RECORDS = ("own", "foreign", "missing", "merged", "erased")
"""A record in scope; one of a customer out of scope; none at all; one of a customer merged away; of one erased."""


class Answer(Enum):
    """How an address answers: with the page or the action (or what is wrong with the request), or not at all."""

    LETS_IN = "lets in"
    FORBIDDEN = "403"
    MISSING = "404"
    SIGN_IN = "sign in"


class Who(Enum):
    """Whom an address is for."""

    ANYBODY = "anybody"
    STAFF = "who is signed in"
    PERMITTED = "who holds the permission"
    TOKEN = "who sends its own token"  # noqa: S105  no token
    NO_ONE = "no one"


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One method of one address, on one list where there is one.

    :param needs: verbs of which one is needed. :param record: the argument that names a record, "" where none does.
    :param action: the declared action behind it.
    """

    method: str
    rule: str
    who: Who = Who.PERMITTED
    screen: ScreenSpec | None = None
    view: str = ""
    needs: tuple[str, ...] = ()
    record: str = ""
    action: RowAction | None = None

    @property
    def in_api(self) -> bool:
        """Whether it is for programs."""
        return self.rule.startswith("/api/")

    @property
    def records(self) -> tuple[str, ...]:
        """The kinds of records it may be asked about; those of a list that belongs to nobody are all in scope."""
        if not self.record or self.screen is None:
            return ("own",)
        if self.screen.model is SalesChannel:
            return ("own", "foreign", "missing")
        return RECORDS if is_limited(self.screen.model) else ("own", "missing")


RECORD_OF = {
    "index_view": "", "columns_view": "", "create_view": "", "export": "", "ajax_lookup": "", "action_view": "",
    "import_view": "", "import_empty_view": "", "import_map_view": "", "import_rows_view": "",
    "import_refused_view": "", "import_apply_view": "", "import_mapping_delete_view": "", "save_view": "",
    "import_instead_view": "", "effect_view": "", "compare_view": "", "matrix_view": "id",
    "details_view": "id", "past_view": "id", "restore_view": "id", "edit_view": "id", "delete_view": "id",
    "bulk_delete_view": "ids", "ajax_update": "id", "act_view": "id", "body_view": "id",
    "attachment_view": "id", "statement_view": "id", "statement_pdf_view": "id", "lots_view": "id",
}  # fmt: skip
"""View of a screen -> the argument that names a record at its address, "" where none does."""

VERB_OF = {"list": "list", "show": "show", "create": "add", "change": "edit", "remove": "delete"}
"""Operation of the API -> the permission it needs. Those on actions need the action's own."""

BESIDES = {
    "/": Who.ANYBODY,
    "/healthz": Who.ANYBODY,
    "/readyz": Who.ANYBODY,
    "/login/": Who.ANYBODY,
    "/login/code/": Who.ANYBODY,
    "/logout/": Who.ANYBODY,
    "/password/": Who.ANYBODY,
    "/password/forgotten/": Who.ANYBODY,
    "/static/<path:filename>": Who.ANYBODY,
    "/admin/": Who.STAFF,
    "/admin/account/": Who.STAFF,
    "/admin/account/factor/": Who.STAFF,
    "/admin/account/factor/begin/": Who.STAFF,
    "/admin/account/factor/confirm/": Who.STAFF,
    "/admin/account/factor/remove/": Who.STAFF,
    "/admin/account/password/": Who.STAFF,
    "/admin/account/sessions/": Who.STAFF,
    "/admin/palette/": Who.STAFF,
    "/admin/proof/": Who.STAFF,
    "/admin/reveal/": Who.STAFF,
    "/admin/search/": Who.STAFF,
    "/admin/view_as/end/": Who.STAFF,
    "/api/<version>/_openapi": Who.STAFF,
    "/api/v1/security/login": Who.ANYBODY,
    "/api/v1/security/refresh": Who.TOKEN,
}
"""Address that is no list's -> whom it is for. What these show is within what the person asking may see."""

BY_PERMISSION = {
    "/admin/view_as/": ("role", "view_as"),
    "/api/v1/login-as/exchange": ("login_as", "exchange"),
    "/api/v1/login-as/<string:row_id>": ("login_as", "exchange"),
    "/api/v1/login-as/<string:row_id>/end": ("login_as", "exchange"),
}
"""Address that is no list's -> the list and verb of the permission it needs."""


# -- every channel ---------------------------------------------------------------------------------------------------


def entry_points(addresses: Map, screens: Iterable[ScreenSpec]) -> list[EntryPoint]:
    """Return every method of every address.

    :raises LookupError: nothing says who may use an address, with what to add.
    """
    known = {screen.resource: screen for screen in screens}
    found = [entry for rule in addresses.iter_rules() for entry in _entry_points(rule, known)]
    return sorted(found, key=lambda d: (d.rule, d.method, d.action.action.code if d.action else ""))


def _entry_points(rule: Rule, screens: dict[str, ScreenSpec]) -> Iterator[EntryPoint]:
    parts = rule.rule.strip("/").split("/")
    screen = screens.get(
        parts[2] if parts[0] == "api" and len(parts) > 2 else parts[1] if len(parts) > 1 else ""
    )
    methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    if rule.rule in BY_PERMISSION:
        resource, verb = BY_PERMISSION[rule.rule]
        yield from (
            EntryPoint(m, rule.rule, Who.PERMITTED, screens[resource], "beside", (verb,)) for m in methods
        )
        return
    if screen is None:
        if rule.rule not in BESIDES:
            raise LookupError(_unknown(rule, "BESIDES (or BY_PERMISSION)", "whom it is for"))
        yield from (EntryPoint(method, rule.rule, BESIDES[rule.rule]) for method in methods)
        return
    view = rule.endpoint.rpartition(".")[2]
    make = _of_api if parts[0] == "api" else _of_screen
    for method in methods:
        yield from make(rule, method, screen, view)


def _of_screen(rule: Rule, method: str, screen: ScreenSpec, view: str) -> Iterator[EntryPoint]:
    if view not in RECORD_OF:
        raise LookupError(_unknown(rule, "RECORD_OF", "which argument names a record there"))
    record = RECORD_OF[view]
    if view == "act_view":
        yield from (_acting(rule, method, screen, view, a, record) for a in screen.actions())
    elif view == "ajax_lookup":
        needs = ("add", "edit", "list", *(a.action.verb for a in screen.actions()))
        yield EntryPoint(method, rule.rule, Who.PERMITTED, screen, view, needs)
    elif view not in PERMISSION_OF:
        raise LookupError(_unknown(rule, "PERMISSION_OF (admin/screen/views.py)", "the permission it needs"))
    else:
        yield EntryPoint(
            method, rule.rule, _of_whom(screen, view), screen, view, (PERMISSION_OF[view],), record
        )


def _of_whom(screen: ScreenSpec, view: str) -> Who:
    """Flask-Admin's own route for many rows is shut for all, and so is list editing where no column is edited there."""
    shut = view == "action_view" or (view == "ajax_update" and not screen.column_editable_list)
    return Who.NO_ONE if shut else Who.PERMITTED


def _of_api(rule: Rule, method: str, screen: ScreenSpec, view: str) -> Iterator[EntryPoint]:
    if view in ("act", "act_on"):
        targeted, record = view == "act_on", "id" if view == "act_on" else ""
        wanted = (a for a in screen.actions() if a.action.targeted == targeted)
        yield from (_acting(rule, method, screen, view, a, record) for a in wanted)
    elif view in VERB_OF:
        record = "id" if "<" in rule.rule else ""
        yield EntryPoint(method, rule.rule, Who.PERMITTED, screen, view, (VERB_OF[view],), record)
    else:
        raise LookupError(_unknown(rule, "VERB_OF", "the permission it needs"))


def _acting(
    rule: Rule, method: str, screen: ScreenSpec, view: str, declared: RowAction, record: str
) -> EntryPoint:
    address = rule.rule.replace("<string:verb>", declared.action.verb).replace("<verb>", declared.action.verb)
    named = record if declared.action.targeted else ""
    return EntryPoint(method, address, Who.PERMITTED, screen, view, (declared.action.verb,), named, declared)


def _unknown(rule: Rule, place: str, what: str) -> str:
    return (
        f"nothing says who may use {rule.rule} ({rule.endpoint}): add it to {place} of admin/site/access.py, "
        f"saying {what}, then write docs/access.md again with `flask --app app access > docs/access.md`"
    )


# -- what each answers ---------------------------------------------------------------------------------------------


def holds(role: str, screen: ScreenSpec, verb: str) -> bool:
    """Return whether a shipped role is made with a permission that exists."""
    granted = SHIPPED_ROLES[role]
    return verb in screen.verbs and (granted is None or (PREFIX + verb, screen.resource) in granted)


def expected(entry: EntryPoint, role: str, record: str = "own") -> Answer:
    """Return what an address answers to somebody who is limited to some channels, about a kind of record.

    An action that asks more than its permission of a record, such as an undo, is only told from here for records that
    there is no way to.
    """
    if entry.who == Who.ANYBODY:
        return Answer.LETS_IN
    if role == NOBODY or entry.who == Who.TOKEN:
        return Answer.SIGN_IN
    if entry.who == Who.STAFF:
        return Answer.LETS_IN
    assert entry.screen is not None
    if not any(holds(role, entry.screen, verb) for verb in entry.needs):
        return Answer.FORBIDDEN
    if entry.who == Who.NO_ONE or (
        entry.record and record in ("foreign", "missing") and not _says_nothing(entry)
    ):
        return Answer.MISSING
    return Answer.LETS_IN


def _says_nothing(entry: EntryPoint) -> bool:
    """Whether it answers 400 about any record at all: rows that never change have no past."""
    return entry.view == "past_view" and entry.screen is not None and not entry.screen.model.__journal__


# -- the page --------------------------------------------------------------------------------------------------------

HEAD = """# Who gets in where

Written by `flask --app app access > docs/access.md` from the declarations, and compared by a test with them and with
what the running application answers (tests/admin/site/test_access.py). Do not edit it manually.

Every address is for whom the first three tables say. Where one needs a permission, the last table says which shipped
role has it; without it the answer is 403 whatever the record, and for nobody *sign in* whether there is one or not.

The answers: *lets in* is the page, the action, or what is wrong with the request; *404* is that there is no such
record; *sign in* is the sign-in page, or 401 for a program. The records: *own* is one in scope, *foreign* one of a
customer out of scope (rule 17), which answers like one that is *missing*, to the letter; *merged* and *erased* are of
a customer merged away or erased, who can be read and whom the action refuses (rules 3.6, 4.4).

An action of a list, such as giving points, names no record in its address: whom it is for is one of its fields. A
customer out of scope answers there, too, like one that is *missing*, to the letter: 422, which names the field.

An undo needs the permission of the action it undoes, too. Rows that never change, such as those of the ledgers, have
no past: 400 whatever the record. Where no column is edited in the list, the address for it is 404.
"""


def page(addresses: Map, screens: Sequence[ScreenSpec]) -> str:
    """Return docs/access.md."""
    found = entry_points(addresses, screens)
    parts = (_of_all_lists(found, screens), _of_some(found), _beside(found), _roles(screens))
    return "\n".join([HEAD, *(line for part in parts for line in part)])


def _of_all_lists(found: Sequence[EntryPoint], screens: Sequence[ScreenSpec]) -> Iterator[str]:
    yield "## Addresses that every list has\n"
    yield "`<list>` is one of " + ", ".join(f"`{s.resource}`" for s in screens) + ".\n"
    yield from _table(_general(found, lambda d: d.screen is not None and d.view not in OF_SOME))


OF_SOME = (
    "body_view", "attachment_view", "statement_view", "statement_pdf_view", "save_view", "effect_view", "matrix_view",
    "compare_view", "lots_view", "beside",
)  # fmt: skip


def _general(found: Sequence[EntryPoint], wanted: Callable[[EntryPoint], bool]) -> list[EntryPoint]:
    """Return one entry point for all lists of those that differ by the list, or the action, alone."""
    kinds: dict[tuple[str, str], list[EntryPoint]] = {}
    for entry in filter(wanted, found):
        kinds.setdefault((_address(entry), entry.method), []).append(entry)
    return [max(kinds[place], key=_how_usual) for place in sorted(kinds)]


def _how_usual(entry: EntryPoint) -> tuple[bool, bool, int]:
    return entry.who == Who.PERMITTED, not _says_nothing(entry), len(entry.records)


def _address(entry: EntryPoint) -> str:
    assert entry.screen is not None
    address = entry.rule.replace(f"/{entry.screen.resource}/", "/<list>/").replace("string:", "")
    if entry.action is None:
        return address
    verb = "<verb>" if entry.action.action.targeted else "<verb of the list>"
    return address.replace(entry.action.action.verb, verb)


def _of_some(found: Sequence[EntryPoint]) -> Iterator[str]:
    yield "\n## Addresses of one list\n"
    yield from _table([entry for entry in found if entry.view in OF_SOME], general=False)


def _table(wanted: Iterable[EntryPoint], *, general: bool = True) -> Iterator[str]:
    yield f"| address | method | permission | {' | '.join(RECORDS)} |"
    yield "|" + "---|" * (3 + len(RECORDS))
    for entry in wanted:
        address = _address(entry) if general else entry.rule
        needs = "the action's" if entry.action else _needed(entry)
        yield f"| `{address}` | {entry.method} | {needs} | " + " | ".join(_cells(entry)) + " |"


def _needed(entry: EntryPoint) -> str:
    if entry.view == "ajax_lookup":
        return "list, add, edit or any action"
    return " or ".join(entry.needs)


def _cells(entry: EntryPoint) -> list[str]:
    if not entry.record:
        return [(Answer.MISSING if entry.who == Who.NO_ONE else Answer.LETS_IN).value, *[""] * 4]
    permitted = EntryPoint(
        entry.method, entry.rule, Who.PERMITTED, entry.screen, entry.view, ("list",), entry.record
    )
    return [expected(permitted, "Admin", record).value for record in RECORDS]


def _beside(found: Sequence[EntryPoint]) -> Iterator[str]:
    yield "\n## Other addresses\n"
    yield "| address | method | for |\n|---|---|---|"
    yield from (f"| `{d.rule}` | {d.method} | {d.who.value} |" for d in found if d.screen is None)


def _roles(screens: Sequence[ScreenSpec]) -> Iterator[str]:
    yield "\n## Permissions of the shipped roles\n"
    yield "As a new shop has them; an admin may change them since. What is not listed exists for no role.\n"
    yield f"| list | permission | {' | '.join(SHIPPED_ROLES)} |"
    yield "|" + "---|" * (2 + len(SHIPPED_ROLES))
    for screen in screens:
        for verb in screen.verbs:
            held = " | ".join("yes" if holds(role, screen, verb) else "" for role in SHIPPED_ROLES)
            yield f"| {screen.resource} | {verb} | {held} |"


__all__: Sequence[Any] = (
    "NOBODY",
    "RECORDS",
    "ROLES",
    "Answer",
    "EntryPoint",
    "Who",
    "entry_points",
    "expected",
    "holds",
    "page",
)
