"""A shop with its portal, customers who have passwords, and what is mailed to them."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.support import NullTranslations
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from actions.core import languages
from actions.mail import outbox
from actions.mail.outbox import Envelope, Post
from actions.portal import requests
from models.customer import Customer
from models.mail import Addresses
from tests import application, factories
from tests.admin.signing_in import Clock
from tests.databases import Database
from tests.rules.test_portal_words import known
from tests.scale import ASKED

BASE, PORTAL = "https://desk.example.org", "https://my.example.org"
PASSWORD = "vermilion cart 9"
HASH = generate_password_hash(PASSWORD, application.CHEAP_HASH)
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
LINK = re.compile(re.escape(PORTAL) + r"(/[a-z/-]*\?token=([A-Za-z0-9_-]+))")
SIGN_IN = "/portal/sign-in/"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the portal: many try the same few statements, and those that try locks are marked ``both_databases``."""
    here = f"{Path(__file__).parent}{os.sep}"
    for item in items:
        if str(item.path).startswith(here) and not any(map(item.get_closest_marker, ASKED)):
            item.add_marker("half_on_either")


class Visitor:
    """A browser at the portal; paths are the portal's own."""

    def __init__(self, client: FlaskClient, address: str = "127.0.0.1") -> None:
        self.client, self.address = client, address

    def get(self, path: str, **options: Any) -> Any:
        """Open a page."""
        return self.client.get(f"/portal{path}", **self._from(options))

    def post(self, path: str, data: dict[str, Any] | None = None, *, page: str = "", **options: Any) -> Any:
        """Send a form, with the token of the page it stands on."""
        given = {"csrf_token": self.token(page or path), **(data or {})}
        return self.client.post(f"/portal{path}", data=given, **self._from(options))

    def token(self, page: str) -> str:
        """The token of the form on a page; nothing where it has none."""
        found = TOKEN.search(self.get(page).text)
        return found.group(1) if found else ""

    def sign_in(self, email: str, password: str = PASSWORD) -> Any:
        """Send the sign-in form."""
        return self.post("/sign-in/", {"email": email, "password": password})

    @property
    def is_in(self) -> bool:
        """Whether somebody is signed in here."""
        return bool(self.get("/").status_code == 200)

    def _from(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"environ_overrides": {"REMOTE_ADDR": self.address}, **options}


class Portal:
    """``clock`` is what the applications go by."""

    def __init__(self, database: Database, **settings: Any) -> None:
        self.database, self.clock = database, Clock()
        self.app = application.shared(database.url, self.clock, **settings)
        self.sent: list[Envelope] = []

    @property
    def engine(self) -> Engine:
        """For what a test looks at, and arranges, beside the web."""
        return self.database.engine

    @contextmanager
    def arrange(self) -> Iterator[Session]:
        """Write rows as they are needed."""
        with Session(self.database.desk) as session, session.begin():
            yield session

    def customer(self, **values: Any) -> int:
        """A registered customer who has chosen the password."""
        with self.arrange() as session:
            return int(factories.make_customer(session, **{"password_hash": HASH, **values}).id)

    def email(self, customer_id: int) -> str:
        """Their address."""
        return str(self.read(Customer.email, Customer.id == customer_id))

    def read(self, column: Any, *where: Any) -> Any:
        """One value."""
        with Session(self.engine) as session:
            return session.scalar(select(column).where(*where))

    def rows(self, model: Any, *where: Any) -> list[Any]:
        """Rows, by id."""
        with Session(self.engine) as session:
            return list(session.scalars(select(model).where(*where).order_by(model.id)))

    def visitor(self, address: str = "127.0.0.1") -> Visitor:
        """A browser in which nobody has signed in."""
        return Visitor(self.app.test_client(), address)

    def signed_in(self, customer_id: int) -> Visitor:
        """A browser in which a customer has signed in by the form."""
        found = self.visitor()
        assert found.sign_in(self.email(customer_id)).status_code == 302
        return found

    def staff(self, role: str = "Support") -> Any:
        """A browser of a member of staff."""
        return application.sign_in(self.app, role)

    def work(self) -> list[Envelope]:
        """Decide what waits and send what is due, as the worker does; return what was sent."""
        requests.decide_all(self.database.desk, self.clock)
        before, post = len(self.sent), Post(self.sent.append, Addresses(BASE, PORTAL))
        while outbox.deliver_one(self.database.desk, self.clock, post):
            pass
        return self.sent[before:]

    def link(self) -> tuple[str, str]:
        """Where the link in the latest mail leads, and its token."""
        found = LINK.search(self.sent[-1].text)
        assert found, self.sent[-1].text
        return found.group(1), found.group(2)


@pytest.fixture
def portal(database: Database) -> Portal:
    """A shop with its portal."""
    return Portal(database)


class Noting(NullTranslations):
    """Words of a language that note what they are asked for."""

    def __init__(self, words: Any, asked: set[str]) -> None:
        super().__init__()
        self.words, self.asked = words, asked

    def ugettext(self, message: str) -> Any:
        """A sentence."""
        self.asked.add(message)
        return self.words.ugettext(message)

    def ungettext(self, singular: str, plural: str, num: int) -> Any:
        """A sentence about one or several."""
        self.asked.add(singular)
        return self.words.ungettext(singular, plural, num)


@pytest.fixture(autouse=True)
def every_sentence_has_words(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever any page says in any of these tests has words in German (rule 6.15)."""
    asked: set[str] = set()

    def noting(locale: str) -> tuple[str, Noting]:
        spoken, words = languages.portal_translations(locale)
        return spoken, Noting(words, asked)

    monkeypatch.setattr("portal.language.portal_translations", noting)
    yield
    assert asked - OF_NO_CUSTOMER <= german()


OF_NO_CUSTOMER = {
    "The demo accounts are still active. Deactivate them before going live.",
    "The database does not match this version. Nothing was saved. Tell your admin.",
    "Token", "Next", "Email", "Account type",
}  # fmt: skip
"""What the portal has its own sentence for, and names of arguments that no form has a label for."""


@cache
def german() -> frozenset[str]:
    """All that there are words for."""
    catalogues = (known("de", kind) for kind in (languages.LETTERS, languages.PORTAL))
    return frozenset(
        {words if isinstance(words, str) else words[0] for found in catalogues for words in found}
    )
