"""Additional emails that customers add: each waits until its mailbox, or staff, confirm it (rule 12.7)."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, event, inspect, select
from sqlalchemy.orm import Session, object_session

from actions.core.base import Context, Outcome, Portal, Refused, TooMany, action
from actions.core.customer_guard import eligible_customer, live_customer
from actions.core.eligibility import MAY_SIGN_IN
from actions.core.journal import JOURNAL
from actions.core.mail_templates import MailTemplate, declare
from actions.core.texts import now_text
from actions.customers.contacts import CONFIRMED
from actions.execution.records import before_save, save_values
from actions.execution.runner import Call, changeset
from actions.portal import links, mail_ceiling, passwords
from models import normalise
from models.base import N_
from models.contact import ContactEmail
from models.customer import Customer
from models.dialect import advisory_lock
from models.mail import masked
from models.portal import PortalLinkKind

KIND = PortalLinkKind.CONTACT_EMAIL
MOST_TO_ONE = 3
"""Links that are sent to one address within an hour, on all accounts together and by all who send them."""
TO_ONE = N_("This email address has been sent 3 links in the last hour. Try again in %(minutes)s min.")
STOPPED = "mail_stopped", N_("We cannot send the link at the moment. Please try again tomorrow.")

CONFIRM = declare(
    MailTemplate(
        "customer_contact_confirm",
        N_("Customer: confirm an additional email"),
        N_("Confirm that you want emails from %(shop)s"),
    )
)
ADDED = declare(
    MailTemplate(
        "customer_contact_added",
        N_("Customer: additional email added"),
        N_("An email address was added to your account with %(shop)s"),
        frozenset({"email", "at"}),
    )
)


@before_save(ContactEmail, row_only=True)
def ask_whether_it_is_right(ctx: Context, row: ContactEmail, changed: set[str], created: bool) -> None:
    """Write to what a customer adds, and to the account's own address, once the row is stored."""
    if created and ctx.actor.customer_id is not None:
        ctx.before_commit.append(partial(_added, ctx, row))


def _added(ctx: Context, row: ContactEmail) -> None:
    customer = live_customer(ctx, row.customer_id)
    _send(ctx, row, customer)
    ctx.mail(ADDED, customer, email=row.email, at=now_text(ctx))


@action(
    "contact_email.send_link",
    ContactEmail,
    label=N_("Send confirmation link"),
    final=True,
    mails=True,
    customers=MAY_SIGN_IN,
    portal=Portal.CUSTOMER,
)
def send_link(ctx: Context, row: ContactEmail) -> Outcome:
    """Mail the link to an address that waits once more, in place of the one before.

    :raises Refused: ``confirmed``, ``no_portal``; ``mail_stopped``, where the customer asks and the day's emails are
        sent (rule 5.10). :raises TooMany: three went to the address within the hour.
    """
    customer = eligible_customer(ctx, row.customer_id)
    if row.confirmed_at is not None:
        raise Refused(*CONFIRMED)
    _send(ctx, row, customer)
    return Outcome(
        N_("A link to confirm it will be sent to %(address)s."), row, {"address": masked(row.email)}
    )


def _send(ctx: Context, row: ContactEmail, customer: Customer) -> None:
    if not ctx.has_portal:
        raise Refused(*links.NO_PORTAL)
    if ctx.actor.id is None and mail_ceiling.reached_since(ctx.session, ctx.shop, ctx.now) is not None:
        raise Refused(*STOPPED)
    _refuse_too_many(ctx, row.email)
    token = links.make(ctx, customer, KIND, row.email)
    ctx.mail_to(CONFIRM, row.email, customer, secret=token)


def _refuse_too_many(ctx: Context, email: str) -> None:
    key = normalise.email(email)
    advisory_lock(ctx.session.connection(), f"confirming {key}")
    columns = links.TABLE.c
    lately = select(columns.email, columns.created_at).where(
        columns.created_at > ctx.now - links.HOUR, columns.kind == KIND
    )
    rows = ctx.session.execute(lately.order_by(columns.id))
    sent = [row.created_at for row in rows if normalise.email(row.email) == key]
    if len(sent) >= MOST_TO_ONE:
        wait = int((sent[-MOST_TO_ONE] + links.HOUR - ctx.now).total_seconds())
        raise TooMany("too_many_links", TO_ONE, max(1, wait))


# -- the link -----------------------------------------------------------------------------------------------------


def confirm(engine: Engine, call: Call, token: str, customer_id: int) -> str:
    """Have an address get mail from now on, by the link that was sent to it; return the address.

    :raises Refused: ``link_void``, whatever is wrong with the link.
    """
    with changeset(engine, "contact_email.confirmed", call) as ctx:
        customer = ctx.lock_one(Customer, customer_id)
        row = _used(ctx, token, customer)
        ctx.set_subject(row)
        save_values(ctx, row, {"confirmed_at": ctx.now})
        return row.email


def _used(ctx: Context, token: str, customer: Customer) -> ContactEmail:
    """Use a link up; return the row it confirms, locked. :raises Refused: ``link_void``."""
    if MAY_SIGN_IN.why_not(customer) is None:
        email = links.use_for(ctx.session.connection(), token, customer.id, ctx.now, KIND)
        waiting = _waiting(ctx.session, customer.id, email)
        if waiting is not None:
            return ctx.lock_one(ContactEmail, waiting.id)
    raise Refused(*passwords.VOID)


def whose(session: Session, token: str, now: dt.datetime) -> tuple[Customer, str] | None:
    """Return whose account a link is about, and the address it confirms, while it is good; looking uses nothing up."""
    customer = links.holder(session, token, now, (KIND,))
    if customer is None or MAY_SIGN_IN.why_not(customer) is not None:
        return None
    email = links.address_behind(session, token, now, KIND)
    return (customer, email) if email and _waiting(session, customer.id, email) is not None else None


def _waiting(session: Session, customer_id: int, email: str | None) -> ContactEmail | None:
    theirs = ContactEmail.customer_id == customer_id, ContactEmail.email == email
    return session.scalar(select(ContactEmail).where(*theirs, ContactEmail.confirmed_at.is_(None)))


@event.listens_for(ContactEmail, "before_update")
def _void_former(_mapper: Any, connection: Connection, row: ContactEmail) -> None:
    """Void the links of an address that is changed or confirmed, whatever channel does it."""
    state = inspect(row).attrs
    if state.email.history.has_changes() or state.confirmed_at.history.has_changes():
        _void(connection, row, (state.email.history.deleted or [row.email])[0])


@event.listens_for(ContactEmail, "before_delete")
def _void_removed(_mapper: Any, connection: Connection, row: ContactEmail) -> None:
    """Void the links of an address that is removed, so that none is good for the same one added again."""
    _void(connection, row, row.email)


def _void(connection: Connection, row: ContactEmail, email: str) -> None:
    session = object_session(row)
    journal = session.info.get(JOURNAL) if session is not None else None
    if journal is not None:
        links.void(connection, row.customer_id, journal.now, (KIND,), email)
