"""What waits for somebody who does not come: mail and runs that no worker takes, and whether anything can be saved.

Watchers are told by /readyz, admins on Today (rule 8.8).
"""

from __future__ import annotations

import datetime as dt
import shutil
import time
from dataclasses import dataclass
from typing import cast

from flask import current_app
from sqlalchemy import Engine, func, insert, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from actions.portal import mail_ceiling
from models.access import AttemptBucket
from models.dialect import PATIENCE, WRITE, file_of
from models.mail import Mail, MailState
from models.outage import Trouble, trouble
from models.run import Run, RunState
from models.shop import load_shop

GRACE = dt.timedelta(minutes=5)
"""How long a worker may take to come; longer than its lease, so that one that took over is not missed."""
TRY_AGAIN_AFTER = 5.0
"""Seconds for which an answer about writing is believed."""
PATIENCE_MS = 1000
ROOM = 8 * 1024 * 1024
"""Bytes on the disk of a SQLite file below which it is as good as full."""
BALLAST = [0.5] * 1000
"""More than the pages of a database have left over, so that a full one is found out."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Since when what has waited longest does; None where nothing has for long."""

    mail: dt.datetime | None
    runs: dt.datetime | None
    portal: dt.datetime | None
    """Since when the portal has sent all mails of a day (rule 5.10); None while there is room."""


def waiting(session: Session, now: dt.datetime) -> Waiting:
    """Return what no worker has taken though there was time to, in one statement."""
    late = now - GRACE
    free = or_(Mail.lease_until.is_(None), Mail.lease_until < now)
    mail = select(func.min(Mail.next_attempt_at)).where(
        Mail.state == MailState.WAITING, Mail.next_attempt_at <= late, free
    )
    queued = select(func.min(Run.created_at)).where(Run.state == RunState.QUEUED, Run.created_at <= late)
    left = select(func.min(Run.lease_until)).where(Run.state == RunState.RUNNING, Run.lease_until <= late)
    row = session.execute(select(*(part.scalar_subquery() for part in (mail, queued, left)))).one()
    full = mail_ceiling.reached_since(session, load_shop(session), now)
    return Waiting(row[0], min((at for at in row[1:] if at is not None), default=None), full)


class Writing:
    """Whether the database takes changes, as this process last found, and since when it does not."""

    def __init__(self) -> None:
        self.trouble: Trouble | None = None
        self.since: dt.datetime | None = None
        self._tried = -TRY_AGAIN_AFTER

    def look(self, engine: Engine, now: dt.datetime) -> Trouble | None:
        """Return what keeps the database from taking changes; a change is tried and rolled back, not at each call."""
        if time.monotonic() - self._tried >= TRY_AGAIN_AFTER:
            found = _try(engine)
            self._tried = time.monotonic()
            self.since = None if found is None else (self.since or now)
            self.trouble = found
        return self.trouble


def writing() -> Writing:
    """Return what the running application knows of writing."""
    found = current_app.extensions.setdefault("clientele.writing", Writing())
    return cast(Writing, found)


def _try(engine: Engine) -> Trouble | None:
    file = file_of(engine)
    if file is not None and shutil.disk_usage(file.parent).free < ROOM:
        return Trouble.FULL  # SQLite would find that out only when it commits
    row = {"bucket": "readyz", "times": BALLAST, "last_at": dt.datetime.now(dt.UTC)}
    try:
        with engine.execution_options(**{WRITE: True, PATIENCE: PATIENCE_MS}).connect() as connection:
            connection.execute(insert(AttemptBucket).values(row))
            connection.rollback()
    except SQLAlchemyError as error:
        found = trouble(error)
        return None if found is Trouble.BUSY else found  # somebody else is writing
    return None
