"""Imports: trying and applying the rows of a file, in chunks that are runs like any other (rule 15).

The layer above has read the file: each row holds typed values and, where it is about a record that is there, that
record's id. Trying does the very action and takes it back, so what it says is what will happen; applying does it again,
holds every record to the version it had when it was tried, and journals each chunk as one changeset of the run.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from tempfile import TemporaryFile
from typing import Any

from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.orm import Session

from actions.core.base import ACTIONS, Action, Context, Outcome, Refused
from actions.core.eligibility import of_saves
from actions.execution.runner import Call
from actions.importing.faults import TakenBack
from actions.importing.related import DECLARED, RelatedRows, mapped_to, may_import
from actions.importing.rows import Result, RowWriter
from actions.importing.wording import in_words
from actions.runs import runs
from models.base import N_, Base
from models.dialect import WRITE
from models.importing import ImportFile, ImportPiece, ImportRow, ImportState, Verdict
from models.run import WENT_WRONG, ItemState, Run, RunItem

log = logging.getLogger(__name__)

CHUNK = 250
"""Rows tried or applied in one transaction, which is also what one step of an undo takes back, within its lease."""
AT_ONCE = 500
"""Rows of a file that is tried while its owner waits; a longer one is tried in the background."""
BUSY = dt.timedelta(minutes=10)
"""How long the reading of a file's rows may take at most: who has not finished by then, was killed."""
KEPT = dt.timedelta(days=7)
"""How long a file, and whatever of it was not applied, is kept."""

STOPPED = N_("Stopped: the person who started this no longer has permission.")
SAID = {Verdict.CREATED: N_("Created."), Verdict.CHANGED: N_("Changed."), Verdict.UNCHANGED: N_("Unchanged.")}


def import_actions(model: type[Base], related: Sequence[RelatedRows] = ()) -> tuple[Action, Action]:
    """Return the actions under whose codes a model's rows are imported and tried, declaring them on first use.

    :param related: what files of it hold of other rows besides.
    """

    def refuse(ctx: Context) -> Outcome:
        raise Refused("no_file", N_("Upload a file to import."))

    if related:
        DECLARED[model] = related
    table = model.resource_name()
    for verb, label in (("import", N_("Import")), ("try_import", N_("Import, dry run"))):
        code = f"{table}.{verb}"
        if code not in ACTIONS or ACTIONS[code].model is not model:
            final = verb == "try_import"
            ACTIONS[code] = Action(
                code, model, refuse, label, targeted=False, final=final, customers=of_saves(model)
            )
        runs.CHUNKS[code] = _apply_chunk if verb == "import" else _try_chunk
    return ACTIONS[f"{table}.import"], ACTIONS[f"{table}.try_import"]


# -- starting -----------------------------------------------------------------------------------------------------


def try_rows(
    engine: Engine,
    call: Call,
    file_id: int,
    plan: dict[str, Any],
    clock: runs.Clock,
    *,
    at_once: bool = False,
) -> None:
    """Try every row of a file: at once where they are few, or who asks waits for it; else a worker takes up the run.

    :param plan: which column goes where; its ``defaults`` are what a new record has in fields without a column.
    """
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        file = session.get_one(ImportFile, file_id, with_for_update=True)
        few = at_once or file.size <= AT_ONCE
        run = runs.queue(
            session, f"{file.resource}.try_import", call, {"file": file_id}, _waiting(session, file_id)
        )
        claim = runs.claim_own(run, call.now, "page") if few else None
        file.plan, file.trial_id, file.state = plan, run.id, ImportState.TRYING
    while claim is not None and runs.do_chunk(engine, claim, clock):
        pass


def _waiting(session: Session, file_id: int) -> int:
    mine = (ImportRow.file_id == file_id) & ImportRow.verdict.is_(None)
    return session.scalar(select(func.count()).select_from(ImportRow).where(mine)) or 0


