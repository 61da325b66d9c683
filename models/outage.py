"""What keeps a database from serving, told from its errors, and told to the log once for each time it happens.

A database that is away, full, takes no changes or lacks a table fails every request in the same way, thousands of
times. So all that a driver raises passes by here (:func:`watch`): the first of its kind is a line in the log, the
others are not.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from enum import Enum
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, event
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from models.base import N_

log = logging.getLogger(__name__)

QUIET = 300.0
"""Seconds without a failure after which the next one is another event."""


class Trouble(Enum):
    """What ails a database: in a word, in a sentence to the person waiting, and in one for the log."""

    GONE = (
        "gone",
        N_("The database is not responding. Nothing was saved. Try again in a moment."),
        "does not answer",
    )
    OVERLOADED = (
        "overloaded",
        N_("The database is overloaded. Nothing was saved. Try again in a moment."),
        "is overloaded: no connection came free",
    )
    BUSY = (
        "busy",
        N_("The database is busy and this took too long. Nothing was saved. Try again in a moment."),
        "is busy",
    )
    READ_ONLY = (
        "read-only",
        N_("The database is read-only at the moment. Nothing was saved. You can still look things up."),
        "takes no changes",
    )
    FULL = (
        "full",
        N_(
            "The database is out of disk space. Nothing was saved. You can still look things up. Tell your admin."
        ),
        "has no room left",
    )
    SCHEMA = (
        "schema",
        N_("The database does not match this version. Nothing was saved. Tell your admin."),
        "is not as this version needs it: run `flask --app app up`",
    )
    DAMAGED = (
        "damaged",
        N_("The database cannot be read. Nothing was saved. Tell your admin."),
        "cannot be read",
    )

    def __init__(self, word: str, sentence: str, said: str) -> None:
        self.word, self.sentence, self.said = word, sentence, said

    @property
    def stops_all(self) -> bool:
        """Return whether nothing at all can be asked, so that any answer shows that it is over."""
        return self in (Trouble.GONE, Trouble.OVERLOADED)

    @property
    def is_read(self) -> bool:
        """Return whether the database still answers readers."""
        return self in (Trouble.BUSY, Trouble.READ_ONLY, Trouble.FULL)


SQLITE = {
    sqlite3.SQLITE_BUSY: Trouble.BUSY,
    sqlite3.SQLITE_LOCKED: Trouble.BUSY,
    sqlite3.SQLITE_INTERRUPT: Trouble.BUSY,
    sqlite3.SQLITE_READONLY: Trouble.READ_ONLY,
    sqlite3.SQLITE_PERM: Trouble.READ_ONLY,
    sqlite3.SQLITE_IOERR: Trouble.GONE,
    sqlite3.SQLITE_CANTOPEN: Trouble.GONE,
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_CORRUPT: Trouble.DAMAGED,
    sqlite3.SQLITE_NOTADB: Trouble.DAMAGED,
}
"""The low byte of SQLite's error code."""
SQLSTATES = (
    ("55P03", Trouble.BUSY),
    ("40", Trouble.BUSY),
    ("57014", Trouble.BUSY),
    ("25006", Trouble.READ_ONLY),
    ("53300", Trouble.OVERLOADED),
    ("53", Trouble.FULL),
    ("42P01", Trouble.SCHEMA),
    ("42703", Trouble.SCHEMA),
    ("42883", Trouble.SCHEMA),
    ("42501", Trouble.SCHEMA),
    ("3F", Trouble.SCHEMA),
    ("08", Trouble.GONE),
    ("57", Trouble.GONE),
    ("28", Trouble.GONE),
    ("3D", Trouble.GONE),
    ("58", Trouble.GONE),
    ("XX", Trouble.DAMAGED),
)
"""How PostgreSQL's codes begin; the first that fits."""
LACKS = ("no such table", "no such column", "has no column named")


def trouble(error: BaseException | None) -> Trouble | None:
    """Return what ails the database that raised ``error``; None where it is well, and the fault is ours."""
    if isinstance(error, PoolTimeout):
        return Trouble.OVERLOADED
    if not isinstance(error, DBAPIError):
        return None
    found = _of_driver(error.orig)
    return Trouble.GONE if found is None and error.connection_invalidated else found


def _of_driver(error: BaseException | None) -> Trouble | None:
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error)
    state = getattr(error, "sqlstate", None)
    if state is not None:
        return next((found for begins, found in SQLSTATES if state.startswith(begins)), None)
    # Without a code it is not the server that speaks: there is none, or it let nobody in.
    kinds = {kind.__name__ for kind in type(error).__mro__}
    return Trouble.GONE if kinds & {"OperationalError", "InterfaceError"} else None


def _of_sqlite(error: sqlite3.Error) -> Trouble | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return Trouble.GONE if "closed database" in str(error) else None
    if code == sqlite3.SQLITE_ERROR and any(words in str(error) for words in LACKS):
        return Trouble.SCHEMA
    return SQLITE.get(code & 0xFF)


class Watch:
    """What was last seen of one database by this process, and what of it the log was told."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last = self._since = 0.0
        self.trouble: Trouble | None = None

    def failed(self, found: Trouble, why: str) -> None:
        """Note a failure; the first of its kind is told."""
        with self._lock:
            at = time.monotonic()
            is_new = found is not self.trouble or at - self._last > QUIET
            self.trouble, self._last = found, at
            if is_new:
                self._since = at
        if is_new:
            log.error("the database %s; this is told once: %s", found.said, why)

    def worked(self) -> None:
        """Note that it answered."""
        if self.trouble is None or not self.trouble.stops_all:
            return
        with self._lock:
            if self.trouble is None:
                return
            self.trouble, lasted = None, time.monotonic() - self._since
        log.warning("the database answers again, after %.0f s", lasted)


_watches: WeakKeyDictionary[Dialect, Watch] = WeakKeyDictionary()


def watch(engine: Engine) -> Watch:
    """Return what looks after a database, having it told of everything that fails there from the first call on."""
    dialect = engine.dialect  # which an engine shares with those made of it by ``execution_options``
    if dialect not in _watches:
        made = _watches[dialect] = Watch()
        event.listen(engine, "handle_error", lambda context: _failed(made, context))
        event.listen(engine, "after_cursor_execute", lambda *_rest: made.worked())
    return _watches[dialect]


class Pauses:
    """How long a loop that works by itself waits for its next turn: longer and longer while the database is away."""

    def __init__(self, idle: float, most: float = 30.0) -> None:
        self._idle, self._most = idle, most
        self.seconds = idle

    def worked(self) -> None:
        """Note a turn that went well."""
        self.seconds = self._idle

    def failed(self, error: Exception) -> bool:
        """Note a turn that failed; return whether the log is still to be told, which of an outage it has been."""
        found = trouble(error)
        self.seconds = self._idle if found is None else min(max(2 * self.seconds, 1.0), self._most)
        return found is None


def overloaded(engine: Engine) -> None:
    """Note that no connection came free, which is no error of a driver."""
    watch(engine).failed(Trouble.OVERLOADED, "too many requests at once")


def _failed(watch: Watch, context: ExceptionContext) -> None:
    """Note an error, and let go of a connection that would go on failing when the database is back."""
    found = trouble(context.sqlalchemy_exception) or _of_driver(context.original_exception)
    if found is None or found is Trouble.BUSY:
        return
    if found in (Trouble.GONE, Trouble.READ_ONLY, Trouble.DAMAGED):
        context.is_disconnect = True
    watch.failed(found, first_line(context.original_exception))


def first_line(error: Any) -> str:
    """Return what a driver said, without the lines that may quote the statement or its values."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
