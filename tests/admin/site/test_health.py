"""/healthz and /readyz: what watchers are told, and what they are not (rule 8.8)."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import update

from admin.site import backlog
from models import vault
from models.base import db
from models.job import JobRow
from models.journal import Changeset
from models.mail import MailState
from models.run import RunState
from models.vault import Vault
from models.zones import RELEASE
from tests import application, factories, faults, staffing
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.admin.signing_in import Place
from tests.keyring import VAULT, a_key


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
        "status": "ok", "database": "ok", "schema": "ok", "encryption": "ok", "writable": True, "overdue_jobs": [], "failed_mail": False,
        "waiting_mail": False, "waiting_runs": False, "portal_mail_stopped": False, "since": {}, "time_zones": RELEASE,
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
    assert set(answer.json["since"]) == {"loyalty.expire", "failed_mail"}
    assert "@" not in answer.text


def test_what_no_key_opens_makes_it_degraded_and_is_said_in_a_sentence(shop: Shop) -> None:
    started(shop)
    shop.make(staffing.make_second_factor)
    with shop.app.app_context():
        engine = db.engine
    vault.give(engine, Vault([a_key(9)]))
    try:
        answer = ask(shop)
    finally:
        vault.give(engine, VAULT)
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert "Put that key back into ENCRYPTION_KEYS" in answer.json["encryption"]
    assert ask(shop).json["encryption"] == "ok"


def text(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def test_a_worker_that_is_gone_is_noticed_by_what_waits_for_it(shop: Shop) -> None:
    started(shop)
    now = shop.app.extensions["clientele"].clock()
    long_ago, lately = now - dt.timedelta(minutes=20), now - dt.timedelta(minutes=2)
    waits = {"state": MailState.WAITING, "sent_at": None}
    shop.make(factories.make_mail, **waits, next_attempt_at=lately)
    shop.make(factories.make_run, state=RunState.QUEUED, done=0, created_at=lately)
    assert ask(shop).json["status"] == "ok", "a worker may take a while to come"
    shop.make(
        factories.make_mail,
        **waits,
        next_attempt_at=long_ago,
        fence=1,
        lease_until=now + dt.timedelta(minutes=1),
    )
    assert ask(shop).json["status"] == "ok", "somebody is sending it"
    shop.make(factories.make_mail, **waits, next_attempt_at=long_ago)
    shop.make(factories.make_run, state=RunState.QUEUED, done=0, created_at=long_ago)
    left = long_ago - dt.timedelta(minutes=1)
    shop.make(factories.make_run, state=RunState.RUNNING, done=0, created_at=left, lease_until=left)
    answer = ask(shop)
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert (answer.json["waiting_mail"], answer.json["waiting_runs"]) == (True, True)
    assert answer.json["since"] == {"waiting_mail": text(long_ago), "waiting_runs": text(left)}
    today = page_of(shop.client("Admin").get("/admin/")).text
    assert "Emails are waiting. Is a worker running?" in today
    assert "Background jobs are waiting. Is a worker running?" in today
    assert "Is a worker running?" not in page_of(shop.client("Support").get("/admin/")).text


@pytest.mark.parametrize(
    ("database_kind", "fault", "word"),
    [
        ("sqlite", faults.read_only, "read-only"),
        ("sqlite", faults.full, "full"),
        ("postgresql", faults.read_only, "read-only"),
    ],
    indirect=["database_kind"],
)
def test_a_database_that_takes_no_changes_is_named_and_goes_on_being_read(
    shop: Shop, fault: faults.Fault, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "TRY_AGAIN_AFTER", 0.0)
    started(shop)
    client = shop.client("Admin")
    with fault(shop.app, shop.database):
        answer = ask(shop)
        assert (answer.status_code, answer.json["status"]) == (200, "degraded")
        assert (answer.json["database"], answer.json["writable"]) == (word, False)
        began = answer.json["since"]["writable"]
        assert ask(shop).json["since"]["writable"] == began
        assert "Nothing can be saved" in page_of(client.get("/admin/")).text
    assert ask(shop).json["status"] == "ok"
    assert "Nothing can be saved" not in page_of(client.get("/admin/")).text


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_disk_with_no_room_is_told_before_a_commit_finds_out(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "TRY_AGAIN_AFTER", 0.0)
    monkeypatch.setattr(backlog, "ROOM", 1 << 60)
    started(shop)
    assert ask(shop).json["database"] == "full"
    monkeypatch.undo()
    monkeypatch.setattr(backlog, "TRY_AGAIN_AFTER", 0.0)
    assert ask(shop).json["database"] == "ok"


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
def test_an_unknown_host_is_refused_whatever_ails_the_database(place: Place) -> None:
    with faults.without_a_table(place.app, place.database):
        assert place.app.test_client().get("/readyz").status_code == 503
        for path in ("/admin/", "/readyz", "/api/v1/customer/"):
            answer = place.app.test_client().get(path, headers={"Host": "evil.example"})
            assert answer.status_code == 400
    assert place.app.test_client().get("/readyz").status_code == 200


def test_it_is_asked_like_any_other_address(shop: Shop) -> None:
    ask(shop)
    for path in ("/healthz", "/readyz"):
        assert ask(shop, path, headers={"Host": "evil.example"}).status_code == 400
        assert shop.app.test_client().post(path).status_code in (400, 405)
        assert shop.client("Support").get(path).status_code == 200
    with shop.look() as session:
        assert session.query(Changeset).filter_by(action="staff.refused").count() == 0
