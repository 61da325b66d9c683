"""The Jobs screen and what Today says of jobs: when each is due, what it will do, and whether the clock runs at all."""

import datetime as dt

import pytest
import sqlalchemy as sa

from actions.runs.runs import process_next_run
from jobs.base import JOBS, start
from models.job import JobRow
from models.run import Run, RunState
from tests import application, factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.databases import Database

EVENING = dt.datetime(2026, 9, 3, 20, 0, tzinfo=dt.UTC)


@pytest.fixture
def shop(database: Database) -> Shop:
    """A shop on an evening."""
    made = Shop(application.shared(database.url, lambda: EVENING), database)
    with made.arrange() as session:
        session.execute(sa.update(JobRow).values(created_at=EVENING - dt.timedelta(days=30)))
    return made


def the_job(shop: Shop) -> int:
    with shop.look() as session:
        return session.scalars(sa.select(JobRow.id).where(JobRow.code == "loyalty.expire")).one()


def ran(shop: Shop, at: dt.datetime) -> None:
    """The clock has started every job at that time."""
    with shop.look() as session:
        engine = session.get_bind()
    for declared in JOBS.values():
        start(engine, declared, at, at)
    while process_next_run(engine, lambda: at, "test"):
        pass


def lot(shop: Shop, points: int, expires: dt.datetime) -> None:
    with shop.arrange() as session:
        owner = factories.make_customer(session, points=points)
        entry = factories.make_loyalty_entry(session, customer=owner, points=points, expires_at=expires)
        factories.make_loyalty_lot(
            session, entry=entry, customer=owner, points=points, unspent=points, expires_at=expires
        )


def test_today_says_what_the_night_will_do(shop: Shop) -> None:
    ran(shop, EVENING - dt.timedelta(hours=12))
    lot(shop, 1_200, EVENING + dt.timedelta(hours=2))
    lot(shop, 70, EVENING + dt.timedelta(hours=20))
    text = page_of(shop.client("Manager").get("/admin/")).text
    assert "Expire points Fri 02:15 · 1,200 points of one customer will expire." in text
    assert "Send reminders with statements Thu 1 Oct 08:00 ·" in text, "it is weeks ahead"
    assert "Scheduled jobs" not in page_of(shop.client("Support").get("/admin/")).text


def test_a_job_that_nobody_started_is_overdue_until_somebody_does(shop: Shop) -> None:
    for path in ("/admin/", "/admin/job/", f"/admin/job/details/?id={the_job(shop)}"):
        assert "Overdue" in page_of(shop.client().get(path)).text, path
    assert "flask scheduler" in page_of(shop.client().get(f"/admin/job/details/?id={the_job(shop)}")).text
    ran(shop, EVENING)
    for path in ("/admin/", "/admin/job/", f"/admin/job/details/?id={the_job(shop)}"):
        assert "Overdue" not in page_of(shop.client().get(path)).text, path


def test_a_shop_that_opened_today_is_not_behind(shop: Shop) -> None:
    with shop.arrange() as session:
        session.execute(sa.update(JobRow).values(created_at=EVENING - dt.timedelta(hours=1)))
    assert "Overdue" not in page_of(shop.client().get("/admin/job/")).text


def test_the_list_says_when_and_what_became_of_it(shop: Shop) -> None:
    ran(shop, EVENING - dt.timedelta(hours=12))
    page = page_of(shop.client().get("/admin/job/"))
    text = page.text
    assert 'data-wakes="18903"' in page.html, "it is fetched anew at 02:15, when the first of them is due"
    assert "Expire points" in text
    assert "every day at 02:15" in text
    assert "on day 1 of each month at 08:00" in text
    assert "Completed" in text


