"""The action of an import: rows of a file written to their records, by every rule that the form keeps (rule 15)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError

from actions.core import row_guards
from actions.core.base import Context, Escalation, Refused
from actions.core.row_scope import seen
from actions.execution.constraints import to_refusal
from actions.execution.invariants import check_invariants
from actions.execution.records import fill_in, saved_together
from actions.importing.faults import Faults
from actions.importing.related import Found, Related, told_before
from actions.runs.parameters_json import unpack
from models.base import N_, Base, Invalid
from models.choices import CreatedVia
from models.customer import Customer
from models.importing import ImportFile, ImportRow, Verdict
from models.journal import Change, Changeset
from models.run import WENT_WRONG
from models.validate import missing

log = logging.getLogger(__name__)

HIDDEN = frozenset({"id", "version", "created_at", "updated_at"})

CHANGED_SINCE = N_("This record was changed after the dry run.")


@dataclass(slots=True)
class Result:
    """What became of one row, or would. ``errors`` are field -> sentence, under "" what is about none of them."""

    verdict: Verdict
    row_id: int | None = None
    seen: int | None = None
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class RowWriter:
    """Writes rows of one file, by every rule that the form keeps. Without a ``run_id`` they are only tried."""

    ctx: Context
    model: type[Base]
    file: ImportFile
    run_id: int | None = None
    _defaults: dict[str, Any] = field(default_factory=dict)
    _own: tuple[str, ...] = ()
    _related: Related = field(init=False)

    def __post_init__(self) -> None:
        self.ctx.via = CreatedVia.IMPORT
        plan = self.file.plan or {}
        self._defaults = unpack(plan.get("defaults", {}))
        self._related = Related(self.model, unpack(plan.get("related", {})))
        table = self.model.__table__
        keys = (c for c in table.columns if any(k.column.table is table for k in c.foreign_keys))
        self._own = tuple(c.key for c in keys)

    def take(self, rows: Sequence[ImportRow]) -> dict[int, Result]:
        """Write rows and return what became of each, by its id. Of those that are only tried, all faults are named."""
        self._hold_owners(rows)
        results = self._take_all([row for row in rows if not row.errors])
        if self.run_id is None:
            wrong = [row for row in rows if row.errors or _is_at_fault(results[row.id])]
            known = {row.id: results[row.id].errors for row in wrong if row.id in results}
            told = Faults(self.ctx, self.model, self._defaults, self._related).of(wrong, known)
            for row in wrong:
                results[row.id] = Result(Verdict.REFUSED, errors=told[row.id] or known[row.id])
        return results

    def _take_all(self, rows: Sequence[ImportRow]) -> dict[int, Result]:
        """Write rows in one flush where the model's rules allow it.

        When the database objects to one of many, halves are tried in its place, until the row at fault stands alone.
        """
        size = len(rows) if saved_together(self.model) else 1
        waiting = [rows[n : n + size] for n in range(0, len(rows), max(size, 1))]
        waiting.reverse()
        results: dict[int, Result] = {}
        while waiting:
            part = waiting.pop()
            try:
                with self.ctx.journal.attempt(self.ctx.session):
                    found = self._take_part(part)
                    check_invariants(self.ctx)
            except OperationalError:
                raise
            except Exception as error:
                if len(part) > 1:
                    middle = len(part) // 2
                    waiting += [part[middle:], part[:middle]]
                else:
                    results[part[0].id] = self._refused(part[0], error)
                continue
            results |= found
        return results

    def _refused(self, row: ImportRow, error: Exception) -> Result:
        """Return why a row was not written; a try to go beyond one's own permissions is kept to be noted, once."""
        if isinstance(error, Escalation) and self.run_id is not None:
            error.whom = error.whom or (self.model.__tablename__, row.row_id or 0)
            self.ctx.escalations.append(error)
        return Result(Verdict.REFUSED, errors=_errors(error, self.model))

    def _hold_owners(self, rows: Sequence[ImportRow]) -> None:
        """Lock the customers that rows belong to, in id order, as every action does."""
        if "customer_id" not in self.model.__table__.c:
            return
        ids = {value for row in rows if type(value := (row.given or {}).get("customer_id")) is int}
        there = select(Customer.id).where(Customer.id.in_(ids), *seen(self.ctx.session, Customer))
        self.ctx.lock(Customer, list(self.ctx.session.scalars(there)))

    def _take_part(self, rows: Sequence[ImportRow]) -> dict[int, Result]:
        ids = [row.row_id for row in rows if row.row_id is not None]
        records: dict[int, Any] = {r.id: r for r in self.ctx.lock(self.model, ids)} if ids else {}  # type: ignore[attr-defined]
        self._related.load(self.ctx, ids, (row.given for row in rows))
        made: list[tuple[ImportRow, Any, int | None, Found]] = []
        results: dict[int, Result] = {}
        for row in rows:
            record = records[row.row_id] if row.row_id is not None else None
            seen = record.version if record is not None else None
            try:
                written, found = self._write(row, record)
            except (Refused, Invalid) as error:
                if len(rows) == 1 or isinstance(error, Escalation):
                    raise  # of many rows each is then tried by itself
                if record is not None:
                    self._related.forget(self.ctx, record)
                results[row.id] = Result(Verdict.REFUSED, errors=_errors(error, self.model))
            else:
                made.append((row, written, seen, found))
        self.ctx.session.flush()
        return results | {row.id: self._result(row, *written) for row, *written in made}

    def _write(self, row: ImportRow, record: Any) -> tuple[Any, Found]:
        values, given = self._related.split(unpack(row.given or {}))
        if any(values.get(name) is not None for name in self._own):
            self.ctx.session.flush()  # the rules read the other row again
        if record is None:
            record = self.model()
            found = self._resolved(record, given)
            fill_in(self.ctx, record, {**self._defaults, **values, **found.values}, created=True)
            if errors := missing(record):
                raise Invalid(errors)
            return record, found
        found = self._resolved(record, given)
        if not found.values and all(getattr(record, name) == value for name, value in values.items()):
            return record, found
        if self.run_id is not None and self._is_changed_since(row, record, found):
            raise Refused("changed_since", CHANGED_SINCE)
        row_guards.look_at(self.ctx, self.model, record)
        fill_in(self.ctx, record, {**values, **found.values}, created=False)
        return record, found

    def _resolved(self, record: Any, given: Mapping[str, Any]) -> Found:
        """Return what becomes of the related rows. :raises Invalid: by the column of the file."""
        found = self._related.resolve(record, given)
        if found.errors:
            raise Invalid(found.errors)
        return found

    def _is_changed_since(self, row: ImportRow, record: Any, found: Found) -> bool:
        """Whether anybody but this run has changed what a row writes to since it was tried."""
        if record.version != row.seen and self._by_others(record, row.seen):
            return True
        return found.before != told_before(row.before)

    def _by_others(self, record: Any, seen: int | None) -> bool:
        """Whether anybody but this run has changed a record since its version ``seen``."""
        if self.ctx.journal.touched(record):
            return False
        mine = (Change.table_name == record.__tablename__, Change.row_id == record.id)
        later = select(Changeset.run_id).join(Change).where(*mine).order_by(Change.id.desc())
        last = self.ctx.session.scalars(later.limit(max(1, record.version - (seen or 0)))).all()
        return not last or any(run_id != self.run_id for run_id in last)

    def _result(self, row: ImportRow, record: Any, seen: int | None, found: Found) -> Result:
        change = self.ctx.journal.changes.get((record.__tablename__, record.id))
        if change is None:
            return Result(Verdict.UNCHANGED, record.id, seen)
        before, after = change["before"], change["after"]
        if self.run_id is None:
            before, after = _shown(before), _shown(after)
        verdict = Verdict.CREATED if row.row_id is None else Verdict.CHANGED
        return Result(
            verdict,
            record.id if row.row_id else None if self.run_id is None else record.id,
            seen,
            {**(before or {}), **found.before},
            {**(after or {}), **found.after},
        )


def _is_at_fault(result: Result) -> bool:
    return result.verdict == Verdict.REFUSED and result.errors.get("") != WENT_WRONG


def _shown(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (values or {}).items() if name not in HIDDEN}


def _errors(error: Exception, model: type[Base]) -> dict[str, str]:
    if isinstance(error, IntegrityError):
        error = to_refusal(error, model)
    if isinstance(error, Invalid):
        return {name: str(text) for name, text in error.errors.items()}
    if isinstance(error, Refused):
        return {"": str(error)}
    log.error("a row of %s could not be imported", model.__tablename__, exc_info=error)
    return {"": WENT_WRONG}
