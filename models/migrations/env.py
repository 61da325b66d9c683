"""Runs migrations on a connection given by the caller, or on the database that ``-x url=…`` names.

Every run ends by re-creating the append-only triggers, in the same transaction: a table that batch mode rebuilt on
SQLite has lost its own, and none can be renamed there while a trigger of another table names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from sqlalchemy import Connection, create_engine, inspect, text

from models import applied, dialect, triggers
from models.autogenerate import options
from models.base import Base, metadata


def run(connection: Connection) -> None:
    """Migrate in the caller's transaction, then install the triggers."""
    attributes = context.config.attributes
    found = options(connection.dialect.name)
    found["render_as_batch"] = attributes.get("batch", found["render_as_batch"])
    context.configure(connection=connection, **found)
    with context.begin_transaction():
        if connection.dialect.name == "sqlite":
            with rebuilding(connection):
                context.run_migrations()
        else:
            context.run_migrations()
        applied.record(connection, _seen())
        if not attributes.get("comparing"):
            triggers.install(connection, metadata, triggers.declared(list(Base.registry.mappers)))


def _seen() -> Iterator[tuple[str, bool]]:
    """Yield (revision, additive) of each migration that the database has seen by now, oldest first."""
    heads = context.get_context().get_current_heads()
    for found in reversed(list(context.script.walk_revisions("base", heads))):
        yield found.revision, getattr(found.module, "additive", False)


@contextmanager
def rebuilding(connection: Connection) -> Iterator[None]:
    """Make it safe on SQLite to rebuild a table: without triggers, and counting its ids where the old one stopped."""
    triggers.remove(connection)
    counters = last_ids(connection)
    yield
    for table, last in counters.items():
        wanted = {"table": table, "last": last}
        there = last_ids(connection).get(table)
        if there is None and inspect(connection).has_table(table):
            connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)"), wanted)
        elif there is not None and there < last:
            connection.execute(text("UPDATE sqlite_sequence SET seq = :last WHERE name = :table"), wanted)


def last_ids(connection: Connection) -> dict[str, int]:
    """Return table -> the highest id it ever had."""
    if not connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").first():
        return {}
    return {row[0]: row[1] for row in connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence")}


def run_url(url: str) -> None:
    """Migrate the database at ``url`` in a transaction of our own."""
    engine = create_engine(url, **dialect.engine_options(url))
    dialect.configure(engine)
    with engine.execution_options(**{dialect.WRITE: True}).begin() as connection:
        run(connection)
    engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    run_url(context.get_x_argument(as_dictionary=True)["url"])
