"""API keys: shown once, worth no more than their owner at that moment, and dead in every way a key can die."""

import datetime as dt
import hashlib
import logging
import time
from typing import Any

import pytest
import sqlalchemy as sa

from actions.staff.api_keys import LENGTH, MARK, digest, find
from models.access import StaffSession
from models.api_key import ApiKey, KeyScope
from models.base import Staff, metadata
from models.dialect import WRITE
from models.schema import open_engine
from tests import application, factories
from tests.admin.conftest import Api, Shop
from tests.admin.pages import page_of, rows_of

HTMX = {"HX-Request": "true"}
KEY = MARK + "k" * (LENGTH - len(MARK))
CUSTOMERS = "/api/v1/customer/"


def staff(shop: Shop, role: str) -> int:
    """The id of the member of staff with that role."""
    with shop.look() as session:
        name = application.USERNAMES[role]
        return int(session.scalar(sa.select(Staff.id).where(Staff.username == name)))


def key_of(shop: Shop, role: str = "Admin", key: str = KEY, **values: Any) -> int:
    """Give the member of staff with that role a key that is known."""
    given = {"user_id": staff(shop, role), "hash": digest(key), "scope": KeyScope.FULL, **values}
    return int(shop.make(factories.make_api_key, **given).id)


def made_by(shop: Shop, role: str = "Admin", **values: str) -> str:
    """Make a key through the form in the drawer; return it as the drawer shows it."""
    client, url = shop.client(role), "/admin/api_key/act/create/"
    form = page_of(client.get(url, headers=HTMX)).form("/act/")
    answer = client.post(url, data=form.filled(**{"name": "Sync", "scope": "full", **values}), headers=HTMX)
    assert answer.status_code == 200, page_of(answer).errors
    return shown_in(answer)


def shown_in(answer: Any) -> str:
    """The key that a page shows."""
    return next(given["value"] for _t, given in page_of(answer).tags if "data-secret" in given)


def everything(shop: Shop) -> str:
    """Every value of every table, as text."""
    with shop.look() as session:
        return "\n".join(str(session.execute(sa.select(table)).all()) for table in metadata.sorted_tables)


def test_a_key_opens_what_its_owner_may_and_is_kept_nowhere(shop: Shop, caplog) -> None:
    with caplog.at_level(logging.DEBUG):
        key = made_by(shop)
        assert len(key) == LENGTH
        assert Api(shop.app, key).get(CUSTOMERS).status_code == 200
    assert key not in everything(shop)
    assert key not in caplog.text
    assert digest(key) in everything(shop)
    client = shop.client()
    for path in ("/admin/api_key/", "/admin/api_key/details/?id=1", "/admin/changeset/"):
        text = client.get(path).get_data(as_text=True)
        assert key not in text, path
        assert digest(key) not in text, path
    assert key[:8] in client.get("/admin/api_key/").get_data(as_text=True)
    assert key not in client.get_cookie("session").value


def test_the_page_without_scripts_shows_it_once_too(shop: Shop) -> None:
    client, url = shop.client(), "/admin/api_key/act/create/"
    data = page_of(client.get(url)).form("/act/").filled(name="Sync")
    answer = client.post(url, data=data)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert shown_in(answer).startswith(MARK)
    again = client.post(url, data=data)
    assert again.status_code == 302
    with shop.look() as session:
        kept = session.scalars(sa.select(StaffSession.data)).all()
        assert not [data for data in kept if MARK in data], "nor is it carried on to the next page"
        assert session.scalar(sa.select(sa.func.count()).select_from(ApiKey)) == 1


def test_the_api_makes_a_key_for_a_signed_in_person_and_the_command_line_too(shop: Shop) -> None:
    made = shop.api().send("POST", "/api/v1/api_key/actions/create", {"name": "Till"}, Idempotency_Key="k")
    key = made.json["secret"]
    again = shop.api().send("POST", "/api/v1/api_key/actions/create", {"name": "Till"}, Idempotency_Key="k")
    assert "secret" not in again.json
    assert Api(shop.app, key).get(CUSTOMERS).status_code == 200
    done = shop.app.test_cli_runner().invoke(
        args=["act", "api_key.create", "--as", "manager", "--set", "name=Cron"]
    )
    assert done.exit_code == 0, done.output
    key = next(word for word in done.output.split() if word.startswith(MARK))
    assert Api(shop.app, key).get(CUSTOMERS).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        MARK,
        MARK + "x",
        KEY[:-1] + "j",
        KEY + "k",
        KEY.upper(),
        MARK + "ü" * 43,
        MARK + "k" * 9000,
        KEY.removeprefix(MARK),
    ],
)
def test_a_wrong_key_opens_nothing(shop: Shop, wrong: str) -> None:
    key_of(shop)
    answer = Api(shop.app, wrong).get(CUSTOMERS)
    assert answer.status_code == 401
    assert answer.json["message"] == "Send a valid bearer token."


