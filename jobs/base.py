"""The job: one declared function that the clock has done, in chunks that survive whoever does them (rule 8).

``@job("loyalty.expire", cron="15 2 * * *", label=…, preview=points_due)`` gives the function its slots, its preview and
its place among the runs. The function does one chunk and returns how many things it did; 0 ends the run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from actions import runs
from actions.base import SYSTEM, Context
from actions.packing import unpack
from actions.runner import Call
from jobs.slots import Cron, Every, Schedule
from models.dialect import WRITE
from models.run import Run, RunState
from models.shop import load_shop

Chunk = Callable[[Context, Run, dt.datetime], int]
Preview = Callable[[Session, dt.datetime], "Foreseen"]
OPEN = (RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a job would do: how many things, and that in a sentence with its values."""

    size: int
    sentence: str
    values: dict[str, int]

    def __str__(self) -> str:
        return self.sentence % {name: f"{value:,}" for name, value in self.values.items()}


@dataclass(frozen=True, slots=True)
class Job:
    """A declared job."""

    code: str
    label: str
    schedule: Schedule
    preview: Preview


JOBS: dict[str, Job] = {}


def job(
    code: str, *, label: str, preview: Preview, cron: str = "", every: int = 0
) -> Callable[[Chunk], Chunk]:
    """Declare a job.

    :param label: what it is called. :param cron: five fields, in the shop's zone. :param every: seconds.
    :param preview: counts in one query what the job would do as of an instant.
    :raises ValueError: not exactly one of ``cron`` and ``every``, a schedule that is none, or a code that is taken.
    """
    if bool(cron) == bool(every):
        raise ValueError(f"{code} needs cron= or every=, and not both")
    if code in JOBS:
        raise ValueError(f"there is a job {code} already")
    declared = Job(code, label, Cron(cron) if cron else Every(every), preview)

    def register(chunk: Chunk) -> Chunk:
        def step(ctx: Context, run: Run) -> bool:
            done = chunk(ctx, run, unpack(run.parameters)["as_of"])
            run.done += done
            return done > 0

        JOBS[code] = declared
        runs.CHUNKS[code] = step
        runs.LABELS[code] = label
        return chunk

    return register


def queue_slot(engine: Engine, declared: Job, now: dt.datetime) -> int | None:
    """Queue the run of a job's last slot, unless somebody has; return its id if it was us.

    While a run of the job goes on nothing is queued: what it did not do, the next one does. A slot is claimed by one
    conditional write of (job, slot): the key of its run, which is unique.
    """
    with Session(engine) as session:
        slot = declared.schedule.last(now, load_shop(session).zone)
        if slot is None:
            return None
        key = f"{declared.code}@{slot:%Y-%m-%dT%H:%M:%SZ}"
        there = select(Run.id).where((Run.key == key) | ((Run.action == declared.code) & Run.state.in_(OPEN)))
        if session.scalar(there.limit(1)) is not None:
            return None
    try:
        return start(engine, declared, now, slot, key=key)
    except IntegrityError:
        return None


def start(
    engine: Engine, declared: Job, now: dt.datetime, as_of: dt.datetime, *, key: str | None = None
) -> int:
    """Queue a run of a job as of an instant; return its id."""
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        size = declared.preview(session, as_of).size
        run = runs.queue(session, declared.code, Call(SYSTEM, now, key=key), {"as_of": as_of}, size)
        run.key = key
        return run.id
