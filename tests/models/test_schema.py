"""Migrations make exactly what the models declare, on both databases, however many start at once."""

import datetime as dt
import multiprocessing
import shutil
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from actions.maintenance import seals
from models import schema, standing, triggers
from models.base import Base, metadata
from models.standing import scripts
from tests import releases
from tests.databases import KINDS, Database
from tests.scale import FULL


@pytest.fixture
def engine(empty_url: str) -> Iterator[sa.Engine]:
    """An engine on an empty database."""
    made = schema.open_engine(empty_url)
    yield made
    made.dispose()


@pytest.fixture
def migrated(engine: sa.Engine) -> sa.Engine:
    """An engine on a database with every table and not a row."""
    schema.migrate(engine)
    return engine


@pytest.fixture
def found(database: Database) -> Iterator[sa.Engine]:
    """An engine on such a database that was cloned, for tests that spoil it."""
    made = schema.open_engine(database.url)
    yield made
    made.dispose()


def execute(engine: sa.Engine, *statements: str) -> None:
    """Run statements in one transaction."""
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_migrated_database_is_what_the_models_declare(migrated: sa.Engine) -> None:
    assert schema.drift(migrated) == []
    assert set(sa.inspect(migrated).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_migrating_twice_changes_nothing(engine: sa.Engine) -> None:
    assert not schema.at_head(engine)
    schema.migrate(engine)
    assert schema.at_head(engine)
    schema.migrate(engine)
    assert schema.drift(engine) == []


def test_at_head_only_the_version_is_read(migrated: sa.Engine) -> None:
    seen: list[str] = []
    sa.event.listen(migrated, "before_cursor_execute", lambda *a: seen.append(a[2]))
    schema.migrate(migrated)
    assert not [
        statement
        for statement in seen
        if "SELECT" not in statement and "PRAGMA" not in statement and "BEGIN" not in statement
    ]
    assert len(seen) <= 6


def migrate_together(url: str, start: Barrier) -> None:
    """Migrate the moment the other processes do."""
    engine = schema.open_engine(url)
    start.wait(timeout=60)
    schema.migrate(engine)


def test_eight_processes_may_start_on_one_empty_database(empty_url: str) -> None:
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(8)
    started = [fork.Process(target=migrate_together, args=(empty_url, start)) for _ in range(8)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * 8
    engine = schema.open_engine(empty_url)
    assert schema.drift(engine) == []
    engine.dispose()


def test_a_failed_migration_leaves_nothing(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(triggers, "install", fail)
    with pytest.raises(RuntimeError, match="disk is full"):
        schema.migrate(engine)
    assert sa.inspect(engine).get_table_names() == []


LATER = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "later", "HEAD", None, None


def upgrade():
    for table in ("changeset", "customer", "ab_role"):
        with op.batch_alter_table(table, table_kwargs={"sqlite_autoincrement": True}) as batch:
            batch.add_column(sa.Column("colour", sa.String(20)))
            batch.create_check_constraint("colour_known", "colour <> 'mauve'")
"""


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A version of the product with one migration more, which rebuilds two tables on SQLite."""
    history = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, history)
    (history / "versions" / "later.py").write_text(LATER.replace("HEAD", scripts().get_current_head()))
    monkeypatch.setattr(standing, "MIGRATIONS", history)
    scripts.cache_clear()
    yield
    scripts.cache_clear()


def test_a_later_migration_keeps_rows_keys_and_triggers(migrated: sa.Engine, request) -> None:
    with migrated.begin() as connection:
        changeset = metadata.tables["changeset"]
        at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        row = {"at": at, "action": "note.create", "actor_name": "Jo", "reason": ""}
        connection.execute(sa.insert(changeset).values(**row))
        change = metadata.tables["change"]
        connection.execute(sa.insert(change).values(changeset_id=1, table_name="note", row_id=1))
        role = metadata.tables["ab_role"]
        connection.execute(sa.insert(role), [{"name": "one"}, {"name": "two"}])
        connection.execute(sa.delete(role).where(role.c.name == "two"))
    request.getfixturevalue("later")
    assert not schema.at_head(migrated)
    schema.migrate(migrated)
    with migrated.connect() as connection:
        assert connection.execute(sa.select(changeset.c.actor_name)).scalars().all() == ["Jo"]
        assert triggers.drift(connection, metadata, triggers.declared(list(Base.registry.mappers))) == []
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        execute(migrated, "UPDATE changeset SET actor_name = 'Sam'")
    with pytest.raises(sa.exc.IntegrityError):
        execute(migrated, "INSERT INTO change (changeset_id, table_name, row_id) VALUES (99, 'note', 1)")
    assert len(schema.drift(migrated)) == 6
    with migrated.begin() as connection:
        assert connection.execute(sa.insert(role).values(name="three")).inserted_primary_key[0] == 3


def test_a_newer_database_is_refused(migrated: sa.Engine) -> None:
    execute(migrated, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(schema.SchemaError, match="newer"):
        schema.migrate(migrated)


def test_a_database_of_unknown_origin_is_refused(engine: sa.Engine) -> None:
    execute(engine, "CREATE TABLE customer (id integer)")
    with pytest.raises(schema.SchemaError, match="already has tables"):
        schema.migrate(engine)


def test_foreign_keys_are_on_after_a_migration_on_sqlite(make_url) -> None:
    engine = schema.open_engine(make_url("sqlite", "keys"))
    with engine.connect() as connection, schema._sqlite_without_foreign_keys(connection):
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 0
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE note ADD COLUMN colour varchar(10)", "colour"),
        ("DROP INDEX ix_note_open_tasks", "ix_note_open_tasks"),
        ("DROP TABLE staff_preference", "staff_preference"),
    ],
)
def test_drift_is_told(found: sa.Engine, change: str, told: str) -> None:
    execute(found, change)
    assert any(told in sentence for sentence in schema.drift(found))


def test_a_missing_trigger_is_told(found: sa.Engine) -> None:
    on = " ON changeset" if found.dialect.name == "postgresql" else ""
    execute(found, f"DROP TRIGGER append_only_changeset_update{on}")
    assert schema.drift(found) == ["trigger append_only_changeset_update is missing"]


POSTGRESQL_CHANGES = [
    ('ALTER TABLE customer ALTER COLUMN email_key TYPE varchar(320) COLLATE "default"', "email_key"),
    ("ALTER TABLE customer DROP CONSTRAINT ck_customer_points_range", "ck_customer_points_range"),
    ("ALTER TABLE customer DROP CONSTRAINT ck_customer_status", "ck_customer_status"),
    ("ALTER TABLE customer ALTER COLUMN points TYPE integer", "points"),
    ("ALTER TABLE note ALTER COLUMN body DROP NOT NULL", "body"),
    ("ALTER TABLE changeset ALTER COLUMN reason DROP DEFAULT", "reason"),
]


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("change", "told"), POSTGRESQL_CHANGES)
def test_drift_of_columns_is_told(found: sa.Engine, change: str, told: str) -> None:
    execute(found, change)
    assert any(told in sentence for sentence in schema.drift(found))