def test_a_revoked_key_opens_nothing_from_that_moment_on(shop: Shop) -> None:
    row, api = key_of(shop), Api(shop.app, KEY)
    assert api.get(CUSTOMERS).status_code == 200
    assert shop.api().send("POST", f"/api/v1/api_key/{row}/actions/revoke").status_code == 200
    assert api.get(CUSTOMERS).status_code == 401
    assert shop.api().send("POST", f"/api/v1/api_key/{row}/actions/revoke").status_code == 409
    assert "Revoked" in page_of(shop.client().get(f"/admin/api_key/details/?id={row}")).text


def test_a_key_works_to_the_end_of_its_last_day_where_the_shop_is(shop: Shop) -> None:
    now = dt.datetime(2026, 7, 1, 22, 30, tzinfo=dt.UTC)  # half past eleven at night in London
    app = application.make(shop.database.url, wiring={"clock": lambda: now})
    key_of(shop, expires_on=dt.date(2026, 7, 1))
    assert Api(app, KEY).get(CUSTOMERS).status_code == 200
    now += dt.timedelta(minutes=30)
    assert Api(app, KEY).get(CUSTOMERS).status_code == 401


def test_a_key_is_not_made_for_a_day_that_is_over(shop: Shop) -> None:
    answer = shop.api().send(
        "POST", "/api/v1/api_key/actions/create", {"name": "Late", "expires_on": "2001-01-01"}
    )
    assert answer.status_code == 422
    assert "expires_on" in answer.json["errors"]


def test_the_key_of_somebody_deactivated_is_dead_until_they_are_back(shop: Shop) -> None:
    key_of(shop, "Support")
    api = Api(shop.app, KEY)
    for active, status in ((True, 200), (False, 401), (True, 200)):
        with shop.arrange() as session:
            session.execute(sa.update(Staff).where(Staff.username == "support").values(active=active))
        assert api.get(CUSTOMERS).status_code == status


def test_a_key_does_what_its_owner_may_at_that_moment(shop: Shop) -> None:
    key_of(shop, "Read-only")
    api = Api(shop.app, KEY)
    assert api.get(CUSTOMERS).status_code == 200
    assert api.get("/api/v1/changeset/").status_code == 403
    assert api.send("POST", CUSTOMERS, {"last_name": "X"}).status_code == 403
    with shop.arrange() as session:
        table = metadata.tables["ab_user_role"]
        session.execute(sa.delete(table).where(table.c.user_id == staff(shop, "Read-only")))
    assert api.get(CUSTOMERS).status_code == 403


def test_a_reading_key_reads_and_no_more(shop: Shop) -> None:
    customer = shop.make(factories.make_customer).id
    key_of(shop, scope=KeyScope.READ)
    api, before = Api(shop.app, KEY), shop.figures()
    assert api.get(f"{CUSTOMERS}{customer}").status_code == 200
    assert api.get("/api/v1/_openapi").status_code == 200
    sent = [
        ("POST", CUSTOMERS, {"last_name": "X"}),
        ("PATCH", f"{CUSTOMERS}{customer}", {"title": "Dr"}),
        ("DELETE", "/api/v1/note/1", None),
        ("POST", f"{CUSTOMERS}{customer}/actions/verify", {}),
        ("POST", f"{CUSTOMERS}{customer}/actions/verify?preview=1", {}),
        ("POST", "/api/v1/loyalty_entry/actions/adjust", {}),
    ]
    for method, path, body in sent:
        assert api.send(method, path, body, If_Match='"1"').status_code == 403, path
    assert shop.figures() == before


def test_a_full_key_writes_in_its_owners_name(shop: Shop) -> None:
    key_of(shop, "Support")
    answer = Api(shop.app, KEY).send("POST", CUSTOMERS, {"last_name": "Karim"})
    assert answer.status_code == 201
    assert "Support Tester" in page_of(shop.client().get("/admin/changeset/")).text


