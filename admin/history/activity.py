"""The journal in words: who did what when, before and after of each field."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import Select, String, cast, func, literal, select, union_all

from actions.core.base import ACTIONS, CUSTOMER
from actions.runs.runs import LABELS
from actions.staff.security_events import EVENTS
from admin.history import merges, undo_offer
from admin.history.changesets import TIES, newest_changesets, rows_of
from admin.history.ledger_changes import movements, seen
from admin.layout import formatters
from admin.request import grantable
from admin.request.context import allowed, mask_context
from admin.screen_spec.column_info import Field, label_of
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Event, FieldChange, Text
from models import masks
from models.base import N_, Base, metadata
from models.customer import Customer
from models.journal import Change, Changeset
from models.staff import Grant, Permission, Resource, pairs
from web.request import now, session, shop

SHOWN = 8
PER_CHANGESET = 4
WHOLE = 500
"""How many records and how many changes a page of one changeset lists."""
BOOKKEEPING = frozenset({"version", "created_at", "updated_at"})
PERMISSIONS = "ab_permission_view"
Worded = dict[int, list[FieldChange]]
"""Changeset id -> its changes in words."""
Named = Iterable[tuple[str | None, int | None]]
"""Records to name, by table and id."""


def recent(screen: ScreenSpec, row: Any, most: int = SHOWN) -> list[Event]:
    """Return the newest events of a record."""
    if isinstance(row, Changeset) or not row.__journal__:
        return []
    found = list(session().scalars(newest_changesets(row, most)))
    behalf = [("customer", c.on_behalf_of_id) for c in found]
    changes, names = first_changes(found, rows_of(row), also=behalf)
    undone = undo_offer.look_up(found)
    return [
        event(c, changes[c.id], undone.get(c.id, ""), who(c, names), past_url(screen, row.id, c.at))
        for c in found
    ]


def past_url(screen: ScreenSpec, row_id: int, at: dt.datetime) -> str:
    """Return the address of a record as it was at a moment; the moment is in UTC, so that no hour comes twice."""
    moment = at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    return screen.url_to("past_view", id=row_id, at=moment) if screen.can("show") else ""


def who(changeset: Changeset, names: Names) -> Text:
    """Return who did it: a customer by themselves, or else on whose behalf where it was for somebody else."""
    if changeset.on_behalf_of_id is None:
        return changeset.actor_name
    whom = linked("customer", changeset.on_behalf_of_id, names)
    alone = changeset.actor_id is None and changeset.actor_name == CUSTOMER
    return whom if alone else Markup("{}").format(_("%(who)s on behalf of ", who=changeset.actor_name)) + whom


def first_changes(
    changesets: Sequence[Changeset], about: Any = None, most: int = PER_CHANGESET, also: Named = ()
) -> tuple[Worded, Names]:
    """Return the first few changes of each in words, in three statements however large a changeset is, and the names.

    :param about: a clause that narrows the changes to one record. :param also: further records to name.
    """
    parts = [_rows(changeset.id, about).limit(most) for changeset in changesets]
    found, names = _changes_of(changesets, parts, also, moved=True)
    return {changeset_id: lines[:most] for changeset_id, lines in found.items()}, names


def changes_on(
    changesets: Sequence[Changeset], before: int, most: int, also: Named = ()
) -> tuple[Worded, Names]:
    """Return the changes of each in words for one of its pages, of ``most`` rows after the first ``before``, and names.

    :param also: further records to name.
    """
    parts = [_rows(changeset.id).offset(before).limit(most) for changeset in changesets]
    return _changes_of(changesets, parts, also, moved=before == 0)


def count_changes(changeset: Changeset) -> int:
    """Return how many rows a changeset changed, as far as the person asking may see them."""
    return session().scalar(select(func.count()).select_from(_rows(changeset.id).subquery())) or 0


def _changes_of(
    changesets: Sequence[Changeset], parts: Sequence[Select[Any]], also: Named, *, moved: bool
) -> tuple[Worded, Names]:
    found: Worded = {changeset.id: [] for changeset in changesets}
    if not found:
        return found, Names.of_rows(also)
    merged = merges.read(changesets) if moved else {}
    gone = [("customer", i) for what in merged.values() for i in what.gone]
    wanted = union_all(*(select(part.subquery().c.id) for part in parts))
    changes = list(session().scalars(select(Change).where(Change.id.in_(wanted)).order_by(Change.id)))
    names = Names.of_changes(changes, [*also, *gone])
    for changeset_id, what in merged.items():
        found[changeset_id] += merges.in_words(what, {i: linked("customer", i, names) for i in what.gone})
    for change in changes:
        found[change.changeset_id] += field_changes(change, names)
    for changeset_id, movement in movements(changesets) if moved else ():
        found[changeset_id].append(movement)
    return found, names


def _rows(changeset_id: int, about: Any = None) -> Select[Any]:
    query = select(Change.id).where(Change.changeset_id == changeset_id, *seen(Change))
    return (query if about is None else query.where(about)).order_by(Change.id)


def url_of(screen: ScreenSpec, row: Any) -> str | None:
    """Return the address of the Activity list narrowed to a record."""
    if not allowed("list", "changeset") or not isinstance(row, Customer):
        return None
    return url_for("screen_changeset.index_view", customer__eq=row.id)


def event(
    changeset: Changeset, changes: Sequence[FieldChange], undone: str, by: Text, past_url: str
) -> Event:
    """Return one changeset as an event."""
    screen = registry().screens.get("changeset")
    url = screen.url_to("details_view", id=changeset.id) if screen and allowed("show", "changeset") else None
    at = formatters.moment(changeset.at, now(), shop())
    back = undo_offer.undo_url(changeset)
    return Event(title_of(changeset), at, by, url, changeset.reason, changes, back, undone, past_url)


def title_of(changeset: Changeset) -> str:
    """Return what was done, in words: the action's label and the noun."""
    return action_label(changeset.action)


