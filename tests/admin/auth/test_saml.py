"""Signing in by SAML: python3-saml's own calls, answered by an identity provider of the test's."""

import sys
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
from flask_appbuilder.const import AUTH_SAML

from models.access import StaffSession
from models.base import Staff
from models.journal import Changeset
from tests import application
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.databases import Database

AWAY = "https://idp.example/sso"
ACS = "/saml/acs/"


class Provider:
    """Says who somebody is, or that the message was none of its own."""

    def __init__(self) -> None:
        self.groups = ["desk"]
        self.wrong: list[str] = []

    def __call__(self, _request: Any, settings: Any) -> "Provider":
        assert settings["idp"] == {"entityId": "idp"}
        return self

    def login(self) -> str:
        return AWAY

    def process_response(self) -> None:
        """The signature is python3-saml's to look at."""

    def process_slo(self, delete_session_cb: Any) -> str:
        delete_session_cb()
        return AWAY

    def get_errors(self) -> list[str]:
        return self.wrong

    def get_last_error_reason(self) -> str:
        return "the signature is wrong"

    def is_authenticated(self) -> bool:
        return not self.wrong

    def get_attributes(self) -> dict[str, list[str]]:
        return {"given": ["Ana"], "family": ["Sousa"], "mail": ["ana@shop.example"], "groups": self.groups}

    def get_nameid(self) -> str:
        return "ana"

    def get_session_index(self) -> str:
        return "17"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    made = Provider()
    names = ("onelogin", "onelogin.saml2", "onelogin.saml2.auth", "onelogin.saml2.errors")
    modules: list[Any] = [ModuleType(name) for name in names]
    modules[2].OneLogin_Saml2_Auth = made
    modules[3].OneLogin_Saml2_Error = modules[3].OneLogin_Saml2_ValidationError = type(
        "SamlError", (Exception,), {}
    )
    for module in modules:
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return made


@pytest.fixture
def shop(database: Database, provider: Provider) -> Shop:
    mapping = {"given": "first_name", "family": "last_name", "mail": "email", "groups": "role_keys"}
    identity = {
        "AUTH_TYPE": AUTH_SAML,
        "AUTH_USER_REGISTRATION": True,
        "AUTH_USER_REGISTRATION_ROLE": "Read-only",
        "AUTH_ROLES_MAPPING": {"desk": ["Support"], "money": ["Finance"]},
        "AUTH_ROLES_SYNC_AT_LOGIN": True,
        "SAML_CONFIG": {},
        "SAML_PROVIDERS": [{"name": "idp", "idp": {"entityId": "idp"}, "attribute_mapping": mapping}],
    }
    return Shop(application.shared(database.url, identity=identity), database)


def sign_in(shop: Shop) -> tuple[Any, Any]:
    """Go to the provider and come back with its message, which is posted from its page."""
    client = application.browser(shop.app)
    assert client.get("/login/idp").location == AWAY
    return client, client.post(ACS, data={"SAMLResponse": "signed"})


def roles_of(shop: Shop) -> set[str]:
    """The roles of the person the provider knows."""
    with shop.look() as session:
        return {
            role.name for role in session.scalars(sa.select(Staff).where(Staff.username == "ana")).one().roles
        }


def test_whom_the_provider_knows_gets_in_with_the_roles_it_says(shop: Shop, provider: Provider) -> None:
    client, answer = sign_in(shop)
    assert (answer.status_code, answer.location) == (302, "/admin/")
    assert client.get_cookie("session").value.startswith("s."), "a session of ours, on the server"
    assert "Ana Sousa" in page_of(client.get("/admin/")).text
    assert roles_of(shop) == {"Read-only", "Support"}
    provider.groups = ["money"]
    sign_in(shop)
    assert roles_of(shop) == {"Read-only", "Finance"}
    assert client.get("/admin/").status_code == 302, "who may do something else signs in again"
    with shop.look() as session:
        about = sa.select(Changeset.action).where(Changeset.action.startswith("staff."))
        changesets = session.scalars(about.order_by(Changeset.id)).all()
        assert changesets == ["staff.set_roles", "staff.sign_in"] * 2


def test_a_message_that_is_not_the_providers_signs_nobody_in(shop: Shop, provider: Provider) -> None:
    provider.wrong = ["invalid_response"]
    client, answer = sign_in(shop)
    assert (answer.status_code, answer.location) == (302, "/login/")
    assert client.get("/admin/").status_code == 302
    with shop.look() as session:
        assert session.scalars(sa.select(StaffSession)).all() == []


def test_the_provider_signs_people_out_and_no_link_does(shop: Shop) -> None:
    client, _answer = sign_in(shop)
    for method in ("GET", "POST"):
        assert client.open("/saml/slo/", method=method).status_code == 400
    assert client.get("/admin/").status_code == 200
    assert client.get("/logout/").status_code == 405
    kept = client.get_cookie("session").value
    assert client.get("/saml/slo/?SAMLRequest=signed").location == AWAY
    client.set_cookie("session", kept)
    assert client.get("/admin/").status_code == 302, "not even by a copy of the cookie"


def test_who_was_deactivated_here_stays_out(shop: Shop) -> None:
    sign_in(shop)
    with shop.arrange() as session:
        session.execute(sa.update(Staff).where(Staff.username == "ana").values(active=False))
    client, _answer = sign_in(shop)
    assert client.get("/admin/").status_code == 302
