"""What really befalls databases: gone, without a table, read-only, full. Each holds until the block is left."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from tests.databases import Database, close_all_connections

Fault = Callable[[Flask, Database], AbstractContextManager[None]]


def engine_of(app: Flask) -> sa.Engine:
    """The application's engine."""
    from models.base import db

    with app.app_context():
        return db.engine


@contextmanager
def gone(app: Flask, database: Database) -> Iterator[None]:
    """The file is moved away; the server knows no database of that name."""
    if database.kind == "sqlite":
        with _moved(Path(str(sa.make_url(database.url).database))):
            yield
        return
    name = str(sa.make_url(database.url).database)
    with _renamed(database, name, f"{name}_moved_away"):
        yield


@contextmanager
def _moved(file: Path) -> Iterator[None]:
    close_all_connections()
    away = file.with_name("elsewhere.db")
    file.rename(away)
    try:
        yield
    finally:
        assert not file.exists(), "an empty database was put in its place"
        away.rename(file)


@contextmanager
def _renamed(database: Database, name: str, other: str) -> Iterator[None]:
    server = sa.create_engine(
        sa.make_url(database.url).set(database="postgres"),
        poolclass=sa.NullPool,
        isolation_level="AUTOCOMMIT",
    )
    close_all_connections()
    with server.connect() as connection:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        connection.execute(sa.text(ended), {"name": name})
        connection.exec_driver_sql(f"ALTER DATABASE {name} RENAME TO {other}")
        try:
            yield
        finally:
            connection.exec_driver_sql(f"ALTER DATABASE {other} RENAME TO {name}")


@contextmanager
def without_a_table(app: Flask, database: Database) -> Iterator[None]:
    """A table that every page of somebody signed in asks is not there."""
    with database.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE staff_session RENAME TO staff_session_before")
    try:
        yield
    finally:
        with database.connect() as connection:
            connection.exec_driver_sql("ALTER TABLE staff_session_before RENAME TO staff_session")


@contextmanager
def read_only(app: Flask, database: Database) -> Iterator[None]:
    """Nothing can be written: a standby, or a file system that was mounted so."""
    with _every_connection(app, "PRAGMA query_only = ON", "SET default_transaction_read_only = on"):
        yield


@contextmanager
def full(app: Flask, database: Database) -> Iterator[None]:
    """SQLite has no page left (a full disk answers with the same code)."""
    with database.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE ballast (filling BLOB)")
        most = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    with _every_connection(app, f"PRAGMA max_page_count = {most}", ""):
        engine = engine_of(app)
        for size in (4096, 1024, 256, 64):
            _fill(engine, size)
        yield
    with database.connect() as connection:
        connection.exec_driver_sql("DROP TABLE ballast")


def _fill(engine: sa.Engine, size: int) -> None:
    try:
        while True:
            with engine.begin() as connection:
                connection.exec_driver_sql(f"INSERT INTO ballast VALUES (zeroblob({size}))")
    except sa.exc.OperationalError:
        return


@contextmanager
def _every_connection(app: Flask, on_sqlite: str, on_postgresql: str) -> Iterator[None]:
    engine = engine_of(app)
    statement = on_sqlite if engine.dialect.name == "sqlite" else on_postgresql

    def tell(connection: sa.PoolProxiedConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        connection.commit()

    sa.event.listen(engine, "connect", tell)
    engine.dispose()
    try:
        yield
    finally:
        sa.event.remove(engine, "connect", tell)
        engine.dispose()
