"""What an action would do: the action itself, run and rolled back, and what its journal said (rules 3.1, 9).

A preview cannot differ from the action, because it is the action. Its fingerprint goes with the confirmation: when the
data changed in between, the action finds another one and does not happen.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import astuple, dataclass, field
from typing import Any, Literal

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from actions.core.base import Outcome, Refused
from actions.core.journal import Fields, Journal, plain, snapshot
from models.base import Base, LedgerRow
from models.mail import Mail, masked
from models.types import UTCDateTime

Kind = Literal["created", "changed", "deleted", "entered", "moved", "mailed"]


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row that the action would touch; ``before`` and ``after`` hold the fields that differ.

    ``entered`` is a new row of a ledger. ``id`` is None for a row that does not exist yet. ``moved`` stands for
    ``count`` rows that go to another owner together; it has neither id nor label. ``mailed`` is a mail that would
    go out, labelled by its subject; ``after`` has the masked address.
    """

    kind: Kind
    table: str
    id: int | None
    label: str
    before: Fields
    after: Fields
    count: int = 1


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen. With ``blockers`` or ``errors`` (field -> sentence) the action would be refused."""

    rows: list[RowChange] = field(default_factory=list)
    outcome: Outcome | None = None
    blockers: list[Refused] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    fingerprint: str = ""

    @property
    def possible(self) -> bool:
        """Whether the action would go through."""
        return not self.blockers and not self.errors


def row_changes(journal: Journal) -> list[RowChange]:
    """Return every change that the journal collected, by table, with the ledger rows last."""
    found = []
    for (table, row_id), change in sorted(journal.changes.items(), key=lambda item: item[0]):
        before, after = change["before"], change["after"]
        kind: Kind = "created" if before is None else "deleted" if after is None else "changed"
        known = None if kind == "created" else row_id
        found.append(
            RowChange(kind, table, known, str(journal.rows[table, row_id]), before or {}, after or {})
        )
    entered = (_entered(row) for row in journal.entries)
    return [*found, *_moved(journal), *entered, *(_mailed(mail) for mail in journal.mails)]


def _moved(journal: Journal) -> list[RowChange]:
    """Return a line for each set of rows that goes from one owner to another."""
    sums: Counter[tuple[str, str, int, int]] = Counter()
    for part in journal.sets:
        sums[part.table, part.column, part.old, part.new] += part.count
    return [
        RowChange("moved", table, None, "", {column: old}, {column: new}, count)
        for (table, column, old, new), count in sorted(sums.items())
    ]


def _entered(row: LedgerRow) -> RowChange:
    return RowChange("entered", row.__tablename__, None, str(row), {}, snapshot(row))


def _mailed(mail: Mail) -> RowChange:
    return RowChange("mailed", "mail", None, str(mail), {}, {"recipient": masked(mail.recipient)})


def fingerprint(session: Session, journal: Journal) -> str:
    """Return a digest of all that would change; ids and times given by the action itself are left out."""
    session.flush()
    made = {place for place, change in journal.changes.items() if change["before"] is None}
    made |= {(row.__tablename__, row.id) for row in journal.entries}
    lines: list[list[Any]] = [
        [table, None if change["before"] is None else row_id]
        + [
            _stable(journal.rows[table, row_id], values, made)
            for values in (change["before"], change["after"])
        ]
        for (table, row_id), change in journal.changes.items()
    ]
    lines += [[row.__tablename__, None, None, _stable(row, snapshot(row), made)] for row in journal.entries]
    lines += [list(astuple(part)) for part in journal.sets]
    lines += [["mail", m.template, m.recipient, m.subject, m.text_body] for m in journal.mails]
    texts = sorted(json.dumps(line, sort_keys=True, default=plain) for line in lines)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


GIVEN_BY_THE_RUN = frozenset({"id", "version", "changeset_id", "key"})


def _stable(row: Base, values: Fields | None, made: set[tuple[str, int]]) -> Any:
    """Return the fields that two runs of one action have in common."""
    if values is None:
        return None
    columns = inspect(type(row)).columns
    found = {}
    for name, value in values.items():
        column = columns.get(name)
        if name in GIVEN_BY_THE_RUN or column is None or isinstance(column.type, UTCDateTime):
            continue
        target = next((key.column.table.name for key in column.foreign_keys), None)
        found[name] = "new" if (target, value) in made else value
    return found
