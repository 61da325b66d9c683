"""When a job is due: its slots, as instants (rule 8.5).

A slot is an instant in UTC that follows from the schedule alone, so that every process works out the same ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from models.days import instant

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""What cron's figures for days of the week mean; APScheduler would begin to count at Monday."""
BACK = tuple(dt.timedelta(days=days) for days in (1, 32, 370, 1500))
"""How far to look back for the last slot, at first a little: a yearly one may be on a leap day."""
MOMENT = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Every:
    """Each so many seconds, counted from 1970."""

    seconds: int

    def __post_init__(self) -> None:
        if self.seconds < 1:
            raise ValueError("every= is a number of seconds, at least 1")

    def last(self, now: dt.datetime, zone: ZoneInfo) -> dt.datetime:
        """Return the last slot at or before ``now``."""
        return dt.datetime.fromtimestamp(now.timestamp() // self.seconds * self.seconds, dt.UTC)

    def next(self, now: dt.datetime, zone: ZoneInfo) -> dt.datetime:
        """Return the first slot after ``now``."""
        return self.last(now, zone) + dt.timedelta(seconds=self.seconds)

    def __str__(self) -> str:
        return f"every {self.seconds} s"


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields in the shop's zone. An hour that the clock leaves out, or shows twice, has its slots once."""

    fields: str

    def __post_init__(self) -> None:
        try:
            self._trigger()
        except (ValueError, IndexError) as error:
            raise ValueError(f"cron={self.fields!r}: {error}") from error

    def _trigger(self) -> CronTrigger:
        words = self.fields.split()
        if len(words) != 5:
            raise ValueError(f"cron= has five fields, not {len(words)}")
        minute, hour, day, month, weekday = words
        days = ",".join(day for part in weekday.split(",") for day in _days(part))
        return CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=days, timezone=dt.UTC)

    def _slots(self, since: dt.datetime, zone: ZoneInfo) -> Iterator[dt.datetime]:
        """Yield the slots after an instant, in order.

        The clock on the wall is gone through as if it never changed, then put to what it means in the zone: a time that
        is left out is the instant at which the clock goes on, one that comes twice is the first of the two.
        """
        trigger = self._trigger()
        wall = since.astimezone(zone).replace(tzinfo=dt.UTC) - dt.timedelta(hours=3)
        before = since
        while True:
            found = trigger.get_next_fire_time(None, wall)
            if found is None:
                return
            wall = found + MOMENT
            slot = instant(found, zone)
            if slot > before:
                before = slot
                yield slot

    def last(self, now: dt.datetime, zone: ZoneInfo) -> dt.datetime | None:
        """Return the last slot at or before ``now``; None for a schedule that never is due."""
        for span in BACK:
            found = None
            for slot in self._slots(now - span, zone):
                if slot > now:
                    break
                found = slot
            if found is not None:
                return found
        return None

    def next(self, now: dt.datetime, zone: ZoneInfo) -> dt.datetime | None:
        """Return the first slot after ``now``."""
        return next(self._slots(now, zone), None)

    def __str__(self) -> str:
        return self.fields


Schedule = Every | Cron


@dataclass(frozen=True, slots=True)
class Timetable:
    """A schedule in a zone, which is written down for as long as it holds."""

    schedule: Schedule
    zone: ZoneInfo

    def last(self, now: dt.datetime) -> dt.datetime | None:
        """Return the last slot at or before ``now``."""
        return self.schedule.last(now, self.zone)

    def __str__(self) -> str:
        return str(self.schedule) if isinstance(self.schedule, Every) else f"{self.schedule} {self.zone.key}"


def timetable(written: str, zone: ZoneInfo) -> Timetable | None:
    """Return what was written down; None for what this release can no longer read.

    :param zone: that of what has none of its own.
    """
    words = written.split()
    try:
        if words[:1] == ["every"]:
            return Timetable(Every(int(words[1])), zone)
        return Timetable(Cron(" ".join(words[:5])), ZoneInfo(words[5]))
    except (ValueError, LookupError, OSError):
        return None


def _days(part: str) -> Iterator[str]:
    """Yield days of the week by their names, as APScheduler takes them: its figures begin at Monday."""
    days, _slash, step = part.partition("/")
    first, _dash, last = days.partition("-")
    if not first.isdigit():
        yield part
        return
    for day in range(int(first), int(last or first) + 1, int(step or 1)):
        yield DAYS[day]
