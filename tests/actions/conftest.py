"""One migrated database of each kind for all tests of a worker: a test works on customers of its own."""

import os
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, create_engine

from models import dialect, schema
from tests.actions.desk import Desk
from tests.conftest import RUN
from tests.databases import sqlite_url
from tests.models.conftest import _create, _execute


def pooled(url: str) -> Engine:
    """An engine like the application's own."""
    engine = create_engine(url, **dialect.engine_options(url))
    dialect.configure(engine)
    return engine


@pytest.fixture(scope="session")
def _engines(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Engine]]:
    run = request.config.stash[RUN]
    name = f"clientele_actions_{run.worker}_{os.getpid()}"
    known: dict[str, Engine] = {}

    def find(kind: str) -> Engine:
        if kind not in known:
            file = tmp_path_factory.mktemp("actions") / "shared.db"
            known[kind] = pooled(sqlite_url(file) if kind == "sqlite" else _create(run, name))
            schema.migrate(known[kind])
        return known[kind]

    yield find
    for engine in known.values():
        engine.dispose()
    if "postgresql" in known:
        _execute(run, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def engine(database_kind: str, _engines: Callable[[str], Engine]) -> Engine:
    """The engine of a migrated database."""
    return _engines(database_kind)


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """A member of staff at work on that database."""
    return Desk(engine)