def action_label(code: str) -> str:
    """Return what an action of that code does, in words."""
    table, _dot, verb = code.partition(".")
    words = {
        "create": N_("%(noun)s created"),
        "edit": N_("%(noun)s changed"),
        "delete": N_("%(noun)s deleted"),
    }
    if verb in words and (called := noun(table)):
        return _(words[verb], noun=called)
    if code in EVENTS or code in LABELS:
        return _(EVENTS.get(code) or LABELS[code])
    declared = ACTIONS.get(code)
    return _(declared.label) if declared else code.replace(".", " ").replace("_", " ").capitalize()


def noun(table: str) -> str:
    """Return what one row of a table is called; nothing where it has no name."""
    model = models().get(table) or next((m for m in models().values() if m.__resource__ == table), None)
    return _(model.__label__) if model is not None and model.__label__ else ""


def field_changes(change: Change, names: Names) -> list[FieldChange]:
    """Return one row's changed fields in words; of a created or deleted row, the first few that say what it is."""
    model = models().get(change.table_name)
    if model is None:
        return []
    if change.table_name in TIES:
        return [_tie(change, names)]
    before, after = change.before or {}, change.after or {}
    shown = [name for name in dict.fromkeys((*before, *after)) if name not in BOOKKEEPING]
    if change.before is None or change.after is None:
        shown = [n for n in shown if n not in ("id", "customer_id")][:PER_CHANGESET]
    currency = names.currency_of(change.table_name, change.row_id)
    return [
        _field_change(model, name, before, after, names, currency, whole=change.before is None)
        for name in shown
    ]


def _tie(change: Change, names: Names) -> FieldChange:
    """Return that something was given, or taken away."""
    what = tied(change.table_name, change.after or change.before or {}, names)
    given = change.before is None
    return FieldChange(noun(change.table_name), "" if given else what, what if given else _("removed"))


def tied(table: str, values: Mapping[str, Any], names: Names) -> Text:
    """Return the name of what a row ties to a role, a group or a member of staff."""
    target = target_of(table, TIES[table])
    return linked(target, values.get(TIES[table]), names) if target else ""


def _field_change(
    model: type[Base],
    name: str,
    before: dict[str, Any],
    after: dict[str, Any],
    names: Names,
    currency: str,
    *,
    whole: bool,
) -> FieldChange:
    """Return a field's change; amounts are in the row's own currency, which may have changed with them."""
    old, new = (
        words(model, name, values.get(name), names, values.get("currency") or currency)
        for values in (before, after)
    )
    return FieldChange(label(model, name), "" if whole else old, new)


class Names:
    """The names of records, read in one statement."""

    def __init__(self, wanted: Mapping[str, set[int]]) -> None:
        parts = [
            _names_query(table, ids) for table, ids in wanted.items() if ids and table in metadata.tables
        ]
        rows = session().execute(union_all(*parts)) if parts else ()
        self._names = {(row[0], row[1]): " ".join(str(row[2]).split()) for row in rows}
        for table, row_id in list(self._names):
            if table == PERMISSIONS:
                self._names[table, row_id] = grantable.in_words(self._names[table, row_id])
        self._currencies: dict[tuple[str, int], str] = {}

    @classmethod
    def of_changes(cls, changes: Sequence[Change], also: Named = ()) -> Names:
        """Return the names of the records that changes refer to, and of further ones."""
        wanted = _by_table(also)
        for change in changes:
            for values in (change.before or {}, change.after or {}):
                for name, value in values.items():
                    target = target_of(change.table_name, name) if value else None
                    if target and isinstance(value, int):
                        wanted[target].add(value)
        found = cls(wanted)
        found._read_currencies(changes)
        return found

    def _read_currencies(self, changes: Sequence[Change]) -> None:
        """Read the currencies of rows of which an amount was changed, and not the currency with it."""
        wanted: dict[str, set[int]] = defaultdict(set)
        for change in changes:
            values = {**(change.before or {}), **(change.after or {})}
            model = models().get(change.table_name)
            if model is not None and "currency" not in values and _has_amount(model, values):
                wanted[change.table_name].add(change.row_id)
        for table, ids in wanted.items():
            columns = metadata.tables[table].c
            rows = session().execute(select(columns.id, columns.currency).where(columns.id.in_(ids)))
            self._currencies |= {(table, row[0]): row[1] for row in rows}

    def currency_of(self, table: str, row_id: int) -> str:
        """Return the currency of a row's amounts, where it was read; "" is the shop's."""
        return self._currencies.get((table, row_id), "")

    @classmethod
    def of_rows(cls, rows: Named) -> Names:
        """Return the names of records given as (table, id)."""
        return cls(_by_table(rows))

    def knows(self, table: str, row_id: int) -> bool:
        """Whether there is such a record, and within what the person asking may see."""
        return (table, row_id) in self._names

    def of(self, table: str, row_id: int) -> str:
        """Return a record's name, or its number where it has none."""
        return self._names.get((table, row_id)) or f"#{row_id}"


