"""Links in mails to staff, with which they choose a password (rule 16.7)."""

from __future__ import annotations

import datetime as dt
from typing import cast

from sqlalchemy import Connection, Table, update

from models.access import StaffLink

TABLE = cast(Table, StaffLink.__table__)


def void(connection: Connection, user_id: int, now: dt.datetime) -> None:
    """Make every link of a person that is still open worth nothing."""
    still_open = (TABLE.c.user_id == user_id, TABLE.c.used_at.is_(None), TABLE.c.voided_at.is_(None))
    connection.execute(update(TABLE).where(*still_open).values(voided_at=now))
