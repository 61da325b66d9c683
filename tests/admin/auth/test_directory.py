"""Signing in by a directory: python-ldap's own calls, answered by a directory of the test's."""

import datetime as dt
import sys
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
from flask_appbuilder.const import AUTH_LDAP
from sqlalchemy.orm import Session

from models.access import StaffSession
from models.base import Staff
from models.journal import Changeset
from models.member import StaffRole
from tests import application
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.databases import Database

BASE = "dc=shop,dc=example"
ANA = f"uid=ana,{BASE}"
RIGHT = "the directory's own"


class InvalidCredentialsError(Exception):
    """What python-ldap raises for a wrong password."""


class Directory:
    """Knows one person, and what they may do."""

    def __init__(self) -> None:
        self.bound: list[str] = []
        self.groups = [b"cn=desk"]

    def set_option(self, *_given: Any) -> None:
        """TLS is none of this test's."""

    def simple_bind_s(self, name: str, password: str) -> None:
        self.bound.append(name)
        if name == ANA and password.partition("\0")[0] in (
            RIGHT,
            "",
        ):  # as servers do: a bind without a password is an anonymous one
            return
        if name != "cn=us" or password != "ours":
            raise InvalidCredentialsError

    def search_s(self, base: str, _scope: int, wanted: str, _fields: Any) -> list[Any]:
        assert base == BASE
        known = {
            "givenName": [b"Ana"],
            "sn": [b"Sousa"],
            "mail": [b"ana@shop.example"],
            "memberOf": self.groups,
        }
        return [(ANA, known)] if wanted == "(uid=ana)" else []


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Directory:
    made = Directory()
    module: Any = ModuleType("ldap")
    module.OPT_REFERRALS = module.OPT_X_TLS_REQUIRE_CERT = module.OPT_X_TLS_NEWCTX = 0
    module.OPT_X_TLS_DEMAND = module.SCOPE_SUBTREE = 0
    module.LDAPError = module.INVALID_CREDENTIALS = InvalidCredentialsError
    module.set_option, module.initialize = made.set_option, lambda _address: made
    module.filter = ModuleType("ldap.filter")
    module.filter.escape_filter_chars = lambda text: text.replace("*", r"\2a")
    monkeypatch.setitem(sys.modules, "ldap", module)
    monkeypatch.setitem(sys.modules, "ldap.filter", module.filter)
    return made


@pytest.fixture
def shop(database: Database, directory: Directory) -> Shop:
    identity = {
        "AUTH_TYPE": AUTH_LDAP,
        "AUTH_LDAP_SERVER": "ldaps://directory.example",
        "AUTH_LDAP_SEARCH": BASE,
        "AUTH_LDAP_BIND_USER": "cn=us",
        "AUTH_LDAP_BIND_PASSWORD": "ours",
        "AUTH_USER_REGISTRATION": True,
        "AUTH_USER_REGISTRATION_ROLE": "Read-only",
        "AUTH_ROLES_MAPPING": {"cn=desk": ["Support"], "cn=money": ["Finance"], "cn=boss": ["Admin"]},
        "AUTH_ROLES_SYNC_AT_LOGIN": True,
    }
    return Shop(application.shared(database.url, identity=identity), database)


def sign_in(shop: Shop, username: str = "ana", password: str = RIGHT) -> Any:
    """Type into the form what the directory is asked about; return the browser and the answer."""
    client = application.browser(shop.app)
    return client, client.send("/login/", {"username": username, "password": password})


def roles_of(shop: Shop) -> set[str]:
    """The roles of the person the directory knows."""
    with shop.look() as session:
        return {
            role.name for role in session.scalars(sa.select(Staff).where(Staff.username == "ana")).one().roles
        }


def changesets(session: Session) -> list[str]:
    """What the journal has of staff."""
    about = sa.select(Changeset.action).where(Changeset.action.startswith("staff."))
    return list(session.scalars(about.order_by(Changeset.id)))


