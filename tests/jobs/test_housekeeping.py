"""What has expired is thrown away and nothing else, and books that are not in order are named in the morning."""

import datetime as dt
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from jobs import housekeeping
from jobs.base import JOBS, start
from models.access import AttemptBucket, KnownBrowser, StaffLink, StaffSession
from models.customer import Customer
from models.dialect import WRITE
from models.importing import ImportFile
from models.portal import PortalBrowser, PortalLink, PortalSession
from models.run import ItemState, Run, RunItem, RunState
from tests import factories, staffing
from tests.actions.desk import Desk
from tests.jobs.test_clock import work


def run(desk: Desk, code: str) -> Run:
    """Run a job to its end."""
    run_id = start(desk.engine, JOBS[code], desk.now, desk.now)
    work(desk)
    return desk.get(Run, run_id)


def aged(desk: Desk, **span: float) -> dt.datetime:
    return desk.now - dt.timedelta(**span)


def things(desk: Desk) -> dict[type[Any], tuple[int, int]]:
    """Of each kind one that is past its time and one that is not, by id."""
    made = {}
    with (
        Session(desk.engine.execution_options(**{WRITE: True}), expire_on_commit=False) as session,
        session.begin(),
    ):
        for model, make, old, new in (
            (
                StaffSession,
                staffing.make_staff_session,
                {"created_at": aged(desk, days=31), "last_seen_at": aged(desk, days=31)},
                {"created_at": aged(desk, days=29), "last_seen_at": aged(desk, days=29)},
            ),
            (
                PortalSession, factories.make_portal_session,
                {"created_at": aged(desk, days=31), "last_seen_at": aged(desk, days=31)},
                {"created_at": aged(desk, days=29), "last_seen_at": aged(desk, days=29)},
            ),
            (
                PortalLink, factories.make_portal_link,
                {"expires_at": aged(desk, days=31)}, {"expires_at": aged(desk, days=29)},
            ),
            (
                PortalBrowser, factories.make_portal_browser,
                {"created_at": aged(desk, days=181)}, {"created_at": aged(desk, days=179)},
            ),
            (AttemptBucket, staffing.make_attempt_bucket, {"last_at": aged(desk, days=2)}, {"last_at": aged(desk, hours=2)}),
            (StaffLink, staffing.make_staff_link, {"expires_at": aged(desk, days=31)}, {"expires_at": aged(desk, days=29)}),
            (
                KnownBrowser, staffing.make_known_browser,
                {"created_at": aged(desk, days=181)}, {"created_at": aged(desk, days=179)},
            ),
            (
                ImportFile, factories.make_import_file,
                {"expires_at": aged(desk, hours=1)}, {"expires_at": aged(desk, hours=-1)},
            ),
        ):  # fmt: skip
            made[model] = make(session, **old).id, make(session, **new).id
        job = factories.make_job(session)
        empty = {"job_id": job.id, "size": 0, "done": 0, "created_at": desk.now}
        made[Run] = (
            factories.make_run(session, **empty, finished_at=aged(desk, days=91)).id,
            factories.make_run(session, **empty, finished_at=aged(desk, days=89)).id,
        )
        factories.make_run(session, job_id=job.id, done=3, finished_at=aged(desk, days=400))
        factories.make_run(session, finished_at=aged(desk, days=400), done=0)
    return made


def test_what_is_past_its_time_goes_and_the_rest_stays(desk: Desk) -> None:
    made = things(desk)
    with desk.look() as session:
        foreseen = JOBS["maintenance.purge"].preview(session, desk.now)
    assert foreseen.size == len(made)
    done = run(desk, "maintenance.purge")
    assert (done.state, done.done) == (RunState.DONE, len(made))
    for model, (old, new) in made.items():
        ids = {row.id for row in desk.all(model)}
        assert (old in ids, new in ids) == (False, True), model.__name__
    assert len(desk.all(Run)) == 4, (
        "what did something stays in the history, and so does what somebody started"
    )


def test_many_go_in_chunks(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr(housekeeping, "CHUNK", 3)
    with Session(desk.engine.execution_options(**{WRITE: True})) as session, session.begin():
        for _n in range(10):
            staffing.make_attempt_bucket(session, last_at=aged(desk, days=3))
    assert run(desk, "maintenance.purge").done == 10
    assert desk.all(AttemptBucket) == []


def test_a_session_that_goes_on_is_never_thrown_away(desk: Desk) -> None:
    long = {"created_at": aged(desk, days=40), "last_seen_at": desk.now}
    with Session(desk.engine.execution_options(**{WRITE: True})) as session, session.begin():
        staffing.make_staff_session(session, **long)
    assert run(desk, "maintenance.purge").done == 1, "twelve hours are the longest, whatever it was used for"


def test_books_in_order_are_one_thing_done(desk: Desk) -> None:
    desk.customer()
    done = run(desk, "maintenance.verify_ledgers")
    assert (done.state, done.size, done.done) == (RunState.DONE, 1, 1)


def test_what_is_off_is_named_in_the_results(desk: Desk) -> None:
    one = desk.customer()
    with Session(desk.engine.execution_options(**{WRITE: True})) as session, session.begin():
        session.execute(update(Customer).where(Customer.id == one).values(points=7))
    done = run(desk, "maintenance.verify_ledgers")
    assert done.state == RunState.WITH_ERRORS
    items = desk.all(RunItem, run_id=done.id)
    assert [item.state for item in items] == [ItemState.FAILED] * len(items) != []
    assert any(str(one) in (item.message or "") for item in items)
