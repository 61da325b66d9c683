"""Everything that differs between SQLite and PostgreSQL, in one place."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import ColumnElement, Engine, event, func, literal, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

WRITE = "clientele_write"
"""Execution option of a connection that is going to write: SQLite then takes its write lock at BEGIN."""

PATIENCE = "clientele_patience"
"""Execution option: milliseconds to wait for somebody else's lock before giving up; see :func:`gave_up`."""

BUSY_TIMEOUT_MS = 30_000


def engine_options(url: str) -> dict[str, Any]:
    """Return keyword arguments for ``create_engine`` for the database behind ``url``."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}}
    return {
        "pool_pre_ping": True,
        "pool_size": 10,
        "max_overflow": 20,
        "pool_timeout": 5,
        "connect_args": {"connect_timeout": 5},
    }


def nulls_first(dialect: str) -> bool:
    """Return whether an ascending order begins with empty values: on SQLite they do, on PostgreSQL they come last."""
    return dialect == "sqlite"


def configure(engine: Engine) -> None:
    """Install the connection settings the rules rely on; call once for each engine.

    SQLite starts with foreign keys off, no WAL, a deferred BEGIN chosen by its driver, and REPLACE slipping past
    delete triggers: all four are set right here.
    """
    if engine.dialect.name != "sqlite":
        event.listen(engine, "begin", _postgresql_begin)
        return
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _sqlite_begin)


def _sqlite_connect(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None
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
    patience = int(options.get(PATIENCE, BUSY_TIMEOUT_MS))
    if (
        connection.info.get(PATIENCE, BUSY_TIMEOUT_MS) != patience
    ):  # left by whoever had this connection before
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience}")
        connection.info[PATIENCE] = patience
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(WRITE, False) else "BEGIN")


def _postgresql_begin(connection: Connection) -> None:
    if (patience := connection.get_execution_options().get(PATIENCE)) is not None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(patience)}")


def gave_up(error: OperationalError) -> bool:
    """Return whether a statement failed because somebody else held a lock for longer than our patience."""
    return getattr(error.orig, "sqlstate", None) == "55P03" or "database is locked" in str(error.orig)


def deadlocked(error: OperationalError) -> bool:
    """Return whether two deeds waited for each other and the database picked this one to give way."""
    return getattr(error.orig, "sqlstate", None) == "40P01"


def json_object(dialect: str, values: dict[str, Any]) -> ColumnElement[Any]:
    """Return the SQL for a JSON object of names and expressions, worked out by the database itself."""
    parts = [part for name, value in values.items() for part in (literal(name), value)]
    return func.jsonb_build_object(*parts) if dialect == "postgresql" else func.json_object(*parts)


def settle(session: Session) -> None:
    """Have every constraint checked now that would otherwise be checked at the commit."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def hold(connection: Connection, name: str) -> None:
    """Let one transaction at a time come past here for ``name``, until it ends; SQLite has only one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"clientele:{name}"}
        )