def test_whom_the_directory_knows_gets_in_with_the_roles_it_says(shop: Shop, directory: Directory) -> None:
    client, answer = sign_in(shop)
    assert (answer.status_code, answer.location) == (302, "/admin/")
    assert "Ana Sousa" in page_of(client.get("/admin/")).text
    assert roles_of(shop) == {"Read-only", "Support"}
    directory.groups = [b"cn=money"]
    sign_in(shop)
    assert roles_of(shop) == {"Read-only", "Finance"}
    assert client.get("/admin/").status_code == 302, "who may do something else signs in again"
    with shop.look() as session:
        assert changesets(session) == ["staff.set_roles", "staff.sign_in"] * 2


@pytest.mark.parametrize(
    ("username", "password"),
    [("ana", "wrong"), ("ana", ""), ("nobody", RIGHT), ("*", RIGHT), ("", "")],
)
def test_who_is_not_known_or_sends_no_password_stays_out(shop: Shop, username: str, password: str) -> None:
    client, answer = sign_in(shop, username, password)
    assert answer.status_code == 401
    assert client.get("/admin/").status_code == 302
    with shop.look() as session:
        assert changesets(session) == ["staff.sign_in_failed"]


def test_five_failures_are_enough_here_too(shop: Shop, directory: Directory) -> None:
    answers = [sign_in(shop, password="wrong")[1].status_code for _n in range(6)]
    assert answers == [401] * 5 + [429]
    asked = len(directory.bound)
    assert sign_in(shop)[1].status_code == 429
    assert len(directory.bound) == asked, "the directory is asked no more"


def test_a_program_signs_in_by_the_directory(shop: Shop) -> None:
    given = {"username": "ana", "password": RIGHT, "provider": "ldap"}
    answer = shop.app.test_client().post("/api/v1/security/login", json=given)
    bearer = {"Authorization": f"Bearer {answer.json['access_token']}"}
    assert shop.app.test_client().get("/api/v1/customer/", headers=bearer).status_code == 200
    for empty in ("\0", "\0 and more"):
        nothing = shop.app.test_client().post("/api/v1/security/login", json={**given, "password": empty})
        assert nothing.status_code in (400, 401), "what a directory takes for no password at all"
    refused = shop.app.test_client().post("/api/v1/security/login", json={**given, "provider": "db"})
    assert refused.status_code == 400


def test_an_admin_looks_as_a_role_and_signs_out_of_both(shop: Shop, directory: Directory) -> None:
    directory.groups = [b"cn=boss"]
    client, _answer = sign_in(shop)
    with shop.look() as session:
        role = session.scalars(sa.select(StaffRole.id).where(StaffRole.name == "Support")).one()
    assert client.send("/admin/view_as/", {"id": role}).status_code == 302
    assert client.get("/admin/staff/").status_code == 403
    assert client.send("/admin/note/columns/", {"columns": "body"}).status_code == 403
    out = client.send("/logout/")
    assert (out.status_code, out.location) == (302, "/login/")
    assert client.send("/login/", {"username": "ana", "password": RIGHT}).status_code == 302
    assert client.get("/admin/staff/").status_code == 200, "with one's own access again"
    gone = application.browser(shop.app)
    answer = gone.post("/admin/view_as/", data={"id": role}, headers={"X-CSRFToken": gone.csrf_token()})
    assert (answer.status_code, answer.location) == (302, "/login/")


def test_a_proof_by_a_password_that_is_not_kept_here_is_signing_in_again(
    shop: Shop, directory: Directory
) -> None:
    directory.groups = [b"cn=boss"]
    client, _answer = sign_in(shop)
    with shop.arrange() as session:
        long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=16)
        session.execute(sa.update(StaffSession).values(confirmed_at=long_ago))
    asked = client.send("/admin/proof/", {"reauth": RIGHT})
    assert asked.status_code == 422
    assert "Sign out and sign in again" in page_of(asked).text