def apply(engine: Engine, call: Call, file_id: int, *, whole: bool = False) -> int:
    """Queue the run that applies a file, once however often it is asked for; return the run's id.

    :param whole: all rows or none: a file of which any row was refused is not begun.
    :raises Refused: ``not_tried``, ``some_refused``, or ``nothing``.
    """
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        file = session.get_one(ImportFile, file_id, with_for_update=True)
        if file.run_id is not None:
            return file.run_id
        if file.state != ImportState.TRIED:
            raise Refused("not_tried", N_("Wait for the dry run to finish."))
        if whole and file.refused:
            raise Refused(
                "some_refused", N_("Some rows were refused. Fix them in the file and upload it again.")
            )
        if not file.created + file.changed:
            raise Refused("nothing", N_("There is nothing to do."))
        run = runs.queue(session, f"{file.resource}.import", call, {"file": file_id}, file.size)
        file.run_id, file.state = run.id, ImportState.APPLIED
        return run.id


# -- chunks -------------------------------------------------------------------------------------------------------


def _try_chunk(ctx: Context, run: Run) -> bool:
    """Try the next rows and keep what was found; return whether there were any."""
    file = _file(ctx, run)
    waiting = select(ImportRow).where(ImportRow.file_id == file.id, ImportRow.verdict.is_(None))
    rows = ctx.session.scalars(waiting.order_by(ImportRow.position).limit(CHUNK)).all()
    if not rows:
        _count(ctx.session, file)
        return False
    results: dict[int, Result] = {}
    writer = RowWriter(ctx, ACTIONS[run.action].model, file)
    try:
        with ctx.journal.attempt(ctx.session):
            results = writer.take(rows)
            raise TakenBack
    except TakenBack:
        pass
    _refuse_repeated(ctx.session, file, rows, results)
    found = [{"id": row_id, **_kept(result)} for row_id, result in results.items()]
    ctx.session.execute(update(ImportRow), found)
    run.done += len(rows)
    return True


def _kept(result: Result) -> dict[str, Any]:
    return {
        "verdict": result.verdict,
        "seen": result.seen,
        "before": result.before or None,
        "after": result.after or None,
        "errors": result.errors or None,
    }


def _refuse_repeated(
    session: Session, file: ImportFile, rows: Sequence[ImportRow], results: dict[int, Result]
) -> None:
    """Refuse a row about a record that an earlier row of the file is about, whatever else is wrong with it."""
    ids = {row.row_id for row in rows if row.row_id is not None}
    first = (
        select(ImportRow.row_id, func.min(ImportRow.position), func.min(ImportRow.line))
        .where(ImportRow.file_id == file.id, ImportRow.row_id.in_(ids))
        .group_by(ImportRow.row_id)
    )
    place = {row[0]: (row[1], row[2]) for row in session.execute(first)}
    for row in rows:
        if row.row_id is not None and place[row.row_id][0] < row.position:
            sentence = N_("An earlier line of the file is for the same record.")
            results[row.id] = Result(Verdict.REFUSED, errors={"": sentence, **results[row.id].errors})


def _count(session: Session, file: ImportFile) -> None:
    counted = select(ImportRow.verdict, func.count()).where(ImportRow.file_id == file.id)
    found = {row[0]: row[1] for row in session.execute(counted.group_by(ImportRow.verdict))}
    for verdict in Verdict:
        setattr(file, verdict.value, found.get(verdict, 0))
    file.state = ImportState.TRIED


