"""Days in a zone: each begins once, and what is good until a day ends with it, wherever clocks change (rule 1.15)."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.days import A_MOMENT, begins, ends, last_day

ZONES = (
    "UTC", "Europe/London", "America/Havana", "Asia/Beirut", "Africa/Cairo", "America/Asuncion", "America/Santiago",
    "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Apia", "America/Scoresbysund",
)  # fmt: skip
"""Among them those whose clocks change at midnight, by less than an hour, or by a day."""
days = st.dates(dt.date(1990, 1, 1), dt.date(2037, 12, 31))


@given(days, st.sampled_from(ZONES))
def test_what_is_good_until_a_day_is_good_on_it_and_not_on_the_next(day: dt.date, name: str) -> None:
    zone, end = ZoneInfo(name), ends(day, ZoneInfo(name))
    assert end.astimezone(zone).date() > day
    assert (end - A_MOMENT).astimezone(zone).date() <= day
    told = last_day(end, zone)
    assert told == day or (name == "Pacific/Apia" and day == dt.date(2011, 12, 30)), "a day that never was"


@pytest.mark.parametrize(
    ("name", "day", "first"),
    [
        ("America/Havana", "2026-03-08", "2026-03-08T05:00:00+00:00"),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00+00:00"),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00+00:00"),
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00:00+00:00"),
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30:00+00:00"),
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00+00:00"),
        ("Europe/London", "2026-03-29", "2026-03-29T00:00:00+00:00"),
    ],
)
def test_a_day_begins_at_its_first_instant(name: str, day: str, first: str) -> None:
    assert begins(dt.date.fromisoformat(day), ZoneInfo(name)) == dt.datetime.fromisoformat(first)
