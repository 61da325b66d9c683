"""The journal is a chain: an alteration behind the product's back is noticed, and where (rule 9.6).

A worker seals each changeset within seconds of its commit, and not in its transaction: every writer would wait there
for the one before. What a seal holds is read back from the database; the same rows have the same digest on both kinds.
A column that is added to the journal or a ledger later must be nullable: an empty value is left out of the digest, so
that older seals still hold.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import groupby
from threading import Event
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Engine,
    Select,
    String,
    Table,
    exists,
    func,
    insert,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session

from actions.core.journal import CHANGE, CHANGESET, plain
from models import outage
from models.base import Base, LedgerRow
from models.dialect import WRITE, Turns, advisory_lock
from models.journal import Seal
from models.renamed_codes import StoredCode
from models.renamed_fields import StoredFields
from models.triggers import AppendOnly
from models.types import Json

log = logging.getLogger(__name__)
SEAL = cast(Table, Seal.__table__)
BATCH = 500
"""Changesets that one transaction seals, and that a check reads at a time."""

LATE = 1_000
"""How far below the newest sealed one a changeset is looked for that was committed after it. Older ones are named."""

FIRST = "0" * 64
AS_STORED: dict[type[Any], Any] = {StoredCode: String, StoredFields: Json}
"""Type that reads what was stored by present names -> the type that reads it as it is."""


def seal(session: Session) -> int:
    """Seal the next changesets in the caller's transaction; return their number."""
    connection = session.connection()
    advisory_lock(connection, "seal")
    ids = connection.scalars(_unsealed().limit(BATCH)).all()
    _append(session, contents(session, ids), None)
    return len(ids)


def seal_again(session: Session, ids: Sequence[int], caused_by: int) -> None:
    """Seal changesets once more whose rows the changeset ``caused_by`` has altered lawfully, in its transaction.

    One that has no seal yet is left alone: its first seal will hold what it holds now.
    """
    advisory_lock(session.connection(), "seal")
    for start in range(0, len(ids), BATCH):
        wanted = select(SEAL.c.changeset_id).where(SEAL.c.changeset_id.in_(ids[start : start + BATCH]))
        sealed = session.connection().scalars(wanted.distinct().order_by(SEAL.c.changeset_id)).all()
        _append(session, contents(session, sealed), caused_by)


def head(session: Session) -> tuple[int, str]:
    """Return (number of seals, the newest link), which proves later, kept elsewhere, that the end was not cut off."""
    newest = select(SEAL.c.id, SEAL.c.link).order_by(SEAL.c.id.desc()).limit(1)
    count = session.scalar(select(func.count()).select_from(SEAL)) or 0
    row = session.connection().execute(newest).first()
    return count, row.link if row is not None else FIRST


def serve(engine: Engine, stop: Event, idle: float = 1.0) -> None:
    """Seal changesets as they come, until ``stop``. A failure is logged and never ends the loop."""
    pauses = outage.Pauses(idle)
    while not stop.is_set():
        try:
            sealed = seal_waiting(engine, stop)
            pauses.worked()
            if sealed:
                continue
        except Exception as error:
            if pauses.failed(error):
                log.exception("seals")
        stop.wait(pauses.seconds)


def seal_waiting(engine: Engine, stop: Event | None = None) -> bool:
    """Seal what waits; return whether there was anything. Nothing is locked while there is nothing."""
    with Session(engine) as session:
        if session.connection().scalar(_unsealed().limit(1)) is None:
            return False
    writing, turns = engine.execution_options(**{WRITE: True}), Turns(engine)
    while not (stop is not None and stop.is_set()):
        with Session(writing) as session, session.begin():
            if not seal(session):
                break
        turns.give()
    return True


def broken(session: Session) -> list[str]:
    """Return a sentence for the first place where journal and seals differ; an empty list when they fit."""
    return [sentence for sentence in (_first_break(session), _never_sealed(session)) if sentence]


