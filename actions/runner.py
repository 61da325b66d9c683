"""The runner: lock, check, change, journal, commit. Every door to every change leads through it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from actions import guesses
from actions.base import Action, Actor, Context, Outcome, Refused, TooMany
from actions.constraints import explain
from actions.invariants import hold_to
from actions.journal import JOURNAL, Journal, plain
from actions.preview import Preview, fingerprint, row_changes
from models.base import N_, About, Base, Invalid
from models.dialect import PATIENCE, WRITE, deadlocked, gave_up, settle
from models.journal import Changeset
from models.shop import load_shop

LONGEST_KEY = 200
MOST_AT_ONCE = 500
"""Rows one changeset may act on; more is a run of many changesets."""

DEADLOCKS = 4
"""How often a deed is tried that the database picks to give way to another."""

PREVIEW_PATIENCE_MS = 500
BUSY = N_("Somebody else is changing this right now. Try again in a moment.")
Targets = int | Sequence[int] | None


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, when, why and from where. ``key`` makes a repeated request answer once (rule 1.9).

    :param confirm: what the person typed to confirm a dangerous deed: the record's name, or how many there are.
    :param fingerprint: of the preview they saw; the deed does not happen when it would do something else by now.
        A dangerous deed does not happen without (rule 3.1).
    """

    actor: Actor
    now: dt.datetime
    reason: str = ""
    key: str | None = None
    request_id: str | None = None
    address: str | None = None
    confirm: str | None = None
    fingerprint: str | None = None


@contextmanager
def changeset(engine: Engine, code: str, call: Call, body_hash: str | None = None) -> Iterator[Context]:
    """Open a write transaction that is one changeset: committed on leaving, rolled back on any exception.

    The session is the runner's own: on SQLite it takes the write lock at once, so a read-then-write never
    fails half way.
    """
    with _context(engine.execution_options(**{WRITE: True}), code, call, body_hash) as ctx:
        yield ctx
        for step in ctx.before_commit:
            step()
        ctx.session.flush()
        hold_to(ctx)
        ctx.journal.write(ctx.session)
        ctx.session.commit()


@contextmanager
def _context(engine: Engine, code: str, call: Call, body_hash: str | None = None) -> Iterator[Context]:
    """Open a session with a journal and roll back on leaving, unless it was committed."""
    header = {
        "action": code,
        "actor_id": call.actor.id,
        "actor_name": call.actor.name,
        "reason": call.reason,
        "request_id": call.request_id,
        "address": call.address,
        "key": call.key,
        "body_hash": body_hash,
    }
    journal = Journal(header, call.now)
    with Session(engine, expire_on_commit=False) as session:
        session.info[JOURNAL] = journal
        yield Context(session, call.actor, call.now, load_shop(session), journal, call.reason, call.key)


@dataclass(frozen=True, slots=True)
class _Deed:
    """One request of the runner: the action, the rows it is about, what it was given, and the digest of all that."""

    action: Action
    call: Call
    ids: tuple[int, ...]
    parameters: Mapping[str, Any]

    @property
    def body_hash(self) -> str | None:
        """What a repeated key must come with again (rule 1.9)."""
        if not self.call.key:
            return None
        return _hash(self.action.code, self.ids, guesses.concealed(self.action, self.parameters))


def perform(
    engine: Engine, action: Action, call: Call, targets: Targets = None, **parameters: Any
) -> Outcome:
    """Run one action in its own changeset and return what it says.

    :param targets: the id of the row it acts on, or of several (at most 500: all of them or none); None for an
        action that creates something.
    :raises Invalid: bad input, by field. :raises Refused: the rules say no. Neither leaves anything behind.
    """
    if call.key and len(call.key) > LONGEST_KEY:
        raise Invalid({"key": N_("This key is too long.")})
    deed = _Deed(action, call, _ids(targets), parameters)
    with guesses.counted(engine, action, call, parameters):
        return _perform(engine, deed)


