"""One migrated database of each kind for all tests of a worker: a test works on customers of its own."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, create_engine

from models import dialect, schema
from tests.actions.desk import Desk
from tests.conftest import MakeUrl
from tests.keyring import VAULT


def pooled(url: str) -> Engine:
    """An engine like the application's own."""
    engine = create_engine(url, **dialect.engine_options(url))
    dialect.configure(engine, keys=VAULT)
    return engine


@pytest.fixture(scope="session")
def _engines(make_url: MakeUrl) -> Iterator[Callable[[str], Engine]]:
    known: dict[str, Engine] = {}

    def find(kind: str) -> Engine:
        if kind not in known:
            known[kind] = pooled(make_url(kind, "actions"))
            schema.migrate(known[kind])
        return known[kind]

    yield find
    for engine in known.values():
        engine.dispose()


@pytest.fixture
def engine(database_kind: str, _engines: Callable[[str], Engine]) -> Engine:
    """The engine of a migrated database."""
    return _engines(database_kind)


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """A member of staff at work on that database."""
    return Desk(engine)
