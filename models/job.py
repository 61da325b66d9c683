"""Jobs as records: which there are, and whether the clock leaves one out (rule 8)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Boolean, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import N_, Record, table_args
from models.personal import state, system
from models.types import UTCDateTime


class JobRow(Record):
    """One declared job. What it does and when is in its declaration; here is what people decide about it."""

    __tablename__ = "job"
    __label__ = N_("Scheduled job")
    __plural__ = N_("Scheduled jobs")
    __table_args__ = table_args()

    code: Mapped[str] = mapped_column(String(100), unique=True, info=system)
    label: Mapped[str] = mapped_column(String(100), info=system)
    """What it is called, as it was declared last."""
    paused: Mapped[bool] = mapped_column(Boolean, default=False, server_default="0", info=state())

    timetable: Mapped[str | None] = mapped_column(String(200), info=system)
    """By what its slots come, as the clock has it: the schedule and, where it goes by days, the zone."""
    timetable_since: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=system)
    """Since when, where it was another before: only slots from then on are its own."""

    def __str__(self) -> str:
        return self.label