def _by_table(rows: Named) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for table, row_id in rows:
        if table and row_id:
            found[table].add(row_id)
    return found


def target_of(table: str, column: str) -> str | None:
    """Return the table that a foreign key column points at, None for any other column."""
    found = metadata.tables[table].columns.get(column) if table in metadata.tables else None
    keys = list(found.foreign_keys) if found is not None else []
    return keys[0].column.table.name if keys else None


def _names_query(table: str, ids: set[int]) -> Select[Any]:
    if table == PERMISSIONS:
        code = Resource.name + "." + Permission.name
        return pairs().with_only_columns(literal(table), Grant.id, code).where(Grant.id.in_(ids))
    columns, hidden = metadata.tables[table].columns, mask_context().hidden
    parts = [
        columns[n]
        for n in ("first_name", "last_name", "company_name", "name", "number", "line1")
        if n in columns and masks.group_of(columns[n]) not in hidden
    ]
    text: Any = literal("")
    for part in parts[: 3 if table == "customer" else 2]:
        text = text + func.coalesce(part, "") + " "
    query = select(literal(table), columns["id"], cast(text, String)).where(columns["id"].in_(ids))
    screen = registry().by_table.get(table)
    if screen is None or not screen.narrowed:
        return query
    seen = screen.base_select().with_only_columns(screen.identity).where(screen.identity.in_(ids))
    return query.where(columns["id"].in_(seen))


def models() -> dict[str, type[Base]]:
    """Return table name -> model."""
    return {m.class_.__tablename__: m.class_ for m in Base.registry.mappers}


def label(model: type[Base], name: str) -> str:
    """Return a column's name as its screen heads it."""
    screen = registry().by_model.get(model)
    name = name.removesuffix("_id")
    return screen.get_column_name(name) if screen else _(name.replace("_", " ").capitalize())


def _has_amount(model: type[Base], values: Mapping[str, Any]) -> bool:
    """Return whether there is an amount of money among the values of a row that has a currency."""
    screen = registry().by_model.get(model)
    if screen is None or "currency" not in model.__table__.c:
        return False
    return any(hasattr(model, name) and screen.field(name).kind == "money" for name in values)


def words(model: type[Base], name: str, value: Any, names: Names, currency: str = "") -> Any:
    """Return a journalled value as a person reads it. :param currency: of amounts, if not the shop's."""
    value = masks.value(model, name, value)
    if value is None or value == "":
        return _("nothing")
    if isinstance(value, masks.Masked):
        return value
    target = target_of(model.__tablename__, name)
    if target:
        return linked(target, value, names)
    screen = registry().by_model.get(model)
    try:
        field = screen.field(name) if screen else None
    except AttributeError:
        field = None
    try:
        return str(value) if field is None else _typed(field, value, currency)
    except (ValueError, TypeError, ArithmeticError):  # an earlier release wrote it, by other rules
        return str(value)


def linked(table: str, row_id: Any, names: Names) -> Text:
    """Return a record's name, as a link for those who may open it; its number where it is gone or not theirs to see."""
    screen = registry().by_table.get(table)
    if screen is None or not screen.can("show") or not names.knows(table, row_id):
        return names.of(table, row_id)
    url = screen.row_url("details_view", row_id)
    return Markup('<a href="{}">{}</a>').format(url, names.of(table, row_id))


def _typed(field: Field, value: Any, currency: str) -> Any:
    match field.kind:
        case "date":
            return formatters.day(dt.date.fromisoformat(value), shop())
        case "datetime":
            return formatters.moment(dt.datetime.fromisoformat(value), now(), shop())
        case "last_day":
            return formatters.show(field.kind, dt.datetime.fromisoformat(value), shop=shop(), now=now())
        case "choice":
            return label_of(field.choices(value))  # type: ignore[misc]
        case "text":
            return formatters.shorten(str(value))
        case "json":
            return str(value)
        case _:
            return formatters.show(field.kind, value, shop=shop(), now=now(), currency=currency)
