"""Where the portal is: on a host of its own, at a path on the embedded default, or nowhere (rule 6.1)."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from config import Settings, SettingsError
from models.base import db
from models.demo_accounts import CUSTOMER_EMAIL
from tests import application, factories
from tests.databases import Database
from tests.portal.conftest import HASH, PASSWORD, TOKEN, Portal

OFFICE, OWN = "https://desk.example.org", "https://my.example.org"
HOSTS = ("127.0.0.1", "localhost", "desk.example.org", "my.example.org")


def apart(database: Database, **settings: Any) -> Flask:
    """An application whose portal has a host of its own."""
    given = {"public_base_url": OFFICE, "portal_base_url": OWN, "trusted_hosts": HOSTS, "behind_tls": True}
    return application.shared(database.url, **{**given, **settings})


def on(app: Flask, base: str, path: str, **options: Any) -> Any:
    """Open a page on a host."""
    return app.test_client().get(path, base_url=base, **options)


@pytest.mark.either_database
def test_a_host_of_its_own_has_the_portal_and_nothing_else(database: Database) -> None:
    app = apart(database)
    assert on(app, OWN, "/sign-in/").status_code == 200
    for path in ("/admin/", "/login/", "/api/v1/customer/", "/static/app.js", "/portal/sign-in/"):
        assert on(app, OWN, path).status_code == 404, path
    assert on(app, OFFICE, "/login/").status_code == 200
    for path in ("/sign-in/", "/portal/sign-in/", "/portal/"):
        assert on(app, OFFICE, path).status_code == 404, path
    assert on(app, OWN, "/healthz").json == {"status": "ok"}
    assert on(app, "https://evil.example", "/sign-in/").status_code == 400


@pytest.mark.either_database
def test_its_cookies_are_the_hosts_and_secure(database: Database) -> None:
    app = apart(database)
    with Session(database.desk) as session, session.begin():
        email = factories.make_customer(session, password_hash=HASH).email
    client = app.test_client()
    token = TOKEN.search(client.get("/sign-in/", base_url=OWN).text)
    assert token
    data = {"csrf_token": token.group(1), "email": email, "password": PASSWORD}
    answer = client.post("/sign-in/", base_url=OWN, data=data)
    assert answer.location == "/"
    for cookie in answer.headers.getlist("Set-Cookie"):
        assert "Secure" in cookie
        assert "Path=/;" in cookie
        assert "Domain" not in cookie
    assert client.get("/", base_url=OWN).status_code == 200


@pytest.mark.either_database
def test_where_staff_are_elsewhere_there_is_none_without_a_host(database: Database) -> None:
    app = application.shared(database.url, public_base_url=OFFICE, trusted_hosts=HOSTS)
    assert on(app, OFFICE, "/portal/sign-in/").status_code == 404
    with Session(database.desk) as session, session.begin():
        one = factories.make_customer(session).id
    staff = application.sign_in(app, "Support")
    assert "Send password reset" not in staff.get(f"/admin/customer/details/?id={one}").text
    ticked = {"identity_checked": "y", "mailbox_checked": "y"}
    refused = staff.send(f"/admin/customer/act/send_reset/?id={one}", ticked)
    assert refused.status_code in (404, 409)


def test_what_an_address_of_the_portal_must_be() -> None:
    given = {"SECRET_KEY": "x" * 40, "DATABASE_URL": "sqlite://", "PUBLIC_BASE_URL": OFFICE}
    made = Settings.from_environment({**given, "PORTAL_BASE_URL": OWN})
    assert made.addresses.portal_url == OWN
    assert "my.example.org" in made.trusted_hosts
    for wrong in ("my.example.org", f"{OFFICE}/", "https://desk.example.org:8443", f"{OWN}/shop", "https://"):
        with pytest.raises(SettingsError, match="PORTAL_BASE_URL"):
            Settings.from_environment({**given, "PORTAL_BASE_URL": wrong})


def test_the_two_keys_differ(portal: Portal) -> None:
    beside = portal.app.extensions["clientele.portal"]
    assert beside.secret_key != portal.app.secret_key
    with beside.app_context():
        engine = db.engine
    with portal.app.app_context():
        assert db.engine is engine, "and they share one pool"


@pytest.mark.either_database
def test_while_the_demo_customer_could_sign_in_nobody_elsewhere_is_answered(database: Database) -> None:
    app = application.make(database.url)
    with Session(database.desk) as session, session.begin():
        one = factories.make_customer(session, email=CUSTOMER_EMAIL, password_hash=HASH).id
    elsewhere: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": "203.0.113.9"}}
    for path in ("/portal/sign-in/", "/login/"):
        assert app.test_client().get(path).status_code == 200
        assert app.test_client().get(path, **elsewhere).status_code == 503
    with database.desk.begin() as connection:
        connection.execute(sa.text("UPDATE customer SET is_active = false WHERE id = :one"), {"one": one})
    again = application.make(database.url)
    for path in ("/portal/sign-in/", "/login/"):
        assert again.test_client().get(path, **elsewhere).status_code == 200


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_database_that_is_gone_or_old_is_a_page(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from web import fitness

    monkeypatch.setattr(fitness, "ASK_AGAIN_AFTER", 0.0)
    app = application.make(database.url)
    with database.desk.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0009'"))
    with app.app_context():
        fitness.fitness().look(db.engine)
    answer = app.test_client().get("/portal/sign-in/")
    assert (answer.status_code, "Service unavailable" in answer.text) == (503, True)
