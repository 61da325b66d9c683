"""A small used shop of every release, to be upgraded by the tests (tests/models/test_upgrades.py).

``python -m tests.releases 0.1.0`` writes ``0.1.0.json.gz`` from a shop made by the code it is run in; it is done once,
when a release is made, and never again. A dump is plain rows: it is loaded into the tables of its own revision, on
either database.
"""

import base64
import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command

from models import schema, triggers
from models.base import Base, metadata

FOLDER = Path(__file__).parent
BATCH = 500


def released() -> list[str]:
    """Return the versions that have a dump, oldest first."""
    names = [path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz")]
    return sorted(names, key=lambda name: [int(part) for part in name.split(".")])


def write(engine: sa.Engine, version: str) -> Path:
    """Write the dump of ``version`` from the shop on ``engine``."""
    with engine.connect() as connection:
        found = _reflected(connection)
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
        tables = {table.name: _rows(connection, table) for table in found.sorted_tables}
    kept = {name: _triggers(name) for name in ("sqlite", "postgresql")}
    dump = {"revision": revision, "triggers": kept, "tables": tables}
    text = json.dumps(dump, default=_plain, separators=(",", ":"))
    path = FOLDER / f"{version}.json.gz"
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def revision(version: str) -> str:
    """Return the last migration of a release."""
    return str(_read(version)["revision"])


def load(engine: sa.Engine, version: str) -> None:
    """Fill an empty database with the tables, rows and triggers of ``version``, as that release left them."""
    dump = _read(version)
    with schema._writing(engine) as connection:
        command.upgrade(schema.config(connection=connection, comparing=True), dump["revision"])
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for table in _reflected(connection).sorted_tables:
            _fill(connection, table, dump["tables"].get(table.name, {"columns": [], "rows": []}))
        if connection.dialect.name == "postgresql":
            _count_on(connection)
        for sql in dump["triggers"][connection.dialect.name]:
            connection.execute(sa.text(sql.replace(":", r"\:")))


def _read(version: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress((FOLDER / f"{version}.json.gz").read_bytes()))
    return found


def _triggers(dialect: str) -> list[str]:
    wanted = triggers.statements(metadata, triggers.declared(list(Base.registry.mappers)), dialect)
    mark = f"COMMENT ON FUNCTION {triggers.PREFIX}_changeset() IS '{triggers.fingerprint(wanted)}'"
    return [*wanted.values(), *([mark] if dialect == "postgresql" else [])]


def _reflected(connection: sa.Connection) -> sa.MetaData:
    found = sa.MetaData()
    found.reflect(connection)
    for told in ("alembic_version", "applied_migration"):  # which the migrations themselves write
        if told in found.tables:
            found.remove(found.tables[told])
    for column in (column for table in found.tables.values() for column in table.columns):
        if isinstance(column.type, sa.JSON):
            column.type.none_as_null = True
    return found


def _rows(connection: sa.Connection, table: sa.Table) -> dict[str, Any]:
    rows = connection.execute(sa.select(table).order_by(*table.primary_key.columns)).all()
    return {"columns": [column.name for column in table.columns], "rows": [list(row) for row in rows]}


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value.isoformat()


def _fill(connection: sa.Connection, table: sa.Table, dump: dict[str, Any]) -> None:
    columns = [table.columns[name] for name in dump["columns"]]
    rows = [
        {column.name: _typed(column.type, value) for column, value in zip(columns, row, strict=True)}
        for row in dump["rows"]
    ]
    for start in range(0, len(rows), BATCH):
        connection.execute(sa.insert(table), rows[start : start + BATCH])


def _typed(kind: sa.types.TypeEngine[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, sa.DateTime):
        at = dt.datetime.fromisoformat(value)
        return at.replace(tzinfo=dt.UTC) if kind.timezone else at
    if isinstance(kind, sa.Date):
        return dt.date.fromisoformat(value)
    return base64.b64decode(value) if isinstance(kind, sa.LargeBinary) else value


def _count_on(connection: sa.Connection) -> None:
    """Let new ids follow the rows that are there."""
    counted = connection.exec_driver_sql(
        "SELECT table_name, column_name, substring(column_default FROM '''([^'']+)''') "
        "FROM information_schema.columns WHERE table_schema = 'public' AND column_default LIKE 'nextval%%'"
    )
    for table, column, sequence in counted.all():
        highest = f'(SELECT COALESCE(MAX("{column}"), 0) + 1 FROM "{table}")'
        connection.exec_driver_sql(f"SELECT setval('{sequence}', {highest}, false)")
