"""What is stored encrypted: encrypting what an older release left in clear, new keys, what none opens (rule 16.11)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Column, Engine, Select, Text, select, type_coerce, update
from sqlalchemy.orm import Session

from models.base import metadata
from models.dialect import WRITE, Turns
from models.vault import SCHEME, Closed, Secret, SecretText

CHUNK = 200
SHOWN = 20
"""Rows named of each column; the rest are counted."""
NEWEST = 100
"""Rows of each column that are looked at where all would take too long."""
CLOSED = (
    "Encrypted data cannot be read because this server does not have its key. Put that key back into "
    "ENCRYPTION_KEYS (or instance/encryption_key). `flask --app app verify` lists what is affected."
)
Progress = Callable[[int], object]


def columns() -> list[Column[Any]]:
    """Return every column that is encrypted."""
    found = (column for table in metadata.sorted_tables for column in table.columns)
    return [column for column in found if isinstance(column.type, SecretText)]


def encrypt_what_is_clear(engine: Engine, progress: Progress = lambda _done: None) -> int:
    """Encrypt what was stored by a release that did not; return how many values."""
    return sum(_rewrite(engine, column, progress, only_clear=True) for column in columns())


def renew(engine: Engine, progress: Progress = lambda _done: None) -> int:
    """Encrypt everything by the first key that is not yet, but what none of the keys opens; return how many values.

    It may be broken off at any time and begun again, and others may go on working in the meantime.
    """
    return sum(_rewrite(engine, column, progress, only_clear=False) for column in columns())


def _rewrite(engine: Engine, column: Column[Any], progress: Progress, *, only_clear: bool) -> int:
    """Go through a column by chunks, each in a transaction of its own."""
    last, total, turns = 0, 0, Turns(engine)
    while True:
        with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
            wanted = _rows(column, only_clear).where(column.table.c.id > last).limit(CHUNK)
            rows = session.execute(wanted.with_for_update()).all()
            done = sum(_renewed(session, column, row_id, secret) for row_id, secret in rows)
        if not rows:
            return total
        last, total = rows[-1][0], total + done
        progress(done)
        turns.give()


def _rows(column: Column[Any], only_clear: bool = False) -> Select[Any]:
    """Return the statement for the ids and secrets of a column."""
    key = column.table.c.id
    wanted = select(key, column).where(column.is_not(None)).order_by(key)
    return wanted.where(type_coerce(column, Text).not_like(f"{SCHEME}%")) if only_clear else wanted


def _renewed(session: Session, column: Column[Any], row_id: int, secret: Secret) -> bool:
    """Encrypt a value by the first key; return whether it was by another, or by none."""
    if secret.is_newest:
        return False
    try:
        clear = secret.open()
    except Closed:
        return False
    session.execute(update(column.table).where(column.table.c.id == row_id).values({column.name: clear}))
    return True


def faults(session: Session) -> list[str]:
    """Return a sentence for each value that none of the keys opens, or that is in clear; none says what it is."""
    return [sentence for column in columns() for sentence in _of_column(session, column)]


def _of_column(session: Session, column: Column[Any]) -> Iterator[str]:
    named = f"{column.table.name}.{column.name}"
    found = [
        (row_id, fault) for row_id, secret in session.execute(_rows(column)) if (fault := _fault(secret))
    ]
    for row_id, fault in found[:SHOWN]:
        yield f"{named} of row {row_id} {fault}"
    if len(found) > SHOWN:
        yield f"… and {len(found) - SHOWN} more like the last one."


def _fault(secret: Secret) -> str:
    if secret.in_clear:
        return "is not encrypted: run `flask --app app up`."
    return "" if _opens(secret) else "cannot be opened with any key in ENCRYPTION_KEYS."


def _opens(secret: Secret) -> bool:
    try:
        secret.open()
    except Closed:
        return False
    return True


def are_closed(session: Session) -> bool:
    """Return whether none of the keys opens something that is stored, as far as the newest of each kind tell."""
    newest = (_rows(column).order_by(None).order_by(column.table.c.id.desc()) for column in columns())
    found = (session.execute(wanted.limit(NEWEST)).all() for wanted in newest)
    return any(not _opens(secret) for rows in found for _id, secret in rows)
