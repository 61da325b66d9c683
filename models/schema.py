"""Bringing a database up to the models, and proving that it is.

:func:`migrate` may be called by any number of processes at once: one works, the others wait and find it done.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import CheckConstraint, Connection, Engine, Sequence, create_engine, inspect
from sqlalchemy.pool import NullPool

from models import triggers
from models.base import Base, metadata
from models.dialect import WRITE, configure, engine_options, hold
from models.migrations.render import check_name, condition, options

MIGRATIONS = Path(__file__).parent / "migrations"
_one_at_a_time = threading.Lock()


class SchemaError(RuntimeError):
    """The database cannot be migrated; the message is a sentence for the person who started us."""


def config(**attributes: Any) -> Config:
    """Return Alembic's configuration, made in code so that nothing depends on the working directory."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.set_main_option("path_separator", "os")
    made.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    made.attributes.update(attributes)
    return made


@functools.cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(config())


def open_engine(url: str) -> Engine:
    """Return an engine without a pool for ``url``, with the settings the rules rely on."""
    engine = create_engine(url, poolclass=NullPool, **_without_pool(engine_options(url)))
    configure(engine)
    return engine


def _without_pool(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if not name.startswith(("pool_", "max_overflow"))}


def at_head(engine: Engine) -> bool:
    """Return whether every migration has been applied; takes no lock.

    :raises SchemaError: the database is newer than this code, or is not ours.
    """
    with engine.connect() as connection:
        return _at_head(connection)


def migrate(engine: Engine) -> None:
    """Apply what is missing, all or nothing; return at once when nothing is.

    :param engine: configured by :func:`models.dialect.configure`.
    :raises SchemaError: the database is newer than this code, or is not ours.
    """
    if at_head(engine):
        return
    with _one_at_a_time, _writing(engine) as connection:
        if not _at_head(connection):
            command.upgrade(config(connection=connection), "head")


def drift(engine: Engine) -> list[str]:
    """Return a sentence for each difference between a migrated database and the models; [] for none."""
    with engine.connect() as connection:
        found = [_sentence(difference) for difference in compare_metadata(_context(connection), metadata)]
        found += _checks_drift(connection)
        found += _details_drift(connection)
        return found + triggers.drift(connection, metadata, triggers.declared(list(Base.registry.mappers)))


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts=options(connection.dialect.name))


def _at_head(connection: Connection) -> bool:
    heads = MigrationContext.configure(connection).get_current_heads()
    if not heads:
        _refuse_foreign_tables(connection)
    for revision in heads:
        _refuse_unknown(revision)
    return set(heads) == set(_scripts().get_heads())


def _refuse_unknown(revision: str) -> None:
    try:
        _scripts().get_revision(revision)
    except CommandError:
        raise SchemaError(
            f"The database is at revision {revision}, which this version of Clientele does not know: it was "
            "made by a newer one. Install that version, or restore a backup from before the upgrade."
        ) from None


def _refuse_foreign_tables(connection: Connection) -> None:
    strangers = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if strangers:
        raise SchemaError(
            f"The database already has tables ({', '.join(strangers[:3])} …) but no record of how they were "
            "made. Point DATABASE_URL at an empty database or at one that Clientele made."
        )


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    """Yield a connection in a transaction that no other migration can be in."""
    with engine.execution_options(**{WRITE: True}).connect() as connection:
        if connection.dialect.name == "sqlite":
            with _sqlite_without_foreign_keys(connection):
                yield connection
        else:
            with connection.begin():
                hold(connection, "migrate")
                yield connection


@contextmanager
def _sqlite_without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Migrate with foreign keys off, as batch mode drops tables that others refer to; check them at the end.

    The setting does nothing inside a transaction, hence the bare connection.
    """
    bare = connection.connection.dbapi_connection
    assert bare is not None
    bare.execute("PRAGMA foreign_keys = OFF")
    try:
        with connection.begin():
            yield
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if broken is not None:
                raise SchemaError(
                    f"Rows of {broken[0]} would refer to rows that are gone; nothing was changed."
                )
    finally:
        bare.execute("PRAGMA foreign_keys = ON")


def _sentence(difference: Any) -> str:
    """Put one of Alembic's differences (a tuple, or a list of them for one column) into words."""
    if isinstance(difference, list):
        return "; ".join(_sentence(part) for part in difference)
    verb, *rest = difference
    return f"{verb.replace('_', ' ')}: " + " ".join(str(part) for part in rest if part is not None)


def _checks_drift(connection: Connection) -> list[str]:
    """Compare CHECK constraints, which Alembic does not: by name, and on SQLite also by condition."""
    found = []
    inspector = inspect(connection)
    for table in metadata.sorted_tables:
        if not inspector.has_table(table.name):
            continue
        checks = [c for c in table.constraints if isinstance(c, CheckConstraint)]
        wanted = {check_name(check): _words(condition(check)) for check in checks}
        there = {str(c["name"]): _words(c["sqltext"]) for c in inspector.get_check_constraints(table.name)}
        found += [f"check {name} is missing" for name in sorted(wanted.keys() - there.keys())]
        found += [f"check {name} is not declared" for name in sorted(there.keys() - wanted.keys())]
        if connection.dialect.name == "sqlite":
            same = wanted.keys() & there.keys()
            found += [f"check {name} differs" for name in sorted(same) if wanted[name] != there[name]]
    return found


def _words(sql: str) -> str:
    return " ".join(sql.split())


def _details_drift(connection: Connection) -> list[str]:
    """Compare what Alembic does not and only one of the databases has."""
    if connection.dialect.name == "sqlite":
        return _sqlite_text_drift(connection)
    return _sequences_drift(connection) + _collations_drift(connection)


def _sequences_drift(connection: Connection) -> list[str]:
    """Flask-AppBuilder names the sequences of its tables; a migration makes them as part of the column."""
    columns = [column for table in metadata.sorted_tables for column in table.columns]
    wanted = {c.default.name for c in columns if isinstance(c.default, Sequence)}
    missing = wanted - set(inspect(connection).get_sequence_names())
    return [f"sequence {name} is missing" for name in sorted(missing)]


def _collations_drift(connection: Connection) -> list[str]:
    """Keys compare byte by byte, whatever the collation of the database."""
    inspector, found = inspect(connection), []
    for table in metadata.sorted_tables:
        known = inspector.get_columns(table.name) if inspector.has_table(table.name) else []
        there = {str(column["name"]): getattr(column["type"], "collation", None) for column in known}
        for column in table.columns:
            wanted = getattr(column.type.dialect_impl(connection.dialect), "collation", None)
            if there.get(column.name, wanted) != wanted:
                found.append(f"column {table.name}.{column.name} sorts by {there[column.name]}, not {wanted}")
    return found


def _sqlite_text_drift(connection: Connection) -> list[str]:
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index')")
    stored = {name: _words(sql or "") for name, sql in rows}
    found = []
    for table in metadata.sorted_tables:
        if "AUTOINCREMENT" not in stored.get(table.name, "AUTOINCREMENT"):
            found.append(f"table {table.name} may reuse ids")
        for index in table.indexes:
            where = index.dialect_options["sqlite"]["where"]
            _, _, there = stored.get(str(index.name), "").partition(" WHERE ")
            if str(index.name) in stored and there != ("" if where is None else _words(str(where))):
                found.append(f"index {index.name} covers other rows")
    return found
