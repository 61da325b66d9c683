"""Fixtures of this room: a shop whose clock the tests move, with a secret in every sensitive column."""

import pytest
from flask import Flask

from tests import application
from tests.admin import hiding
from tests.admin.conftest import Shop
from tests.admin.hiding import ROLE, Planted
from tests.databases import Database


@pytest.fixture
def clock() -> hiding.Clock:
    """The shop's clock."""
    return hiding.Clock()


@pytest.fixture
def app(database: Database, clock: hiding.Clock) -> Flask:
    """An application with a clock of the test's own."""
    return application.shared(database.url, clock)


@pytest.fixture
def made(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Planted:
    """A secret in every sensitive column, and the account of somebody who may see none."""
    monkeypatch.setitem(application.USERNAMES, ROLE, hiding.USERNAME)
    with shop.arrange() as session:
        return hiding.plant(session)
