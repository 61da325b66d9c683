"""Everything that differs between SQLite and PostgreSQL, in one place."""

from __future__ import annotations

import math
import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Engine, event, func, literal, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from models import outage, private, vault
from models.vault import Vault

WRITE = "clientele_write"
"""Execution option of a connection that is going to write: SQLite then takes its write lock at BEGIN."""

PATIENCE = "clientele_patience"
"""Execution option: milliseconds to wait for somebody else's lock before giving up; see :func:`gave_up`."""

BUSY_TIMEOUT_MS = 30_000

TURN_SECONDS = 0.5
ASKS_EVERY_SECONDS = 0.12
"""A little longer than SQLite lets pass until it asks for a lock again."""

LIMIT = "clientele_limit"
"""Where a connection keeps the limit that the database knows of: until when, and when it was told."""

LEAST_MS = 50
"""What a statement is given even after the time is up, so that a page of many short ones still comes."""

STEPS = 100_000
"""After so many steps of its own SQLite looks at the time: every few milliseconds."""

_until: ContextVar[float | None] = ContextVar("until", default=None)
"""When what this thread reads is to end, on the monotonic clock."""
_patience: ContextVar[int | None] = ContextVar("patience", default=None)
"""Milliseconds that what this thread writes waits for a lock."""


def limit_reads(seconds: float | None) -> None:
    """Have the database give up what this thread reads after so many seconds from now; None lifts the limit.

    It holds on every connection but those that write (:data:`WRITE`); see :func:`ran_out`.
    """
    _until.set(None if seconds is None else time.monotonic() + seconds)


def limit_waits(seconds: float | None) -> None:
    """Have what this thread writes wait no longer than so many seconds for each lock that somebody else holds.

    None lifts the limit: then SQLite waits for :data:`BUSY_TIMEOUT_MS`, and PostgreSQL for as long as it takes. What
    says how long it waits itself, by :data:`PATIENCE`, goes by that; see :func:`gave_up`.
    """
    _patience.set(None if seconds is None else int(seconds * 1000))


def seconds_left() -> float | None:
    """Return how long this thread may still read, None where there is no limit."""
    until = _until.get()
    return None if until is None else until - time.monotonic()


def engine_options(url: str) -> dict[str, Any]:
    """Return keyword arguments for ``create_engine`` for the database behind ``url``."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}}
    return {
        "pool_pre_ping": True,
        "pool_size": 10,
        "max_overflow": 20,
        "pool_timeout": 3,
        "connect_args": {
            "connect_timeout": 2,
            "keepalives_idle": 30,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 4000,
        },
    }


def nulls_first(dialect: str) -> bool:
    """Return whether an ascending order begins with empty values: on SQLite they do, on PostgreSQL they come last."""
    return dialect == "sqlite"


def configure(engine: Engine, *, must_exist: bool = False, keys: Vault | None = None) -> None:
    """Install the connection settings the rules rely on; call once for each engine.

    SQLite starts with foreign keys off, no WAL, a deferred BEGIN chosen by its driver, and REPLACE slipping past
    delete triggers: all four are set right here.

    :param must_exist: never make a SQLite file that is not there, which a server would do where it was moved away.
    :param keys: what secrets are encrypted by; without them none can be stored or read.
    """
    outage.watch(engine)
    if keys is not None:
        vault.give(engine, keys)
    if engine.dialect.name != "sqlite":
        event.listen(engine, "do_connect", _postgresql_connect)
        event.listen(engine, "begin", _postgresql_begin)
        event.listen(engine, "before_cursor_execute", _postgresql_limit)
        return
    event.listen(engine, "before_cursor_execute", _sqlite_limit)
    if must_exist:
        event.listen(engine, "do_connect", lambda *_given: _must_exist(engine))
    event.listen(engine, "do_connect", _sqlite_private)
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _sqlite_begin)


def file_of(engine: Engine) -> Path | None:
    """Return the file of a SQLite database, None where there is none."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(name)


