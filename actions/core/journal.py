"""The listener that writes the journal: before and after of every row a flush touches.

A session takes part when ``session.info["journal"]`` holds a :class:`Journal`; only the runner makes such
sessions.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any, cast

from sqlalchemy import Column, Table, event, func, insert, inspect, literal, select, update
from sqlalchemy.orm import ORMExecuteState, Session, object_session

from models.base import Base, LedgerRow
from models.dialect import json_object
from models.journal import Change, Changeset
from models.mail import Mail
from models.personal import policy
from models.row_scope import parents_of
from models.types import Id

JOURNAL = "journal"
CHANGESET = cast(Table, Changeset.__table__)
CHANGE = cast(Table, Change.__table__)
Fields = dict[str, Any]
Place = tuple[str, int]
"""Table name and row id."""


class WriteOutsideAction(RuntimeError):
    """A journalled row was about to change without an action: a programming error, never a refusal."""


@dataclass(frozen=True, slots=True)
class SetChange:
    """Rows that one statement took from one owner to another: how many, and a digest of which."""

    table: str
    column: str
    old: int
    new: int
    count: int
    digest: int


@dataclass(slots=True)
class Journal:
    """The changeset being written by one session. Nothing is stored until something changes."""

    header: Fields
    now: dt.datetime
    subject: Base | None = None
    changes: dict[Place, Fields] = field(default_factory=dict)
    rows: dict[Place, Base] = field(default_factory=dict)
    """The row behind each change, to name it by; a deleted one still knows what it was called."""
    entries: list[LedgerRow] = field(default_factory=list)
    """Ledger rows written by this change; they are their own journal."""
    mails: list[Mail] = field(default_factory=list)
    """What this change put into the outbox; it is its own journal, too."""
    sets: list[SetChange] = field(default_factory=list)
    """Rows moved by whole sets; their changes are stored already."""
    _id: int | None = None
    _earlier: list[tuple[Place, Fields | None]] = field(default_factory=list)
    """Each change as it was before the latest note, to go back to when a step fails."""

    def changeset_id(self, session: Session) -> int:
        """Return the changeset's id, inserting its row on first use."""
        if self._id is None:
            if self.subject is not None:
                if self.subject.id is None:  # type: ignore[attr-defined]
                    session.add(self.subject)
                self.header["subject_table"] = self.subject.__tablename__
                self.header["subject_id"] = self.subject.id  # type: ignore[attr-defined]
            values = {"at": self.now, **self.header}
            result = session.connection().execute(insert(CHANGESET), values)
            self._id = cast(int, result.inserted_primary_key[0])  # type: ignore[index]
        return self._id

    @property
    def about(self) -> Place | None:
        """The record the action is about, as (table, id), where it has one by now."""
        if self.subject is not None:
            return self.subject.__tablename__, self.subject.id  # type: ignore[attr-defined]
        table, row_id = self.header.get("subject_table"), self.header.get("subject_id")
        return (table, row_id) if table is not None and row_id is not None else None

    @property
    def written(self) -> int | None:
        """The changeset's id if one was written."""
        return self._id

    def touched(self, row: Base) -> bool:
        """Whether an earlier flush of this change has changed the row already."""
        return (row.__tablename__, row.id) in self.changes  # type: ignore[attr-defined]

    def add(self, row: Any) -> None:
        """Take up a row that is new: a ledger row and a mail are their own journal."""
        if isinstance(row, LedgerRow):
            self.entries.append(row)
        elif isinstance(row, Mail):
            self.mails.append(row)
        elif isinstance(row, Base) and row.__journal__:
            self.note(row, None, snapshot(row))

    def note(self, row: Base, before: Fields | None, after: Fields | None) -> None:
        """Add one row's change; several flushes of one row fold into a single before and after."""
        place = (row.__tablename__, row.id)  # type: ignore[attr-defined]
        seen = self.changes.get(place)
        self._earlier.append((place, dict(seen) if seen is not None else None))
        self.rows[place] = row
        if seen is None:
            self.changes[place] = {"customer_id": customer_of(row), "before": before, "after": after}
            return
        if seen["before"] is not None and before is not None:
            seen["before"] = {**before, **seen["before"]}
        seen["after"] = None if after is None else {**(seen["after"] or {}), **after}
        if seen["before"] is None and after is None:
            del self.changes[place]

    @contextmanager
    def attempt(self, session: Session) -> Iterator[None]:
        """Take one step in a savepoint: when it raises, neither rows nor journal keep anything of it."""
        mark, written = len(self._earlier), self._id
        lists: tuple[list[Any], ...] = (self.entries, self.sets, self.mails)
        lengths = [len(found) for found in lists]
        try:
            with session.begin_nested():
                yield
                session.flush()
        except BaseException:
            while len(self._earlier) > mark:
                place, before = self._earlier.pop()
                if before is None:
                    self.changes.pop(place, None)
                else:
                    self.changes[place] = before
            for found, length in zip(lists, lengths, strict=True):
                del found[length:]
            self._id = written
            raise

    def write_set(
        self, session: Session, column: Column[Any], old: int, new: int, ids: Sequence[int] | None = None
    ) -> int:
        """Re-point a reference from ``old`` to ``new`` in every row, or in those of ``ids``; return in how many.

        One statement journals the rows and one changes them, however many there are. A row is filed under the
        customer it belongs to afterwards.
        """
        session.flush()
        table, connection = column.table, session.connection()
        mine = column == old if ids is None else (column == old) & table.c.id.in_(ids)
        counted = select(
            func.count(), func.coalesce(func.sum((table.c.id % 65_521) * (table.c.id % 65_519)), 0)
        )
        count, digest = connection.execute(counted.where(mine)).one()
        if not count:
            return 0
        versioned = "version" in table.c
        kept: tuple[Fields, Fields] = {column.name: literal(old, Id)}, {column.name: literal(new, Id)}
        if versioned:
            kept[0]["version"], kept[1]["version"] = table.c.version, table.c.version + 1
        whose = literal(new, Id) if column.name == "customer_id" else table.c.id
        told = [json_object(connection.dialect.name, values) for values in kept]
        rows = select(literal(self.changeset_id(session), Id), literal(table.name), table.c.id, whose, *told)
        names = ["changeset_id", "table_name", "row_id", "customer_id", "before", "after"]
        connection.execute(insert(CHANGE).from_select(names, rows.where(mine).order_by(table.c.id)))
        stamp: Fields = {"version": table.c.version + 1, "updated_at": self.now} if versioned else {}
        connection.execute(update(table).where(mine).values({column.name: new, **stamp}))
        for row in list(session.identity_map.values()):
            if isinstance(row, Base) and row.__tablename__ == table.name:
                session.expire(row)
        self.sets.append(SetChange(table.name, column.name, old, new, count, int(digest)))
        return int(count)

    def write(self, session: Session) -> None:
        """Store the collected changes; called once, right before the commit."""
        if not self.changes:
            return
        changeset_id = self.changeset_id(session)
        rows = [
            {"changeset_id": changeset_id, "table_name": table, "row_id": row_id, **change}
            for (table, row_id), change in sorted(self.changes.items(), key=lambda item: item[0])
        ]
        session.connection().execute(insert(CHANGE), rows)
        self.changes.clear()


