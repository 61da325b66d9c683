"""Imports: trying and applying the rows of a file, in chunks that are runs like any other (rule 15).

The layer above has read the file: each row holds typed values and, where it is about a record that is there, that
record's id. Trying does the very deed and takes it back, so what it says is what will happen; applying does it again,
holds every record to the version it had when it was tried, and journals each chunk as one changeset of the run.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.orm import Session

from actions import runs
from actions.base import ACTIONS, Action, Context, Outcome, Refused
from actions.import_deed import Deed, Result
from actions.import_faults import TakenBack
from actions.runner import Call
from models.base import N_, Base
from models.dialect import WRITE
from models.importing import ImportFile, ImportRow, ImportState, Verdict
from models.run import WENT_WRONG, ItemState, Run, RunItem

log = logging.getLogger(__name__)

CHUNK = 250
"""Rows tried or applied in one transaction, which is also what one step of an undo takes back, within its lease."""
AT_ONCE = 500
"""Rows of a file that is tried while its owner waits; a longer one is tried in the background."""
KEPT = dt.timedelta(days=7)
"""How long a file, and whatever of it was not applied, is kept."""

SAID = {Verdict.CREATED: N_("Created."), Verdict.CHANGED: N_("Changed."), Verdict.UNCHANGED: N_("Unchanged.")}


def import_actions(model: type[Base]) -> tuple[Action, Action]:
    """Return the actions under whose codes a model's rows are imported and tried, declaring them on first use."""

    def refuse(ctx: Context) -> Outcome:
        raise Refused("no_file", N_("Upload a file to import."))

    table = model.resource_name()
    for verb, label in (("import", N_("Import")), ("try_import", N_("Import, dry run"))):
        code = f"{table}.{verb}"
        if code not in ACTIONS or ACTIONS[code].model is not model:
            ACTIONS[code] = Action(code, model, refuse, label, False, False, final=verb == "try_import")
        runs.CHUNKS[code] = _apply_chunk if verb == "import" else _try_chunk
    return ACTIONS[f"{table}.import"], ACTIONS[f"{table}.try_import"]


# -- starting -----------------------------------------------------------------------------------------------------


def try_rows(engine: Engine, call: Call, file_id: int, plan: dict[str, Any], clock: runs.Clock) -> None:
    """Try every row of a file: at once where they are few, else as a run that a worker takes up.

    :param plan: which column goes where; its ``defaults`` are what a new record has in fields without a column.
    """
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        file = session.get_one(ImportFile, file_id, with_for_update=True)
        few = file.size <= AT_ONCE
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
            raise Refused("not_tried", N_("Wait until the dry run has finished."))
        if whole and file.refused:
            raise Refused(
                "some_refused", N_("Some rows are refused: mend them in the file and upload it again.")
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
    deed = Deed(ctx, ACTIONS[run.action].model, file)
    try:
        with ctx.journal.attempt(ctx.session):
            results = deed.take(rows)
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
            sentence = N_("An earlier line of the file is about the same record.")
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
    last = (
        select(func.coalesce(func.max(RunItem.position), 0)).where(RunItem.run_id == run.id).scalar_subquery()
    )
    wanted = select(ImportRow).where(ImportRow.file_id == file.id, ImportRow.position > last)
    rows = ctx.session.scalars(wanted.order_by(ImportRow.position).limit(CHUNK)).all()
    if not rows:
        _clear(ctx.session, file)
        return False
    todo = [row for row in rows if row.verdict in (Verdict.CREATED, Verdict.CHANGED)]
    deed = Deed(ctx, ACTIONS[run.action].model, file, run.id)
    done = deed.take(todo)
    results = {row.id: done.get(row.id) or _as_tried(row) for row in rows}
    refused = [{"id": i, "verdict": r.verdict, "errors": r.errors} for i, r in done.items() if r.errors]
    if refused:
        ctx.session.execute(update(ImportRow), refused)
    changeset = ctx.changeset_id if ctx.journal.changes else None
    ctx.session.execute(insert(RunItem), [_item(run, row, results[row.id], changeset) for row in rows])
    wrong = sum(result.verdict == Verdict.REFUSED for result in results.values())
    run.done, run.refused = run.done + len(rows) - wrong, run.refused + wrong
    return True


def _as_tried(row: ImportRow) -> Result:
    return Result(row.verdict or Verdict.REFUSED, row.row_id, errors=row.errors or {})


def _item(run: Run, row: ImportRow, result: Result, changeset: int | None) -> dict[str, Any]:
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
        "message": in_words(row, result) if refused else SAID[result.verdict],
        "changeset_id": None if refused or unchanged else changeset,
    }


def in_words(row: ImportRow, result: Result) -> str:
    """Return why a row was refused, with its line in the file."""
    told = (f"{name.replace('_', ' ')}: {text}" if name else text for name, text in result.errors.items())
    return f"Line {row.line}: {'; '.join(told)}"


def _file(ctx: Context, run: Run) -> ImportFile:
    return ctx.session.get_one(ImportFile, (run.parameters or {})["file"])


# -- keeping and forgetting ---------------------------------------------------------------------------------------


def store(engine: Engine, file: ImportFile, rows: Iterator[tuple[int, list[str]]]) -> int:
    """Keep an uploaded file and its (line, cells) in order; return its id. What has expired goes first."""
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        sweep(session, file.created_at)
        file.size = 0
        session.add(file)
        session.flush()
        numbered = (
            {"file_id": file.id, "position": position, "line": line, "cells": cells}
            for position, (line, cells) in enumerate(rows, 1)
        )
        while part := list(islice(numbered, AT_ONCE * 4)):
            session.execute(insert(ImportRow), part)
            file.size += len(part)
        return file.id


def begin(engine: Engine, file_id: int) -> None:
    """Keep everybody else off a file while its rows are read anew.

    :raises Refused: ``going_on``: it is being tried, or was applied.
    """
    ready = ImportFile.state.in_((ImportState.UPLOADED, ImportState.TRIED))
    taken = (
        update(ImportFile)
        .where(ImportFile.id == file_id, ready)
        .values(state=ImportState.TRYING, trial_id=None)
    )
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        if not connection.execute(taken).rowcount:
            raise Refused("going_on", N_("This file is being tried or was applied already."))


def give_back(engine: Engine, file_id: int) -> None:
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
    """Delete every file whose time has come, with its rows; return how many files it were."""
    gone = session.execute(delete(ImportFile).where(ImportFile.expires_at <= now))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _clear(session: Session, file: ImportFile) -> None:
    """Forget the rows of a file that was applied, save those that were refused, to be mended and sent again."""
    done = (ImportRow.file_id == file.id, ImportRow.verdict != Verdict.REFUSED)
    session.execute(delete(ImportRow).where(*done))


def forget_record(session: Session, table: str, row_id: int) -> int:
    """Blank what uploaded files say of one record, for an erasure; return how many rows it were."""
    files = select(ImportFile.id).where(ImportFile.resource == table)
    blank = {"cells": None, "given": None, "before": None, "after": None, "errors": None}
    found = session.execute(
        update(ImportRow).where(ImportRow.row_id == row_id, ImportRow.file_id.in_(files)).values(**blank)
    )
    return int(found.rowcount)  # type: ignore[attr-defined]
