"""Sessions on the server: begun at sign-in, looked up at each request, ended for good (rule 16.1).

Staff and customers have a table each; what holds for both is here. The holder has a token of 256 random bits, of
which only the hash is kept. Each function works on a connection of its own: what a page does or fails to do to its
transaction leaves the session alone.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Table, insert, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from models import outage
from models.base import N_
from models.dialect import PATIENCE, WRITE, gave_up

log = logging.getLogger(__name__)

IDLE = dt.timedelta(minutes=30)
LONGEST = dt.timedelta(hours=12)
SEEN_EVERY = dt.timedelta(minutes=1)
KEPT = dt.timedelta(days=30)
"""For so long an ended session is kept; after that it is deleted."""
PATIENCE_MS = 2_000

SIGNED_OUT = N_("signed out")
SOMEBODY_ELSE = N_("another person signed in")
REVOKED = N_("revoked")
PASSWORD = N_("password changed")
DEACTIVATED = N_("deactivated")
RESTORED = N_("the database was restored")


@dataclass(frozen=True, slots=True)
class Caller:
    """From where somebody signs in, and with what."""

    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that is good at this moment."""

    id: int
    holder_id: int
    data: str
    last_seen_at: dt.datetime


def digest(token: str) -> str:
    """Return what the database keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SessionStore:
    """One table of sessions.

    :param holder: the column with whose session it is.
    :param fresh: columns besides that hold the moment of signing in.
    :param seen: told, in the transaction that notes it, that the session of somebody was used.
    """

    table: Table
    holder: str
    fresh: tuple[str, ...] = field(default=())
    seen: Callable[[Connection, LiveSession, dt.datetime], None] | None = None

    def begin(
        self, engine: Engine, holder_id: int, now: dt.datetime, caller: Caller, *, data: str = "", **more: Any
    ) -> str:
        """Begin a session and return its token, shown this once. Old ones that ended are swept out."""
        token = secrets.token_urlsafe(32)
        row = {
            self.holder: holder_id, "token_hash": digest(token), "data": data, "created_at": now,
            "last_seen_at": now, "address": caller.address[:45], "agent": caller.agent[:300],
            **dict.fromkeys(self.fresh, now), **more,
        }  # fmt: skip
        with engine.execution_options(**{WRITE: True}).begin() as connection:
            connection.execute(self.table.delete().where(self.table.c.created_at < now - KEPT))
            connection.execute(insert(self.table).values(row))
        return token

    def keep(self, engine: Engine, live: LiveSession, now: dt.datetime, data: str | None = None) -> None:
        """Note that a session was used, at most once a minute, and with ``data`` what it carries from now on.

        Nobody is kept from reading because this cannot be noted.
        """
        due = now - live.last_seen_at >= SEEN_EVERY
        if data is None and not due:
            return
        values: dict[str, Any] = {"last_seen_at": max(now, live.last_seen_at)} if due else {}
        if data is not None:
            values["data"] = data
        seen = self.seen
        first = (lambda used: seen(used, live, now)) if due and seen is not None else None
        try:
            self.note(engine, live.id, first, **values)
        except SQLAlchemyError as error:
            if outage.trouble(error) is None:
                raise  # one that takes no changes, or has just gone, is told of already, and the page is made

    def note(
        self,
        engine: Engine,
        session_id: int,
        first: Callable[[Connection], None] | None = None,
        /,
        **values: Any,
    ) -> None:
        """Write something that is missed by nobody for long: a database that is busy is not waited for.

        :param first: is done before, in the same transaction: holders are locked before their sessions.
        """
        columns = self.table.c
        open_one = update(self.table).where(columns.id == session_id, columns.ended_at.is_(None))
        try:
            with engine.execution_options(**{WRITE: True, PATIENCE: PATIENCE_MS}).begin() as connection:
                if first is not None:
                    first(connection)
                connection.execute(open_one.values(values))
        except OperationalError as error:
            if not gave_up(error):
                raise
            log.warning("a session could not be noted: the database is busy")

    def renew(self, session: Session, session_id: int) -> str:
        """Give a session another token, shown this once, in the transaction of the action that calls for it."""
        token = secrets.token_urlsafe(32)
        wanted = update(self.table).where(self.table.c.id == session_id)
        session.connection().execute(wanted.values(token_hash=digest(token)))
        return token

    def end(self, engine: Engine, session_id: int, now: dt.datetime, because: str) -> None:
        """End one session for good."""
        with engine.execution_options(**{WRITE: True}).begin() as connection:
            self.end_where(connection, self.table.c.id == session_id, now, because)

    def end_all(
        self, session: Session, holder_id: int, now: dt.datetime, because: str, besides: int | None = None
    ) -> int:
        """End every session of a person in the transaction of the action that calls for it; return the number of rows.

        :param besides: the id of one that goes on: that in which a person changes their own password.
        """
        theirs = (self.table.c[self.holder] == holder_id) & (self.table.c.id != (besides or 0))
        return self.end_where(session.connection(), theirs, now, because)

    def end_everybodys(self, session: Session, now: dt.datetime, because: str) -> int:
        """End every session there is; return the number of rows."""
        return self.end_where(session.connection(), self.table.c.id > 0, now, because)

    def end_where(self, connection: Connection, which: Any, now: dt.datetime, because: str) -> int:
        """End the open sessions that a condition names; return the number of rows."""
        values = {"ended_at": now, "ended_because": because, "data": ""}
        open_ones = update(self.table).where(which, self.table.c.ended_at.is_(None))
        return connection.execute(open_ones.values(values)).rowcount
