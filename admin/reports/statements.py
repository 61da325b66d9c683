"""The statement of a customer's account as a page to print, and as a PDF (rule 2.11)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, has_request_context, render_template, request
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden

from actions.core.base import Invalid, Refused
from actions.ledgers.ageing import BUCKETS
from actions.ledgers.ledger import FIRST_DAY
from actions.staff import security_events
from actions.statements.sending import PDF, file_name, pdf
from actions.statements.statements import Part, Statement, addressee, checked_range, statement
from actions.statements.wording import CLOSING, EARLIER_CURRENCY, LATE, OPENING, Words, reference
from admin.layout.errors import wants_json
from admin.layout.frame import frame
from admin.privacy import reveals
from admin.request.context import allowed, call
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Link, Text
from models.base import db
from models.customer import Customer
from models.masks import Masked
from web.arguments import BadArgument
from web.messages import sentence, translated
from web.request import now, session, shop, today

ICON = "file-text"
DOWNLOAD = "download"
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """One entry, in words."""

    day: Text
    entry: Text
    reference: Text
    debit: Text
    credit: Text
    balance: Text


@dataclass(frozen=True, slots=True)
class Table:
    """The entries in one currency: the row before them, they, and the row after them."""

    title: Text
    opening: Row
    rows: Sequence[Row]
    closing: Row


@dataclass(slots=True)
class StatementPage:
    """What the template prints. Without ``tables`` the days are wrong, and ``errors`` says of which field why."""

    title: str
    name: str
    id: int
    resource: str
    url: str
    here: str
    since: str
    until: str
    earliest: str
    latest: str
    notice: Text
    refusal: Text = ""
    errors: dict[str, Text] = field(default_factory=dict)
    links: Sequence[Link] = ()
    shop: str = ""
    shop_email: str = ""
    address: Sequence[Text] = ()
    period: str = ""
    account_code: str = ""
    tables: Sequence[Table] = ()
    ageing: Sequence[tuple[Text, Text]] = ()


def may_read() -> bool:
    """Return whether the person asking sees what is on accounts."""
    return allowed("list", "account_entry")


def link(screen: ScreenSpec, row: Customer) -> Link:
    """Return the way to a customer's statement."""
    return Link(_("Statement"), screen.row_url("statement_view", row.id), ICON)


def starts(row: Customer) -> dict[str, Any]:
    """Return the days that the form to send a statement starts with: those of the statement it was opened from."""
    try:
        first, last = _range()
    except (BadArgument, Invalid):
        first, last = checked_range(None, None, today())
    return {"since": first, "until": last}


def _range() -> tuple[dt.date, dt.date]:
    """:raises BadArgument: one of the two is no day. :raises Invalid: they will not do."""
    given = request.args if has_request_context() else {}
    return checked_range(_day("since", given.get("since")), _day("until", given.get("until")), today())


def _day(name: str, raw: str | None) -> dt.date | None:
    if not raw:
        return None
    try:
        if not DAY.fullmatch(raw):
            raise ValueError
        return dt.date.fromisoformat(raw)
    except ValueError:
        told = _(
            "%(field)s: enter a date such as 2026-01-31.", field=_("From") if name == "since" else _("To")
        )
        raise BadArgument(name, _("a date such as 2026-01-31"), told) from None


def _check_may_read() -> None:
    if not may_read():
        raise Forbidden(_("You do not have permission for this."))


# -- the page -----------------------------------------------------------------------------------------------------


def show(screen: ScreenSpec, row: Customer) -> Any:
    """Answer the page, or say what is wrong with the days asked for."""
    _check_may_read()
    page = _page(screen, row)
    try:
        found = statement(session(), row, *_range())
    except Invalid as invalid:
        page.errors = {name: sentence(text) for name, text in invalid.errors.items()}
    else:
        _fill(page, screen, row, found)
    answer = render_template("admin/statement.html", page=page, frame=frame(screen.resource))
    return answer, 422 if page.errors else 200


