"""Checking customers for duplicates again, soon after they have changed (rule 7.6)."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from threading import Event
from typing import cast

from sqlalchemy import Connection, Engine, Table, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from actions.duplicates import looking
from models.customer import Customer
from models.dialect import WRITE, Turns
from models.duplicate import DuplicateCheck

log = logging.getLogger(__name__)
CHECKS = cast(Table, DuplicateCheck.__table__)
_CUSTOMER = cast(Table, Customer.__table__).c
LIVE = _CUSTOMER.merged_into_id.is_(None), _CUSTOMER.anonymised_at.is_(None)
CHUNK = 200
"""Checks that one transaction makes."""
LOOK_EVERY = 1.0
"""Seconds between two looks at whether somebody is to be checked."""


def serve(engine: Engine, clock: Callable[[], dt.datetime], stop: Event) -> None:
    """Check those who are to be checked, until ``stop``; where the database is away, again later."""
    turns = Turns(engine)
    while not stop.is_set():
        try:
            while not stop.is_set() and check_some(engine, clock()):
                turns.give()
        except (DBAPIError, PoolTimeout):
            pass  # models.outage tells the log; what waits is there when the database is
        except Exception:
            log.exception("customers could not be checked for duplicates")
        stop.wait(LOOK_EVERY)


def check_all(engine: Engine, clock: Callable[[], dt.datetime]) -> None:
    """Check everybody who is to be checked."""
    while check_some(engine, clock()):
        pass


def check_everybody(connection: Connection) -> None:
    """Note everybody who is live as somebody who is to be checked."""
    connection.execute(insert(CHECKS).from_select(["customer_id"], select(_CUSTOMER.id).where(*LIVE)))


def check_some(engine: Engine, now: dt.datetime) -> int:
    """Check the next few; return the number of checks that are done with."""
    with engine.connect() as connection:
        if connection.execute(select(CHECKS.c.id).limit(1)).first() is None:
            return 0
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        return take_some(session.connection(), now)


def take_some(connection: Connection, now: dt.datetime) -> int:
    """Check the next few within a transaction; return the number of checks that are done with.

    What is noted while it goes on is another check, and stays.
    """
    rows = connection.execute(select(CHECKS).order_by(CHECKS.c.id).limit(CHUNK)).all()
    if rows:
        looking.look_at(connection, {row.customer_id for row in rows}, now)
        connection.execute(CHECKS.delete().where(CHECKS.c.id.in_([row.id for row in rows])))
    return len(rows)
