"""``flask jobs``: what there is, what one would do, and one done by hand."""

import datetime as dt
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine

from models.loyalty import LoyaltyEntry, LoyaltyKind
from tests import application
from tests.actions.desk import Desk
from tests.databases import Database
from tests.factories import NOW
from tests.jobs.test_expire import give

LATER = NOW + dt.timedelta(days=30)


@pytest.fixture
def app(database: Database) -> Flask:
    """The application, a month from now."""
    return application.shared(database.url, lambda: LATER)


def jobs(app: Flask, *words: str) -> Any:
    """Run ``flask jobs …``."""
    return app.test_cli_runner().invoke(args=["jobs", *words])


def test_the_list_says_when_each_is_due_and_what_became_of_it(app: Flask, engine: Engine) -> None:
    def line() -> str:
        return next(text for text in jobs(app, "list").output.splitlines() if "loyalty.expire" in text)

    assert line().split()[:2] == ["loyalty.expire", "15"]
    assert line().endswith("never ran")
    jobs(app, "run", "loyalty.expire")
    assert line().endswith("last: Completed, 0 done, 0 not")


def test_one_is_looked_at_and_then_run(app: Flask, engine: Engine) -> None:
    desk = Desk(engine)
    customer = desk.customer()
    give(desk, customer, 1_250, 10)
    told = jobs(app, "run", "loyalty.expire", "--preview")
    assert told.output == "1,250 points of one customer will expire.\n"
    assert desk.all(LoyaltyEntry, kind=LoyaltyKind.EXPIRED) == []
    early = jobs(app, "run", "loyalty.expire", "--as-of", f"{NOW:%Y-%m-%d}")
    assert (early.exit_code, early.output) == (0, "Completed: 0 done, 0 not.\n")
    assert jobs(app, "run", "loyalty.expire").output == "Completed: 1 done, 0 not.\n"
    assert [row.points for row in desk.all(LoyaltyEntry, kind=LoyaltyKind.EXPIRED)] == [-1_250]
    assert desk.all(LoyaltyEntry, kind=LoyaltyKind.EXPIRED)[0].actor_name == "system"


def test_what_there_is_not_and_what_lies_ahead_is_refused(app: Flask, engine: Engine) -> None:
    assert "loyalty.expire" in jobs(app, "run", "nope").output
    ahead = jobs(app, "run", "loyalty.expire", "--as-of", f"{LATER + dt.timedelta(days=1):%Y-%m-%d}")
    assert (ahead.exit_code, "--as-of" in ahead.output) == (2, True)
    assert jobs(app, "run", "loyalty.expire", "--as-of", "x").exit_code == 2
