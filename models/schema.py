"""Bringing a database up to the models, and proving that it is.

:func:`migrate` may be called by any number of processes at once: one works, the others wait and find it done.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, Engine, create_engine, inspect
from sqlalchemy.exc import NoSuchTableError, OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from models import outage, triggers
from models.autogenerate import check_name, condition, options
from models.base import Base, metadata
from models.dialect import WRITE, advisory_lock, configure, engine_options, make_file
from models.standing import MIGRATIONS, SchemaError, Standing, config, heads, incompatible, standing
from models.vault import Vault

__all__ = [
    "MIGRATIONS",
    "SchemaError",
    "Standing",
    "at_head",
    "check",
    "config",
    "damage",
    "drift",
    "is_newer",
    "migrate",
    "open_engine",
    "restore_triggers",
    "triggers_drift",
]
_one_at_a_time = threading.Lock()


COLUMNS = {
    "sqlite": "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'",
    "postgresql": (
        "SELECT t.relname, c.attname FROM pg_class t JOIN pg_attribute c ON c.attrelid = t.oid "
        "WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') "
        "AND c.attnum > 0 AND NOT c.attisdropped"
    ),
}
MOST_NAMED = 3


def open_engine(url: str, keys: Vault | None = None) -> Engine:
    """Return an engine without a pool for ``url``, with the settings the rules rely on."""
    engine = create_engine(url, poolclass=NullPool, **_without_pool(engine_options(url)))
    configure(engine, keys=keys)
    return engine


def _without_pool(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if not name.startswith(("pool_", "max_overflow"))}


def at_head(engine: Engine) -> bool:
    """Return whether every migration has been applied; takes no lock.

    :raises SchemaError: the database is newer than this code, and not only by additions, or is not ours.
    """
    with engine.connect() as connection:
        return _at_head(connection)


def is_newer(engine: Engine) -> bool:
    """Return whether a newer release has made the database what it is. :raises SchemaError: it is not ours."""
    with engine.connect() as connection:
        return standing(connection).is_newer


def migrate(engine: Engine) -> None:
    """Apply what is missing, all or nothing; return at once when nothing is.

    :param engine: configured by :func:`models.dialect.configure`.
    :raises SchemaError: the database is newer than this code, and not only by additions, or is not ours.
    """
    make_file(engine)
    if at_head(engine):
        return
    with _one_at_a_time, _writing(engine) as connection:
        if not _at_head(connection):
            _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    """Apply what is missing to what is there, which may not be what its revision says."""
    began_at = heads(connection)
    try:
        command.upgrade(config(connection=connection), "head")
    except (ProgrammingError, OperationalError, NoSuchTableError, KeyError, ValueError) as error:
        if not began_at or outage.trouble(error) not in (None, outage.Trouble.SCHEMA):
            raise
        raise _different(began_at, outage.first_line(getattr(error, "orig", None) or error)) from error
    if found := _lacking(connection):
        raise _different(began_at, found)


def check(engine: Engine, *, running: bool = False) -> Standing:
    """Hold a database to what this release needs: its revision, every column, every trigger. Cheap: three questions.

    :param running: for a process that serves already: where a newer release has come since, it goes on as long as the
        database has every column that it reads and writes.
    :return: how the database stands to this release.
    :raises SchemaError: it is not as this release needs it; with what to do.
    """
    with engine.connect() as connection:
        found_at = standing(connection)
        if found_at is Standing.BEHIND:
            raise SchemaError(
                "The database is not up to date. Make a backup, then run `flask --app app up`.", "behind"
            )
        lacks = _lacking(connection)
        if found_at is Standing.INCOMPATIBLE and (lacks or not running):
            raise incompatible(connection)
        if lacks:
            raise _different(heads(connection), lacks)
        if found := ", ".join(damage(connection)):
            raise SchemaError(
                f"The database no longer keeps its ledgers and its journal from being altered: {found}. Find out "
                "who did that, run `flask --app app verify`, and put the triggers back by `flask --app app "
                "check-schema --here --restore-triggers`.",
                "damaged",
            )
    return found_at


def _different(revisions: Sequence[str], what: str) -> SchemaError:
    return SchemaError(
        f"The database says that it is at revision {', '.join(revisions)}, but it is not what that revision made "
        f"({what}): it comes from a version between two releases, or was changed manually, and cannot be brought "
        "up to date. Nothing was changed. Restore a backup that a release made. Where nothing in it is needed, move "
        "the file away (or point DATABASE_URL at an empty database) and start again.",
        "different",
    )


def _lacking(connection: Connection) -> str:
    """Return which columns of the models the database lacks; "" for none. Further ones are in nobody's way."""
    rows = connection.exec_driver_sql(COLUMNS[connection.dialect.name])
    wanted = {(table.name, column.name) for table in metadata.tables.values() for column in table.columns}
    names = [f"{table}.{column}" for table, column in sorted(wanted - {(row[0], row[1]) for row in rows})]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"it lacks {', '.join(names[:MOST_NAMED])}{more}" if names else ""


def triggers_drift(connection: Connection) -> list[str]:
    """Return a sentence for each trigger that is not as declared; [] for none."""
    return triggers.drift(connection, metadata, triggers.declared(list(Base.registry.mappers)))


def damage(connection: Connection) -> list[str]:
    """Return a sentence for each trigger that is gone or altered; a newer release may have more of them, and others."""
    found = triggers_drift(connection)
    if not found or not standing(connection).is_newer:
        return found
    return [sentence for sentence in found if sentence.endswith(triggers.IS_MISSING)]


def restore_triggers(engine: Engine) -> None:
    """Make every trigger again. :raises SchemaError: a newer release has others."""
    with _writing(engine) as connection:
        if standing(connection).is_newer:
            raise SchemaError(
                "The database was upgraded by a newer version: restore its triggers with that one."
            )
        triggers.install(connection, metadata, triggers.declared(list(Base.registry.mappers)))


def drift(engine: Engine) -> list[str]:
    """Return a sentence for each difference between a migrated database and the models; [] for none."""
    with engine.connect() as connection:
        found = [_sentence(difference) for difference in compare_metadata(_context(connection), metadata)]
        found += _checks_drift(connection)
        found += _details_drift(connection)
        return found + triggers_drift(connection)


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts=options(connection.dialect.name))


def _at_head(connection: Connection) -> bool:
    """Return whether there is nothing to apply. :raises SchemaError: what is there is not for this release."""
    found = standing(connection)
    if found is Standing.INCOMPATIBLE:
        raise incompatible(connection)
    return found is not Standing.BEHIND


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    """Yield a connection in a transaction that no other migration can be in."""
    with engine.execution_options(**{WRITE: True}).connect() as connection:
        if connection.dialect.name == "sqlite":
            with _sqlite_without_foreign_keys(connection):
                yield connection
        else:
            with connection.begin():
                advisory_lock(connection, "migrate")
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
    wanted = {c.default.name for c in columns if isinstance(c.default, sa.Sequence)}
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
