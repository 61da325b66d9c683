"""Runs migrations on a connection given by the caller, or on the database that ``-x url=…`` names.

Every run ends by re-creating the append-only triggers, in the same transaction: a table that batch mode rebuilt on
SQLite has lost its own, and none can be renamed there while a trigger of another table names it.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, create_engine

from models import dialect, triggers
from models.base import Base, metadata
from models.migrations.render import options


def run(connection: Connection) -> None:
    """Migrate in the caller's transaction, then install the triggers."""
    attributes = context.config.attributes
    found = options(connection.dialect.name)
    found["render_as_batch"] = attributes.get("batch", found["render_as_batch"])
    context.configure(connection=connection, **found)
    with context.begin_transaction():
        if connection.dialect.name == "sqlite":
            triggers.remove(connection)
        context.run_migrations()
        if not attributes.get("comparing"):
            triggers.install(connection, metadata, triggers.declared(list(Base.registry.mappers)))


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