def customer_of(row: Base) -> int | None:
    """Return the customer a row belongs to, itself for a customer."""
    if row.__tablename__ == "customer":
        return row.id  # type: ignore[attr-defined, no-any-return]
    own: int | None = getattr(row, "customer_id", None)
    return own if own is not None else next(_owners_of_parents(row), None)


def _owners_of_parents(row: Base) -> Iterator[int]:
    """Yield whose that is of which a row is a part: a parcel is that of its order's customer."""
    session = object_session(row)
    for column, parent in parents_of(type(row)):
        key = getattr(row, column.name)
        other = session.get(parent, key) if session is not None and key is not None else None
        if other is not None and (found := customer_of(other)) is not None:
            yield found


def plain(value: Any) -> Any:
    """Return a JSON value: times and dates in ISO form, decimals as text, choices by their value."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value


def journalled_columns(row: Base) -> Sequence[str]:
    """Return the attribute names of the columns whose values the journal keeps."""
    return _journalled(type(row))


@cache
def _journalled(model: type[Base]) -> tuple[str, ...]:
    mapper = inspect(model)
    return tuple(p.key for p in mapper.column_attrs if policy(p.columns[0]).journalled)  # type: ignore[arg-type]


def snapshot(row: Base) -> Fields:
    """Return every journalled field of a row as JSON values, leaving out what is empty."""
    values = {name: plain(getattr(row, name)) for name in journalled_columns(row)}
    return {name: value for name, value in values.items() if value is not None}


def difference(row: Base) -> tuple[Fields, Fields]:
    """Return (before, after) of the journalled fields that the coming flush changes."""
    state = inspect(row)
    before: Fields = {}
    after: Fields = {}
    if not state.modified:
        return before, after
    for name in journalled_columns(row):
        history = state.attrs[name].history
        if not history.has_changes():
            continue
        old = plain(history.deleted[0]) if history.deleted else None
        new = plain(history.added[0]) if history.added else None
        if old != new:
            before[name], after[name] = old, new
    return before, after


def stored(row: Base) -> Fields:
    """Return :func:`snapshot` as the database has it, without what was set on the row and not flushed."""
    values = snapshot(row) | difference(row)[0]
    return {name: value for name, value in values.items() if value is not None}


@event.listens_for(Session, "before_flush")
def _prepare(session: Session, context: object, instances: object) -> None:
    """Recompute what follows from each row alone, and number the version of what is journalled."""
    journal: Journal | None = session.info.get(JOURNAL)
    fresh = session.new
    for row in fresh | session.dirty:
        if isinstance(row, Base):
            row.derive()
            if journal is not None and row.__journal__:
                _stamp(row, journal, new=row in fresh)


def _stamp(row: Any, journal: Journal, *, new: bool) -> None:
    """Number the row's version: one change is one step, however often it flushes the row."""
    now = journal.now
    if "version" not in type(row).__table__.c:
        return
    if new:
        row.version, row.created_at, row.updated_at = 1, row.created_at or now, row.updated_at or now
        return
    changed = difference(row)[1].keys()
    if changed - {"version", "updated_at"} and "version" not in changed and not journal.touched(row):
        row.version += 1
        row.updated_at = now