def test_no_key_makes_lists_or_revokes_keys(shop: Shop) -> None:
    row = key_of(shop)
    api, before = Api(shop.app, KEY), shop.figures()
    assert api.get("/api/v1/api_key/").status_code == 403
    assert api.send("POST", "/api/v1/api_key/actions/create", {"name": "Child"}).status_code == 403
    assert api.send("POST", f"/api/v1/api_key/{row}/actions/revoke").status_code == 403
    assert shop.figures() == before


def test_everybody_sees_their_own_keys_and_who_manages_them_sees_all(shop: Shop) -> None:
    mine, other = key_of(shop, "Manager"), key_of(shop, key=KEY[:-1] + "2")
    manager, gone = shop.client("Manager"), 10**9
    assert rows_of(manager.get("/admin/api_key/")) == [mine]
    assert set(rows_of(shop.client().get("/admin/api_key/"))) == {mine, other}
    for path in ("details/?id={}", "act/revoke/?id={}"):
        hidden, missing = (manager.get(f"/admin/api_key/{path.format(i)}") for i in (other, gone))
        assert (hidden.status_code, missing.status_code) == (404, 404), path
    for row, status in ((other, 404), (mine, 200)):
        answer = shop.api("Manager").send("POST", f"/api/v1/api_key/{row}/actions/revoke")
        assert answer.status_code == status
    assert shop.get(ApiKey, other).revoked_at is None
    assert shop.api().send("POST", f"/api/v1/api_key/{other}/actions/revoke").status_code == 200
    assert shop.client("Support").get("/admin/api_key/").status_code == 403


def test_a_key_opens_no_page_and_a_cookie_beside_a_wrong_key_opens_nothing(shop: Shop) -> None:
    key_of(shop)
    nobody = application.browser(shop.app)
    for path in ("/admin/", "/admin/customer/", "/admin/customer/export/csv/"):
        assert nobody.get(path, headers={"Authorization": f"Bearer {KEY}"}).status_code == 302
    signed_in = application.sign_in(shop.app, "Admin")
    for header in ({}, {"Authorization": f"Bearer {KEY[:-1]}x"}):
        assert signed_in.get(CUSTOMERS, headers=header).status_code == 401
    assert nobody.get(f"{CUSTOMERS}?api_key={KEY}").status_code == 401
    assert nobody.post(
        "/api/v1/security/refresh", headers={"Authorization": f"Bearer {KEY}"}
    ).status_code in (
        401,
        422,
    )


def test_last_used_is_noted_once_a_minute(shop: Shop) -> None:
    moment = [dt.datetime(2026, 7, 1, 9, tzinfo=dt.UTC)]
    app = application.make(shop.database.url, wiring={"clock": lambda: moment[0]})
    row, api, start = key_of(shop), Api(app, KEY), moment[0]
    version = shop.get(ApiKey, row).version
    for seconds, noted in ((0, 0), (1, 0), (59, 0), (60, 60), (119, 60), (400, 400)):
        moment[0] = start + dt.timedelta(seconds=seconds)
        assert api.get(CUSTOMERS).status_code == 200
        assert shop.get(ApiKey, row).last_used_at == start + dt.timedelta(seconds=noted), seconds
    assert shop.get(ApiKey, row).version == version
    assert Api(app, KEY[:-1] + "x").get(CUSTOMERS).status_code == 401


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"], indirect=True)
def test_a_busy_database_does_not_keep_a_reader_waiting_for_the_note(shop: Shop) -> None:
    row = key_of(shop)
    engine = open_engine(shop.database.url).execution_options(**{WRITE: True})
    with engine.begin() as writer:
        writer.execute(sa.update(ApiKey).where(ApiKey.id == row).values(name="Held"))
        assert Api(shop.app, KEY).get(CUSTOMERS).status_code == 200
    assert shop.get(ApiKey, row).last_used_at is None
    assert Api(shop.app, KEY).get(CUSTOMERS).status_code == 200
    assert shop.get(ApiKey, row).last_used_at is not None


def test_a_request_pays_for_no_slow_hash(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    key_of(shop)

    def slow(*_given: Any, **_options: Any) -> None:
        raise AssertionError("a slow hash was computed")

    api = Api(shop.app, KEY)
    monkeypatch.setattr(hashlib, "scrypt", slow)
    monkeypatch.setattr(hashlib, "pbkdf2_hmac", slow)
    assert api.get(CUSTOMERS).status_code == 200
    with shop.look() as session:
        find(session, KEY)
        costs = []
        for _n in range(20):
            start = time.process_time()
            assert find(session, KEY) is not None
            costs.append(time.process_time() - start)
    assert min(costs) < 0.005
