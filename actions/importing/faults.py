"""All that is wrong with a row of an import, named at once (rule 15.9).

A row is often wrong in more than one place: a cell that cannot be read, a value that a rule is against, an email
that another record has. Each of them keeps the others from being found, so a refused row is looked at once more: it is
written as far as it can be, and taken back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import IntegrityError, OperationalError

from actions.core.base import Context, Refused
from actions.execution.constraints import TAKEN, shown, to_refusal
from actions.execution.records import assign, faults, saved_together
from actions.importing.related import Found, Related
from actions.runs.parameters_json import unpack
from models.base import Base, Invalid
from models.importing import ImportRow
from models.validate import missing

Errors = dict[str, str]


class TakenBack(Exception):
    """It was only tried."""


@dataclass(slots=True)
class Faults:
    """Looks for all that is wrong with rows of one model. ``defaults`` are what a new record has besides."""

    ctx: Context
    model: type[Base]
    defaults: Mapping[str, Any]
    related: Related
    _found: dict[int, Errors] = field(default_factory=dict)
    _taken: dict[int, Errors] = field(default_factory=dict)

    def of(self, rows: Sequence[ImportRow], known: Mapping[int, Errors]) -> dict[int, Errors]:
        """Return field -> sentence for each row, by its id, with what was found when its cells were read.

        :param known: of those rows that were to be written and that the database objected to, why.
        """
        for row_id, errors in known.items():
            if taken := {name: text for name, text in errors.items() if text == TAKEN}:
                self._taken[row_id], self._found[row_id] = taken, {}
        size = len(rows) if saved_together(self.model) else 1
        waiting = [rows[n : n + size] for n in range(0, len(rows), max(size, 1))]
        while waiting:
            part = waiting.pop()
            objection = self._objection(part)
            if objection is not None and len(part) > 1:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
            elif objection is not None and self._was_taken(part[0], objection):
                waiting.append(part)
        return {row.id: self._together(row) for row in rows}

    def _objection(self, rows: Sequence[ImportRow]) -> Exception | None:
        """Write what can be written of some rows, and take it back; return what the database has against it."""
        try:
            with self.ctx.journal.attempt(self.ctx.session):
                self._write(rows)
                raise TakenBack
        except TakenBack:
            return None
        except OperationalError:
            raise
        except Exception as error:
            return error

    def _write(self, rows: Sequence[ImportRow]) -> None:
        """Write what will do of each row, keeping what will not in mind."""
        ids = [row.row_id for row in rows if row.row_id is not None]
        records: dict[int, Any] = {r.id: r for r in self.ctx.lock(self.model, ids)} if ids else {}  # type: ignore[attr-defined]
        self.related.load(self.ctx, ids, (row.given for row in rows))
        for row in rows:
            created = row.row_id is None
            own, given = self.related.split(unpack(row.given or {}))
            values = {n: v for n, v in own.items() if shown(n) not in self._taken_of(row)}
            record = self.model() if row.row_id is None else records[row.row_id]
            unread = {shown(name) for name in row.errors or {}}
            found = self.related.resolve(record, given)
            values = {**(self.defaults if created else {}), **values, **found.values}
            told = {**_sure(found, unread), **self._faults(record, values, unread, created)}
            self._found.setdefault(row.id, told)
            if created and not missing(record):
                self.ctx.session.add(record)
        self.ctx.session.flush()

    def _faults(self, record: Any, values: dict[str, Any], unread: set[str], created: bool) -> Errors:
        """Return what is wrong with the values, save for what only follows from a cell that nobody could read."""
        changed, found = assign(record, values)
        try:
            said = faults(self.ctx, record, changed, created=created)
        except Refused as refused:
            return {**found, "": str(refused)}
        unknown = unread | {shown(name) for name in found}
        if not unknown and not said and created:
            return missing(record)
        follow = unknown | self._following(record, unknown)
        return {**found, **{name: text for name, text in said.items() if shown(name) not in follow}}

    def _following(self, record: Any, unknown: set[str]) -> set[str]:
        """Return the fields that are blamed when the unknown ones change, and so perhaps for nothing but those."""
        keys = {n for name in unknown for n in (name, f"{name}_id") if hasattr(type(record), n)}
        if not keys:
            return set()
        try:
            return {shown(name) for name in faults(self.ctx, record, keys, created=False)}
        except Refused:
            return set()

    def _taken_of(self, row: ImportRow) -> Errors:
        return self._taken.setdefault(row.id, {})

    def _was_taken(self, row: ImportRow, error: Exception) -> bool:
        """Keep in mind which value of a row another record has; return whether that is news."""
        explained = to_refusal(error, self.model) if isinstance(error, IntegrityError) else error
        if not isinstance(explained, Invalid):
            return False
        given, known = {shown(name) for name in row.given or {}}, self._taken_of(row)
        fresh = {n: t for n, t in explained.errors.items() if t == TAKEN and n in given and n not in known}
        known |= fresh
        return bool(fresh)

    def _together(self, row: ImportRow) -> Errors:
        """Return one sentence for a field: what was wrong with its cell, else with its value."""
        told = dict(row.errors or {})
        known = {shown(name) for name in told}
        for name, text in {**self._found.get(row.id, {}), **self._taken_of(row)}.items():
            if shown(name) not in known:
                told[name] = text
                known.add(shown(name))
        return told


def _sure(found: Found, unread: set[str]) -> Errors:
    """Return what is wrong with related rows, save for those of which a cell could not be read."""
    spoilt = {name.rpartition(".")[0] for name in unread}
    return {name: text for name, text in found.errors.items() if name.rpartition(".")[0] not in spoilt}
