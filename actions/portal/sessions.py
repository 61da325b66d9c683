"""Sessions of customers (rule 16.1): whose a token is, for as long as that customer may sign in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, Engine, Table, bindparam, or_, select, update
from sqlalchemy.orm import Session

from actions.execution.session_store import IDLE, LONGEST, LiveSession, SessionStore, digest
from models.choices import Status
from models.customer import Customer
from models.portal import PortalSession

TABLE = cast(Table, PortalSession.__table__)
CUSTOMER = cast(Table, Customer.__table__)


def _was_active(connection: Connection, live: LiveSession, now: dt.datetime) -> None:
    """Note on the record that a customer was here, which no form that staff have open is out of date by."""
    last = CUSTOMER.c.last_activity_at
    before = CUSTOMER.c.id == live.holder_id, or_(last.is_(None), last < now)
    connection.execute(update(CUSTOMER).where(*before).values(last_activity_at=now))


STORE = SessionStore(TABLE, "customer_id", seen=_was_active)
"""Where they are kept."""

MAY_SIGN_IN = (
    CUSTOMER.c.status == Status.REGISTERED,
    CUSTOMER.c.is_active,
    CUSTOMER.c.merged_into_id.is_(None),
    CUSTOMER.c.anonymised_at.is_(None),
)
"""The customers whose session goes on: asked at each request, whatever ends their right to sign in."""


@dataclass(frozen=True, slots=True)
class PortalLiveSession(LiveSession):
    """A session of a customer that is good at this moment."""


FOUND = (
    select(TABLE.c.id, TABLE.c.customer_id, TABLE.c.data, TABLE.c.last_seen_at)
    .join(CUSTOMER, CUSTOMER.c.id == TABLE.c.customer_id)
    .where(
        TABLE.c.token_hash == bindparam("digest"),
        TABLE.c.ended_at.is_(None),
        TABLE.c.last_seen_at > bindparam("idle_since"),
        TABLE.c.created_at > bindparam("begun_since"),
        *MAY_SIGN_IN,
    )
)
"""The session of a token. Put together once, as every request asks it."""


def find(engine: Engine, token: str, now: dt.datetime) -> PortalLiveSession | None:
    """Return the session of a token, in one statement; None where it ended, expired, or its holder may not sign in."""
    given = {"digest": digest(token), "idle_since": now - IDLE, "begun_since": now - LONGEST}
    with engine.connect() as connection:
        row = connection.execute(FOUND, given).first()
    return PortalLiveSession(row[0], row[1], row[2] or "", row[3]) if row is not None else None


def good_ones(session: Session, customer_id: int, now: dt.datetime) -> list[PortalSession]:
    """Return where a customer is signed in, the one used last first."""
    mine = PortalSession.customer_id == customer_id, PortalSession.ended_at.is_(None)
    fresh = PortalSession.last_seen_at > now - IDLE, PortalSession.created_at > now - LONGEST
    newest = PortalSession.last_seen_at.desc(), PortalSession.id.desc()
    return list(session.scalars(select(PortalSession).where(*mine, *fresh).order_by(*newest)))
