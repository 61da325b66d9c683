"""The runner: lock, check, change, journal, commit. Every channel to every change leads through it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from actions.core.actors import NOT_IN_PORTAL
from actions.core.base import Action, Actor, Busy, Context, Escalation, Outcome, Refused, TooMany
from actions.core.journal import JOURNAL, Journal, plain
from actions.core.refusals import Moved, as_refusals
from actions.execution import code_attempts, holders, repeats
from actions.execution.constraints import to_refusal
from actions.execution.invariants import check_invariants
from actions.execution.preview import Preview, fingerprint, row_changes
from models.base import N_, About, Base, Invalid
from models.choices import CreatedVia
from models.dialect import PATIENCE, WRITE, deadlocked, gave_up, settle
from models.journal import Changeset
from models.normalise import trimmed
from models.renamed_codes import spellings
from models.renamed_fields import as_before
from models.shop import load_shop

log = logging.getLogger(__name__)

LONGEST_KEY = 200
MOST_AT_ONCE = 500
"""Rows one changeset may act on; more is a run of many changesets."""

DEADLOCKS = 4
"""How often an action is tried that the database picks to give way to another."""

PREVIEW_PATIENCE_MS = 500
NOTE_PATIENCE_MS = 500
"""A note of a refusal waits no longer than this for others who write."""
ESCALATION = "staff.escalation_refused"
Targets = int | Sequence[int] | None


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, when, why and from where. ``key`` makes a repeated request answer once (rule 1.9).

    :param confirm: what the person typed to confirm a dangerous action: the record's name, or how many there are.
    :param fingerprint: of the preview they saw; the action does not happen when it would do something else by now.
        A dangerous action does not happen without (rule 3.1).
    :param via: the channel that the request came by.
    :param link_base: what links begin with, where no mail can go out; None where it can.
    :param has_portal: whether customers have a portal that links to them lead to.
    :param session_id: the session of the back office that a member of staff asks from, where they do.
    """

    actor: Actor
    now: dt.datetime
    reason: str = ""
    key: str | None = None
    request_id: str | None = None
    address: str | None = None
    confirm: str | None = None
    fingerprint: str | None = None
    via: CreatedVia = CreatedVia.BACK_OFFICE
    link_base: str | None = None
    has_portal: bool = True
    session_id: int | None = None


@contextmanager
def changeset(engine: Engine, code: str, call: Call, body_hash: str | None = None) -> Iterator[Context]:
    """Open a write transaction that is one changeset: committed on leaving, rolled back on any exception.

    The session is the runner's own: on SQLite it takes the write lock at once, so a read-then-write never
    fails half way. An attempt to go beyond one's own permissions is rolled back too, and then written down by itself.
    """
    try:
        with _context(engine.execution_options(**{WRITE: True}), code, call, body_hash) as ctx:
            with _about_whom(ctx):
                yield ctx
                for step in ctx.before_commit:
                    step()
                ctx.session.flush()
                check_invariants(ctx)
            ctx.journal.write(ctx.session)
            repeats.remember(ctx)
            ctx.session.commit()
    except Escalation as refused:
        _note(engine, code, call, refused)
        raise
    for single in ctx.escalations:
        _note(engine, code, call, single)


@contextmanager
def _about_whom(ctx: Context) -> Iterator[None]:
    """Have a refusal say which row the action was about, as long as that is known."""
    try:
        yield
    except Escalation as refused:
        refused.whom = refused.whom or ctx.journal.about
        raise


def _note(engine: Engine, code: str, call: Call, refused: Escalation) -> None:
    """Write down who was refused what, and about whom; whatever comes of that, the answer is the same."""
    asked = replace(call, key=None, reason=f"{code}: {refused}")
    patient = engine.execution_options(**{WRITE: True, PATIENCE: NOTE_PATIENCE_MS})
    try:
        with _context(patient, ESCALATION, asked) as ctx:
            table, row_id = refused.whom or (None, None)
            ctx.journal.header |= {"subject_table": table, "subject_id": row_id}
            _ = ctx.changeset_id
            ctx.session.commit()
    except Exception:
        log.warning("request %s: a refusal could not be written down", call.request_id, exc_info=True)


