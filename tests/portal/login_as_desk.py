"""A member of staff who logs in as a customer, as their browser does it."""

import html
import re
import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from actions.staff import api_keys
from models.api_key import KeyScope
from models.base import Staff
from tests import factories
from tests.portal.conftest import Portal, Visitor

REASON = "Cannot find the invoice of August"
FORM = re.compile(r'<form method="post" action="([^"]+)"[^>]*data-hand-over>')
HIDDEN = re.compile(r'name="token" value="([^"]+)"')


@dataclass
class Desk:
    """A browser of a member of staff; the back office and the portal are on one host there."""

    portal: Portal
    client: Any

    @property
    def visitor(self) -> Visitor:
        """The same browser, at the portal."""
        return Visitor(self.client)

    def ask(self, customer_id: int, **given: str) -> Any:
        """Send the form on the customer's record."""
        where = f"/admin/customer/act/log_in_as/?id={customer_id}"
        return self.client.send(where, {"reason": REASON, **given})

    def token(self, customer_id: int, **given: str) -> str:
        """Send the form; the token of the page that comes back."""
        answer = self.ask(customer_id, **given)
        assert answer.status_code == 200, answer.text[:3000]
        return handed_over(answer)[1]

    def log_in(self, customer_id: int, **given: str) -> Visitor:
        """Send the form and go on to the portal."""
        answer = hand_over(self.visitor, self.token(customer_id, **given))
        assert (answer.status_code, answer.location) == (303, "/portal/"), answer.text[:3000]
        return self.visitor


def handed_over(answer: Any) -> tuple[str, str]:
    """Where the page posts to, and the token."""
    where, token = FORM.search(answer.text), HIDDEN.search(answer.text)
    assert where, answer.text[:3000]
    assert token, answer.text[:3000]
    return html.unescape(where.group(1)), token.group(1)


def hand_over(visitor: Visitor, token: str) -> Any:
    """Post a token to the portal as the page does: with nothing else."""
    return visitor.client.post("/portal/log-in-as/", data={"token": token})


class Program:
    """The server of a shop, which has a key to the API."""

    def __init__(self, portal: Portal, key: str) -> None:
        self.client, self.headers = portal.app.test_client(), {"Authorization": f"Bearer {key}"}

    def get(self, path: str) -> Any:
        """Ask."""
        return self.client.get(path, headers=self.headers)

    def post(self, path: str, body: Any = None) -> Any:
        """Send JSON."""
        return self.client.post(path, json=body or {}, headers=self.headers)


def key_of(portal: Portal, username: str, scope: KeyScope = KeyScope.FULL) -> Program:
    """Give a member of staff a key; the program that has it."""
    key = api_keys.MARK + secrets.token_urlsafe(32)
    with portal.arrange() as session:
        owner = session.scalar(sa.select(Staff.id).where(Staff.username == username))
        factories.make_api_key(session, user_id=owner, hash=api_keys.digest(key), scope=scope)
    return Program(portal, key)


def desk(portal: Portal, role: str = "Support") -> Desk:
    """Sit down at a desk."""
    return Desk(portal, portal.staff(role))