def _perform(engine: Engine, deed: _Deed) -> Outcome:
    try:
        return _attempt_again(engine, deed)
    except IntegrityError as error:
        if deed.call.key and "changeset" in str(error.orig) and "key" in str(error.orig):
            return _attempt_again(engine, deed)
        raise explain(error, deed.action.model) from error


def rehearse(
    engine: Engine, action: Action, call: Call, targets: Targets = None, **parameters: Any
) -> Preview:
    """Run one action as :func:`perform` would, roll everything back, and return what it would have done.

    Of several rows each is tried by itself, so that all blockers are found at once. Nothing is raised for what the
    person can mend; a lock that somebody holds for more than half a second is a blocker, too.
    """
    try:
        with guesses.counted(engine, action, call, parameters) as wrong:
            found = _rehearse(engine, action, call, targets, parameters)
            wrong(action.guessed in found.errors)
            return found
    except TooMany as refused:
        return Preview(blockers=[refused])


def _rehearse(
    engine: Engine, action: Action, call: Call, targets: Targets, parameters: Mapping[str, Any]
) -> Preview:
    options = {WRITE: True, PATIENCE: PREVIEW_PATIENCE_MS}
    try:
        with _context(engine.execution_options(**options), action.code, replace(call, key=None)) as ctx:
            return _rehearsed(ctx, action, _ids(targets), parameters)
    except OperationalError as error:
        if not gave_up(error) and not deadlocked(error):
            raise
        return Preview(blockers=[Refused("busy", BUSY)])


def _rehearsed(ctx: Context, action: Action, ids: tuple[int, ...], parameters: Mapping[str, Any]) -> Preview:
    blockers: list[Refused] = []
    outcome = None
    try:
        outcome = _run(ctx, action, locked(ctx, action, ids, parameters), parameters, blockers)
        ctx.session.flush()
        settle(ctx.session)
        hold_to(ctx)
    except Invalid as invalid:
        return Preview(errors=invalid.errors)
    except Refused as refused:
        return Preview(blockers=[refused])
    except IntegrityError as error:
        explained = explain(error, action.model)
        if isinstance(explained, Invalid):
            return Preview(errors=explained.errors)
        return Preview(blockers=[explained] if isinstance(explained, Refused) else [])
    outcome = replace(outcome, warnings=tuple(ctx.warnings))
    return Preview(row_changes(ctx.journal), outcome, blockers, {}, fingerprint(ctx.session, ctx.journal))


def _ids(targets: Targets) -> tuple[int, ...]:
    if targets is None:
        return ()
    ids = (targets,) if isinstance(targets, int) else tuple(sorted(set(targets)))
    if len(ids) > MOST_AT_ONCE:
        raise Refused("too_many", N_("At most %(most)s records at a time."), most=MOST_AT_ONCE)
    return ids


def _attempt_again(engine: Engine, deed: _Deed) -> Outcome:
    """Run the deed; where it waited for another that waited for it, and had to give way, run it anew."""
    for _turn in range(DEADLOCKS):
        try:
            return _attempt(engine, deed)
        except OperationalError as error:
            if not deadlocked(error):
                raise
    raise Refused("busy", BUSY)


def _attempt(engine: Engine, deed: _Deed) -> Outcome:
    call = deed.call
    with changeset(engine, deed.action.code, call, deed.body_hash) as ctx:
        if (done := _answered(ctx, deed)) is not None:
            return done
        rows = locked(ctx, deed.action, deed.ids, deed.parameters)
        if deed.action.danger:
            check_confirmed(call.confirm, str(rows[0]) if len(rows) == 1 else str(len(rows)))
        outcome = _run(ctx, deed.action, rows, deed.parameters)
        _check_seen(ctx, deed)
    record_id = getattr(outcome.record, "id", None)
    return replace(
        outcome, changeset_id=ctx.journal.written, record_id=record_id, warnings=tuple(ctx.warnings)
    )


