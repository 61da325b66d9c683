"""Imports that are seen to their end by who asked for them, such as a command, instead of by a worker (rule 15.20)."""

from __future__ import annotations

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from actions.execution.runner import Call
from actions.importing.importing import SAID, apply
from actions.runs import runs
from models.importing import Verdict
from models.run import ItemState, Run, RunItem


def apply_now(engine: Engine, call: Call, file_id: int, clock: runs.Clock, *, whole: bool = False) -> int:
    """Apply a file to its end in this process, unless a worker has taken it up already; return the run's id.

    :raises Refused: as :func:`apply`.
    """
    run_id = apply(engine, call, file_id, whole=whole)
    claim = runs.claim_run(engine, run_id, clock(), "command")
    if claim is not None:
        runs.run_to_completion(engine, claim, clock)
    return run_id


def outcomes(session: Session, run_id: int) -> dict[Verdict, int]:
    """Return how many rows of a file that was applied came to what."""
    counted = select(RunItem.message, func.count()).where(
        RunItem.run_id == run_id, RunItem.state == ItemState.DONE
    )
    found = {row[0]: row[1] for row in session.execute(counted.group_by(RunItem.message))}
    refused = session.get_one(Run, run_id).refused
    return {**{verdict: found.get(said, 0) for verdict, said in SAID.items()}, Verdict.REFUSED: refused}
