"""The clock: a slot is one run whoever sees that it is due, and a job does what its preview says (rule 8)."""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.core.base import Context, Refused
from actions.runs import runs
from actions.runs.runs import cancel, process_next_run, undo_all
from actions.setup.settings import save
from jobs import base
from jobs.base import Job, JobPreview, job, queue_slot, start
from jobs.schedule import Cron
from jobs.scheduler import keep_time, tick
from models.customer import Customer
from models.dialect import WRITE
from models.job import JobRow
from models.run import Run, RunState
from tests import factories
from tests.actions.desk import Desk

CODE = "test.count"


def foreseen(session: Session, as_of: dt.datetime) -> JobPreview:
    """How many customers there are."""
    size = session.scalar(select(func.count()).select_from(Customer)) or 0
    return JobPreview(size, "%(count)s customers are counted.", {"count": size})


@pytest.fixture
def counted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dt.datetime]]:
    """The only job there is, each ten seconds: as of when it was done."""
    desk.make(factories.make_job, code=CODE)
    monkeypatch.setattr(base, "JOBS", {})
    monkeypatch.setattr("jobs.scheduler.JOBS", base.JOBS)
    done: list[dt.datetime] = []

    @job(CODE, every=10, label="Count", preview=foreseen)
    def count(ctx: Context, run: Run, as_of: dt.datetime) -> int:
        if not run.done:
            done.append(as_of)
        return 0 if run.done else 1

    yield done
    for known in (runs.CHUNKS, runs.LABELS):
        known.pop(CODE)


def work(desk: Desk) -> None:
    """Work off what waits."""
    while process_next_run(desk.engine, lambda: desk.now, "test"):
        pass


def the_job() -> Job:
    return base.JOBS[CODE]


def test_each_slot_is_done_once_and_missed_ones_are_made_good_by_the_last(
    desk: Desk, counted: list[dt.datetime]
) -> None:
    begin = desk.now.replace(second=0, microsecond=0)
    for second in (0, 3, 9, 10, 19, 21, 55, 59):
        desk.now = begin + dt.timedelta(seconds=second)
        tick(desk.engine, desk.now)
        work(desk)
    assert [(at - begin).seconds for at in counted] == [0, 10, 20, 50]
    assert [run.state for run in desk.all(Run)] == [RunState.DONE] * 4


def test_each_declared_job_has_a_record_called_as_it_is_declared(
    desk: Desk, counted: list[dt.datetime]
) -> None:
    for _time in range(2):
        with Session(desk.engine.execution_options(**{WRITE: True})) as session, session.begin():
            base.sync(session, desk.now)
        assert [str(row) for row in desk.all(JobRow, code=CODE)] == ["Count"]


def test_of_many_schedulers_one_queues_a_slot(desk: Desk, counted: list[dt.datetime]) -> None:
    for _slot in range(5):
        desk.later(seconds=10)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _n: queue_slot(desk.engine, the_job(), desk.now), range(8)))
        assert sum(run is not None for run in found) == 1
        work(desk)
    assert len(counted) == len(set(counted)) == 5


def test_while_a_run_goes_on_no_other_begins(desk: Desk, counted: list[dt.datetime]) -> None:
    assert tick(desk.engine, desk.now) != []
    desk.later(seconds=30)
    assert tick(desk.engine, desk.now) == []
    work(desk)
    assert len(tick(desk.engine, desk.now)) == 1


def test_one_by_hand_is_no_slot(desk: Desk, counted: list[dt.datetime]) -> None:
    start(desk.engine, the_job(), desk.now, desk.now)
    work(desk)
    assert len(tick(desk.engine, desk.now)) == 1


def test_a_job_that_cannot_be_queued_holds_up_no_other(desk: Desk, counted: list[dt.datetime]) -> None:
    def broken(session: Session, as_of: dt.datetime) -> JobPreview:
        raise RuntimeError("a test asked for it")

    fine = base.JOBS.pop(CODE)
    base.JOBS.update({"test.broken": Job("test.broken", "Broken", fine.schedule, broken), CODE: fine})
    assert len(tick(desk.engine, desk.now)) == 1