REWRITES = [
    ("ix_note_open_tasks", "done_at IS NULL", "done_at IS NOT NULL", "covers other rows"),
    ("customer", "points >= 0", "points >= -5", "ck_customer_points_range differs"),
    ("phone", "AUTOINCREMENT", "", "may reuse ids"),
]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("name", "old", "new", "told"), REWRITES)
def test_drift_of_conditions_is_told(found: sa.Engine, name: str, old: str, new: str, told: str) -> None:
    execute(
        found,
        "PRAGMA writable_schema = ON",
        f"UPDATE sqlite_master SET sql = replace(sql, '{old}', '{new}') WHERE name = '{name}'",
    )
    assert any(told in sentence for sentence in schema.drift(found))


def test_keys_compare_byte_by_byte_on_postgresql(make_url) -> None:
    engine = schema.open_engine(make_url("postgresql", "collation"))
    schema.migrate(engine)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT table_name, column_name, collation_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name LIKE '%%\\_key'"
        ).all()
    assert rows
    assert {row[2] for row in rows} == {"C"}, rows


def test_an_old_migration_never_imports_a_model() -> None:
    for path in (schema.MIGRATIONS / "versions").glob("*.py"):
        assert "models" not in path.read_text().replace("models.migrations", ""), path.name


def test_history_is_one_line() -> None:
    assert len(scripts().get_heads()) == 1


Shape = dict[tuple[str, str, str], tuple[bool, str]]
FIRST_MARKED = "0013"
"""The first migration that says whether it is additive."""