def _apply_chunk(ctx: Context, run: Run) -> bool:
    """Apply the next rows, with a result for each; return whether there were any."""
    file = _file(ctx, run)
    if not may_import(ctx.session, run.actor_id, ACTIONS[run.action].model, mapped_to(file)):
        run.cancel_requested, run.stopped_because = True, STOPPED
        return False
    last = (
        select(func.coalesce(func.max(RunItem.position), 0)).where(RunItem.run_id == run.id).scalar_subquery()
    )
    wanted = select(ImportRow).where(ImportRow.file_id == file.id, ImportRow.position > last)
    rows = ctx.session.scalars(wanted.order_by(ImportRow.position).limit(CHUNK)).all()
    if not rows:
        _clear(ctx.session, file)
        return False
    todo = [row for row in rows if row.verdict in (Verdict.CREATED, Verdict.CHANGED)]
    writer = RowWriter(ctx, ACTIONS[run.action].model, file, run.id)
    done = writer.take(todo)
    results = {row.id: done.get(row.id) or _as_tried(row) for row in rows}
    refused = [{"id": i, "verdict": r.verdict, "errors": r.errors} for i, r in done.items() if r.errors]
    if refused:
        ctx.session.execute(update(ImportRow), refused)
    changeset = ctx.changeset_id if ctx.journal.changes else None
    ctx.session.execute(insert(RunItem), [_item(run, file, row, results[row.id], changeset) for row in rows])
    wrong = sum(result.verdict == Verdict.REFUSED for result in results.values())
    run.done, run.refused = run.done + len(rows) - wrong, run.refused + wrong
    return True


def _as_tried(row: ImportRow) -> Result:
    return Result(row.verdict or Verdict.REFUSED, row.row_id, errors=row.errors or {})


def _item(
    run: Run, file: ImportFile, row: ImportRow, result: Result, changeset: int | None
) -> dict[str, Any]:
    refused, unchanged = result.verdict == Verdict.REFUSED, result.verdict == Verdict.UNCHANGED
    return {
        "run_id": run.id,
        "position": row.position,
        "row_id": result.row_id or row.row_id or 0,
        "state": ItemState.DONE
        if not refused
        else ItemState.FAILED
        if result.errors.get("") == WENT_WRONG
        else ItemState.REFUSED,
        "message": in_words(file, row, result.errors) if refused else SAID[result.verdict],
        "changeset_id": None if refused or unchanged else changeset,
    }


def _file(ctx: Context, run: Run) -> ImportFile:
    return ctx.session.get_one(ImportFile, (run.parameters or {})["file"])


# -- keeping and forgetting ---------------------------------------------------------------------------------------


Line = tuple[int, list[str], dict[int, str]]
"""The number of a line in its file, its cells, and what is wrong with some of them."""


def store(engine: Engine, file: ImportFile, rows: Iterator[Line], content: Iterable[bytes] = ()) -> int:
    """Keep an uploaded file, its lines in order and its ``content``; return its id. What has expired goes first."""
    with (
        _read_to_the_end(rows) as read,
        Session(engine.execution_options(**{WRITE: True})) as session,
        session.begin(),
    ):
        sweep(session, file.created_at)
        session.add(file)
        session.flush()
        for position, piece in enumerate(content, 1):
            session.add(ImportPiece(file_id=file.id, position=position, content=piece))
            session.flush()
            session.expunge_all()
        file = session.get_one(ImportFile, file.id)
        _keep_rows(session, file, read)
        return file.id


def read_again(
    engine: Engine,
    file_id: int,
    headers: Sequence[str],
    reading: dict[str, Any],
    rows: Iterator[Line],
    now: dt.datetime,
) -> None:
    """Keep the lines of a file as they are after it was read in another way, in place of those there were.

    :raises Refused: ``going_on``: it is being tried, or was applied.
    """
    begin(engine, file_id, now)
    try:
        with (
            _read_to_the_end(rows) as read,
            Session(engine.execution_options(**{WRITE: True})) as session,
            session.begin(),
        ):
            file = session.get_one(ImportFile, file_id, with_for_update=True)
            session.execute(delete(ImportRow).where(ImportRow.file_id == file_id))
            _keep_rows(session, file, read)
            file.headers, file.reading, file.plan, file.state = (
                list(headers),
                reading,
                None,
                ImportState.UPLOADED,
            )
    except BaseException:
        release(engine, file_id)
        raise


