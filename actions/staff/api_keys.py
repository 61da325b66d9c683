"""Keys to the API: made and revoked by people, looked up at each request a program makes (rule 9).

A key is 256 random bits, so a plain SHA-256 keeps it as safe as a slow hash would and costs a request nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from sqlalchemy import Engine, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from actions.core.base import Context, Outcome, Refused, action
from actions.execution.records import save_new
from models import outage
from models.api_key import ApiKey, KeyScope
from models.base import N_, Invalid, Staff
from models.dialect import PATIENCE, WRITE
from models.staff import LACKS_FACTOR

MARK = "clt_"
SHOWN = 8
"""Characters of a key that lists show."""
LENGTH = len(MARK) + 43
REVOKED = "revoked", N_("This key has already been revoked.")
USED_AT_MOST_EVERY = dt.timedelta(minutes=1)
PATIENCE_MS = 200
"""A note of when a key was used waits for nobody: the next request makes it."""


@action("api_key.create", ApiKey, label=N_("New API key"), final=True, recent=True)
def create(
    ctx: Context, *, name: str, scope: KeyScope = KeyScope.READ, expires_on: dt.date | None = None
) -> Outcome:
    """Make a key for the person who asks. :raises Invalid: its last day is over."""
    if ctx.actor.id is None:
        raise Refused("nobody", N_("An API key must belong to a member of staff."))
    if expires_on is not None and expires_on < ctx.now.astimezone(ctx.shop.zone).date():
        raise Invalid({"expires_on": N_("Choose today or a later day, or leave it blank.")})
    key = MARK + secrets.token_urlsafe(32)
    row = ApiKey(user_id=ctx.actor.id, owner_name=ctx.actor.name, prefix=key[:SHOWN], hash=digest(key))
    save_new(ctx, row, {"name": name, "scope": scope, "expires_on": expires_on})
    return Outcome(N_("API key %(name)s created."), row, {"name": row.name}, secret=key)


@action("api_key.revoke", ApiKey, label=N_("Revoke"), final=True)
def revoke(ctx: Context, row: ApiKey) -> Outcome:
    """End a key at once and for good. :raises Refused: ``revoked``."""
    if row.revoked_at is not None:
        raise Refused(*REVOKED)
    row.revoked_at = ctx.now
    return Outcome(N_("API key %(name)s revoked. It no longer works."), row, {"name": row.name})


def digest(key: str) -> str:
    """Return what the database keeps of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def find(session: Session, key: str) -> tuple[ApiKey, Staff, bool] | None:
    """Return a key that is not revoked, its active owner, and whether they have to set up a second step first.

    In one statement; the caller checks the key's last day.
    """
    if len(key) != LENGTH or not key.startswith(MARK):
        return None
    query = (
        select(ApiKey, Staff, LACKS_FACTOR)
        .join(Staff, Staff.id == ApiKey.user_id)
        .where(ApiKey.hash == digest(key), ApiKey.revoked_at.is_(None), Staff.active)
    )
    found = session.execute(query).first()
    return (found[0], found[1], bool(found[2])) if found is not None else None


def mark_used(engine: Engine, row: ApiKey, now: dt.datetime) -> bool:
    """Note that a key was used, at most once a minute and on a connection of its own; return whether it was noted.

    It is no fact that anybody changed, so it is not in the journal and leaves the row's version alone.
    """
    before = now - USED_AT_MOST_EVERY
    if row.last_used_at is not None and row.last_used_at > before:
        return False
    still = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= before)
    note = update(ApiKey).where(ApiKey.id == row.id, still).values(last_used_at=now)
    try:
        with engine.execution_options(**{WRITE: True, PATIENCE: PATIENCE_MS}).begin() as connection:
            return connection.execute(note).rowcount == 1
    except SQLAlchemyError as error:
        if outage.trouble(error) is None:
            raise
        return False  # nobody is kept from reading because this cannot be noted
