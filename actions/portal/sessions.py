"""Sessions of customers (rule 16.1): whose a token is, for as long as that customer may sign in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Table, bindparam, or_, select, update
from sqlalchemy.orm import Session

from actions.execution.session_store import IDLE, LONGEST, LiveSession, SessionStore, digest
from actions.portal import login_as_standing as standing
from actions.portal.login_as_standing import COULD_ACT, Standing
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

    :param language: the customer's, read with it so that every page can begin in it, those of errors too.
    :param login_as: the member of staff whose it is, where it is not the customer's own.
    """

    language: str | None = None
    login_as: Standing | None = None


_STAFF, _AS = cast(Table, Staff.__table__).c, standing.TABLE.c
_OWN = TABLE.c.id, TABLE.c.customer_id, TABLE.c.data, TABLE.c.last_seen_at, CUSTOMER.c.language
_GOOD = (
    TABLE.c.token_hash == bindparam("digest"),
    TABLE.c.ended_at.is_(None),
    TABLE.c.last_seen_at > bindparam("idle_since"),
    TABLE.c.created_at > bindparam("begun_since"),
    *MAY_SIGN_IN,
)
FOUND = (
    select(*_OWN)
    .join(CUSTOMER, CUSTOMER.c.id == TABLE.c.customer_id)
    .where(TABLE.c.login_as_id.is_(None), *_GOOD)
)
"""The session of a customer's token. Put together once, as every request asks it."""
FOUND_OF_STAFF = (
    select(
        *_OWN,
        _AS.id,
        _AS.staff_id,
        _STAFF.first_name,
        _STAFF.last_name,
        _AS.ends_at,
        standing.MAY_ACT,
        COULD_ACT,
    )
    .join(CUSTOMER, CUSTOMER.c.id == TABLE.c.customer_id)
    .join(standing.TABLE, _AS.id == TABLE.c.login_as_id)
    .join(cast(Table, Staff.__table__), _STAFF.id == _AS.staff_id)
    .where(standing.WHY.is_(None), *_GOOD)
)
"""The session of a token by which staff are logged in as a customer, with all that ends it.

It takes ten times as long, so it is asked only where the token is none of a customer's.
"""


def find(session: Session, token: str, now: dt.datetime) -> PortalLiveSession | None:
    """Return the session of a token; None where it ended, expired, or its holder may not sign in.

    One statement decides about a customer's, and one about that of staff who are logged in as one.
    """
    given, at = {"digest": digest(token)}, standing.times(now)
    own = given | {"idle_since": now - IDLE, "begun_since": now - LONGEST}
    asked = session.connection()
    if (row := asked.execute(FOUND, own).first()) is not None:
        return PortalLiveSession(row[0], row[1], row[2] or "", row[3], row[4])
    found: Any = asked.execute(FOUND_OF_STAFF, given | at).first()
    if found is None:
        return None
    name = f"{found[7]} {found[8]}"
    as_them = Standing(found[5], found[6], name, found[9], bool(found[10]), bool(found[11]))
    return PortalLiveSession(found[0], found[1], found[2] or "", found[3], found[4], as_them)


def good_ones(session: Session, customer_id: int, now: dt.datetime) -> list[PortalSession]:
    """Return where a customer is signed in, the one used last first.

    Sessions of staff who are logged in as them are none of theirs.
    """
    own = PortalSession.customer_id == customer_id, PortalSession.login_as_id.is_(None)
    mine = *own, PortalSession.ended_at.is_(None)
    fresh = PortalSession.last_seen_at > now - IDLE, PortalSession.created_at > now - LONGEST
    newest = PortalSession.last_seen_at.desc(), PortalSession.id.desc()
    return list(session.scalars(select(PortalSession).where(*mine, *fresh).order_by(*newest)))
