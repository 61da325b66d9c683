"""What tests of mail share: people to write to, what they were written, and a way out that keeps it."""

from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import undefer, undefer_group

from actions.customers.customers import approve
from actions.mail import outbox
from actions.mail.outbox import Envelope, Post
from models.choices import AccountType, Status
from models.mail import Addresses, Mail
from tests import factories
from tests.actions.desk import Desk

BASE = "https://desk.example.org"


class Letterbox:
    """A way out that keeps what it is given, or raises what it is told to."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error, self.sent = error, list[Envelope]()

    def send(self, envelope: Envelope) -> None:
        self.sent.append(envelope)
        if self.error is not None:
            raise self.error

    @property
    def post(self) -> Post:
        return Post(self.send, Addresses(BASE, BASE + "/portal"))


@pytest.fixture(autouse=True)
def empty_outbox(desk: Desk) -> None:
    """Leave nothing of an earlier test to send: they share a database."""
    with desk.engine.begin() as connection:
        connection.execute(update(Mail).where(Mail.state == "waiting").values(state="withdrawn"))


def applicant(desk: Desk, **values: Any) -> int:
    """A trade customer who waits for approval."""
    given = {"email": f"rashid{factories.number()}@example.com", "first_name": "Rashid", "last_name": "Karim"}
    waiting = {"status": Status.PENDING_APPROVAL, "account_type": AccountType.TRADE, "is_active": False}
    return desk.customer(**{**given, **waiting, **values})


def mails(desk: Desk, customer: int) -> list[Mail]:
    """A customer's mails, whole, by id."""
    with desk.look() as session:
        whole = (undefer_group("body"), undefer(Mail.secret))
        return list(
            session.scalars(
                select(Mail).where(Mail.customer_id == customer).order_by(Mail.id).options(*whole)
            )
        )


def the_mail(desk: Desk, customer: int) -> Mail:
    """The one mail of a customer."""
    (found,) = mails(desk, customer)
    return found


def approved(desk: Desk, **values: Any) -> int:
    """A customer whose approval has been written to them."""
    customer = applicant(desk, **values)
    desk.do(approve, customer)
    return customer


def deliver(desk: Desk, box: Letterbox) -> bool:
    """Send what is due."""
    return outbox.deliver(desk.engine, lambda: desk.now, box.post)
