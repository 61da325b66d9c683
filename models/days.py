"""Days in a time zone: when one begins, and the last one on which something is good (rule 1.15).

What is good until a day ends at the first instant of the next. That instant is what is stored, and no channel shows it:
people, programs and files are told the day, and ask for it.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

A_MOMENT = dt.timedelta(microseconds=1)
DAY = dt.timedelta(days=1)


def begins(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return the first instant of a day, in UTC: midnight, or when the clock goes on that leaves midnight out."""
    return instant(dt.datetime.combine(day, dt.time()), zone)


def ends(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return the instant at which what is good until a day is no longer: the first of the next."""
    return begins(day + DAY, zone)


def last_day(end: dt.datetime, zone: ZoneInfo) -> dt.date:
    """Return the last day on which something is good that ends at an instant."""
    return (end - A_MOMENT).astimezone(zone).date()


def instant(wall: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the instant in UTC at which a clock in the zone first shows a time, or has gone past it."""
    local = wall.replace(tzinfo=zone)
    found = local.astimezone(dt.UTC)
    shown = found.astimezone(zone).replace(tzinfo=None)
    if shown == wall.replace(tzinfo=None):
        return found
    return _start_of_gap(found, shown - wall.replace(tzinfo=None), zone)


def _start_of_gap(after: dt.datetime, gap: dt.timedelta, zone: ZoneInfo) -> dt.datetime:
    """Return the first instant after the clock has gone on, by bisection: a time was left out."""
    low, high = after - gap, after
    offset = after.astimezone(zone).utcoffset()
    while high - low > dt.timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0) + dt.timedelta(seconds=1 if high.microsecond else 0)
