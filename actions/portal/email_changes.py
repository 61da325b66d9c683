"""Another email address for a customer's own account: confirmed by a link, and taken back by another (rule 5.9)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from actions.core.base import Context, Invalid, Outcome, Portal, Refused, action
from actions.core.eligibility import MAY_SIGN_IN
from actions.core.mail_templates import MailTemplate, address_of, declare
from actions.execution.records import save_values
from actions.execution.runner import Call
from actions.portal import links, mail_ceiling, passwords, requests
from models import normalise
from models.base import N_
from models.customer import Customer
from models.portal import PortalLinkKind
from models.validate import email as checked_email
from models.validate import required

NEEDED = required(N_("Enter your new email address."))
SAME = N_("This is your email address already.")
CHANGE = declare(
    MailTemplate(
        "customer_email_change", N_("Customer: confirm a new email address"), N_("Confirm your email address")
    )
)
TAKEN = declare(
    MailTemplate(
        "customer_email_taken", N_("Customer: email address in use"), N_("Your account with %(shop)s")
    )
)
CHANGED = declare(
    MailTemplate(
        "customer_email_changed", N_("Customer: email address changed"), N_("Your email address was changed")
    )
)


@action(
    "customer.ask_email_change",
    Customer,
    label=N_("Change email address"),
    final=True,
    mails=True,
    customers=MAY_SIGN_IN,
    portal=Portal.CUSTOMER,
)
def ask(ctx: Context, customer: Customer, *, email: str) -> Outcome:
    """Mail a link to the address that a customer wants; until it is followed nothing changes.

    Where the address is another customer's, that customer is told instead; the person who asks sees the same, and the
    same is written.

    :raises Invalid: it is no address, or the one they have.
    """
    wanted = checked_email("email", NEEDED("email", normalise.trimmed(email) or None))
    assert wanted is not None
    if wanted == customer.email:
        raise Invalid({"email": SAME})
    if mail_ceiling.reached_since(ctx.session, ctx.shop, ctx.now) is None:
        _write(ctx, customer, wanted)
    return Outcome(N_("We are sending an email to %(email)s."), customer, {"email": wanted})


def _write(ctx: Context, customer: Customer, wanted: str) -> None:
    other = requests.known(ctx.session, wanted)
    token = links.make(ctx, customer, PortalLinkKind.EMAIL_CHANGE, wanted)
    if other is None or other.id == customer.id:
        ctx.mail_to(CHANGE, wanted, secret=token)
    else:
        ctx.mail_to(TAKEN, address_of(other) or wanted)


def confirm(engine: Engine, call: Call, token: str, customer_id: int) -> None:
    """Give a customer the address that a link was sent to; the one before is told, and can take it back.

    :raises Refused: ``link_void``; ``has_account``, where the address is another customer's by now.
    """
    with passwords.of_account(engine, "customer.email_changed", call) as ctx:
        customer, email = _used(ctx, token, customer_id, PortalLinkKind.EMAIL_CHANGE)
        before = address_of(customer)
        save_values(ctx, customer, {"email": email, "email_verified_at": ctx.now})
        ctx.session.flush()
        if before is not None and normalise.email(before) != normalise.email(email):
            way_back = links.make(ctx, customer, PortalLinkKind.EMAIL_RETURN, before)
            ctx.mail_to(CHANGED, before, secret=way_back)


def take_back(engine: Engine, call: Call, token: str, customer_id: int) -> None:
    """Give a customer the address back that they had, and end all that a stranger who changed it may have.

    Their password is worth nothing any more; a link to choose another goes to the address.

    :raises Refused: ``link_void``; ``has_account``, where the address is another customer's by now.
    """
    with passwords.of_account(engine, "customer.email_returned", call) as ctx:
        customer, email = _used(ctx, token, customer_id, PortalLinkKind.EMAIL_RETURN)
        save_values(ctx, customer, {"email": email, "email_verified_at": ctx.now})
        ctx.session.flush()
        passwords.put(ctx, customer, None)
        links.void(ctx.session.connection(), customer.id, ctx.now, tuple(PortalLinkKind))
        links.mail_link(ctx, customer)


def _used(ctx: Context, token: str, customer_id: int, kind: PortalLinkKind) -> tuple[Customer, str]:
    """Lock a customer and use their link up. :raises Refused: ``link_void``."""
    customer = ctx.lock_one(Customer, customer_id)
    connection = ctx.session.connection()
    email = (
        links.use_for(connection, token, customer.id, ctx.now, kind) if links.may_choose(customer) else None
    )
    if email is None:
        raise Refused(*passwords.VOID)
    ctx.set_subject(customer)
    return customer, email


def whose(
    session: Session, token: str, now: dt.datetime, kind: PortalLinkKind
) -> tuple[Customer, str] | None:
    """Return whose link it is and the address that it is about, as long as it is good; looking uses nothing up."""
    customer = links.holder(session, token, now, (kind,))
    email = links.address_behind(session, token, now, kind)
    return (customer, email) if customer is not None and email is not None else None
