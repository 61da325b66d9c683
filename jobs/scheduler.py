"""The clock: queues each job's slots and works runs off, in a process of its own or in that of ``make run``."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable
from threading import Event, Lock

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from jobs.base import JOBS, queue_slot
from models import outage

log = logging.getLogger(__name__)

TICK_SECONDS = 1


def tick(engine: Engine, now: dt.datetime) -> list[int]:
    """Queue every slot that is due and that nobody has queued; return the runs' ids. A job that fails holds up none.

    :raises SQLAlchemyError: the database is in no state to serve, for this job or any other.
    """
    queued = []
    for declared in JOBS.values():
        try:
            run = queue_slot(engine, declared, now)
        except Exception as error:
            if outage.trouble(error) not in (None, outage.Trouble.BUSY):
                raise
            log.exception("job %s could not be queued", declared.code)
            continue
        if run is not None:
            queued.append(run)
    return queued


class Ticker:
    """Ticks when it is called, one turn at a time, and leaves turns out while the database is away."""

    def __init__(self, engine: Engine, clock: Callable[[], dt.datetime]) -> None:
        self._engine, self._clock = engine, clock
        self._pauses, self._not_before = outage.Pauses(0.0), 0.0
        self._turn = Lock()

    def __call__(self) -> None:
        if time.monotonic() < self._not_before or not self._turn.acquire(blocking=False):
            return
        try:
            tick(self._engine, self._clock())
            self._pauses.worked()
        except SQLAlchemyError as error:
            self._pauses.failed(error)
        finally:
            self._not_before = time.monotonic() + self._pauses.seconds
            self._turn.release()


def keep_time(engine: Engine, clock: Callable[[], dt.datetime], stop: Event) -> None:
    """Tick each second until ``stop``. What a tick came too late for, the next one makes good."""
    scheduler = BackgroundScheduler(timezone=dt.UTC)
    scheduler.add_job(
        Ticker(engine, clock), "interval", seconds=TICK_SECONDS,
        coalesce=True, max_instances=2, misfire_grace_time=None,
    )  # fmt: skip
    scheduler.start()
    stop.wait()
    scheduler.shutdown()