def make_file(engine: Engine) -> None:
    """Make the file of a SQLite database where there is none yet."""
    file = file_of(engine)
    if file is not None and file.parent.is_dir():
        file.touch(mode=0o600, exist_ok=True)


def rewrite_file(engine: Engine) -> bool:
    """Write a SQLite file again, so that nothing is left in it of what was deleted or replaced; else do nothing.

    :return: whether nothing is left; others who read in the meantime may keep some of it in the file that ends in -wal.
    """
    if engine.dialect.name != "sqlite":
        return False
    with engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        try:
            raw.execute("VACUUM")
            busy, _pages, _moved = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:
            return False
    return not busy


def _must_exist(engine: Engine) -> None:
    file = file_of(engine)
    if file is not None and not file.exists():
        error = sqlite3.OperationalError("there is no file of that name")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise error


def _sqlite_private(_dialect: object, _record: object, places: list[Any], _options: dict[str, Any]) -> None:
    """See to it that nobody else can read the database: SQLite gives what it keeps beside the file the file's own mode.

    What others made open to others, such as the folder of a DATABASE_URL, is named in the log.
    """
    path = _sqlite_file(str(places[0]) if places else "")
    if path is None:
        return
    private.look_at_folder(path.parent)
    with suppress(OSError):  # what is wrong with the place, the driver says when it opens it
        private.make_file(path)
    for beside in ("-wal", "-shm", "-journal"):
        private.tighten(path.with_name(path.name + beside))


def _sqlite_file(place: str) -> Path | None:
    """Return the file of a SQLite database; None for one in memory, or one that may only be read."""
    name, _mark, options = (
        place.removeprefix("file:").partition("?") if place.startswith("file:") else (place, "", "")
    )
    is_file = name not in ("", ":memory:") and not re.search(r"mode=(memory|ro)|immutable=1", options)
    return Path(name) if is_file else None


