"""Signing in by an OAuth provider: a real one, in small, that the test runs on this machine."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask, jsonify, redirect, request
from flask_appbuilder.const import AUTH_OAUTH

from config import Settings, SettingsError
from models.access import StaffSession
from models.base import Staff
from models.journal import Changeset
from tests import application
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.browser.conftest import serving
from tests.databases import Database

PERSON: dict[str, Any] = {
    "id": "17",
    "sub": "17",
    "given_name": "Ana",
    "family_name": "Sousa",
    "email": "ana@shop.example",
}


class Provider:
    """The other side: gives a code to whoever is sent to it, and a token for the code."""

    def __init__(self) -> None:
        self.app = Flask("provider")
        self.person = dict(PERSON)
        self.asked: list[str] = []
        self.app.add_url_rule("/authorize", view_func=self.authorize)
        self.app.add_url_rule("/token", view_func=self.token, methods=["POST"])
        self.app.add_url_rule("/userinfo", view_func=self.userinfo)

    def authorize(self) -> Any:
        state = request.args["state"]
        return redirect(f"{request.args['redirect_uri']}?code=the-code&state={state}")

    def token(self) -> Any:
        self.asked.append(request.form["code"])
        return jsonify(access_token="a-provider-token", token_type="Bearer")

    def userinfo(self) -> Any:
        assert request.headers["Authorization"] == "Bearer a-provider-token"
        return jsonify(self.person)


@pytest.fixture(scope="module")
def _provider() -> Iterator[tuple[Provider, str]]:
    made = Provider()
    with serving(made.app) as address:
        yield made, address


@pytest.fixture
def provider(_provider: tuple[Provider, str]) -> tuple[Provider, str]:
    """The other side, which knows the one person and was asked nothing yet."""
    made, _address = _provider
    made.person, made.asked = dict(PERSON), []
    return _provider


def identity(address: str, provider: str = "google") -> dict[str, Any]:
    """What a deployment's identity file would say of the provider."""
    remote = {
        "client_id": "us",
        "client_secret": "secret",
        "api_base_url": f"{address}/",
        "access_token_url": f"{address}/token",
        "authorize_url": f"{address}/authorize",
    }
    return {
        "AUTH_TYPE": AUTH_OAUTH,
        "AUTH_USER_REGISTRATION": True,
        "AUTH_USER_REGISTRATION_ROLE": "Support",
        "OAUTH_PROVIDERS": [{"name": provider, "token_key": "access_token", "remote_app": remote}],
    }


@pytest.fixture
def shop(database: Database, provider: tuple[Provider, str]) -> Shop:
    return Shop(application.shared(database.url, identity=identity(provider[1])), database)


def synced(database: Database, provider: tuple[Provider, str], **settings: Any) -> Shop:
    """A shop in which the provider says at each sign-in what people may do."""
    made = dict(identity(provider[1], "okta"), AUTH_ROLES_SYNC_AT_LOGIN=True, **settings)
    return Shop(application.shared(database.url, identity=made), database)


def walk(client: Any, provider: str = "google") -> Any:
    """Follow the sign-in from our button to the provider and back; return our last answer."""
    away = client.get(f"/login/{provider}")
    assert away.status_code == 302
    query = parse_qs(urlsplit(away.location).query)
    back = f"/oauth-authorized/{provider}?code=the-code&state={query['state'][0]}"
    return client.get(back)


def test_somebody_the_provider_knows_gets_in_with_a_session_of_ours(
    shop: Shop, provider: tuple[Provider, str]
) -> None:
    client = application.browser(shop.app)
    assert "Sign in with Google" in page_of(client.get("/admin/", follow_redirects=True)).text
    answer = walk(client)
    assert (answer.status_code, answer.location) == (302, "/admin/")
    assert client.get_cookie("session").value.startswith("s.")
    assert "Ana Sousa" in page_of(client.get("/admin/")).text
    assert client.get("/admin/customer/").status_code == 200, "as the role it was given"
    assert client.get("/admin/staff/").status_code == 403
    with shop.look() as session:
        person = session.scalars(sa.select(Staff).where(Staff.username == "google_17")).one()
        row = session.scalars(sa.select(StaffSession)).one()
        assert row.user_id == person.id
        assert "a-provider-token" not in row.data
        changeset = session.scalars(sa.select(Changeset).where(Changeset.action == "staff.sign_in")).one()
        assert (changeset.actor_name, changeset.subject_id) == ("Ana Sousa", person.id)
    assert provider[0].asked == ["the-code"]
    signed_out = client.post("/logout/", headers={"X-CSRFToken": client.csrf_token()})
    assert (signed_out.status_code, signed_out.location) == (302, "/login/")
    assert client.get("/admin/").status_code == 302


