"""When a job is due (rule 8.5): five fields in the shop's zone, also where the clocks change, and every so many seconds."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.schedule import Cron, Every, Timetable, timetable

LONDON, HAVANA, LORD_HOWE = map(ZoneInfo, ("Europe/London", "America/Havana", "Australia/Lord_Howe"))


def at(text: str) -> dt.datetime:
    """An instant, by its date and time in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def following(cron: str, since: str, zone: ZoneInfo, count: int) -> list[str]:
    """The next few slots, in UTC."""
    found, now = [], at(since)
    for _n in range(count):
        now = Cron(cron).next(now, zone)
        found.append(f"{now:%Y-%m-%d %H:%M}")
    return found


def test_a_time_that_the_clock_leaves_out_is_once_when_it_goes_on() -> None:
    assert following("15 1 * * *", "2026-03-28 00:00", LONDON, 3) == [
        "2026-03-28 01:15",
        "2026-03-29 01:00",
        "2026-03-30 00:15",
    ]
    assert following("10,50 1 * * *", "2026-03-28 12:00", LONDON, 3) == [
        "2026-03-29 01:00",
        "2026-03-30 00:10",
        "2026-03-30 00:50",
    ]


def test_an_hour_that_comes_twice_has_its_slots_once() -> None:
    assert following("15 1 * * *", "2026-10-24 12:00", LONDON, 2) == ["2026-10-25 00:15", "2026-10-26 01:15"]
    assert following("*/30 * * * *", "2026-10-24 23:40", LONDON, 4) == [
        "2026-10-25 00:00",
        "2026-10-25 00:30",
        "2026-10-25 02:00",
        "2026-10-25 02:30",
    ]


def test_midnight_is_left_out_where_the_clocks_change_at_midnight() -> None:
    assert following("0 0 * * *", "2026-03-07 12:00", HAVANA, 2) == ["2026-03-08 05:00", "2026-03-09 04:00"]


def test_half_an_hour_may_be_left_out_too() -> None:
    assert following("15 2 * * *", "2026-10-03 00:00", LORD_HOWE, 2) == [
        "2026-10-03 15:30",
        "2026-10-04 15:15",
    ]


@pytest.mark.parametrize(
    ("day", "dates"),
    [
        ("0", ["29"]), ("7", ["29"]), ("1", ["30"]), ("5", ["27"]), ("sun", ["29"]), ("6-7", ["28", "29"]),
        ("0-1", ["29", "30"]), ("1-5/2", ["27", "30"]), ("mon,6", ["28", "30"]),
    ],
)  # fmt: skip
def test_the_days_of_the_week_are_crons(day: str, dates: list[str]) -> None:
    found = following(f"0 9 * * {day}", "2026-11-27 00:00", LONDON, len(dates))
    assert [slot[8:10] for slot in found] == dates


@pytest.mark.parametrize(
    "cron", ["", "* * * *", "* * * * * *", "60 * * * *", "x * * * *", "* * * * 8", "0 0 0 * *", "*/0 * * * *"]
)
def test_what_is_no_schedule_is_none(cron: str) -> None:
    with pytest.raises(ValueError, match="cron="):
        Cron(cron)


def test_a_day_that_never_comes_has_no_slot() -> None:
    assert Cron("0 0 30 2 *").last(at("2026-11-27"), LONDON) is None
    assert Cron("0 0 30 2 *").next(at("2026-11-27"), LONDON) is None
    assert Cron("0 0 29 2 *").last(at("2026-11-27"), LONDON) == at("2024-02-29")


def test_every_so_many_seconds_is_counted_from_1970_whoever_counts() -> None:
    assert Every(10).last(at("2026-11-27 08:00:19.5"), LONDON) == at("2026-11-27 08:00:10")
    assert Every(10).next(at("2026-11-27 08:00:10"), LONDON) == at("2026-11-27 08:00:20")
    with pytest.raises(ValueError, match="every="):
        Every(0)


@given(
    st.sampled_from(["15 2 * * *", "*/20 * * * *", "0 1 * * 1-5", "30 0 1 * *"]),
    st.sampled_from([LONDON, HAVANA, LORD_HOWE]),
    st.datetimes(dt.datetime(2025, 1, 1), dt.datetime(2028, 1, 1), timezones=st.just(dt.UTC)),
)
def test_the_last_slot_is_the_one_before_the_next(cron: str, zone: ZoneInfo, now: dt.datetime) -> None:
    last, coming = Cron(cron).last(now, zone), Cron(cron).next(now, zone)
    assert last is not None
    assert coming is not None
    assert last <= now < coming
    assert Cron(cron).last(coming, zone) == coming
    assert Cron(cron).next(last, zone) == coming, "none lies between"


@pytest.mark.parametrize("schedule", [Every(60), Cron("15 2 * * *"), Cron("0,30 */2 1 1-6 mon-fri")])
def test_what_is_written_down_of_a_timetable_can_be_read_again(schedule: Every | Cron) -> None:
    london = ZoneInfo("Europe/London")  # now: another test may have had the zones read again
    written = Timetable(schedule, london)
    assert timetable(str(written), london) == written


@pytest.mark.parametrize(
    "written", ["", "every", "every day", "15 2 * *", "99 2 * * * Europe/London", "15 2 * * * Mars/Base"]
)
def test_what_cannot_be_read_of_a_timetable_is_none(written: str) -> None:
    assert timetable(written, LONDON) is None
