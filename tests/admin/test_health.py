"""/healthz and /readyz: what watchers are told, and what they are not (rule 8.8)."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import update

from models.job import JobRow
from models.journal import Changeset
from models.mail import MailState
from tests import application, factories
from tests.admin.conftest import Shop


def ask(shop: Shop, path: str = "/readyz", **options: Any) -> Any:
    return shop.app.test_client().get(path, **options)


def started(shop: Shop, *, overdue: str = "") -> None:
    """Give each job the run of its last slot, save the one that is overdue."""
    now = shop.app.extensions["clientele"].clock()
    with shop.arrange() as session:
        for row in session.query(JobRow):
            session.execute(
                update(JobRow).where(JobRow.id == row.id).values(created_at=now - dt.timedelta(days=9))
            )
            if row.code != overdue:
                factories.make_run(session, action=row.code, job_id=row.id, created_at=now)


def test_a_process_says_that_it_lives_without_asking_anybody(shop: Shop) -> None:
    answer = ask(shop, "/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert "Set-Cookie" not in answer.headers


def test_a_shop_where_all_goes_on_is_ready(shop: Shop) -> None:
    started(shop)
    before = shop.figures()
    answer = ask(shop)
    assert answer.status_code == 200
    assert answer.json == {
        "status": "ok", "database": "ok", "schema": "ok", "overdue_jobs": [], "failed_mail": False,
    }  # fmt: skip
    assert "Set-Cookie" not in answer.headers
    assert shop.figures() == before


def test_jobs_nobody_starts_and_mails_that_fail_do_not_take_it_out_of_service(shop: Shop) -> None:
    started(shop, overdue="loyalty.expire")
    shop.make(factories.make_mail, state=MailState.FAILED)
    answer = ask(shop)
    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["overdue_jobs"]) == ("degraded", ["loyalty.expire"])
    assert answer.json["failed_mail"] is True
    assert "@" not in answer.text


def test_a_database_that_is_behind_is_not_ready(shop: Shop) -> None:
    with shop.arrange() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = 'unheard-of'")
    answer = ask(shop)
    assert (answer.status_code, answer.json["status"]) == (503, "unavailable")
    assert "unheard-of" not in answer.text


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://nobody@127.0.0.1:1/none", "sqlite:////nowhere/at/all.db"]
)
def test_without_a_database_it_is_not_ready_but_lives(url: str) -> None:
    client = application.make(url).test_client()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"status": "unavailable", "database": "unavailable"})
    assert client.get("/healthz").status_code == 200


@pytest.mark.either_database
def test_it_is_asked_like_any_other_address(shop: Shop) -> None:
    for path in ("/healthz", "/readyz"):
        assert ask(shop, path, headers={"Host": "evil.example"}).status_code == 400
        assert shop.app.test_client().post(path).status_code in (400, 405)
        assert shop.client("Support").get(path).status_code == 200
    with shop.look() as session:
        assert session.query(Changeset).filter_by(action="staff.refused").count() == 0
