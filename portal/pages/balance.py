"""A customer's account: what they owe, for what and until when, how it came about, and statements (rule 2)."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import selectinload

from actions.core.base import Invalid, Refused
from actions.ledgers.ageing import open_invoices
from actions.ledgers.balances import balances_after
from actions.ledgers.ledger import FIRST_DAY
from actions.staff import security_events
from actions.statements.pdf import UNPRINTABLE
from actions.statements.sending import PDF, file_name, pdf
from actions.statements.statements import Statement, addressee, statement
from models.account import AccountEntry
from models.base import db
from models.customer import Customer
from portal import inside
from portal.language import locale
from portal.request import call, customer
from web.messages import sentence, translated
from web.request import now, session, shop, today
from web.statements import asked_range, attachment, kept_elsewhere, sheet

blueprint = inside.pages("balance", "/account")
MOST_OPEN = 50
"""Unpaid invoices that are listed, the oldest."""


@blueprint.get("/")
def index() -> str:
    """Show the balance, what is open, and what moved it."""
    page = inside.newest_first(AccountEntry, AccountEntry.created_at)
    found = customer()
    return render_template(
        "portal/balance.html",
        customer=found,
        today=today(),
        elsewhere=kept_elsewhere(),
        unpaid=open_invoices(session(), found.id, found.account_balance, MOST_OPEN),
        page=page,
        references=_references(page),
        after=balances_after(session(), AccountEntry, page.rows),
    )


def _references(page: inside.Page) -> dict[int, str]:
    """Return entry id -> the number of its invoice, or else what was noted with it."""
    ids = [entry.id for entry in page.rows]
    with_invoice = selectinload(AccountEntry.invoice)
    rows = session().query(AccountEntry).options(with_invoice).where(AccountEntry.id.in_(ids))
    return {row.id: row.invoice.number if row.invoice else row.reference or "" for row in rows}


@blueprint.get("/statement/")
def show_statement() -> Any:
    """Show the statement of some days, to be printed, or say what is wrong with the days."""
    try:
        found = statement(session(), customer(), *asked_range())
    except Invalid as invalid:
        return _page(None, errors={name: sentence(text) for name, text in invalid.errors.items()}), 422
    return _page(found)


@blueprint.get("/statement.pdf")
def download() -> Any:
    """Answer the statement as a PDF in the customer's language, and write down who took it (rule 16.3)."""
    found = statement(session(), customer(), *asked_range())
    try:
        content = pdf(session(), customer(), found, shop(), now())
    except Refused as refused:
        return _page(found, refusal=_why(refused)), refused.status
    reason = f"{found.since} – {found.until}, PDF"
    security_events.record(db.engine, "customer.statement", call(reason=reason), customer().id, Customer)
    return attachment(content, PDF, file_name(found))


def _why(refused: Refused) -> str:
    """Return why there is no PDF; which letters our fonts lack is told to staff."""
    if refused.code != UNPRINTABLE[0]:
        return translated(refused)
    return _(
        "This statement cannot be created as a PDF because our fonts lack some of its characters. Print the page in "
        "your browser or save it as a PDF from there."
    )


def _page(found: Statement | None, *, errors: dict[str, str] | None = None, refusal: str = "") -> str:
    lines = list(addressee(session(), customer(), shop(), locale())) if found else []
    return render_template(
        "portal/statement.html",
        since=found.since if found else request.args.get("since", ""),
        until=found.until if found else request.args.get("until", ""),
        earliest=FIRST_DAY,
        latest=today(),
        errors=errors or {},
        refusal=refusal,
        elsewhere=kept_elsewhere(),
        sheet=sheet(customer(), found, lines, locale()) if found else None,
    )
