"""Triggers that keep ledgers and the journal append-only, made from what the models declare.

A model states ``__append_only__ = AppendOnly(...)``. :func:`statements` turns that into triggers for either database,
:func:`install` re-creates them all (every migration does), and :func:`drift` compares database and declaration.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, MetaData, Table, text
from sqlalchemy.orm import Mapper

PREFIX = "append_only"


@dataclass(frozen=True, slots=True)
class AppendOnly:
    """The only updates the database lets through; a delete never is.

    :param repoint: columns naming a customer that a merge may move to the survivor, or an unmerge back (RULES 1.1).
    :param blank: columns that may be emptied once the customer named by ``blank_when_erased`` is anonymised.
    """

    repoint: tuple[str, ...] = ()
    blank: tuple[str, ...] = ()
    blank_when_erased: str | None = None


def declared(mappers: list[Mapper[object]]) -> dict[str, AppendOnly]:
    """Return table name -> declaration for every append-only model."""
    found = {}
    for mapper in mappers:
        rule = getattr(mapper.class_, "__append_only__", None)
        if isinstance(rule, AppendOnly):
            found[mapper.local_table.name] = rule  # type: ignore[attr-defined]
    return found


def _same(column: str, dialect: str) -> str:
    operator = "IS NOT DISTINCT FROM" if dialect == "postgresql" else "IS"
    return f'NEW."{column}" {operator} OLD."{column}"'


def _merged(column: str) -> str:
    return (
        f'EXISTS (SELECT 1 FROM customer WHERE (id = OLD."{column}" AND merged_into_id = NEW."{column}") '
        f'OR (id = NEW."{column}" AND merged_into_id = OLD."{column}"))'
    )


def _blanked(column: str, owner: str) -> str:
    return (
        f"(NEW.\"{column}\" IS NULL OR CAST(NEW.\"{column}\" AS TEXT) IN ('', '{{}}')) AND "
        f'EXISTS (SELECT 1 FROM customer WHERE id = OLD."{owner}" AND anonymised_at IS NOT NULL)'
    )


def _permitted(table: Table, rule: AppendOnly, dialect: str) -> str:
    terms = []
    for column in table.columns:
        term = _same(column.name, dialect)
        if column.name in rule.repoint:
            term = f"({term} OR {_merged(column.name)})"
        elif column.name in rule.blank and rule.blank_when_erased:
            term = f"({term} OR ({_blanked(column.name, rule.blank_when_erased)}))"
        terms.append(term)
    return " AND ".join(terms)


def _sqlite(table: Table, rule: AppendOnly) -> Iterator[tuple[str, str]]:
    name, refuse = table.name, f"SELECT RAISE(ABORT, 'append-only: {table.name}')"
    yield (
        f"{PREFIX}_{name}_update",
        f'CREATE TRIGGER {PREFIX}_{name}_update BEFORE UPDATE ON "{name}" '
        f"WHEN NOT ({_permitted(table, rule, 'sqlite')}) BEGIN {refuse}; END",
    )
    yield (
        f"{PREFIX}_{name}_delete",
        f'CREATE TRIGGER {PREFIX}_{name}_delete BEFORE DELETE ON "{name}" BEGIN {refuse}; END',
    )


def _postgresql(table: Table, rule: AppendOnly) -> Iterator[tuple[str, str]]:
    name = table.name
    refuse = f"RAISE EXCEPTION 'append-only: {name}' USING ERRCODE = 'integrity_constraint_violation'"
    allowed = _permitted(table, rule, "postgresql")
    body = f"IF TG_OP = 'UPDATE' THEN IF {allowed} THEN RETURN NEW; END IF; END IF; {refuse};"
    yield (
        f"{PREFIX}_{name}",
        f"CREATE OR REPLACE FUNCTION {PREFIX}_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$",
    )
    for event, level in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        trigger = f"{PREFIX}_{name}_{event.lower()}"
        yield (
            trigger,
            f'CREATE TRIGGER {trigger} BEFORE {event} ON "{name}" FOR EACH {level} EXECUTE FUNCTION {PREFIX}_{name}()',
        )


def statements(metadata: MetaData, rules: dict[str, AppendOnly], dialect: str) -> dict[str, str]:
    """Return object name -> CREATE statement, in the order to run them."""
    make = _postgresql if dialect == "postgresql" else _sqlite
    return {
        name: sql for table, rule in sorted(rules.items()) for name, sql in make(metadata.tables[table], rule)
    }


def install(connection: Connection, metadata: MetaData, rules: dict[str, AppendOnly]) -> None:
    """Drop and re-create every trigger; a table rebuilt by a migration has lost its own."""
    remove(connection)
    wanted = statements(metadata, rules, connection.dialect.name)
    for sql in wanted.values():
        connection.exec_driver_sql(sql.replace("%", "%%") if connection.dialect.name == "postgresql" else sql)
    if connection.dialect.name == "postgresql":
        digest = fingerprint(wanted)
        connection.exec_driver_sql(f"COMMENT ON FUNCTION {PREFIX}_changeset() IS '{digest}'")


def remove(connection: Connection) -> None:
    """Drop every trigger. A migration does so first on SQLite, where no table can be renamed while they name it."""
    for name, table in _installed(connection):
        on = f' ON "{table}"' if connection.dialect.name == "postgresql" else ""
        connection.exec_driver_sql(f"DROP TRIGGER {name}{on}")


def fingerprint(wanted: dict[str, str]) -> str:
    """Return a digest of all statements, stored on PostgreSQL, which rewrites what it is given."""
    return hashlib.sha256("\n".join(wanted.values()).encode()).hexdigest()


def drift(connection: Connection, metadata: MetaData, rules: dict[str, AppendOnly]) -> list[str]:
    """Return a sentence for each trigger the database lacks, has too many of, or holds in another wording."""
    wanted = statements(metadata, rules, connection.dialect.name)
    there = {name for name, _ in _installed(connection)}
    names = {name for name, sql in wanted.items() if sql.startswith("CREATE TRIGGER")}
    found = [f"trigger {name} is missing" for name in sorted(names - there)]
    found += [f"trigger {name} is not declared" for name in sorted(there - names)]
    if connection.dialect.name == "postgresql":
        stored = connection.execute(text(f"SELECT obj_description('{PREFIX}_changeset'::regproc)")).scalar()
        if stored != fingerprint(wanted):
            found.append("the triggers were made from other declarations")
        return found
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    found += [f"trigger {n} differs" for n, sql in rows if n in wanted and sql != wanted[n]]
    return found


def _installed(connection: Connection) -> list[tuple[str, str]]:
    if connection.dialect.name == "postgresql":
        sql = (
            "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE NOT tgisinternal AND tgname LIKE 'append_only%'"
        )
    else:
        sql = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'append_only%'"
    return [(row[0], row[1]) for row in connection.execute(text(sql))]