def _run(
    ctx: Context,
    action: Action,
    rows: Sequence[Base],
    parameters: Mapping[str, Any],
    blockers: list[Refused] | None = None,
) -> Outcome:
    """Run the action on each of the locked rows. With ``blockers`` refusals of single rows are collected there."""
    if len(rows) > 1:
        return _run_each(ctx, action, rows, parameters, blockers)
    if rows:
        ctx.concerns(rows[0])
    outcome = action(ctx, *rows, **parameters)
    if outcome.record is not None:
        ctx.session.flush()
        ctx.concerns(outcome.record)
    return outcome


def locked(ctx: Context, action: Action, ids: tuple[int, ...], parameters: Mapping[str, Any]) -> list[Base]:
    """Lock what the deed is about, and whatever else it names, in one statement in id order; return the former."""
    if not action.targeted:
        return []
    rows: list[Any] = ctx.lock(action.model, [*(ids or (0,)), *action.named(parameters)])
    return [row for row in rows if row.id in ids]


def _run_each(
    ctx: Context,
    action: Action,
    rows: Sequence[Base],
    parameters: Mapping[str, Any],
    blockers: list[Refused] | None,
) -> Outcome:
    done = 0
    for row in rows:
        try:
            if blockers is None:
                action(ctx, row, **parameters)
            else:
                with ctx.journal.attempt(ctx.session):
                    action(ctx, row, **parameters)
            done += 1
        except (Refused, Invalid) as error:
            error.about = About(row.id, str(row))  # type: ignore[attr-defined]
            if blockers is None:
                raise
            blockers += [error] if isinstance(error, Refused) else _as_refusals(error)
    return Outcome(N_("Done for %(count)s records."), values={"count": done})


def _as_refusals(invalid: Invalid) -> list[Refused]:
    """Return why one of several rows would not take its values, as what stands in the way of all."""
    found = [Refused("invalid", text) for text in invalid.errors.values()]
    for refused in found:
        refused.about = invalid.about
    return found


def check_confirmed(typed: str | None, wanted: str) -> None:
    """Compare what a person typed to confirm, whatever its capitals and blanks. :raises Invalid: it is not that."""
    if " ".join((typed or "").casefold().split()) != " ".join(wanted.casefold().split()):
        raise Invalid({"confirm": N_("Type it exactly as it is shown to confirm.")})


def _check_seen(ctx: Context, deed: _Deed) -> None:
    """Hold the deed to the preview the person saw; a dangerous one to having seen it (rule 3.1)."""
    seen = deed.call.fingerprint
    if not seen and deed.action.danger:
        raise Invalid({"fingerprint": N_("Look at what will change first, then confirm it.")})
    if seen and seen != fingerprint(ctx.session, ctx.journal):
        raise Refused(
            "preview_stale", N_("The data has changed since you saw the preview. Look at it again.")
        )


def _answered(ctx: Context, deed: _Deed) -> Outcome | None:
    """Return what a request with this key did the first time, or None (rule 1.9)."""
    if ctx.key is None:
        return None
    earlier = ctx.session.scalar(select(Changeset).where(Changeset.key == ctx.key))
    if earlier is None:
        return None
    if earlier.body_hash != deed.body_hash:
        raise Invalid({"key": N_("This key was already used for another request.")})
    record = _written_by(ctx, deed.action, earlier.id)
    record_id = getattr(record, "id", deed.ids[0] if len(deed.ids) == 1 else earlier.subject_id)
    return Outcome(N_("Already done."), record, changeset_id=earlier.id, record_id=record_id)


def _written_by(ctx: Context, action: Action, changeset_id: int) -> Base | None:
    """Return the ledger row that a changeset wrote, if its action writes one."""
    if "changeset_id" not in action.model.__table__.c:
        return None
    rows = select(action.model).filter_by(changeset_id=changeset_id).order_by(action.model.__table__.c.id)
    return ctx.session.scalars(rows.limit(1)).first()


def _hash(code: str, ids: tuple[int, ...], parameters: Mapping[str, Any]) -> str:
    body = json.dumps([code, ids, parameters], sort_keys=True, default=lambda value: str(plain(value)))
    return hashlib.sha256(body.encode()).hexdigest()