def test_the_thread_ticks_until_it_is_stopped(
    desk: Desk, counted: list[dt.datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, ticks = Event(), []

    def seen(engine: Any, now: dt.datetime) -> None:
        ticks.append(now)
        stop.set()

    monkeypatch.setattr("jobs.scheduler.TICK_SECONDS", 0.01)
    monkeypatch.setattr("jobs.scheduler.tick", seen)
    keep_time(desk.engine, lambda: desk.now, stop)
    assert ticks[0] == desk.now


def test_it_can_be_cancelled_and_is_not_undone(desk: Desk, counted: list[dt.datetime]) -> None:
    desk.allow(cancel, undo_all)
    desk.customer()
    run_id = start(desk.engine, the_job(), desk.now, desk.now)
    desk.do(cancel, run_id)
    assert desk.get(Run, run_id).state == RunState.CANCELLED
    assert counted == []
    with pytest.raises(Refused) as refused:
        desk.do(undo_all, run_id)
    assert refused.value.code == "by_the_clock"


def test_a_paused_job_is_left_out_and_made_good_once_it_is_resumed(
    desk: Desk, counted: list[dt.datetime]
) -> None:
    row = desk.all(JobRow, code=CODE)[0].id
    desk.do(base.pause, row)
    for _slot in range(3):
        desk.later(seconds=10)
        assert tick(desk.engine, desk.now) == []
    desk.do(base.resume, row)
    assert len(tick(desk.engine, desk.now)) == 1
    work(desk)
    assert counted == [the_job().schedule.last(desk.now, ZoneInfo("UTC"))]


def test_one_started_by_hand_is_whose_hand_it_was_and_there_is_one_at_a_time(
    desk: Desk, counted: list[dt.datetime]
) -> None:
    desk.allow(base.run_now)
    desk.customer()
    row = desk.all(JobRow, code=CODE)[0].id
    done = desk.do(base.run_now, row)
    assert [warned.text for warned in done.warnings] == ["1 customers are counted."]
    run = desk.all(Run, job_id=row)[0]
    with pytest.raises(Refused) as refused:
        desk.do(base.run_now, row)
    assert (refused.value.code, str(run) in str(refused.value)) == ("running", True)
    assert tick(desk.engine, desk.now) == [], "nor does the clock begin one meanwhile"
    work(desk)
    run = desk.get(Run, run.id)
    assert (run.state, run.actor_id, counted) == (RunState.DONE, desk.actor.id, [desk.now])


def test_it_goes_no_further_for_somebody_who_may_no_longer_start_it(
    desk: Desk, counted: list[dt.datetime]
) -> None:
    desk.customer()
    row = desk.all(JobRow, code=CODE)[0].id
    desk.do(base.run_now, row)
    work(desk)
    assert desk.all(Run, job_id=row)[0].state == RunState.CANCELLED
    assert counted == []


@pytest.mark.parametrize(
    "given", [{}, {"cron": "* * * * *", "every": 5}, {"cron": "nonsense"}, {"every": -1}]
)
def test_a_wrong_declaration_fails_at_import(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"cron|every"):
        job("test.wrong", label="Wrong", preview=foreseen, **given)(lambda ctx, run, as_of: 0)


def test_no_code_is_declared_twice(counted: list[dt.datetime]) -> None:
    with pytest.raises(ValueError, match="already"):
        job(CODE, every=1, label="Again", preview=foreseen)


# -- another zone, another schedule --------------------------------------------------------------------------------


def nightly(cron: str = "15 2 * * *") -> Job:
    """The job, each night from now on."""
    base.JOBS[CODE] = Job(CODE, "Count", Cron(cron), foreseen)
    return base.JOBS[CODE]


def at(desk: Desk, text: str) -> list[str]:
    """Tick and work at an instant; return the slots done so far, in UTC."""
    desk.now = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    tick(desk.engine, desk.now)
    work(desk)
    return [str(run.key).partition("@")[2] for run in desk.all(Run)]


def move(desk: Desk, zone: str) -> None:
    """Have the shop in another zone."""
    desk.allow(save)
    desk.do(save, values={"time_zone": zone})


@pytest.mark.parametrize(
    ("zone", "following"),
    [
        ("America/Vancouver", "2026-09-15T09:15:00Z"),
        ("Asia/Tokyo", "2026-09-14T17:15:00Z"),
        ("Pacific/Kiritimati", "2026-09-14T12:15:00Z"),
        ("Europe/Berlin", "2026-09-15T00:15:00Z"),
    ],
)
def test_another_time_zone_moves_only_the_slots_to_come(
    desk: Desk, counted: list[dt.datetime], zone: str, following: str
) -> None:
    nightly()
    move(desk, "Europe/London")
    before = at(desk, "2026-09-14T10:30:00")
    assert before == ["2026-09-14T01:15:00Z"]
    move(desk, zone)
    assert at(desk, "2026-09-14T10:30:01") == before, "nothing is done because somebody changed a setting"
    assert at(desk, "2026-09-14T11:59:00") == before
    due = dt.datetime.fromisoformat(following)
    assert at(desk, f"{due - dt.timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}") == before
    assert at(desk, f"{due:%Y-%m-%dT%H:%M:%S}") == [*before, following]


def test_another_schedule_in_the_code_moves_only_the_slots_to_come(
    desk: Desk, counted: list[dt.datetime]
) -> None:
    nightly()
    move(desk, "UTC")
    before = at(desk, "2026-09-14T10:30:00")
    nightly("0 9 * * *")
    assert at(desk, "2026-09-14T10:30:01") == before
    assert at(desk, "2026-09-15T09:00:00") == [*before, "2026-09-15T09:00:00Z"]


def test_a_slot_that_was_missed_before_the_change_is_made_good_once(
    desk: Desk, counted: list[dt.datetime]
) -> None:
    nightly()
    move(desk, "Europe/London")
    before = at(desk, "2026-09-14T10:30:00")
    desk.now += dt.timedelta(days=1)
    move(desk, "America/Vancouver")
    (row,) = desk.all(JobRow, code=CODE)
    last = desk.get(Run, desk.all(Run)[-1].id)
    assert base.is_overdue(row, last, desk.now, ZoneInfo("America/Vancouver")), (
        "as long as nobody keeps the time"
    )
    made_good = [*before, "2026-09-15T01:15:00Z"]
    assert at(desk, "2026-09-15T10:30:01") == made_good
    assert at(desk, "2026-09-15T10:30:02") == made_good
    (row,) = desk.all(JobRow, code=CODE)
    assert not base.is_overdue(row, None, desk.now + dt.timedelta(hours=1), ZoneInfo("America/Vancouver"))
    assert at(desk, "2026-09-16T09:15:00") == [*made_good, "2026-09-16T09:15:00Z"]
