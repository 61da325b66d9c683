"""The engine for long work: claim, lease, fence, chunks with checkpoints, cancel, resume (rule 8).

A run is processed in chunks. Each chunk is one transaction: the items' changes, their results, the counts and the
lease move together, so a killed process loses one chunk of work and no data, and a worker whose lease has passed to
another finds its fence outdated and writes nothing.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

from sqlalchemy import Engine, Select, and_, func, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from actions.core.base import ACTIONS, Actor, Context, Escalation, Outcome, Refused, action
from actions.execution.constraints import to_refusal
from actions.execution.invariants import check_invariants
from actions.execution.runner import Call, changeset, locked
from actions.runs.parameters_json import pack, unpack
from actions.undo.undo import undo
from models import outage
from models.base import N_, Invalid
from models.dialect import WRITE, Turns
from models.journal import Changeset
from models.masks import unmasked
from models.run import WENT_WRONG, ItemState, Run, RunItem, RunState
from models.staff import may

log = logging.getLogger(__name__)

LEASE = dt.timedelta(seconds=60)
CHUNK = 50
MOST_TRIES = 5
LONGEST_RESULT = 2_000
RUN_NOW = "job.run_now"
"""What a person who starts a job must be permitted, until its end."""
Clock = Callable[[], dt.datetime]
CHUNKS: dict[str, Callable[[Context, Run], bool]] = {}
"""Action code -> how a run of it takes its next step, where that is not an action on one row after the other. It
stores a result for each of its items, and returns False when none was left."""
LABELS: dict[str, str] = {}
"""Code -> what a run is called that no action stands behind: one that the clock starts."""
ABOUT: dict[str, str] = {}
"""Code -> the resource whose records the results of a run are about, where the code does not begin with it."""


class Fenced(Exception):
    """Another worker has taken the run over: nothing of this chunk is kept."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a run until the lease ends or somebody claims it with a higher fence."""

    run_id: int
    fence: int
    worker: str


# -- starting -----------------------------------------------------------------------------------------------------


def start(engine: Engine, code: str, call: Call, rows: Select[Any], values: Mapping[str, Any]) -> int:
    """Queue a run of an action over every row of a statement that yields ids; return the run's id.

    :param values: the action's parameters. The call's key makes a repeated request start it once.
    :raises Refused: ``nothing``, the statement yields no row. :raises Invalid: the key was used for something else.
    """
    parameters = pack(values)
    if (there := _started(engine, call, code, parameters)) is not None:
        return there
    try:
        with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
            run = _new(code, call.actor, call.now, call.reason)
            run.parameters, run.key = parameters, call.key
            _queue(session, run, rows)
            return run.id
    except IntegrityError:
        if (there := _started(engine, call, code, parameters)) is None:
            raise
        return there


def queue(session: Session, code: str, call: Call, values: Mapping[str, Any], size: int) -> Run:
    """Store a run whose steps :data:`CHUNKS` knows, of ``size`` items; return it."""
    run = _new(code, call.actor, call.now, call.reason)
    run.parameters, run.size = pack(values), size
    session.add(run)
    session.flush()
    return run


def claim_own(run: Run, now: dt.datetime, worker: str) -> Claim:
    """Claim a run in the transaction that queues it, for a caller who does it at once; others take it up if it dies."""
    run.state, run.fence, run.worker = RunState.RUNNING, 1, worker
    run.lease_until, run.started_at = now + LEASE, now
    return Claim(run.id, run.fence, worker)


def _started(engine: Engine, call: Call, code: str, parameters: dict[str, Any]) -> int | None:
    """Return the run that a request with this key started before (rule 1.9)."""
    if call.key is None:
        return None
    with Session(engine) as session:
        earlier = session.scalar(select(Run).where(Run.key == call.key))
        if earlier is not None and (earlier.action, earlier.parameters) != (code, parameters):
            raise Invalid({"key": N_("This key has already been used for another request.")})
        return earlier.id if earlier is not None else None


def _new(code: str, actor: Actor, now: dt.datetime, reason: str) -> Run:
    return Run(action=code, actor_id=actor.id, actor_name=actor.name, reason=reason, created_at=now)


def _queue(session: Session, run: Run, rows: Select[Any], *, newest_first: bool = False) -> None:
    """Store a run with an item for each id, in the order of the ids."""
    session.add(run)
    session.flush()
    chosen = rows.order_by(None).subquery()
    order = chosen.c[0].desc() if newest_first else chosen.c[0]
    position = func.row_number().over(order_by=order)
    numbered = select(literal(run.id), position, chosen.c[0], literal("pending"))
    session.execute(insert(RunItem).from_select(["run_id", "position", "row_id", "state"], numbered))
    count = select(func.count()).select_from(RunItem).where(RunItem.run_id == run.id)
    run.size = session.scalar(count) or 0
    if not run.size:
        raise Refused("nothing", N_("There is nothing to do."))


