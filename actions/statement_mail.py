"""Statements that leave the house: as a PDF, with a letter, and as a reminder of what is overdue (rule 2.11)."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import cast

from sqlalchemy import Column, Text
from sqlalchemy.orm import Session

from actions.base import Context, Outcome, Refused, action
from actions.ledger import refuse_unless_live, today, words
from actions.letters import Enclosure, address_of
from actions.statement_pdf import Printed, render
from actions.statement_words import words_for
from actions.statements import Statement, addressee, checked_range, statement
from models.base import N_
from models.customer import Customer
from models.mail import Mail, masked
from models.shop import Shop
from models.validate import Check, type_check

PDF = "application/pdf"
LONGEST_MESSAGE = 1_000
_message = cast(Check, type_check(Column("message", Text(LONGEST_MESSAGE))))
NO_ADDRESS = "no_address", N_("This customer has no email address to send a statement to.")
EXTERNAL_ACCOUNTING = (
    "external_accounting",
    N_("Balances are kept in %(package)s: send statements from there."),
)


def file_name(found: Statement) -> str:
    """Return what the PDF of a statement is called."""
    return f"statement-{found.customer_id}-{found.since}-{found.until}.pdf"


def pdf(session: Session, customer: Customer, found: Statement, shop: Shop, now: dt.datetime) -> bytes:
    """Return a statement as a PDF in the customer's language."""
    spoken = words_for(customer.language, shop)
    address = addressee(session, customer, shop, spoken.locale)
    return render(Printed(found, shop, address, customer.account_code, spoken, now))


@action("customer.send_statement", Customer, label=N_("Send statement"))
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
    :raises Refused: ``merged``, ``erased``, ``external_accounting``, ``no_address``.
    """
    first, last = checked_range(since, until, today(ctx))
    text = _message("message", words("message", message, least=0)) or ""
    address = sendable_to(ctx, customer)
    found = statement(ctx.session, customer, first, last)
    spoken = words_for(customer.language, ctx.shop)
    days = {"since": spoken.day(first), "until": spoken.day(last)}
    mail = ctx.mail("account_statement", customer, balances=spoken.closing(found), message=text, **days)
    ctx.before_commit.append(partial(_enclose, ctx, mail, customer, found))
    return Outcome(N_("The statement goes to %(address)s."), customer, {"address": masked(address)})


def sendable_to(ctx: Context, customer: Customer) -> str:
    """Return the address that a statement goes to. :raises Refused: as :func:`send_statement`."""
    refuse_unless_live(customer)
    if ctx.shop.external_accounting:
        raise Refused(*EXTERNAL_ACCOUNTING, package=ctx.shop.accounting_package)
    address = address_of(customer)
    if address is None:
        raise Refused(*NO_ADDRESS)
    return address


def remind(ctx: Context, customer: Customer, found: Statement, key: str) -> None:
    """Send a customer a reminder of what is overdue, with the statement. It is written once a key."""
    spoken = words_for(customer.language, ctx.shop)
    overdue = spoken.money(found.owed.overdue, found.currency)
    days = {"until": spoken.day(found.until)}
    mail = ctx.mail(
        "account_reminder", customer, key=key, overdue=overdue, balances=spoken.closing(found), **days
    )
    _enclose(ctx, mail, customer, found)


def _enclose(ctx: Context, mail: Mail | None, customer: Customer, found: Statement) -> None:
    if mail is not None:
        content = pdf(ctx.session, customer, found, ctx.shop, ctx.now)
        ctx.enclose(mail, Enclosure(file_name(found), PDF, content))