@contextmanager
def _context(engine: Engine, code: str, call: Call, body_hash: str | None = None) -> Iterator[Context]:
    """Open a session with a journal and roll back on leaving, unless it was committed."""
    reason = trimmed(call.reason)
    header = {
        "action": code,
        "actor_id": call.actor.id,
        "actor_name": call.actor.name,
        "on_behalf_of_id": call.actor.customer_id,
        "reason": reason,
        "request_id": call.request_id,
        "address": call.address,
        "key": call.key,
        "body_hash": body_hash,
    }
    journal = Journal(header, call.now)
    with Session(engine, expire_on_commit=False) as session:
        session.info[JOURNAL] = journal
        shop = load_shop(session)
        where = call.via, call.link_base, call.has_portal, call.session_id
        yield Context(session, call.actor, call.now, shop, journal, reason, call.key, *where)


@dataclass(frozen=True, slots=True)
class _Request:
    """One request of the runner: the action, the rows it is about, what it was given, and the digest of all that."""

    action: Action
    call: Call
    ids: tuple[int, ...]
    parameters: Mapping[str, Any]

    @property
    def body_hash(self) -> str | None:
        """What a repeated key must come with again (rule 1.9)."""
        return self._hash_as(self.action.code, self.parameters) if self.call.key else None

    def repeats(self, earlier: Changeset) -> bool:
        """Return whether an earlier request asked for the same, by these names of action and fields or older ones."""
        spelt = product(spellings(self.action.code), (self.parameters, as_before(self.parameters)))
        hashes = {self._hash_as(*names) for names in spelt} if self.call.key else {None}
        return earlier.body_hash in hashes

    def _hash_as(self, code: str, parameters: Mapping[str, Any]) -> str:
        return _hash(code, self.ids, code_attempts.concealed(self.action, parameters))


def perform(
    engine: Engine, action: Action, call: Call, targets: Targets = None, **parameters: Any
) -> Outcome:
    """Run one action in its own changeset and return what it says.

    :param targets: the id of the row it acts on, or of several (at most 500: all of them or none); None for an
        action that creates something.
    :raises Invalid: bad input, by field. :raises Refused: the rules say no. Neither leaves anything behind.
    :raises Busy: somebody else is changing it, and does not come to an end.
    """
    if call.key and len(call.key) > LONGEST_KEY:
        raise Invalid({"key": N_("This key is too long.")})
    _check_portal(action, call)
    given = _Request(action, call, _ids(targets), parameters)
    with code_attempts.counted(engine, action, call, parameters):
        return _perform(engine, given)


def _check_portal(action: Action, call: Call) -> None:
    """Refuse in a portal what a customer does not do there, or staff who are logged in as one (rules 6.3, 6.5)."""
    if not action.is_open_to(call.actor):
        raise Refused(*NOT_IN_PORTAL)


def _perform(engine: Engine, given: _Request) -> Outcome:
    try:
        return _attempt_again(engine, given)
    except IntegrityError as error:
        if given.call.key and "changeset" in str(error.orig) and "key" in str(error.orig):
            return _attempt_again(engine, given)
        raise holders.refusal(engine, error, given.action.model, given.call.actor) from error


def dry_run(
    engine: Engine, action: Action, call: Call, targets: Targets = None, **parameters: Any
) -> Preview:
    """Run one action as :func:`perform` would, roll everything back, and return what it would have done.

    Of several rows each is tried by itself, so that all blockers are found at once. Nothing is raised for what the
    person can fix; a lock that somebody holds for more than half a second is a blocker, too.
    """
    _check_portal(action, call)
    try:
        with code_attempts.counted(engine, action, call, parameters) as wrong:
            found = _dry_run(engine, action, call, targets, parameters)
            wrong(action.code_param in found.errors)
            return found
    except TooMany as refused:
        return Preview(blockers=[refused])


def _dry_run(
    engine: Engine, action: Action, call: Call, targets: Targets, parameters: Mapping[str, Any]
) -> Preview:
    options = {WRITE: True, PATIENCE: PREVIEW_PATIENCE_MS}
    try:
        with _context(engine.execution_options(**options), action.code, replace(call, key=None)) as ctx:
            return _previewed(ctx, action, _ids(targets), parameters)
    except OperationalError as error:
        if not gave_up(error) and not deadlocked(error):
            raise
        return Preview(blockers=[Busy()])