@contextmanager
def _read_to_the_end(rows: Iterator[Line]) -> Iterator[Iterator[dict[str, Any]]]:
    """Yield the rows to be kept, once the last line was read: a writer in the meantime would hold others up."""
    with TemporaryFile("w+", encoding="ascii") as kept:
        for position, (line, cells, flaws) in enumerate(rows, 1):
            wrong = {str(place): flaw for place, flaw in flaws.items()} or None
            row = {"position": position, "line": line, "cells": cells, "flaws": wrong}
            kept.write(json.dumps(row) + "\n")
        kept.seek(0)
        yield (json.loads(text) for text in kept)


def _keep_rows(session: Session, file: ImportFile, rows: Iterator[dict[str, Any]]) -> None:
    file.size = 0
    while part := [{"file_id": file.id, **row} for row in islice(rows, AT_ONCE * 4)]:
        session.execute(insert(ImportRow), part)
        file.size += len(part)


def pieces_of(engine: Engine, file_id: int) -> Iterator[bytes]:
    """Yield an uploaded file as it came, a piece at a time; nothing where it is no longer kept."""
    mine = select(ImportPiece.content).where(ImportPiece.file_id == file_id)
    position = 0
    with Session(engine) as session:
        while (piece := session.scalar(mine.where(ImportPiece.position == position + 1))) is not None:
            position += 1
            yield piece


def begin(engine: Engine, file_id: int, now: dt.datetime, busy: dt.timedelta = BUSY) -> None:
    """Keep everybody else off a file while its rows are read again, for ``busy`` at most.

    :raises Refused: ``going_on``: it is being tried, or was applied.
    """
    ready = ImportFile.state.in_((ImportState.UPLOADED, ImportState.TRIED))
    taken = (
        update(ImportFile)
        .where(ImportFile.id == file_id, ready)
        .values(state=ImportState.TRYING, trial_id=None, busy_until=now + busy)
    )
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        if not connection.execute(taken).rowcount:
            raise Refused("going_on", N_("This file is being checked or has already been imported."))


def is_abandoned(file: ImportFile, now: dt.datetime) -> bool:
    """Return whether a file is being tried by nobody: its dry run was stopped, or who read its rows was killed."""
    if file.state != ImportState.TRYING:
        return False
    if file.trial is not None:
        return not file.trial.is_open
    return file.busy_until is None or file.busy_until <= now


def release(engine: Engine, file_id: int) -> None:
    """Let a file be read again, because reading it has failed."""
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        fresh = {"state": ImportState.UPLOADED}
        connection.execute(update(ImportFile).where(ImportFile.id == file_id).values(**fresh))


def keep_values(engine: Engine, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what the cells of some rows stand for: dicts with the row's ``id`` and columns of :class:`ImportRow`."""
    fresh = {"seen": None, "before": None, "after": None}
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        session.execute(update(ImportRow), [{**fresh, **row} for row in rows])


def sweep(session: Session, now: dt.datetime) -> int:
    """Delete every file whose time has come, with its rows; return the number of files."""
    gone = session.execute(delete(ImportFile).where(ImportFile.expires_at <= now))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _clear(session: Session, file: ImportFile) -> None:
    """Forget a file that was applied, save for the rows that were refused, to be corrected and sent again."""
    session.execute(delete(ImportPiece).where(ImportPiece.file_id == file.id))
    done = (ImportRow.file_id == file.id, ImportRow.verdict != Verdict.REFUSED)
    session.execute(delete(ImportRow).where(*done))


def forget_record(session: Session, table: str, row_id: int) -> int:
    """Blank what uploaded files say of one record, for an erasure; return the number of rows."""
    files = select(ImportFile.id).where(ImportFile.resource == table)
    told = select(ImportRow.file_id).where(ImportRow.row_id == row_id, ImportRow.file_id.in_(files))
    session.execute(delete(ImportPiece).where(ImportPiece.file_id.in_(told)))
    blank = {"cells": None, "flaws": None, "given": None, "before": None, "after": None, "errors": None}
    found = session.execute(
        update(ImportRow).where(ImportRow.row_id == row_id, ImportRow.file_id.in_(files)).values(**blank)
    )
    return int(found.rowcount)  # type: ignore[attr-defined]
