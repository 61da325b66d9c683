"""Statements that leave the house: as a PDF, with a letter, and as a reminder of what is overdue (rule 2.11)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Column, Text
from sqlalchemy.orm import Session

from actions.core.base import Context, Outcome, Refused, action
from actions.core.customer_guard import refuse_unless_live
from actions.core.eligibility import EVERY_LIVE
from actions.core.mail_templates import Attachment, Paper
from actions.core.recipients import recipients
from actions.core.texts import required_text, today
from actions.statements.statements import Statement, addressee, checked_range, statement
from actions.statements.wording import words_for
from models.base import N_
from models.customer import Customer
from models.mail import Mail, masked
from models.shop import Shop
from models.validate import Check, type_check

if TYPE_CHECKING:
    from actions.statements.pdf import Printed

PDF = "application/pdf"
LONGEST_MESSAGE = 1_000
_message = cast(Check, type_check(Column("message", Text(LONGEST_MESSAGE))))
NO_ADDRESS = "no_address", N_("This customer has no email address to send a statement to.")
EXTERNAL_ACCOUNTING = (
    "external_accounting",
    N_("Balances are kept in %(package)s. Send statements from there."),
)


def file_name(found: Statement) -> str:
    """Return what the PDF of a statement is called."""
    return f"statement-{found.customer_id}-{found.since}-{found.until}.pdf"


def pdf(session: Session, customer: Customer, found: Statement, shop: Shop, now: dt.datetime) -> bytes:
    """Return a statement as a PDF in the customer's language. :raises Refused: ``unprintable``."""
    return bytes(_paper().render(_printed(session, customer, found, shop, now)))


def _paper() -> Any:
    """Return the module that prints, read when something is printed: fonts take a seventh of a start."""
    from actions.statements import pdf as paper  # noqa: PLC0415

    return paper


def _printed(session: Session, customer: Customer, found: Statement, shop: Shop, now: dt.datetime) -> Printed:
    spoken = words_for(customer.language, shop)
    whom = addressee(session, customer, shop, spoken.locale)
    return cast("Printed", _paper().Printed(found, shop, whom, customer.account_code, spoken, now))


@action("customer.send_statement", Customer, label=N_("Send statement"), customers=EVERY_LIVE)
def send_statement(
    ctx: Context,
    customer: Customer,
    *,
    since: dt.date | None = None,
    until: dt.date | None = None,
    message: str | None = None,
) -> Outcome:
    """Send a customer the statement of their account with a letter.

    :param since: the first day, of last month where it is None. :param until: the last day, today where it is None.
    :param message: stands in the letter.
    :raises Refused: ``merged``, ``erased``, ``external_accounting``, ``no_address``, ``unprintable``.
    """
    first, last = checked_range(since, until, today(ctx))
    text = _message("message", required_text("message", message, least=0)) or ""
    addresses = sendable_to(ctx, customer)
    found = statement(ctx.session, customer, first, last)
    _paper().refuse_unprintable(_printed(ctx.session, customer, found, ctx.shop, ctx.now))
    spoken = words_for(customer.language, ctx.shop)
    days = {"since": spoken.day(first), "until": spoken.day(last)}
    mails = ctx.mail("account_statement", customer, balances=spoken.closing(found), message=text, **days)
    ctx.before_commit.append(partial(_attach, ctx, mails, customer, found))
    goes = N_("The statement will be sent to %(address)s.")
    said = goes if ctx.link_base is None else N_("Statement for %(address)s saved in the email log.")
    return Outcome(said, customer, {"address": ", ".join(masked(address) for address in addresses)})


def sendable_to(ctx: Context, customer: Customer) -> list[str]:
    """Return the addresses that a statement goes to (rule 14.9). :raises Refused: as :func:`send_statement`."""
    refuse_unless_live(customer)
    if ctx.shop.external_accounting:
        raise Refused(*EXTERNAL_ACCOUNTING, package=ctx.shop.accounting_package)
    addresses = recipients(ctx.session, customer, Paper.STATEMENT)
    if not addresses:
        raise Refused(*NO_ADDRESS)
    return addresses


def remind(ctx: Context, customer: Customer, found: Statement, key: str) -> None:
    """Send a customer a reminder of what is overdue, with the statement. It is written once a key.

    :raises Refused: ``unprintable``.
    """
    _paper().refuse_unprintable(_printed(ctx.session, customer, found, ctx.shop, ctx.now))
    spoken = words_for(customer.language, ctx.shop)
    overdue = spoken.money(found.owed.overdue, found.currency)
    days = {"until": spoken.day(found.until)}
    mails = ctx.mail(
        "account_reminder", customer, key=key, overdue=overdue, balances=spoken.closing(found), **days
    )
    _attach(ctx, mails, customer, found)


def _attach(ctx: Context, mails: Sequence[Mail], customer: Customer, found: Statement) -> None:
    if mails:
        content = pdf(ctx.session, customer, found, ctx.shop, ctx.now)
        ctx.attach(mails, Attachment(file_name(found), PDF, content))
