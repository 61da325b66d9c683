"""A database below the application, for what the models promise."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.orm import Session

from models import schema
from tests.conftest import MakeUrl
from tests.keyring import VAULT


@pytest.fixture(scope="session")
def _migrated(make_url: MakeUrl) -> Callable[[str], str]:
    known: dict[str, str] = {}

    def find(kind: str) -> str:
        if kind not in known:
            known[kind] = make_url(kind, "models")
            schema.migrate(schema.open_engine(known[kind]))
        return known[kind]

    return find


@pytest.fixture
def session(database_kind: str, _migrated: Callable[[str], str]) -> Iterator[Session]:
    """A session on a migrated database that all tests of a worker share; its transaction is rolled back.

    So a test sees no row but its own, may even commit, and costs a few milliseconds.
    """
    engine = schema.open_engine(_migrated(database_kind), VAULT)
    with engine.connect() as connection, connection.begin() as transaction:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()