def test_a_job_that_goes_on_says_how_far_it_is_and_leads_to_its_run(shop: Shop) -> None:
    job = the_job(shop)
    with shop.arrange() as session:
        run = factories.make_run(
            session, action="loyalty.expire", job_id=job, state=RunState.RUNNING, size=5_000, done=1_180, refused=20,
            created_at=EVENING - dt.timedelta(minutes=2), started_at=EVENING - dt.timedelta(minutes=1),
        )  # fmt: skip
    page = shop.client().get(f"/admin/job/details/?id={job}").get_data(as_text=True)
    assert "Running: 1,200 of 5,000, 20 a second, about 3 minutes left" in page
    assert f'<a href="/admin/run/details/?id={run.id}">' in page
    assert "data-live" in page, "the page follows it"
    again = shop.client().get(f"/admin/job/act/run_now/?id={job}", headers={"HX-Request": "true"})
    form = page_of(again).form("/act/run_now/")
    refused = shop.client().post(form.action, data=form.filled(), headers={"HX-Request": "true"})
    assert refused.status_code == 409
    assert f'<a href="/admin/run/details/?id={run.id}">Open</a>' in refused.get_data(as_text=True)
    assert (
        "20 a second, about 3 minutes left"
        in page_of(shop.client().get(f"/admin/run/details/?id={run.id}")).text
    )


@pytest.mark.either_database
@pytest.mark.parametrize(
    ("code", "leads_to"),
    [
        ("loyalty.expire", "loyalty_entry"),
        ("loyalty.send_expiry_notices", "customer"),
        ("customer.remind", "customer"),
    ],
)
def test_what_could_not_be_done_is_named_with_a_link_to_it(shop: Shop, code: str, leads_to: str) -> None:
    with shop.arrange() as session:
        run = factories.make_run(session, action=code, state=RunState.WITH_ERRORS, size=1, done=0, refused=1)
        customer = factories.make_customer(session)
        row = factories.make_loyalty_entry(session, customer=customer) if leads_to != "customer" else customer
        factories.make_run_item(
            session, run=run, row_id=row.id, state="failed", message="Something went wrong."
        )
    results = shop.client().get(f"/admin/run_item/?embed=1&run__eq={run.id}", headers={"HX-Request": "true"})
    assert f'<a href="/admin/{leads_to}/details/?id={row.id}">' in results.get_data(as_text=True)


@pytest.mark.either_database
@pytest.mark.parametrize(
    ("state", "started", "done"),
    [
        (RunState.QUEUED, None, 0),
        (RunState.RUNNING, EVENING, 0),
        (RunState.RUNNING, EVENING, 90),
        (RunState.DONE, EVENING, 50),
    ],
)
def test_no_time_is_made_up_for_a_run_that_tells_none(shop: Shop, state, started, done) -> None:
    with shop.arrange() as session:
        run = factories.make_run(
            session, action="maintenance.purge", state=state, size=90, done=done, started_at=started
        )
    text = page_of(shop.client().get(f"/admin/run/details/?id={run.id}")).text
    assert f"{done} of 90" in text
    assert "a second" not in text


def test_a_job_says_what_it_would_do_if_it_ran_now(shop: Shop) -> None:
    lot(shop, 50, EVENING - dt.timedelta(hours=1))
    lot(shop, 70, EVENING + dt.timedelta(hours=1))
    text = page_of(shop.client().get(f"/admin/job/details/?id={the_job(shop)}")).text
    assert "If it ran now 50 points of one customer will expire." in text


def test_it_is_started_by_hand_watched_and_stands_in_the_history(shop: Shop) -> None:
    lot(shop, 50, EVENING - dt.timedelta(hours=1))
    path = f"/admin/job/act/run_now/?id={the_job(shop)}"
    seen = page_of(shop.client().get(path))
    form = seen.form("/act/run_now/")
    assert (
        "50 points of one customer will expire."
        in page_of(
            shop.client().post(f"{path}&preview=1", data=form.filled(), headers={"HX-Request": "true"})
        ).text
    )
    assert shop.client().post(form.action, data=form.filled()).status_code == 302
    again = shop.client().post(path, data=form.filled(key="another"), headers={"HX-Request": "true"})
    assert again.status_code == 409
    assert "already running" in page_of(again).text
    with shop.look() as session:
        engine = session.get_bind()
    while process_next_run(engine, lambda: EVENING, "test"):
        pass
    with shop.look() as session:
        run = session.scalars(sa.select(Run)).one()
        assert (run.state, run.done, run.actor_name) == (RunState.DONE, 1, "Admin Tester")
    history = page_of(
        shop.client().get(f"/admin/run/?embed=1&job__eq={the_job(shop)}", headers={"HX-Request": "true"})
    )
    assert "Expire points" in history.text