@event.listens_for(Session, "after_flush")
def _collect(session: Session, context: object) -> None:
    """Note before and after of every row that the flush touched."""
    journal: Journal | None = session.info.get(JOURNAL)
    if journal is None:
        return
    for row in session.new:
        journal.add(row)
    for row in session.deleted:
        if isinstance(row, Base) and row.__journal__:
            journal.note(row, stored(row), None)
    for row in session.dirty:
        if isinstance(row, Base) and row.__journal__:
            before, after = difference(row)
            if after:
                journal.note(row, before, after)


@event.listens_for(Session, "do_orm_execute")
def _no_bulk(state: ORMExecuteState) -> None:
    """Refuse a bulk statement on a journalled table: it would change rows that the journal never saw."""
    if JOURNAL not in state.session.info or not (state.is_update or state.is_delete or state.is_insert):
        return
    statement: Any = state.statement
    model = _model_of(statement.table.name)
    if model is None or not model.__journal__:
        return
    named = [getattr(key, "name", key) for key in getattr(statement, "_values", None) or ()]
    columns: list[Any] = [model.__table__.c[name] for name in named]
    if state.is_update and columns and not any(policy(column).journalled for column in columns):
        return
    raise WriteOutsideAction(f"a bulk statement on {statement.table.name} would not be journalled")


def _model_of(table_name: str) -> type[Base] | None:
    """Return the model of a table; by name, as a statement holds an annotated copy of the table itself."""
    return next((m.class_ for m in Base.registry.mappers if m.class_.__tablename__ == table_name), None)


def read_only(session: Session, context: object, instances: object) -> None:
    """Refuse to flush a domain row: attached to the request's session, which only reads."""
    for row in [*session.new, *session.dirty, *session.deleted]:
        if isinstance(row, Base) and (row.__journal__ or row.__append_only__) and session.is_modified(row):
            raise WriteOutsideAction(f"{type(row).__name__} was about to be written outside an action")
