"""Plainer columns: what is stored about fields elsewhere follows; the sealed journal keeps the old names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
additive = False

TABLES = {"lapse_warning": "loyalty_expiry_notice"}
COLUMNS = {
    "ab_role": {"needs_factor": "requires_two_factor"},
    "customer": {"lapse_warnings": "expiry_notices"},
    "journal_seal": {"because_id": "caused_by_id"},
    "staff_session": {"door": "channel"},
}
CONSTRAINTS = {
    "journal_seal": {"fk_journal_seal_because_id": "fk_journal_seal_caused_by_id"},
    "loyalty_expiry_notice": {
        "pk_lapse_warning": "pk_loyalty_expiry_notice",
        "uq_lapse_warning_lot_id": "uq_loyalty_expiry_notice_lot_id",
        "fk_lapse_warning_lot_id": "fk_loyalty_expiry_notice_lot_id",
        "fk_lapse_warning_mail_id": "fk_loyalty_expiry_notice_mail_id",
    },
    "staff_session": {"ck_staff_session_door": "ck_staff_session_channel"},
}
INDEXES = {
    "ix_journal_seal_because_id": "ix_journal_seal_caused_by_id",
    "ix_lapse_warning_mail_id": "ix_loyalty_expiry_notice_mail_id",
    "ix_loyalty_lot_lapsing": "ix_loyalty_lot_expiring",
}
SEQUENCES = {"lapse_warning_id_seq": "loyalty_expiry_notice_id_seq"}
FUNCTIONS = ("append_only_lapse_warning",)
"""What the triggers of a renamed table call; they are made again under its new name after every migration."""
FIELDS = COLUMNS["ab_role"] | COLUMNS["customer"]
LISTED = FIELDS | COLUMNS["staff_session"]
"""What documents name: fields that are written, and columns of lists."""

Json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    for old, new in TABLES.items():
        op.execute(f"ALTER TABLE {old} RENAME TO {new}")
    for table, names in COLUMNS.items():
        for old, new in names.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    if op.get_bind().dialect.name == "postgresql":
        _rename_the_rest()
    else:
        _rebuild()
    _rename_in("run", {"parameters": _keys})
    _rename_in("import_row", dict.fromkeys(("given", "before", "after", "errors"), _keys))
    _rename_in("import_file", {"plan": _plan})
    _rename_in("import_mapping", {"fields": _values})
    _rename_in("staff_preference", {"value": _list})


def _rename_the_rest() -> None:
    for table, names in CONSTRAINTS.items():
        for old, new in names.items():
            op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")
    for kind, renamed in (("INDEX", INDEXES), ("SEQUENCE", SEQUENCES)):
        for old, new in renamed.items():
            op.execute(f"ALTER {kind} {old} RENAME TO {new}")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION IF EXISTS {name}() CASCADE")
    _rename_not_null()


def _rename_not_null() -> None:
    """PostgreSQL 18 and later keep what is not null as a constraint with a name, made of the table's and the column's."""
    found = "SELECT relname, conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid WHERE contype = 'n'"
    mine = sa.text(f"{found} AND relnamespace = current_schema()::regnamespace")
    for table, before in op.get_bind().execute(mine).all():
        after = before
        for old, new in {**TABLES, **COLUMNS.get(table, {})}.items():
            after = re.sub(rf"(?<![a-z]){old}(?=_)", new, after)
        if after != before:
            op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {before} TO {after}")


def _rebuild() -> None:
    """SQLite renames neither constraints nor indexes: they are made again by their own text, tables with their rows."""
    for table, names in CONSTRAINTS.items():
        indexes = _stored("type = 'index' AND tbl_name", table)
        made = re.sub(r"(?<=^CREATE TABLE )\S+", f"_{table}", _renamed(_stored("name", table)[0], names))
        copied = f"INSERT INTO _{table} SELECT * FROM {table}"
        for sql in (made, copied, f"DROP TABLE {table}", f"ALTER TABLE _{table} RENAME TO {table}", *indexes):
            op.get_bind().exec_driver_sql(sql)
    for old in INDEXES:
        made = _renamed(_stored("name", old)[0], INDEXES)
        for sql in (f"DROP INDEX {old}", made):
            op.get_bind().exec_driver_sql(sql)


def _stored(which: str, name: str) -> list[str]:
    found = f"SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND {which} = :name"
    return list(op.get_bind().scalars(sa.text(found), {"name": name}))


def _renamed(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\w+", lambda word: names.get(word[0], word[0]), text)


# -- what is stored about fields ----------------------------------------------------------------------------------


def _rename_in(table: str, documents: dict[str, Callable[[Any], Any]]) -> None:
    """Rename the fields that documents of a table name, where they name one."""
    columns = [sa.column(name, Json) for name in documents]
    key = sa.column("id", sa.BigInteger)
    held = sa.table(table, key, *columns)
    text = [sa.cast(column, sa.Text) for column in columns]
    named = sa.or_(*(each.contains(f'"{old}"', autoescape=True) for each in text for old in LISTED))
    connection = op.get_bind()
    for row in connection.execute(sa.select(key, *columns).select_from(held).where(named)).mappings().all():
        values = {name: renamed(row[name]) for name, renamed in documents.items() if row[name] is not None}
        connection.execute(sa.update(held).where(key == row["id"]).values(values))


def _keys(document: Any) -> Any:
    """Values by field, which may hold further ones."""
    if not isinstance(document, dict):
        return document
    return {FIELDS.get(name, name): _keys(value) for name, value in document.items()}


def _values(document: Any) -> Any:
    """Fields by the headings of a file."""
    return {heading: FIELDS.get(name, name) for heading, name in document.items()}


def _plan(document: Any) -> Any:
    """How a file is taken in: the fields of its columns, and what stands in those it has none for."""
    parts = {"fields": _values, "defaults": _keys}
    return {name: parts.get(name, lambda same: same)(value) for name, value in document.items()}


def _list(document: Any) -> Any:
    """The columns that somebody chose for a list."""
    return [LISTED.get(str(name), name) for name in document] if isinstance(document, list) else document
