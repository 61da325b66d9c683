"""The runner: lock, check, change, journal, commit. Every door to every change leads through it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from actions.base import Action, Actor, Context, Outcome
from actions.constraints import explain
from actions.journal import JOURNAL, Journal, plain
from models.base import N_, Base, Invalid
from models.dialect import WRITE
from models.journal import Changeset
from models.shop import load_shop

LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, when, why and from where. ``key`` makes a repeated request answer once (rule 1.9)."""

    actor: Actor
    now: dt.datetime
    reason: str = ""
    key: str | None = None
    request_id: str | None = None
    address: str | None = None


@contextmanager
def changeset(engine: Engine, code: str, call: Call, body_hash: str | None = None) -> Iterator[Context]:
    """Open a write transaction that is one changeset: committed on leaving, rolled back on any exception.

    The session is the runner's own: on SQLite it takes the write lock at once, so a read-then-write never
    fails half way.
    """
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
    with Session(engine.execution_options(**{WRITE: True}), expire_on_commit=False) as session:
        session.info[JOURNAL] = journal
        with session.begin():
            shop = load_shop(session)
            yield Context(session, call.actor, call.now, shop, journal, call.reason, call.key)
            session.flush()
            journal.write(session)


def perform(
    engine: Engine, action: Action, call: Call, target_id: int | None = None, **parameters: Any
) -> Outcome:
    """Run one action in its own changeset and return what it says.

    :param target_id: the row it acts on; None for an action that creates one.
    :raises Invalid: bad input, by field. :raises Refused: the rules say no. Neither leaves anything behind.
    """
    if call.key and len(call.key) > LONGEST_KEY:
        raise Invalid({"key": N_("This key is too long.")})
    body_hash = _hash(action.code, target_id, parameters) if call.key else None
    try:
        return _attempt(engine, action, call, body_hash, target_id, parameters)
    except IntegrityError as error:
        if call.key and "changeset" in str(error.orig) and "key" in str(error.orig):
            return _attempt(engine, action, call, body_hash, target_id, parameters)
        raise explain(error, action.model) from error


def _attempt(
    engine: Engine,
    action: Action,
    call: Call,
    body_hash: str | None,
    target_id: int | None,
    parameters: dict[str, Any],
) -> Outcome:
    with changeset(engine, action.code, call, body_hash) as ctx:
        if (done := _answered(ctx, action, body_hash, target_id)) is not None:
            return done
        rows: list[Base] = []
        if action.targeted:
            rows = [ctx.lock_one(action.model, target_id if target_id is not None else 0)]
            ctx.concerns(rows[0])
        outcome = action(ctx, *rows, **parameters)
        if outcome.record is not None:
            ctx.session.flush()
            ctx.concerns(outcome.record)
    record_id = getattr(outcome.record, "id", None)
    return replace(outcome, changeset_id=ctx.journal.written, record_id=record_id)


def _answered(ctx: Context, action: Action, body_hash: str | None, target_id: int | None) -> Outcome | None:
    """Return what a request with this key did the first time, or None (rule 1.9)."""
    if ctx.key is None:
        return None
    earlier = ctx.session.scalar(select(Changeset).where(Changeset.key == ctx.key))
    if earlier is None:
        return None
    if earlier.body_hash != body_hash:
        raise Invalid({"key": N_("This key was already used for another request.")})
    record = _written_by(ctx, action, earlier.id)
    record_id = getattr(record, "id", target_id if action.targeted else earlier.subject_id)
    return Outcome(N_("Already done."), record, changeset_id=earlier.id, record_id=record_id)


def _written_by(ctx: Context, action: Action, changeset_id: int) -> Base | None:
    """Return the ledger row that a changeset wrote, if its action writes one."""
    if "changeset_id" not in action.model.__table__.c:
        return None
    rows = select(action.model).filter_by(changeset_id=changeset_id).order_by(action.model.__table__.c.id)
    return ctx.session.scalars(rows.limit(1)).first()


def _hash(code: str, target_id: int | None, parameters: dict[str, Any]) -> str:
    body = json.dumps([code, target_id, parameters], sort_keys=True, default=lambda value: str(plain(value)))
    return hashlib.sha256(body.encode()).hexdigest()
