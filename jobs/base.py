"""The job: one declared function that the clock has done, in chunks that survive whoever does them (rule 8).

``@job("loyalty.expire", cron="15 2 * * *", label=…, preview=points_due)`` gives the function its slots, its preview and
its place among the runs. The function does one chunk and returns how many things it did; 0 ends the run.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from actions import runs
from actions.base import SYSTEM, Context, Outcome, Refused, action
from actions.ledger import number_text
from actions.packing import unpack
from actions.runner import Call
from jobs.slots import Cron, Every, Schedule
from models.base import N_, Invalid
from models.dialect import WRITE
from models.job import JobRow
from models.run import WENT_WRONG, ItemState, Run, RunItem, RunState
from models.shop import load_shop

log = logging.getLogger(__name__)
Chunk = Callable[[Context, Run, dt.datetime], int]
Preview = Callable[[Session, dt.datetime], "Foreseen"]
GRACE = dt.timedelta(minutes=5)
"""How late a slot may be queued before somebody should look why."""
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
    code: str, *, label: str, preview: Preview, cron: str = "", every: int = 0, about: str = ""
) -> Callable[[Chunk], Chunk]:
    """Declare a job.

    :param label: what it is called. :param cron: five fields, in the shop's zone. :param every: seconds.
    :param preview: counts in one query what the job would do as of an instant.
    :param about: the resource whose records its results name, where the code does not begin with it.
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
        if about:
            runs.ABOUT[code] = about
        return chunk

    return register


def attempt(ctx: Context, run: Run, row_id: int, deed: Callable[[], object]) -> bool:
    """Do one thing of a run in a savepoint; one that is refused or breaks is noted, and the others go on (rule 8.3)."""
    try:
        with ctx.journal.attempt(ctx.session):
            deed()
            return True
    except (Refused, Invalid) as error:
        note(ctx, run, row_id, ItemState.REFUSED, str(error))
    except OperationalError:
        raise
    except Exception:
        log.exception("run %s, row %s", run.id, row_id)
        note(ctx, run, row_id, ItemState.FAILED, WENT_WRONG)
    return False


def note(ctx: Context, run: Run, row_id: int, state: ItemState, message: str) -> None:
    """Record what became of one thing; a run passes over what it could not do from then on (rule 8.3)."""
    run.refused += state != ItemState.DONE
    last = select(func.coalesce(func.max(RunItem.position), 0)).where(RunItem.run_id == run.id)
    position = ctx.session.scalars(last).one() + 1
    item = RunItem(run_id=run.id, position=position, row_id=row_id, state=state, message=message)
    item.changeset_id = ctx.changeset_id if state == ItemState.DONE else None
    ctx.session.add(item)
    ctx.session.flush()


def rows(session: Session) -> dict[str, JobRow]:
    """Return code -> the record of a job, of the declared ones."""
    found = session.scalars(select(JobRow).where(JobRow.code.in_(list(JOBS))))
    return {row.code: row for row in found}


def sync(session: Session, now: dt.datetime) -> None:
    """Give each declared job its record, called as it is declared."""
    there = rows(session)
    for code, declared in JOBS.items():
        row = there.get(code)
        if row is None:
            session.add(JobRow(code=code, label=declared.label, version=1, created_at=now, updated_at=now))
        elif row.label != declared.label:
            row.label = declared.label


def last_runs(session: Session, ids: Sequence[int]) -> dict[int, Run]:
    """Return job id -> its last run, of those that have run."""
    newest = select(func.max(Run.id)).where(Run.job_id.in_(ids)).group_by(Run.job_id)
    return {run.job_id: run for run in session.scalars(select(Run).where(Run.id.in_(newest))) if run.job_id}


def is_overdue(row: JobRow, last: Run | None, now: dt.datetime, zone: ZoneInfo) -> bool:
    """Return whether a slot of a job has come that nobody has queued, though there was time to: no clock is running."""
    if row.paused or row.code not in JOBS:
        return False
    slot = JOBS[row.code].schedule.last(now - GRACE, zone)
    if slot is None or slot <= row.created_at:
        return False
    return last is None or last.created_at < slot


