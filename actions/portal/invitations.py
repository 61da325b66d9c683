"""Invitations to register, to one or to many, and to each new in-store customer (rule 5.11)."""

from __future__ import annotations

from actions.core.base import Context, Outcome, Refused, action
from actions.core.eligibility import EVERY_LIVE, TO_INVITE
from actions.core.mail_templates import address_of
from actions.execution.records import save_new
from actions.portal import links, requests
from models.base import N_, Invalid
from models.choices import Status
from models.customer import Customer
from models.mail import masked
from models.phone import PhoneKind

HAS_ACCOUNT = "has_account", N_("A registered customer already has this email address.")


@action("customer.invite", Customer, label=N_("Send invitation"), final=True, mails=True, customers=TO_INVITE)
def invite(ctx: Context, customer: Customer) -> Outcome:
    """Mail a guest or in-store customer a link, good for 7 days, with which they register this very record.

    :raises Refused: ``no_portal``, ``no_email``, ``has_account``, or why the action is not for them.
    :raises TooMany: three links to this customer within the hour.
    """
    if requests.known(ctx.session, customer.email or "") is not None:
        raise Refused(*HAS_ACCOUNT)
    address = links.send(ctx, customer, by_the_hour=False)
    return Outcome(N_("An invitation will be sent to %(address)s."), customer, {"address": masked(address)})


@action("customer.add_in_store", Customer, label=N_("New in-store customer"), customers=EVERY_LIVE)
def add_in_store(
    ctx: Context,
    *,
    first_name: str | None = None,
    last_name: str | None = None,
    company_name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
) -> Outcome:
    """Make a record of somebody who buys at the till and has no account (feature 61).

    Where there is an email address they are invited to register, unless the shop's ``invite_in_store`` is off.

    :raises Invalid: by field.
    """
    names = {"first_name": first_name, "last_name": last_name, "company_name": company_name}
    values = {**names, "email": email, "status": Status.IN_STORE}
    number = {"kind": PhoneKind.MOBILE, "number": phone, "country": ctx.shop.country}
    customer = Customer()
    try:
        save_new(ctx, customer, {**values, "phones": [number]} if phone else values)
    except Invalid as invalid:
        raise Invalid({_field(name): text for name, text in invalid.errors.items()}) from None
    _invite_new(ctx, customer)
    return Outcome(N_("%(customer)s was created."), customer, {"customer": str(customer)})


def _field(name: str) -> str:
    return "phone" if name.startswith("phones") else name


def _invite_new(ctx: Context, customer: Customer) -> None:
    if not (ctx.shop.invite_in_store and ctx.has_portal) or address_of(customer) is None:
        return
    if requests.known(ctx.session, customer.email or "") is not None:
        ctx.warn(N_("A registered customer already has this email address, so no invitation will be sent."))
        return
    links.send(ctx, customer, by_the_hour=False)