def contents(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Return changeset id -> digest of what it holds now, in the order of ``ids``; one that is gone is left out."""
    hashes: dict[int, Any] = {}
    for position, (table, key, rule) in enumerate(_tables()):
        kept = [_as_stored(column) for column in table.columns if column.name not in rule.reassignable]
        rows = select(*kept).where(key.in_(ids)).order_by(key, table.c.id)
        for row in session.connection().execute(rows).mappings():
            if position == 0:
                hashes[row[key.name]] = hashlib.sha256()
            if (found := hashes.get(row[key.name])) is not None:
                found.update(_line(table.name, row))
    return {number: hashes[number].hexdigest() for number in ids if number in hashes}


@cache
def _tables() -> list[tuple[Table, ColumnElement[int], AppendOnly]]:
    """Return what a changeset holds: (table, the column that names the changeset, which columns may lawfully move)."""
    found: list[tuple[Table, Any, AppendOnly]] = [
        (CHANGESET, CHANGESET.c.id, AppendOnly()),
        (CHANGE, CHANGE.c.changeset_id, AppendOnly()),
    ]
    ledgers = [m.class_ for m in Base.registry.mappers if issubclass(m.class_, LedgerRow)]
    for model in sorted(ledgers, key=lambda model: model.__tablename__):
        table = cast(Table, model.__table__)
        found.append((table, table.c.changeset_id, model.__append_only__))
    return found


def _as_stored(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Codes and the names of fields are sealed as they were written, whatever they are called by now."""
    plain_type = next((stored for kind, stored in AS_STORED.items() if isinstance(column.type, kind)), None)
    return column if plain_type is None else type_coerce(column, plain_type).label(column.name)


def _line(table: str, row: Any) -> bytes:
    told = {name: plain(value) for name, value in row.items() if value is not None}
    return json.dumps([table, told], sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _unsealed() -> Select[int]:
    """Ask for changesets without a seal, lowest first, as far back as one can still be late."""
    newest = select(func.coalesce(func.max(SEAL.c.changeset_id), literal(0))).scalar_subquery()
    sealed = exists().where(SEAL.c.changeset_id == CHANGESET.c.id)
    return select(CHANGESET.c.id).where(CHANGESET.c.id > newest - LATE, ~sealed).order_by(CHANGESET.c.id)


def _append(session: Session, digests: dict[int, str], caused_by: int | None) -> None:
    last = session.connection().scalar(select(SEAL.c.link).order_by(SEAL.c.id.desc()).limit(1)) or FIRST
    rows = []
    for number, digest in digests.items():
        last = _link(last, number, digest, caused_by)
        rows.append({"changeset_id": number, "digest": digest, "link": last, "caused_by_id": caused_by})
    if rows:
        session.connection().execute(insert(SEAL), rows)


def _link(last: str, number: int, digest: str, caused_by: int | None) -> str:
    return hashlib.sha256(f"{last} {number} {digest} {caused_by or ''}".encode()).hexdigest()


def _first_break(session: Session) -> str | None:
    last = FIRST
    for seals in _batches(session):
        contained = contents(session, sorted({row.changeset_id for row in seals}))
        newest = _newest(session, contained.keys())
        for row in seals:
            last = _link(last, row.changeset_id, row.digest, row.caused_by_id)
            if row.link != last:
                return f"The journal's seals were altered: seal {row.id} does not match the one before it."
            if contained.get(row.changeset_id) != newest.get(row.changeset_id):
                return _named(session, row.changeset_id)
    return None


def _batches(session: Session) -> Iterator[list[Any]]:
    after = 0
    while rows := session.execute(
        select(SEAL).where(SEAL.c.id > after).order_by(SEAL.c.id).limit(BATCH)
    ).all():
        yield list(rows)
        after = rows[-1].id


def _newest(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """Return changeset id -> the digest of its newest seal."""
    rows = select(SEAL.c.changeset_id, SEAL.c.digest).where(SEAL.c.changeset_id.in_(list(ids)))
    found = session.execute(rows.order_by(SEAL.c.changeset_id, SEAL.c.id)).all()
    return {
        number: list(seals)[-1].digest for number, seals in groupby(found, key=lambda row: row.changeset_id)
    }


def _named(session: Session, number: int) -> str:
    row = session.execute(select(CHANGESET).where(CHANGESET.c.id == number)).first()
    if row is None:
        return f"Changeset {number} is sealed but missing from the journal."
    told = f"{row.action}, {row.at:%Y-%m-%d %H:%M} UTC, {row.actor_name}"
    return f"Changeset {number} ({told}) has been altered since it was sealed."


def _never_sealed(session: Session) -> str | None:
    newest = session.scalar(select(func.max(SEAL.c.changeset_id))) or 0
    sealed = exists().where(SEAL.c.changeset_id == CHANGESET.c.id)
    stray = select(CHANGESET.c.id).where(CHANGESET.c.id <= newest - LATE, ~sealed)
    number = session.scalar(stray.order_by(CHANGESET.c.id).limit(1))
    return None if number is None else f"Changeset {number} was added to the journal without a seal."