def test_what_the_provider_says_people_may_do_is_done_and_journalled(
    database: Database, provider: tuple[Provider, str]
) -> None:
    mapping = {"desk": ["Support"], "money": ["Finance"]}
    shop = synced(database, provider, AUTH_ROLES_MAPPING=mapping, AUTH_USER_REGISTRATION_ROLE="Read-only")
    browser = application.browser(shop.app)
    provider[0].person["groups"] = ["desk"]
    walk(browser, "okta")
    assert roles_of(shop) == {"Read-only", "Support"}
    first = browser.get_cookie("session").value
    provider[0].person["groups"] = ["money"]
    walk(application.browser(shop.app), "okta")
    assert roles_of(shop) == {"Read-only", "Finance"}
    browser.set_cookie("session", first)
    assert browser.get("/admin/").status_code == 302, "who may do something else signs in again"
    with shop.look() as session:
        changesets = session.scalars(sa.select(Changeset).where(Changeset.action == "staff.set_roles")).all()
        assert [(changeset.actor_name, len(changeset.changes)) for changeset in changesets] == [
            ("system", 2),
            ("system", 2),
        ]


def roles_of(shop: Shop) -> set[str]:
    """The roles of the person the provider knows."""
    with shop.look() as session:
        person = session.scalars(sa.select(Staff).where(Staff.username == "okta_17")).one()
        return {role.name for role in person.roles}


def test_no_provider_takes_the_last_admin_away(database: Database, provider: tuple[Provider, str]) -> None:
    shop = synced(database, provider, AUTH_ROLES_MAPPING={"boss": ["Admin"]})
    provider[0].person["groups"] = ["boss"]
    walk(application.browser(shop.app), "okta")
    with shop.arrange() as session:
        session.execute(sa.update(Staff).where(Staff.username == "admin").values(active=False))
    provider[0].person["groups"] = []
    answer = walk(application.browser(shop.app), "okta")
    assert answer.status_code == 409
    assert "There must be at least one active Admin" in page_of(answer).text
    assert "Admin" in roles_of(shop)


def test_who_was_deactivated_here_stays_out_whatever_the_provider_says(shop: Shop) -> None:
    walk(application.browser(shop.app))
    with shop.arrange() as session:
        session.execute(sa.update(Staff).where(Staff.username == "google_17").values(active=False))
    client = application.browser(shop.app)
    walk(client)
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("query", ["", "?code=x", "?code=x&state=y", "?error=access_denied", "?state="])
def test_an_answer_that_nobody_asked_for_signs_nobody_in(shop: Shop, query: str) -> None:
    client = application.browser(shop.app)
    assert client.get(f"/oauth-authorized/google{query}").status_code == 302
    assert client.get("/oauth-authorized/nobody").status_code == 302
    assert client.get("/admin/").status_code == 302


def test_the_identity_file_is_read_and_anything_else_in_it_refused(tmp_path: Any) -> None:
    file = tmp_path / "identity.py"
    file.write_text("import os\nAUTH_TYPE = 4\nOAUTH_PROVIDERS = []\nlower = 1\n")
    assert Settings.from_environment({"IDENTITY_CONFIG": str(file)}).identity == {
        "AUTH_TYPE": 4,
        "OAUTH_PROVIDERS": [],
    }
    for text, said in (
        ("SECRET_KEY = 'x'\n", "SECRET_KEY is no setting"),
        ("AUTH_TYPE = ", "cannot be read"),
    ):
        file.write_text(text)
        with pytest.raises(SettingsError, match=said):
            Settings.from_environment({"IDENTITY_CONFIG": str(file)})
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.from_environment({"IDENTITY_CONFIG": str(tmp_path / "none.py")})
