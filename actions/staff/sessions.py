"""Sessions of staff (rule 16.1): whose a token is, and how long it is since they proved who they are.

A token is looked up by the transaction that the request then goes on to read in.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Engine, Table, bindparam, select
from sqlalchemy.orm import Session

from actions.execution.session_store import IDLE, LONGEST, LiveSession, SessionStore, digest
from models.access import StaffSession
from models.base import N_, Staff
from models.staff import LACKS_FACTOR

RECENT = dt.timedelta(minutes=15)
"""For so long after proving who they are people may do what is dangerous without proving it again."""

ROLES = N_("roles changed")

TABLE = cast(Table, StaffSession.__table__)
STORE = SessionStore(TABLE, "user_id", fresh=("confirmed_at",))
"""Where they are kept."""


@dataclass(frozen=True, slots=True)
class SessionInfo(LiveSession):
    """A session of a member of staff that is good at this moment."""

    confirmed_at: dt.datetime
    must_enrol: bool = False
    """Whether its holder has to set up a second step before anything else."""

    def is_recent(self, now: dt.datetime) -> bool:
        """Return whether its holder proved who they are not long ago."""
        return now - self.confirmed_at <= RECENT


FOUND = (
    select(
        TABLE.c.id,
        TABLE.c.user_id,
        TABLE.c.data,
        TABLE.c.last_seen_at,
        TABLE.c.confirmed_at,
        LACKS_FACTOR,
    )
    .join(Staff, Staff.id == TABLE.c.user_id)
    .where(
        TABLE.c.token_hash == bindparam("digest"),
        TABLE.c.ended_at.is_(None),
        TABLE.c.last_seen_at > bindparam("idle_since"),
        TABLE.c.created_at > bindparam("begun_since"),
        Staff.active,
    )
)
"""The session of a token. Put together once, as every request asks it."""


def find(session: Session, token: str, now: dt.datetime) -> SessionInfo | None:
    """Return the session of a token, in one statement; None where it ended, expired, or its holder may not sign in."""
    given = {"digest": digest(token), "idle_since": now - IDLE, "begun_since": now - LONGEST}
    row = session.connection().execute(FOUND, given).first()
    return (
        SessionInfo(row[0], row[1], row[2] or "", row[3], row[4], bool(row[5])) if row is not None else None
    )


def is_good(row: StaffSession, now: dt.datetime) -> bool:
    """Return whether a session has neither ended nor expired."""
    return row.ended_at is None and row.last_seen_at > now - IDLE and row.created_at > now - LONGEST


def good_ones(session: Session, user_id: int, now: dt.datetime) -> list[StaffSession]:
    """Return where a person is signed in, the one used last first."""
    wanted = select(StaffSession).where(StaffSession.user_id == user_id, StaffSession.ended_at.is_(None))
    rows = session.scalars(wanted.order_by(StaffSession.last_seen_at.desc(), StaffSession.id.desc()))
    return [row for row in rows if is_good(row, now)]


def confirm(engine: Engine, live: SessionInfo, now: dt.datetime) -> None:
    """Note that the holder of a session has just proved who they are."""
    STORE.note(engine, live.id, confirmed_at=now)
