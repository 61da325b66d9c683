"""A fresh database for each test: who is a duplicate depends on everybody there is."""

import pytest
from sqlalchemy import Engine

from tests.databases import Database


@pytest.fixture
def engine(database: Database) -> Engine:
    """The engine that members of staff work on."""
    return database.desk
