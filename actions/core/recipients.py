"""Who of an account gets a mail: its own address, and those that get copies of such papers (rule 14.9)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from actions.core.mail_templates import MAIL_TEMPLATES, Paper, address_of, usable
from models import normalise
from models.address import Address
from models.base import N_
from models.contact import ContactEmail
from models.customer import Customer

UNCONFIRMED = N_("%(address)s gets no copy because it is not confirmed yet.")


def paper_of(code: str) -> Paper:
    """Return what kind of paper a mail is; one that no release knows any more is for the account's own address."""
    declared = MAIL_TEMPLATES.get(code)
    return declared.paper if declared is not None else Paper.OWN


def recipients(session: Session, customer: Customer, paper: Paper) -> list[str]:
    """Return the addresses that such a paper goes to, the account's own first, and none of them twice."""
    found = {
        normalise.email(address): address for address in reversed([*_addresses(session, customer, paper)])
    }
    return [*reversed(found.values())]


def waiting(session: Session, customer: Customer, paper: Paper) -> list[str]:
    """Return the additional emails that would get such a paper and do not, as they are not confirmed (rule 12.7)."""
    if paper is Paper.OWN:
        return []
    theirs = ContactEmail.customer_id == customer.id, ContactEmail.confirmed_at.is_(None)
    return list(session.scalars(select(ContactEmail.email).where(*theirs).order_by(ContactEmail.id)))


def _addresses(session: Session, customer: Customer, paper: Paper) -> Iterator[str]:
    """Yield every address that mail can go to; the first of several that are the same counts."""
    if (own := address_of(customer)) is not None:
        yield own
    if paper is Paper.OWN:
        return
    confirmed = ContactEmail.customer_id == customer.id, ContactEmail.confirmed_at.is_not(None)
    further = select(ContactEmail.email).where(*confirmed).order_by(ContactEmail.id)
    papers = (
        select(Address.email)
        .where(Address.customer_id == customer.id, or_(*_roles(paper)))
        .order_by(Address.id)
    )
    for statement in (further, papers):
        yield from (address for found in session.scalars(statement) if (address := usable(found)) is not None)


def reaches_somebody(paper: Paper) -> ColumnElement[bool]:
    """Return the condition of the customers for whom there is an address that such a paper goes to."""
    filled = (Customer.email.is_not(None), Customer.email != "")
    found = [and_(*filled)]
    if paper is not Paper.OWN:
        confirmed = ContactEmail.customer_id == Customer.id, ContactEmail.confirmed_at.is_not(None)
        found.append(exists().where(*confirmed))
        theirs = Address.customer_id == Customer.id, Address.email.is_not(None)
        found.append(exists().where(*theirs, or_(*_roles(paper))))
    return or_(*found)


def _roles(paper: Paper) -> list[Any]:
    """Return the roles of the addresses whose email gets such a paper."""
    return [Address.is_admin, *([Address.is_billing] if paper is Paper.STATEMENT else ())]


def key_for(key: str | None, place: int, address: str) -> str | None:
    """Return the key of one of several mails that are written once for ``key``: the first has it as it is."""
    if key is None or place == 0:
        return key
    return f"{key}:{hashlib.sha256(normalise.email(address).encode()).hexdigest()[:16]}"
