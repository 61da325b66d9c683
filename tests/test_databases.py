"""Both databases are real, and each test finds its own as if nobody had been there."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from models import dialect
from tests import application, factories
from tests.databases import Database, once
from tests.sqlite_copy import SQLiteCopy


def test_each_kind_of_database_is_what_it_says(database: Database) -> None:
    with database.connect() as connection:
        assert connection.dialect.name == database.kind
        version = "sqlite_version()" if database.kind == "sqlite" else "version()"
        assert connection.scalar(sa.text(f"SELECT {version}"))


@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_gets_a_fresh_database(database: Database, time: str) -> None:
    with database.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        assert "left_behind" not in names
        assert {"ab_user", "customer", "changeset"} <= set(names)
        connection.execute(sa.text("CREATE TABLE left_behind (id INTEGER)"))


def count(connection: sa.Connection, what: str) -> Any:
    """How many rows there are."""
    return connection.scalar(sa.text(f"SELECT COUNT(*) FROM {what}"))


def test_connections_to_a_sqlite_file_stay_open(tmp_path: Path) -> None:
    """Where nobody else is at it; a test that leaves a connection to the collector has the file copied."""
    template, file = tmp_path / "template.db", tmp_path / "copy.db"
    url = f"sqlite:///{file}"
    with closing(sqlite3.connect(template)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE mark (number INTEGER)")
        made.commit()
    engine = sa.create_engine(url, **dialect.engine_options(url))
    copy = SQLiteCopy(file, lambda: [engine])
    copy.renew(template)
    with engine.connect() as connection:
        first = connection.connection.dbapi_connection
        connection.execute(sa.text("INSERT INTO mark VALUES (1)"))
        connection.commit()
    copy.renew(template)
    with engine.connect() as connection:
        assert connection.connection.dbapi_connection is first
        assert count(connection, "mark") == 0
        copy.renew(template)  # somebody is at it
    with engine.connect() as connection:
        assert connection.connection.dbapi_connection is not first
    engine.dispose()


def test_what_was_written_is_gone(database: Database) -> None:
    made = database.desk.connect()
    with made, made.begin():
        number = factories.make_customer(Session(made)).id
        made.execute(sa.text("DELETE FROM ab_user_role"))
        made.execute(sa.text("UPDATE ab_user SET last_name = 'Nobody'"))
    database.renew()
    with database.connect() as connection:
        found = [
            count(connection, what)
            for what in ("ab_user_role", "ab_user WHERE last_name = 'Tester'", "customer")
        ]
        assert found == [len(application.USERNAMES), len(application.USERNAMES), 0]
        assert factories.make_customer(Session(connection)).id == number, "numbers begin where they did"
        if database.kind == "sqlite":
            assert connection.scalar(sa.text("PRAGMA integrity_check")) == "ok"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE left_behind (id INTEGER)",
        "DROP TABLE known_browser",
        "ALTER TABLE note ADD COLUMN colour varchar(10)",
        "ANALYZE",
    ],
)
def test_what_changed_a_table_has_another_clone_made(database: Database, statement: str) -> None:
    with database.connect() as connection:
        first, tables = connection.connection.dbapi_connection, shape(connection)
        connection.execute(sa.text("DELETE FROM ab_user_role"))
        connection.execute(sa.text(statement))
    database.renew()
    with database.connect() as connection:
        assert connection.connection.dbapi_connection is not first
        assert shape(connection) == tables
        assert count(connection, "ab_user_role") == len(application.USERNAMES)


def shape(connection: sa.Connection) -> dict[str, list[str]]:
    """Table -> its columns."""
    inspector = sa.inspect(connection)
    return {
        name: [column["name"] for column in inspector.get_columns(name)]
        for name in ("note", "left_behind", "known_browser")
        if inspector.has_table(name)
    }


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_what_went_from_the_log_into_the_file_has_another_copied(database: Database) -> None:
    with database.connect() as connection:
        connection.execute(sa.text("DELETE FROM ab_user_role"))
    with closing(database.engine.raw_connection()) as raw:
        raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.renew()
    with database.connect() as connection:
        assert count(connection, "ab_user_role") == len(application.USERNAMES)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET default_transaction_read_only = on', current_database()); END $$",
        "ALTER TABLE customer RENAME TO client",
    ],
)
def test_renewing_survives_what_a_test_does_to_the_database(database: Database, statement: str) -> None:
    with database.connect() as connection:
        connection.exec_driver_sql(statement)
    database.renew()
    with database.connect() as connection:
        factories.make_customer(Session(connection))
        assert count(connection, "ab_user") == len(application.USERNAMES)


def test_renewing_survives_somebody_in_the_middle_of_something(database: Database) -> None:
    other = database.desk.connect()
    other.execute(sa.text("DELETE FROM ab_user_role"))
    database.renew()
    with database.connect() as fresh:
        assert fresh.scalar(sa.text("SELECT COUNT(*) FROM ab_user_role")) == len(application.USERNAMES)
    other.invalidate()
    other.close()


def test_renewing_survives_a_connection_left_open(database: Database) -> None:
    connection = sa.create_engine(database.url, poolclass=sa.NullPool).connect()
    connection.execute(sa.text("SELECT 1 FROM ab_user"))
    database.renew()
    with database.connect() as fresh:
        assert fresh.scalar(sa.text("SELECT COUNT(*) FROM ab_user")) == len(application.USERNAMES)
    connection.invalidate()
    connection.close()


def test_what_many_tests_begin_with_is_made_once_and_cloned(database: Database) -> None:
    made: list[Database] = []

    def furnish(found: Database) -> dict[str, int]:
        made.append(found)
        with found.connect() as connection:
            connection.execute(sa.text("CREATE TABLE furnished (id INTEGER)"))
        return {"number": factories.number()}

    first = database.furnish("rig", furnish)
    with database.connect() as connection:
        connection.execute(sa.text("CREATE TABLE left_behind (id INTEGER)"))
    assert database.furnish("rig", furnish) == first, "what is told of it is kept"
    with database.connect() as connection:
        assert {"furnished"} == {"furnished", "left_behind"} & set(sa.inspect(connection).get_table_names())
    assert len(made) == 1
    assert factories.number() > first["number"], "no later row has the number of one that is there"
    database.renew()
    with database.connect() as connection:
        assert "furnished" not in sa.inspect(connection).get_table_names()


def test_once_lets_the_first_in_and_not_the_second(tmp_path: Path) -> None:
    for expected in (True, False):
        with once(tmp_path / "lock") as needed:
            assert needed is expected


def test_once_repeats_what_went_wrong(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), once(tmp_path / "lock"):
        raise ZeroDivisionError("no migrations")
    with pytest.raises(RuntimeError, match="no migrations"), once(tmp_path / "lock"):
        pytest.fail("it went on")
