"""The job: one declared function that the clock has done, in chunks that survive a worker that dies (rule 8).

``@job("loyalty.expire", cron="15 2 * * *", label=…, preview=points_due)`` gives the function its slots, its preview and
its place among the runs. The function does one chunk and returns how many things it did; 0 ends the run.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from actions.core.base import NOT_SENT, SYSTEM, Context, Outcome, Refused, action
from actions.core.texts import number_text
from actions.execution.runner import Call
from actions.runs import runs
from actions.runs.parameters_json import unpack
from jobs.schedule import Cron, Every, Schedule, Timetable, timetable
from models.base import N_, Invalid
from models.dialect import WRITE
from models.job import JobRow
from models.run import WENT_WRONG, ItemState, Run, RunItem, RunState
from models.shop import load_shop

log = logging.getLogger(__name__)
Chunk = Callable[[Context, Run, dt.datetime], int]
Preview = Callable[[Session, dt.datetime], "JobPreview"]
GRACE = dt.timedelta(minutes=5)
"""How late a slot may be queued before somebody should look why."""
OPEN = (RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class JobPreview:
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
    mails: bool = False


JOBS: dict[str, Job] = {}


def job(
    code: str,
    *,
    label: str,
    preview: Preview,
    cron: str = "",
    every: int = 0,
    about: str = "",
    mails: bool = False,
) -> Callable[[Chunk], Chunk]:
    """Declare a job.

    :param label: what it is called. :param cron: five fields, in the shop's zone. :param every: seconds.
    :param preview: counts in one query what the job would do as of an instant.
    :param about: the resource whose records its results name, where the code does not begin with it.
    :param mails: writes to those it is about, which is told beforehand where nothing can be sent (rule 14.4).
    :raises ValueError: not exactly one of ``cron`` and ``every``, a schedule that is none, or a code that is taken.
    """
    if bool(cron) == bool(every):
        raise ValueError(f"{code} needs cron= or every=, and not both")
    if code in JOBS:
        raise ValueError(f"there is a job {code} already")
    declared = Job(code, label, Cron(cron) if cron else Every(every), preview, mails)

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


def attempt(ctx: Context, run: Run, row_id: int, work: Callable[[], object]) -> bool:
    """Do one thing of a run in a savepoint; one that is refused or breaks is noted, and the others go on (rule 8.3)."""
    try:
        with ctx.journal.attempt(ctx.session):
            work()
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
    return overdue_since(row, last, now, zone) is not None


def overdue_since(row: JobRow, last: Run | None, now: dt.datetime, zone: ZoneInfo) -> dt.datetime | None:
    """Return the last slot of a job that nobody has queued, though there was time to; None while there is none."""
    if row.paused or row.code not in JOBS:
        return None
    slot = _last_slot(row, JOBS[row.code], now - GRACE, zone)
    if slot is None or slot <= row.created_at or (last is not None and last.created_at >= slot):
        return None
    return slot


def _last_slot(row: JobRow, declared: Job, now: dt.datetime, zone: ZoneInfo) -> dt.datetime | None:
    """Return the last slot of a job, by the timetable that the clock has written down: a new one begins only then."""
    known = timetable(row.timetable, zone) if row.timetable else None
    slot = (known or Timetable(declared.schedule, zone)).last(now)
    return None if slot is None or (row.timetable_since and slot <= row.timetable_since) else slot


def queue_slot(engine: Engine, declared: Job, now: dt.datetime) -> int | None:
    """Queue the run of a job's last slot, unless somebody has, or it is paused; return its id if it was us.

    While a run of the job goes on nothing is queued: what it did not do, the next one does. A slot is claimed by one
    conditional write of (job, slot): the key of its run, which is unique. Where schedule or zone are others than
    before, the last slot by the old ones is made good, and the new ones have only those that are still to come.
    """
    with Session(engine) as session:
        zone, row = load_shop(session).zone, rows(session).get(declared.code)
        if row is None or row.paused:
            return None
        if session.scalar(select(Run.id).where(Run.job_id == row.id, Run.state.in_(OPEN)).limit(1)):
            return None
        slot = _last_slot(row, declared, now, zone)
        key = f"{declared.code}@{slot:%Y-%m-%dT%H:%M:%SZ}" if slot is not None else ""
        is_there = session.scalar(select(Run.id).where(Run.key == key)) is not None
    queued = _start_slot(engine, declared, now, slot, key) if slot is not None and not is_there else None
    _note_timetable(engine, row, str(Timetable(declared.schedule, zone)), now)
    return queued


def _start_slot(engine: Engine, declared: Job, now: dt.datetime, slot: dt.datetime, key: str) -> int | None:
    """Queue a slot's run, unless somebody else just has."""
    try:
        return start(engine, declared, now, slot, key=key)
    except IntegrityError:
        return None


def _note_timetable(engine: Engine, row: JobRow, by: str, now: dt.datetime) -> None:
    """Write down by what a job's slots come from now on, by one conditional write; the first one holds from ever."""
    if row.timetable == by:
        return
    mine = JobRow.id == row.id, JobRow.timetable.is_not_distinct_from(row.timetable)
    since = now if row.timetable is not None else None
    noted = update(JobRow).where(*mine).values(timetable=by, timetable_since=since)
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        session.execute(noted, execution_options={"synchronize_session": False})


def start(
    engine: Engine, declared: Job, now: dt.datetime, as_of: dt.datetime, *, key: str | None = None
) -> int:
    """Queue a run of a job as of an instant, as the product itself; return its id."""
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        run = _queue(session, rows(session)[declared.code], Call(SYSTEM, now), as_of)
        run.key = key
        return run.id


def begin(engine: Engine, declared: Job, now: dt.datetime, as_of: dt.datetime, worker: str) -> runs.Claim:
    """Queue a run like :func:`start` and claim it in the same transaction, for anyone who does it at once."""
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
        raise Refused("unknown", N_("This job no longer exists."))
    going = ctx.session.scalar(select(Run).where(Run.job_id == row.id, Run.state.in_(OPEN)).limit(1))
    if going is not None:
        refused = Refused(
            "running", N_("This job is already running: background job %(run)s."), run=str(going)
        )
        refused.see = going.resource_name(), going.id
        raise refused
    ahead = declared.preview(ctx.session, ctx.now)
    ctx.warn(ahead.sentence, **{name: number_text(ctx, value) for name, value in ahead.values.items()})
    if declared.mails and ahead.size and ctx.link_base is not None:
        ctx.warn(NOT_SENT)
    run = _queue(ctx.session, row, Call(ctx.actor, ctx.now, ctx.reason), ctx.now)
    _ = ctx.changeset_id  # who started it is worth a line in the journal
    return Outcome(N_("The job has started."), run)


@action("job.pause", JobRow, label=N_("Pause"))
def pause(ctx: Context, row: JobRow) -> Outcome:
    """Leave a job out until it is resumed; a run that goes on goes on. :raises Refused: ``paused``."""
    if row.paused:
        raise Refused("paused", N_("This job is already paused."))
    row.paused = True
    return Outcome(N_("Job paused. It will not run until you resume it."), row)


@action("job.resume", JobRow, label=N_("Resume"))
def resume(ctx: Context, row: JobRow) -> Outcome:
    """Let the clock do a job again; a slot that was missed is made good at once. :raises Refused: ``not_paused``."""
    if not row.paused:
        raise Refused("not_paused", N_("This job is not paused."))
    row.paused = False
    return Outcome(N_("Job resumed."), row)