# -- working ------------------------------------------------------------------------------------------------------


def claimable(now: dt.datetime) -> Any:
    """Return the condition of a run that nobody is working on: waiting, or its worker's lease has passed."""
    return or_(Run.state == RunState.QUEUED, and_(Run.state == RunState.RUNNING, Run.lease_until < now))


def claim(engine: Engine, now: dt.datetime, worker: str) -> Claim | None:
    """Take the oldest run nobody works on, by one conditional write; None when there is none."""
    with Session(engine) as session:
        ours = Run.action.in_([*ACTIONS, *CHUNKS])
        oldest = session.scalar(select(Run.id).where(claimable(now), ours).order_by(Run.id).limit(1))
    return claim_run(engine, oldest, now, worker) if oldest is not None else None


def claim_run(engine: Engine, run_id: int, now: dt.datetime, worker: str) -> Claim | None:
    """Take one run, unless somebody works on it."""
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        taken = (
            update(Run)
            .where(Run.id == run_id, claimable(now))
            .values(
                state=RunState.RUNNING, fence=Run.fence + 1, worker=worker, lease_until=now + LEASE,
                started_at=func.coalesce(Run.started_at, now),
            )
            .returning(Run.fence)
        )  # fmt: skip
        fence = session.scalar(taken.execution_options(synchronize_session=False))
    return Claim(run_id, fence, worker) if fence is not None else None


def process_next_run(engine: Engine, clock: Clock, worker: str, stop: Event | None = None) -> bool:
    """Claim one run and do it to its end, or until ``stop``; return whether there was one."""
    taken = claim(engine, clock(), worker)
    if taken is None:
        return False
    run_to_completion(engine, taken, clock, stop)
    return True


def run_to_completion(engine: Engine, taken: Claim, clock: Clock, stop: Event | None = None) -> None:
    """Do a run that was claimed chunk by chunk to its end, until ``stop``, or until somebody else has taken it over.

    What ails a database that is not merely busy is raised: the lease will pass, and somebody takes it up again.
    """
    tries, turns = 0, Turns(engine)
    while not (stop is not None and stop.is_set()):
        try:
            if not do_chunk(engine, taken, clock):
                break
            tries = 0
            turns.give()
        except Fenced:
            log.warning("run %s was taken over from %s", taken.run_id, taken.worker)
            break
        except OperationalError as error:
            if outage.trouble(error) is not outage.Trouble.BUSY:
                raise
            tries += 1
            log.warning("run %s: the database was busy, try %s", taken.run_id, tries)
            if tries == MOST_TRIES:
                break  # the lease will pass, and somebody takes it up again


def serve(engine: Engine, clock: Clock, worker: str, stop: Event, idle: float = 1.0) -> None:
    """Work off runs as they come, until ``stop``. A failure is logged and never ends the loop."""
    pauses = outage.Pauses(idle)
    while not stop.is_set():
        try:
            worked = process_next_run(engine, clock, worker, stop)
            pauses.worked()
            if worked:
                continue
        except Exception as error:
            if pauses.failed(error):
                log.exception("worker %s", worker)
        stop.wait(pauses.seconds)


def do_chunk(engine: Engine, taken: Claim, clock: Clock) -> bool:
    """Do the next items of a run in one transaction; return whether there may be more.

    :raises Fenced: the run is somebody else's by now; nothing was written.
    """
    now = clock()
    with Session(engine) as session:
        run = session.get_one(Run, taken.run_id)
        call = Call(Actor(run.actor_id, run.actor_name), now, run.reason)
        code = run.action
    with unmasked(), changeset(engine, code, call) as ctx:
        ctx.journal.header["run_id"] = taken.run_id
        run = _hold(ctx.session, taken, now)
        _stop_unless_allowed(ctx.session, run)
        if (step := CHUNKS.get(code)) is not None:
            more = not run.cancel_requested and step(ctx, run)
            if not more:
                _finish(run, now)
            return more
        items = _next(ctx.session, run)
        if run.cancel_requested or not items:
            _finish(run, now)
            return False
        for item in items:
            _do(ctx, run, item)
        ctx.session.flush()
        if ctx.journal.changes or ctx.journal.entries or ctx.journal.mails:
            for item in items:
                item.changeset_id = ctx.changeset_id if item.state == ItemState.DONE else None
    return True


def _hold(session: Session, taken: Claim, now: dt.datetime) -> Run:
    """Renew the lease if the run is still ours, and lock its row for the chunk."""
    mine = and_(Run.id == taken.run_id, Run.fence == taken.fence, Run.state == RunState.RUNNING)
    renewed = update(Run).where(mine).values(lease_until=now + LEASE).returning(Run.id)
    if session.scalar(renewed.execution_options(synchronize_session=False)) is None:
        raise Fenced
    return session.get_one(Run, taken.run_id, populate_existing=True)


