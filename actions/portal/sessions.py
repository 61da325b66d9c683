"""Sessions of customers (rule 16.1): whose a token is, for as long as that customer may sign in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, Engine, Table, bindparam, case, false, or_, select, update
from sqlalchemy.orm import Session

from actions.execution.session_store import IDLE, LONGEST, LiveSession, SessionStore, digest
from actions.portal import login_as_standing as standing
from actions.portal.login_as_standing import Standing
from models.base import Staff
from models.choices import Status
from models.customer import Customer
from models.portal import PortalSession

TABLE = cast(Table, PortalSession.__table__)
CUSTOMER = cast(Table, Customer.__table__)


def _was_active(connection: Connection, live: LiveSession, now: dt.datetime) -> None:
    """Note on the record that a customer was here, which no form that staff have open is out of date by.

    Staff who are logged in as the customer leave no such trace (rule 6).
    """
    if getattr(live, "login_as", None) is not None:
        return
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
    """A session of a customer that is good at this moment.

    :param login_as: the member of staff whose it is, where it is not the customer's own.
    """

    login_as: Standing | None = None


_STAFF, _AS = cast(Table, Staff.__table__).c, standing.TABLE.c
_BY_STAFF = TABLE.c.login_as_id.is_not(None)
FOUND = (
    select(
        TABLE.c.id,
        TABLE.c.customer_id,
        TABLE.c.data,
        TABLE.c.last_seen_at,
        TABLE.c.login_as_id,
        _AS.staff_id,
        _STAFF.first_name,
        _STAFF.last_name,
        _AS.ends_at,
        case((_BY_STAFF, standing.MAY_ACT), else_=false()),
        case((_BY_STAFF, standing.COULD_ACT), else_=false()),
    )
    .join(CUSTOMER, CUSTOMER.c.id == TABLE.c.customer_id)
    .outerjoin(standing.TABLE, _AS.id == TABLE.c.login_as_id)
    .outerjoin(cast(Table, Staff.__table__), _STAFF.id == _AS.staff_id)
    .where(
        or_(~_BY_STAFF, standing.WHY.is_(None)),
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
    with engine.connect() as connection:
        row = connection.execute(FOUND, {"digest": digest(token), **standing.times(now)}).first()
    if row is None:
        return None
    by_staff = None
    if row[4] is not None:
        by_staff = Standing(row[4], row[5], f"{row[6]} {row[7]}", row[8], bool(row[9]), bool(row[10]))
    return PortalLiveSession(row[0], row[1], row[2] or "", row[3], by_staff)


def good_ones(session: Session, customer_id: int, now: dt.datetime) -> list[PortalSession]:
    """Return where a customer is signed in, the one used last first.

    Sessions of staff who are logged in as them are none of theirs.
    """
    own = PortalSession.customer_id == customer_id, PortalSession.login_as_id.is_(None)
    mine = *own, PortalSession.ended_at.is_(None)
    fresh = PortalSession.last_seen_at > now - IDLE, PortalSession.created_at > now - LONGEST
    newest = PortalSession.last_seen_at.desc(), PortalSession.id.desc()
    return list(session.scalars(select(PortalSession).where(*mine, *fresh).order_by(*newest)))
