"""What works by itself while the database is away: it asks less and less often, and the log is told once."""

import datetime as dt
import logging
from threading import Event

import pytest
import sqlalchemy as sa

from actions.mail import outbox
from actions.mail.outbox import Post
from actions.runs import runs
from jobs.scheduler import Ticker
from models import dialect, outage
from models.mail import Addresses
from tests.factories import NOW

NOWHERE = ["postgresql+psycopg://nobody@127.0.0.1:1/none", "sqlite:////nowhere/at/all.db"]


class Turns(Event):
    """A signal to stop that is given after some turns; nobody really waits for them."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.waited: list[float] = []
        self._most = most

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0.0)
        if len(self.waited) >= self._most:
            self.set()
        return self.is_set()


def now() -> dt.datetime:
    return NOW


@pytest.mark.parametrize("url", NOWHERE)
def test_loops_wait_longer_each_time_and_tell_the_log_once(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = sa.create_engine(url, **dialect.engine_options(url))
    dialect.configure(engine)
    post = Post(lambda _envelope: None, Addresses("http://shop.test", "http://my.shop.test"))
    works, sends = Turns(7), Turns(7)
    runs.serve(engine, now, "somebody", works)
    outbox.serve(engine, now, post, sends)
    assert works.waited == sends.waited == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    ticker = Ticker(engine, now)
    for _turn in range(5):
        ticker()
    assert [record.name for record in caplog.records if record.levelno >= logging.WARNING] == [
        "models.outage"
    ]


def test_a_loop_is_as_quick_as_ever_once_it_works_again() -> None:
    pauses = outage.Pauses(0.5)
    away = sa.exc.TimeoutError()
    assert not pauses.failed(away)
    assert not pauses.failed(away)
    assert pauses.seconds == 2.0
    pauses.worked()
    assert pauses.seconds == 0.5


def test_a_fault_of_ours_is_told_each_time() -> None:
    pauses = outage.Pauses(0.5)
    assert pauses.failed(ValueError())
    assert pauses.seconds == 0.5
