"""The clock: queues each job's slots and works runs off, in a process of its own or in that of ``make run``."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from threading import Event

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine

from jobs.base import JOBS, queue_slot

log = logging.getLogger(__name__)

TICK_SECONDS = 1


def tick(engine: Engine, now: dt.datetime) -> list[int]:
    """Queue every slot that is due and that nobody has queued; return the runs' ids. A job that fails holds up none."""
    queued = []
    for declared in JOBS.values():
        try:
            run = queue_slot(engine, declared, now)
        except Exception:
            log.exception("job %s could not be queued", declared.code)
            continue
        if run is not None:
            queued.append(run)
    return queued


def keep_time(engine: Engine, clock: Callable[[], dt.datetime], stop: Event) -> None:
    """Tick each second until ``stop``. What a tick came too late for, the next one makes good."""
    scheduler = BackgroundScheduler(timezone=dt.UTC)
    scheduler.add_job(
        lambda: tick(engine, clock()), "interval", seconds=TICK_SECONDS,
        coalesce=True, max_instances=1, misfire_grace_time=None,
    )  # fmt: skip
    scheduler.start()
    stop.wait()
    scheduler.shutdown()
