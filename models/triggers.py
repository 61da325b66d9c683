"""Triggers that keep ledgers and the journal append-only, made of what the models declare, and sort keys in step.

A model states ``__append_only__ = AppendOnly(...)``; :data:`COPIES` names the keys of a customer's primary rows that
the customer carries. :func:`statements` turns that into triggers for either database, :func:`install`
re-creates them all (every migration does), and :func:`drift` compares database and declaration.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, MetaData, Table, text
from sqlalchemy.orm import Mapper

IS_MISSING = "is missing"
PREFIX = "append_only"
COPY = "sort_key"
COPIES = (("phone", "number_key", "phone_key"), ("address", "postcode_key", "postcode_key"))
"""Table, its key, and the column of customer that holds it for the primary row: what a list of customers is sorted by.

Kept by the database, in the transaction that changes the row: not only saves write phones and addresses, but merges and
undos by whole sets, too.
"""


@dataclass(frozen=True, slots=True)
class AppendOnly:
    """The only updates the database lets through; a delete never is.

    :param reassignable: columns naming a customer that a merge may move to the survivor, or an unmerge back (rule 1.1).
    :param erasable: columns that may be emptied once the customer named by ``blank_when_erased`` is anonymised.
    :param rescale: amounts in the row's currency, which its conversion may multiply or divide by the very factor
        that it is marked with (rule 2.1, :mod:`models.rescaling`).
    :param rescale_within: documents that may hold such amounts, which change while a conversion is marked.
    """

    reassignable: tuple[str, ...] = ()
    erasable: tuple[str, ...] = ()
    blank_when_erased: str | None = None
    rescale: tuple[str, ...] = ()
    rescale_within: tuple[str, ...] = ()


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


def _rescaled(column: str) -> str:
    return (
        'EXISTS (SELECT 1 FROM currency_scale AS s WHERE s.currency = OLD."currency" '
        f'AND NEW."{column}" * s.divide = OLD."{column}" * s.multiply)'
    )


_RESCALING = "EXISTS (SELECT 1 FROM currency_scale WHERE multiply IS NOT NULL)"


def _permitted(table: Table, rule: AppendOnly, dialect: str) -> str:
    terms = []
    for column in table.columns:
        term = _same(column.name, dialect)
        if column.name in rule.reassignable:
            term = f"({term} OR {_merged(column.name)})"
        elif column.name in rule.erasable and rule.blank_when_erased:
            term = f"({term} OR ({_blanked(column.name, rule.blank_when_erased)}))"
        elif column.name in rule.rescale:
            term = f"({term} OR {_rescaled(column.name)})"
        if column.name in rule.rescale_within:
            term = f"({term} OR {_RESCALING})"
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


def _primary(table: str, key: str, alias: str = "held") -> str:
    """Return the expression for a key of the primary row of the customer of a statement; empty where there is none."""
    mine = f"{alias}.customer_id = customer.id AND {alias}.is_primary"
    return f"coalesce((SELECT {alias}.{key} FROM {table} AS {alias} WHERE {mine}), '')"


def copying(table: str, key: str, column: str) -> str:
    """Return the statement that writes a copied key into the customers who hold another one, but for which of them."""
    primary = _primary(table, key)
    return f"UPDATE customer SET {column} = {primary} WHERE {column} <> {primary}"


def _copies(dialect: str) -> Iterator[tuple[str, str]]:
    for table, key, column in COPIES:
        name, update = f"{COPY}_{table}", copying(table, key, column)
        if dialect == "postgresql":
            body = f"BEGIN {update} AND id IN (OLD.customer_id, NEW.customer_id); RETURN NULL; END"
            made = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
            yield name, made
        for event, rows in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",))):
            trigger, of = f"{name}_{event.lower()}", ""
            if event == "UPDATE":
                of = f" OF {key}, is_primary, customer_id"
            ids = ", ".join(f"{row}.customer_id" for row in rows)
            own = f"BEGIN {update} AND id IN ({ids}); END"
            does = f"EXECUTE FUNCTION {name}()" if dialect == "postgresql" else own
            yield trigger, f'CREATE TRIGGER {trigger} AFTER {event}{of} ON "{table}" FOR EACH ROW {does}'


def statements(metadata: MetaData, rules: dict[str, AppendOnly], dialect: str) -> dict[str, str]:
    """Return object name -> CREATE statement, in the order to run them."""
    make = _postgresql if dialect == "postgresql" else _sqlite
    found = {
        name: sql for table, rule in sorted(rules.items()) for name, sql in make(metadata.tables[table], rule)
    }
    return {**found, **dict(_copies(dialect))}


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
    found = [f"trigger {name} {IS_MISSING}" for name in sorted(names - there)]
    found += [f"trigger {name} is not declared" for name in sorted(there - names)]
    if connection.dialect.name == "postgresql":
        stored = connection.execute(
            text(f"SELECT obj_description(to_regproc('{PREFIX}_changeset'), 'pg_proc')")
        ).scalar()
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
            "WHERE NOT tgisinternal AND (tgname LIKE 'append_only%' OR tgname LIKE 'sort_key%')"
        )
    else:
        sql = (
            "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' "
            "AND (name LIKE 'append_only%' OR name LIKE 'sort_key%')"
        )
    return [(row[0], row[1]) for row in connection.execute(text(sql))]
