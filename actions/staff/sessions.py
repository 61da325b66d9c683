"""Sessions of staff: begun at sign-in, looked up at each request, ended for good (rule 16.1).

A session lives on the server; its holder has a token of 256 random bits, of which only the hash is kept. What is
written is written on a connection of its own: what a page does or fails to do to its transaction leaves it alone.
Looked up it is by the transaction that the request then goes on to read in.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import secrets
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Engine, Table, bindparam, insert, select, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from models import outage
from models.access import SessionChannel, StaffSession
from models.base import N_, Staff
from models.dialect import PATIENCE, WRITE, gave_up
from models.staff import LACKS_FACTOR

log = logging.getLogger(__name__)

IDLE = dt.timedelta(minutes=30)
LONGEST = dt.timedelta(hours=12)
SEEN_EVERY = dt.timedelta(minutes=1)
RECENT = dt.timedelta(minutes=15)
"""For so long after proving who they are people may do what is dangerous without proving it again."""
KEPT = dt.timedelta(days=30)
PATIENCE_MS = 2_000

SIGNED_OUT = N_("signed out")
SOMEBODY_ELSE = N_("another person signed in")
REVOKED = N_("revoked")
PASSWORD = N_("password changed")
ROLES = N_("roles changed")
DEACTIVATED = N_("deactivated")
RESTORED = N_("the database was restored")

TABLE = cast(Table, StaffSession.__table__)


@dataclass(frozen=True, slots=True)
class Caller:
    """From where somebody signs in, and with what."""

    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session that is good at this moment."""

    id: int
    user_id: int
    data: str
    last_seen_at: dt.datetime
    confirmed_at: dt.datetime
    must_enrol: bool = False
    """Whether its holder has to set up a second step before anything else."""

    def is_recent(self, now: dt.datetime) -> bool:
        """Return whether its holder proved who they are not long ago."""
        return now - self.confirmed_at <= RECENT


def digest(token: str) -> str:
    """Return what the database keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


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


def begin(
    engine: Engine,
    user_id: int,
    now: dt.datetime,
    caller: Caller,
    *,
    channel: SessionChannel = SessionChannel.BROWSER,
    data: str = "",
) -> str:
    """Begin a session and return its token, shown this once. Old ones that ended are swept out."""
    token = secrets.token_urlsafe(32)
    row = {
        "user_id": user_id, "token_hash": digest(token), "door": channel, "data": data, "created_at": now,
        "last_seen_at": now, "confirmed_at": now, "address": caller.address[:45], "agent": caller.agent[:300],
    }  # fmt: skip
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        connection.execute(TABLE.delete().where(TABLE.c.created_at < now - KEPT))
        connection.execute(insert(TABLE).values(row))
    return token


def keep(engine: Engine, live: SessionInfo, now: dt.datetime, data: str | None = None) -> None:
    """Note that a session was used, at most once a minute, and with ``data`` what it carries from now on.

    Nobody is kept from reading because this cannot be noted.
    """
    if data is None and now - live.last_seen_at < SEEN_EVERY:
        return
    values: dict[str, Any] = {"last_seen_at": max(now, live.last_seen_at)}
    if data is not None:
        values["data"] = data
    try:
        _note(engine, update(TABLE).where(TABLE.c.id == live.id, TABLE.c.ended_at.is_(None)).values(values))
    except SQLAlchemyError as error:
        if outage.trouble(error) is None:
            raise  # one that takes no changes, or has just gone, is told of already, and the page is made


def confirm(engine: Engine, live: SessionInfo, now: dt.datetime) -> None:
    """Note that the holder of a session has just proved who they are."""
    _note(engine, update(TABLE).where(TABLE.c.id == live.id).values(confirmed_at=now))


def _note(engine: Engine, statement: Any) -> None:
    """Write something that is missed by nobody for long: a database that is busy is not waited for."""
    try:
        with engine.execution_options(**{WRITE: True, PATIENCE: PATIENCE_MS}).begin() as connection:
            connection.execute(statement)
    except OperationalError as error:
        if not gave_up(error):
            raise
        log.warning("a session could not be noted: the database is busy")


def renew(session: Session, session_id: int) -> str:
    """Give a session another token, shown this once, in the transaction of the action that calls for it."""
    token = secrets.token_urlsafe(32)
    session.connection().execute(
        update(TABLE).where(TABLE.c.id == session_id).values(token_hash=digest(token))
    )
    return token


def end(engine: Engine, session_id: int, now: dt.datetime, because: str) -> None:
    """End one session for good."""
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        _end(connection, TABLE.c.id == session_id, now, because)


def end_all(
    session: Session, user_id: int, now: dt.datetime, because: str, besides: int | None = None
) -> int:
    """End every session of a person in the transaction of the action that calls for it; return the number of rows.

    :param besides: the id of one that goes on: that in which a person changes their own password.
    """
    whose = (TABLE.c.user_id == user_id) & (TABLE.c.id != (besides or 0))
    return _end(session.connection(), whose, now, because)


def end_everybodys(session: Session, now: dt.datetime, because: str) -> int:
    """End every session there is; return the number of rows."""
    return _end(session.connection(), TABLE.c.id > 0, now, because)


def _end(connection: Connection, which: Any, now: dt.datetime, because: str) -> int:
    values = {"ended_at": now, "ended_because": because, "data": ""}
    ended = connection.execute(update(TABLE).where(which, TABLE.c.ended_at.is_(None)).values(values))
    return ended.rowcount