def _sqlite_connect(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None
    connection.create_function("lower", 1, _lower, deterministic=True)
    connection.create_function("translate", 3, _translate, deterministic=True)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    _write_ahead(connection)
    for pragma in (
        "synchronous = NORMAL",
        "foreign_keys = ON",
        "recursive_triggers = ON",
        "cache_size = -65536",
        "mmap_size = 268435456",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _lower(value: Any) -> Any:
    """Fold the case of every letter, as PostgreSQL does; SQLite's own knows those of English alone.

    Python looks at the end of a Greek word, and makes two characters of a Turkish one; PostgreSQL does neither.
    """
    return None if value is None else str(value).replace("İ", "i").replace("Σ", "σ").lower()


def _translate(value: Any, letters: str, others: str) -> Any:
    """Put each of some letters for another, as PostgreSQL's function of that name does."""
    return None if value is None else str(value).translate(_table(letters, others))


_table = cache(str.maketrans)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL, which it then stays in.

    While others are about to do the same to a new file, SQLite refuses at once and waits for nobody, so we wait.
    """
    give_up = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.005)
        else:
            return


def _sqlite_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    wanted = _wanted_patience(connection)
    patience = BUSY_TIMEOUT_MS if wanted is None else wanted
    if (
        connection.info.get(PATIENCE, BUSY_TIMEOUT_MS) != patience
    ):  # left by the previous user of this connection
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience}")
        connection.info[PATIENCE] = patience
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(WRITE, False) else "BEGIN")


def _wanted_patience(connection: Connection) -> int | None:
    """Return the milliseconds that a transaction waits for a lock; None where nobody said."""
    options = connection.get_execution_options()
    if PATIENCE in options:
        return int(options[PATIENCE])
    return _patience.get() if options.get(WRITE, False) else None


def _wanted_limit(connection: Connection) -> float | None:
    return None if connection.get_execution_options().get(WRITE, False) else _until.get()


def _sqlite_limit(connection: Connection, *_statement: object) -> None:
    until = _wanted_limit(connection)
    if until == connection.info.get(LIMIT):
        return
    raw: Any = connection.connection.dbapi_connection
    if until is None:
        raw.set_progress_handler(None, 0)
    else:
        raw.set_progress_handler(lambda: time.monotonic() > until, STEPS)
    connection.info[LIMIT] = until


def _postgresql_limit(connection: Connection, *_statement: object) -> None:
    """Tell PostgreSQL how long a statement may take: at the first of a transaction, and again as the time runs out.

    It is no statement of the application's, so it is sent past those who count or log them.
    """
    until, known = _wanted_limit(connection), connection.info.get(LIMIT, (None, math.inf))
    left = math.inf if until is None else until - time.monotonic()
    if until == known[0] and left >= known[1] / 2:
        return
    most = 0 if until is None else max(LEAST_MS, int(left * 1000))
    raw: Any = connection.connection.dbapi_connection
    try:
        with raw.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {most}")
    except Exception as error:
        if not raw.closed:
            raise
        connection.invalidate(error)  # SQLAlchemy, whom this went past, would have done so
        raise OperationalError("SET", None, error, connection_invalidated=True) from error
    connection.info[LIMIT] = until, max(left, 0.0)


def _postgresql_connect(_dialect: object, _record: object, arguments: Any, named: Any) -> Any:
    from models import silence  # noqa: PLC0415 - a driver that SQLite does without

    silence.Connection.left = staticmethod(seconds_left)
    return silence.Connection.connect(*arguments, **named)


def _postgresql_begin(connection: Connection) -> None:
    connection.info.pop(LIMIT, None)  # what was told ended with the transaction it was told to
    if (patience := _wanted_patience(connection)) is not None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {patience}")


class Turns:
    """Lets others write between one chunk and the next of a writer: SQLite's only write lock is not handed on in
    turn, but to the person asking first, and who waits for it asks every tenth of a second."""

    def __init__(self, engine: Engine, pause: Callable[[float], object] = time.sleep) -> None:
        self._is_alone = engine.dialect.name == "sqlite"
        self._pause, self._since = pause, time.monotonic()

    def give(self, longest: float = TURN_SECONDS) -> None:
        """Pause where the chunks since the last pause have taken longer than that."""
        if self._is_alone and time.monotonic() - self._since > longest:
            self._pause(ASKS_EVERY_SECONDS)
            self._since = time.monotonic()


def gave_up(error: OperationalError) -> bool:
    """Return whether a statement failed because somebody else held a lock for longer than our patience."""
    return getattr(error.orig, "sqlstate", None) == "55P03" or "database is locked" in str(error.orig)


def ran_out(error: DBAPIError) -> bool:
    """Return whether the database gave a statement up because its time was up; see :func:`limit_reads`."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_INTERRUPT or getattr(error.orig, "sqlstate", None) == "57014"


def deadlocked(error: OperationalError) -> bool:
    """Return whether two actions waited for each other and the database picked this one to give way."""
    return getattr(error.orig, "sqlstate", None) == "40P01"


def json_object(dialect: str, values: dict[str, Any]) -> ColumnElement[Any]:
    """Return the SQL for a JSON object of names and expressions, worked out by the database itself."""
    parts = [part for name, value in values.items() for part in (literal(name), value)]
    return func.jsonb_build_object(*parts) if dialect == "postgresql" else func.json_object(*parts)


def settle(session: Session) -> None:
    """Have every constraint checked now that would otherwise be checked at the commit."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def advisory_lock(connection: Connection, name: str) -> None:
    """Let one transaction at a time come past here for ``name``, until it ends; SQLite has only one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"clientele:{name}"}
        )


def keep_others_out(connection: Connection, tables: Sequence[str]) -> None:
    """Let nobody else write to these tables until the transaction ends; SQLite has only one writer anyway."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(f'"{name}"' for name in tables)
        connection.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))
