"""Everything that differs between SQLite and PostgreSQL, in one place."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Engine, event, text
from sqlalchemy.engine import Connection

WRITE = "clientele_write"
"""Execution option of a connection that is going to write: SQLite then takes its write lock at BEGIN."""

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
        return
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _sqlite_begin)


def _sqlite_connect(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        "recursive_triggers = ON",
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "cache_size = -65536",
        "mmap_size = 268435456",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def hold(connection: Connection, name: str) -> None:
    """Let one transaction at a time come past here for ``name``, until it ends; SQLite has only one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"clientele:{name}"}
        )