def _stop_unless_allowed(session: Session, run: Run) -> None:
    """Go no further for somebody who was deactivated, or who lost the permission since they started the run."""
    code = RUN_NOW if run.job_id is not None else run.action if run.undoes_id is None else undo_all.code
    if run.actor_id is not None and not may(session, run.actor_id, code):
        run.cancel_requested = True
        run.stopped_because = N_("Stopped: the person who started this no longer has permission.")


def _next(session: Session, run: Run) -> Sequence[RunItem]:
    """Return the next items; each step of an undo is a changeset of its own, which names what it undoes."""
    most = CHUNK if run.undoes_id is None else 1
    wanted = select(RunItem).where(RunItem.run_id == run.id, RunItem.state == ItemState.PENDING)
    return session.scalars(wanted.order_by(RunItem.position).limit(most)).all()


def _do(ctx: Context, run: Run, item: RunItem) -> None:
    """Do one item in a savepoint; one that cannot be done is recorded, and the others go on (rule 8.3)."""
    told = len(ctx.warnings)
    try:
        with ctx.journal.attempt(ctx.session):
            outcome = _act(ctx, run, item)
            ctx.session.flush()
            check_invariants(ctx)
    except (Refused, Invalid, IntegrityError) as error:
        item.state, item.message = ItemState.REFUSED, _short(_why(error, run))
        run.refused += 1
        if isinstance(error, Escalation):
            error.whom = error.whom or (ACTIONS[run.action].model.__tablename__, item.row_id)
            ctx.escalations.append(error)
        return
    except OperationalError:
        raise
    except Exception:
        log.exception("run %s, item %s", run.id, item.position)
        item.state, item.message = ItemState.FAILED, WENT_WRONG
        run.refused += 1
        return
    item.state = ItemState.DONE
    said = outcome.message % outcome.values if outcome.values else outcome.message
    item.message = _short(" ".join([said, *(warned.text for warned in ctx.warnings[told:])]))
    run.done += 1


def _short(text: str) -> str:
    """Return what a result has room for: an undo may have a reason for each of hundreds of rows."""
    return text if len(text) <= LONGEST_RESULT else f"{text[: LONGEST_RESULT - 1]}…"


def _why(error: Exception, run: Run) -> str:
    if isinstance(error, IntegrityError):
        error = to_refusal(error, ACTIONS[run.action].model)
    return str(error)


def _finish(run: Run, now: dt.datetime) -> None:
    run.finished_at, run.lease_until = now, None
    if run.cancel_requested and run.done + run.refused < run.size:
        run.state = RunState.CANCELLED
    else:
        run.state = RunState.WITH_ERRORS if run.refused else RunState.DONE


def _act(ctx: Context, run: Run, item: RunItem) -> Outcome:
    """Run the action on one row, which is locked with whatever else the action names."""
    declared, values = ACTIONS[run.action], unpack(run.parameters or {})
    return declared(ctx, *locked(ctx, declared, (item.row_id,), values), **values)


# -- actions on runs ----------------------------------------------------------------------------------------------


@action("run.cancel", Run, label=N_("Cancel"))
def cancel(ctx: Context, run: Run) -> Outcome:
    """Stop a run before its next chunk; what is done stays done. :raises Refused: ``finished``."""
    if not run.is_open:
        raise Refused("finished", N_("This job has finished."))
    run.cancel_requested = True
    if run.state == RunState.QUEUED:
        _finish(run, ctx.now)
    ctx.warn(N_("Records already changed stay changed. You can undo them."))
    _ = ctx.changeset_id  # who stopped it is worth a line in the journal
    return Outcome(N_("Background job stopped."), run)


@action("run.undo", Run, label=N_("Undo everything"))
def undo_all(ctx: Context, run: Run) -> Outcome:
    """Queue the undo of all that a run changed, newest first, as a run of its own.

    :raises Refused: ``unfinished``, ``nothing``, or ``by_the_clock``.
    """
    if run.action in LABELS:
        raise Refused("by_the_clock", N_("Scheduled jobs cannot be undone: the next run would repeat them."))
    if run.is_open:
        raise Refused("unfinished", N_("This job is still running. Cancel it or wait for it to finish."))
    back = _new(undo.code, ctx.actor, ctx.now, ctx.reason)
    back.undoes_id = run.id
    rows = select(Changeset.id).where(Changeset.run_id == run.id)
    _queue(ctx.session, back, rows, newest_first=True)
    ctx.warn(N_("Undone record by record. Anything changed since is kept and listed in the results."))
    _ = ctx.changeset_id
    return Outcome(N_("Undo started."), back)