def _previewed(ctx: Context, action: Action, ids: tuple[int, ...], parameters: Mapping[str, Any]) -> Preview:
    blockers: list[Refused] = []
    outcome = None
    try:
        outcome = _run(ctx, action, locked(ctx, action, ids, parameters), parameters, blockers)
        ctx.session.flush()
        settle(ctx.session)
        check_invariants(ctx)
    except Invalid as invalid:
        return Preview(errors=invalid.errors)
    except Refused as refused:
        return Preview(blockers=[refused, *refused.more])
    except IntegrityError as error:
        explained = to_refusal(error, action.model)
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
        raise Refused("too_many", N_("You can choose up to %(most)s records at a time."), most=MOST_AT_ONCE)
    return ids


def _attempt_again(engine: Engine, given: _Request) -> Outcome:
    """Run the action; where it waited for another that waited for it, and had to give way, run it again.

    So, too, where its rows went to another customer while it waited: it finds them there, or that it was done already.

    :raises Busy: others held their locks for longer than it waits, or it gave way too often.
    """
    for _turn in range(DEADLOCKS):
        try:
            return _attempt(engine, given)
        except Moved:
            continue
        except OperationalError as error:
            if gave_up(error):
                raise Busy from error
            if not deadlocked(error):
                raise
    raise Busy


def _attempt(engine: Engine, given: _Request) -> Outcome:
    call = given.call
    with changeset(engine, given.action.code, call, given.body_hash) as ctx:
        if (done := repeats.answered(ctx, given.action, given.ids, given.repeats)) is not None:
            return done
        rows = locked(ctx, given.action, given.ids, given.parameters)
        if given.action.danger:
            check_confirmed(call.confirm, str(rows[0]) if len(rows) == 1 else str(len(rows)))
        outcome = _run(ctx, given.action, rows, given.parameters)
        _check_seen(ctx, given)
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
        ctx.set_subject(rows[0])
    outcome = action(ctx, *rows, **parameters)
    if outcome.record is not None:
        ctx.session.flush()
        ctx.set_subject(outcome.record)
    return outcome


def locked(ctx: Context, action: Action, ids: tuple[int, ...], parameters: Mapping[str, Any]) -> list[Base]:
    """Lock what the action is about, and whatever else it names, in one statement in id order; return the former."""
    if not action.targeted:
        return []
    wanted, heirs = [*(ids or (0,)), *action.named(parameters)], action.heirs(parameters)
    rows: list[Any] = ctx.lock(action.model, wanted, heirs)
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
            if isinstance(error, Escalation):
                error.whom = error.whom or (row.__tablename__, row.id)  # type: ignore[attr-defined]
            if blockers is None:
                raise
            blockers += [error] if isinstance(error, Refused) else as_refusals(error)
    return Outcome(N_("Done for %(count)s records."), values={"count": done})


def check_confirmed(typed: str | None, wanted: str) -> None:
    """Compare what a person typed to confirm, whatever its capitals and blanks. :raises Invalid: it is not that."""
    if " ".join((typed or "").casefold().split()) != " ".join(wanted.casefold().split()):
        raise Invalid({"confirm": N_("Type the text exactly as shown to confirm.")})


def _check_seen(ctx: Context, given: _Request) -> None:
    """Hold the action to the preview the person saw; a dangerous one to having seen it (rule 3.1)."""
    seen = given.call.fingerprint
    if not seen and given.action.danger:
        raise Invalid({"fingerprint": N_("Preview the changes first, then confirm.")})
    if seen and seen != fingerprint(ctx.session, ctx.journal):
        raise Refused("preview_stale", N_("The data has changed since the preview. Check the preview again."))


def _hash(code: str, ids: tuple[int, ...], parameters: Mapping[str, Any]) -> str:
    body = json.dumps([code, ids, parameters], sort_keys=True, default=lambda value: str(plain(value)))
    return hashlib.sha256(body.encode()).hexdigest()
