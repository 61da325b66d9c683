"""Triggers that keep ledgers and the journal append-only, made of what the models declare, and sort keys in step.

A model states ``__append_only__ = AppendOnly(...)``; :data:`COPIES` names the keys of a customer's primary rows that
the customer carries, and :data:`LOOKED_AT` what duplicates are found by. :func:`statements` turns that into triggers
for either database, :func:`install`
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

CHECK = "duplicate_check"
LOOKED_AT: dict[str, tuple[str, ...]] = {
    "customer": (
        "first_name_key", "last_name_key", "email_key", "company_key", "company_number", "vat_number", "date_of_birth",
        "gender", "merged_into_id", "anonymised_at",
    ),
    "address": ("postcode_key", "line1_key", "town_key", "customer_id"),
    "phone": ("number_key", "customer_id"),
}  # fmt: skip
"""Table -> the columns by which duplicates are found: who has another value there is looked at again (rule 7.6).

Noted by the database for the same reason. Each change is a row of its own, so that nobody waits for anybody else's.
"""
OPEN = "duplicate_open"
OURS = (PREFIX, COPY, CHECK, OPEN)
"""What the names of our triggers begin with."""


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


def _checks(dialect: str) -> Iterator[tuple[str, str]]:
    """Yield what notes whom to look at again for duplicates.

    On PostgreSQL the function compares: a column that a trigger itself names could not be altered by a migration.
    """
    for table, columns in LOOKED_AT.items():
        owner = "id" if table == "customer" else "customer_id"
        events = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}
        for event, rows in events.items():
            if table == "customer" and event == "DELETE":
                continue
            name, update = f"{CHECK}_{table}_{event.lower()}", event == "UPDATE"
            owners = ", ".join(f"{row}.{owner}" for row in rows)  # both, where it moves
            there = (
                f"SELECT id FROM customer WHERE id IN ({owners})"  # gone, where it is deleted with all it has
            )
            note = f"INSERT INTO duplicate_check (customer_id) {there};"
            of, does = f" OF {', '.join(columns)}" if update else "", f"BEGIN {note} END"
            if dialect == "postgresql":
                yield f"{name}()", _noting(name, note, columns if update else ())
                of, does = "", f"EXECUTE FUNCTION {name}()"
            yield name, f'CREATE TRIGGER {name} AFTER {event}{of} ON "{table}" FOR EACH ROW {does}'


def _opens(dialect: str) -> Iterator[tuple[str, str]]:
    """Yield what marks a pair as decided, as long as a decision about it stands."""
    same = "d.lower_id = duplicate_pair.lower_id AND d.higher_id = duplicate_pair.higher_id"
    stands = f"SELECT 1 FROM pair_decision AS d WHERE {same} AND d.reopened_at IS NULL"
    marks = f"UPDATE duplicate_pair SET is_open = NOT EXISTS ({stands})"
    for event, rows in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",))):
        name, about = (
            f"{OPEN}_{event.lower()}",
            [f"(lower_id = {r}.lower_id AND higher_id = {r}.higher_id)" for r in rows],
        )
        does = f"BEGIN {marks} WHERE {' OR '.join(about)}; END"
        if dialect == "postgresql":
            made = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            yield f"{name}()", f"{made} AS $$ {does.removesuffix('END')} RETURN NULL; END $$"
            does = f"EXECUTE FUNCTION {name}()"
        yield name, f'CREATE TRIGGER {name} AFTER {event} ON "pair_decision" FOR EACH ROW {does}'


def _noting(name: str, note: str, columns: tuple[str, ...]) -> str:
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    body = f"IF ({old}) IS DISTINCT FROM ({new}) THEN {note} END IF;" if columns else note
    made = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
    return f"{made} AS $$ BEGIN {body} RETURN NULL; END $$"


def statements(metadata: MetaData, rules: dict[str, AppendOnly], dialect: str) -> dict[str, str]:
    """Return object name -> CREATE statement, in the order to run them."""
    make = _postgresql if dialect == "postgresql" else _sqlite
    found = {
        name: sql for table, rule in sorted(rules.items()) for name, sql in make(metadata.tables[table], rule)
    }
    return {**found, **dict(_copies(dialect)), **dict(_checks(dialect)), **dict(_opens(dialect))}


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
            "WHERE NOT tgisinternal"
        )
    else:
        sql = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
    return [(row[0], row[1]) for row in connection.execute(text(sql)) if row[0].startswith(OURS)]
