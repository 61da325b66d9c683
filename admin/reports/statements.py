"""The statement of a customer's account as a page to print, and as a PDF (rule 2.11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden

from actions.core.base import Invalid, Refused
from actions.ledgers.ledger import FIRST_DAY
from actions.staff import security_events
from actions.statements.sending import PDF, file_name, pdf
from actions.statements.statements import Statement, addressee, checked_range, statement
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
from web.statements import Sheet, asked_range, attachment, kept_elsewhere, sheet

ICON = "file-text"
DOWNLOAD = "download"


@dataclass(slots=True)
class StatementPage:
    """What the template prints. Without ``sheet`` the days are wrong, and ``errors`` says of which field why."""

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
    sheet: Sheet | None = None


def may_read() -> bool:
    """Return whether the person asking sees what is on accounts."""
    return allowed("list", "account_entry")


def link(screen: ScreenSpec, row: Customer) -> Link:
    """Return the way to a customer's statement."""
    return Link(_("Statement"), screen.row_url("statement_view", row.id), ICON)


def starts(row: Customer) -> dict[str, Any]:
    """Return the days that the form to send a statement starts with: those of the statement it was opened from."""
    try:
        first, last = asked_range()
    except (BadArgument, Invalid):
        first, last = checked_range(None, None, today())
    return {"since": first, "until": last}


def _check_may_read() -> None:
    if not may_read():
        raise Forbidden(_("You do not have permission for this."))


# -- the page -----------------------------------------------------------------------------------------------------


def show(screen: ScreenSpec, row: Customer) -> Any:
    """Answer the page, or say what is wrong with the days asked for."""
    _check_may_read()
    page = _page(screen, row)
    try:
        found = statement(session(), row, *asked_range())
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
        notice=screen.notice(row) or kept_elsewhere(),
    )


def _fill(page: StatementPage, screen: ScreenSpec, row: Customer, found: Statement) -> None:
    page.since, page.until = str(found.since), str(found.until)
    page.links = _links(screen, row, found)
    lines = addressee(session(), row, shop(), shop().locale)
    page.sheet = sheet(
        row, found, [reveals.control(t) if isinstance(t, Masked) else t for t in lines], shop().locale
    )


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
    found = statement(session(), row, *asked_range())
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