def _page(screen: ScreenSpec, row: Customer) -> StatementPage:
    return StatementPage(
        title=_("Statement: %(customer)s", customer=str(row)),
        name=str(row),
        id=row.id,
        resource=screen.resource,
        url=f"{screen.row_url('details_view', row.id)}&tab=account_entry",
        here=screen.url_to("statement_view"),
        since=request.args.get("since", ""),
        until=request.args.get("until", ""),
        earliest=str(FIRST_DAY),
        latest=str(today()),
        notice=screen.notice(row) or _kept_elsewhere(),
    )


def _kept_elsewhere() -> str:
    if not shop().external_accounting:
        return ""
    return _(
        "Balances are kept in %(package)s. This statement may be out of date.",
        package=shop().accounting_package,
    )


def _fill(page: StatementPage, screen: ScreenSpec, row: Customer, found: Statement) -> None:
    words = Words(_, shop().locale, "")
    page.since, page.until = str(found.since), str(found.until)
    page.links = _links(screen, row, found)
    page.shop, page.shop_email = shop().name, shop().email or ""
    page.address = [
        reveals.control(line) if isinstance(line, Masked) else line
        for line in addressee(session(), row, shop(), shop().locale)
    ]
    page.period, page.account_code = words.period(found), row.account_code or ""
    page.tables = [_table(words, found, part) for part in found.parts]
    if found.owed.total:
        amounts = (words.money(getattr(found.owed, name), found.currency) for name in BUCKETS)
        page.ageing = list(zip(map(words.say, LATE), amounts, strict=True))


def _table(words: Words, found: Statement, part: Part) -> Table:
    def amount(minor: int) -> str:
        return words.money(minor, part.currency) if minor else ""

    def edge(day: dt.date, label: str, balance: int, debits: int = 0, credits: int = 0) -> Row:
        told = words.balance(balance, part.currency)
        return Row(words.day(day), label, "", amount(debits), amount(credits), told)

    rows = [
        Row(
            words.day(line.value_date), words.entry(line), reference(line), amount(line.debit), amount(line.credit),
            words.balance(line.balance, part.currency),
        )
        for line in part.lines
    ]  # fmt: skip
    title = "" if part is found.parts[0] else words.say(EARLIER_CURRENCY) % {"currency": part.currency}
    closing = edge(found.until, words.say(CLOSING), part.closing, part.debits, part.credits)
    return Table(title, edge(found.since, words.say(OPENING), part.opening), rows, closing)


def _links(screen: ScreenSpec, row: Customer, found: Statement) -> list[Link]:
    days = {"since": found.since, "until": found.until}
    links = [Link(_("Download PDF"), screen.url_to("statement_pdf_view", id=row.id, **days), DOWNLOAD)]
    if screen.offers("send_statement") and row.is_live:
        url = screen.url_to("act_view", verb="send_statement", id=row.id, **days)
        links.append(Link(_("Send by email"), url, "send", drawer=True, primary=True))
    return links


# -- the file -----------------------------------------------------------------------------------------------------


def download(screen: ScreenSpec, row: Customer) -> Any:
    """Answer the statement as a PDF in the customer's language, and write down who took it (rule 16.3).

    One that no PDF can show is answered with its page, which says so and can be printed.
    """
    _check_may_read()
    found = statement(session(), row, *_range())
    try:
        content = pdf(session(), row, found, shop(), now())
    except Refused as refused:
        if wants_json():
            raise
        return _instead(screen, row, found, refused)
    reason = f"{found.since} – {found.until}, PDF"
    security_events.record(db.engine, "customer.statement", call(reason=reason), row.id, Customer)
    return attachment(content, PDF, file_name(found))


def _instead(screen: ScreenSpec, row: Customer, found: Statement, refused: Refused) -> Any:
    page = _page(screen, row)
    page.refusal = translated(refused)
    _fill(page, screen, row, found)
    page.links = [link for link in page.links if link.icon != DOWNLOAD]
    return render_template("admin/statement.html", page=page, frame=frame(screen.resource)), refused.status


def attachment(content: bytes, content_type: str, name: str) -> Response:
    """Return an answer that browsers save and never show."""
    answer = Response(content, mimetype=content_type)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