def queue_slot(engine: Engine, declared: Job, now: dt.datetime) -> int | None:
    """Queue the run of a job's last slot, unless somebody has, or it is paused; return its id if it was us.

    While a run of the job goes on nothing is queued: what it did not do, the next one does. A slot is claimed by one
    conditional write of (job, slot): the key of its run, which is unique.
    """
    with Session(engine) as session:
        slot = declared.schedule.last(now, load_shop(session).zone)
        row = rows(session).get(declared.code)
        if slot is None or row is None or row.paused:
            return None
        key = f"{declared.code}@{slot:%Y-%m-%dT%H:%M:%SZ}"
        there = select(Run.id).where((Run.key == key) | ((Run.job_id == row.id) & Run.state.in_(OPEN)))
        if session.scalar(there.limit(1)) is not None:
            return None
    try:
        return start(engine, declared, now, slot, key=key)
    except IntegrityError:
        return None


def start(
    engine: Engine, declared: Job, now: dt.datetime, as_of: dt.datetime, *, key: str | None = None
) -> int:
    """Queue a run of a job as of an instant, as the product itself; return its id."""
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        run = _queue(session, rows(session)[declared.code], Call(SYSTEM, now), as_of)
        run.key = key
        return run.id


def begin(engine: Engine, declared: Job, now: dt.datetime, as_of: dt.datetime, worker: str) -> runs.Claim:
    """Queue a run like :func:`start` and claim it in the same transaction, for who does it at once."""
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        run = _queue(session, rows(session)[declared.code], Call(SYSTEM, now), as_of)
        return runs.claim_own(run, now, worker)


def _queue(session: Session, row: JobRow, call: Call, as_of: dt.datetime) -> Run:
    size = JOBS[row.code].preview(session, as_of).size
    run = runs.queue(session, row.code, call, {"as_of": as_of}, size)
    run.job_id = row.id
    return run


# -- what people decide -------------------------------------------------------------------------------------------


@action(runs.RUN_NOW, JobRow, label=N_("Run now"), final=True)
def run_now(ctx: Context, row: JobRow) -> Outcome:
    """Queue a run of a job as of now. :raises Refused: ``unknown``, or ``running``: one is going on."""
    declared = JOBS.get(row.code)
    if declared is None:
        raise Refused("unknown", N_("This job is no longer there."))
    going = ctx.session.scalar(select(Run).where(Run.job_id == row.id, Run.state.in_(OPEN)).limit(1))
    if going is not None:
        refused = Refused("running", N_("It is going on already: run %(run)s."), run=str(going))
        refused.see = going.resource_name(), going.id
        raise refused
    foreseen = declared.preview(ctx.session, ctx.now)
    ctx.warn(foreseen.sentence, **{name: number_text(ctx, value) for name, value in foreseen.values.items()})
    run = _queue(ctx.session, row, Call(ctx.actor, ctx.now, ctx.reason), ctx.now)
    _ = ctx.changeset_id  # who started it is worth a line in the journal
    return Outcome(N_("The job has started."), run)


@action("job.pause", JobRow, label=N_("Pause"))
def pause(ctx: Context, row: JobRow) -> Outcome:
    """Leave a job out until it is resumed; a run that goes on goes on. :raises Refused: ``paused``."""
    if row.paused:
        raise Refused("paused", N_("This job is paused already."))
    row.paused = True
    return Outcome(N_("The clock leaves this job out until it is resumed."), row)


@action("job.resume", JobRow, label=N_("Resume"))
def resume(ctx: Context, row: JobRow) -> Outcome:
    """Let the clock do a job again; a slot that was missed is made good at once. :raises Refused: ``not_paused``."""
    if not row.paused:
        raise Refused("not_paused", N_("This job is not paused."))
    row.paused = False
    return Outcome(N_("The clock does this job again."), row)
