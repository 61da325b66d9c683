"""A member of staff at work, and the night with them."""

import pytest
from sqlalchemy import Engine

import jobs.registry  # noqa: F401  declares the jobs
from tests.actions.desk import Desk


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """Somebody at work on a fresh database."""
    return Desk(engine)