def test_each_migration_says_whether_it_is_additive() -> None:
    found = {script.revision: script.module for script in scripts().walk_revisions()}
    unmarked = [
        name for name, module in found.items()
        if name >= FIRST_MARKED and not isinstance(getattr(module, "additive", None), bool)
    ]  # fmt: skip
    assert unmarked == []


ADDITIVE = [
    script.revision
    for script in scripts().walk_revisions()
    if script.revision >= FIRST_MARKED and script.module.additive
]


@pytest.mark.soak
@pytest.mark.parametrize("database_kind", KINDS if FULL else KINDS[:1], indirect=True)
def test_what_calls_itself_additive_only_adds(engine: sa.Engine) -> None:
    """An older program goes on reading and writing what was there before (models/migrations/__init__.py)."""
    shapes: dict[str, Shape] = {}
    seen: dict[str, Shape] = {}
    for script in reversed([*scripts().walk_revisions()]):
        shapes[script.revision] = shape_at(engine, script.revision, seen)
        if script.revision in ADDITIVE:
            only_adds(shapes, script.revision, str(script.down_revision))


def only_adds(shapes: dict[str, Shape], revision: str, earlier: str) -> None:
    """Hold what a migration made of the tables of the release before to what they were."""
    released = {table for table, _kind, _name in shapes[release_before(revision)]}
    before, after = of(released, shapes[earlier]), shapes[revision]
    assert of(released, {name: there for name, there in after.items() if name in before}) == before, revision
    for (table, *_kind), (optional, _rule) in ((k, v) for k, v in after.items() if k not in before):
        whole = table not in released
        assert whole or optional, (
            f"{revision}: {table} would refuse, or get wrong, what an older program writes"
        )
        assert whole or table not in sealed(), f"{revision}: older workers would seal {table} without it"


def release_before(revision: str) -> str:
    """The last migration of the newest release that lacks this one: whose programs may be there beside it."""
    return max(known for known in map(releases.revision, releases.released()) if known < revision)


def of(tables: set[str], shape: Shape) -> Shape:
    """The part of a shape that is about some tables: what no release has yet, no older program reads or writes."""
    return {name: there for name, there in shape.items() if name[0] in tables}


def shape_at(engine: sa.Engine, revision: str, known: dict[str, Shape]) -> Shape:
    """Upgrade; return the shape of all tables. What a table is made by is looked at once, and kept in ``known``."""
    with schema._writing(engine) as connection:
        command.upgrade(schema.config(connection=connection, comparing=True), revision)
    inspector, found = sa.inspect(engine), Shape()
    for table, made_by in definitions(engine, revision).items():
        if made_by not in known:
            known[made_by] = shape_of(inspector, table)
        found |= known[made_by]
    return found


def definitions(engine: sa.Engine, revision: str) -> dict[str, str]:
    """Return table -> the statements that it is made by; PostgreSQL keeps none, so there it is looked at anew."""
    if engine.dialect.name != "sqlite":
        return {table: f"{table} {revision}" for table in sa.inspect(engine).get_table_names()}
    statements = (
        "SELECT tbl_name, group_concat(sql, ';') FROM sqlite_master WHERE sql IS NOT NULL GROUP BY tbl_name"
    )
    with engine.connect() as connection:
        made = connection.exec_driver_sql(statements).all()
    return {table: f"{table} {text}" for table, text in made if not table.startswith("sqlite_")}


def shape_of(seen: sa.Inspector, table: str) -> Shape:
    """Return (table, kind, name) of each column and rule -> (whether an older program may ignore it, the rule)."""
    found: Shape = {}
    for column in seen.get_columns(table):
        optional = bool(column["nullable"] or column["default"] is not None)
        rule = f"{column['type']} {column['nullable']} {column['default']}"
        found[table, "column", column["name"]] = optional, rule
    for check in seen.get_check_constraints(table):
        found[table, "check", str(check["name"])] = False, check["sqltext"]
    for key in (*seen.get_unique_constraints(table), *seen.get_indexes(table)):
        found[table, "key", str(key["name"])] = not key.get("unique", True), str(key["column_names"])
    for reference in seen.get_foreign_keys(table):
        columns = str(reference["constrained_columns"])
        found[table, "reference", columns] = True, reference["referred_table"]
    return found


def sealed() -> set[str]:
    """Return the tables whose rows the seals of the journal hold."""
    return {table.name for table, _key, _rule in seals._tables()}
