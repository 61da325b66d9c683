"""The email log: what was written to whom, when, and whether it arrived or why not (feature 90, rule 14)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from babel.numbers import format_decimal
from flask import Response, current_app, request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from werkzeug.exceptions import Forbidden, NotFound

from actions.core.mail_templates import MAIL_TEMPLATES, Paper, complete
from actions.core.recipients import paper_of
from actions.mail import mail
from actions.staff import security_events
from admin.layout import formatters
from admin.request.context import call
from admin.screen.base import Screen
from admin.screen.views import PERMISSION_OF
from admin.screen_spec.column_info import label_of
from admin.screen_spec.declare import NoForm, RowAction, Section, View
from admin.viewmodels.pages import Badge, Cell
from models import masks
from models.base import db
from models.mail import Addresses, Mail, MailAttachment, MailState
from web.arguments import parse_id
from web.request import shop
from web.statements import attachment

PERMISSION_OF |= {"body_view": "show", "attachment_view": "show"}
NOTHING_RUNS = {
    "frame_options": "SAMEORIGIN",
    "content_security_policy": {
        "default-src": "'none'",
        "style-src-attr": "'unsafe-inline'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
        "sandbox": "",
    },
}
"""What a mail may do in a frame on its own page: show itself, with the styles that stand on its tags."""


def _label(row: Mail) -> str:
    declared = MAIL_TEMPLATES.get(row.template)
    return _(declared.label) if declared is not None else row.template


def _what(view: Any, context: Any, row: Mail, name: str) -> Cell:
    return Cell(_label(row), view.line_url(row), row.subject or "")


def _what_text(view: Any, context: Any, row: Mail, name: str) -> str:
    return _label(row)


def _why_not(view: Any, context: Any, row: Mail, name: str) -> str:
    return _(row.last_error) if row.last_error else ""


def _text(view: Any, context: Any, row: Mail, name: str) -> Any:
    text = complete(row.text_body or "", _addresses())
    return Markup('<pre class="mail-text">{}</pre>').format(text) if text else None


def _frame(view: Any, context: Any, row: Mail, name: str) -> Any:
    frame = Markup('<iframe class="mail-frame" sandbox src="{}" title="{}" loading="lazy"></iframe>')
    return (
        frame.format(view.row_url("body_view", row.id), _("HTML preview of the email"))
        if row.html_body
        else None
    )


def _attachments(view: Any, context: Any, row: Mail, name: str) -> Any:
    """List the files; who may not see all of a customer may not open them, as nothing in them is masked."""
    lines = [_attachment(view, row, file) for file in row.attachments]
    return Markup("<br>").join(lines) if lines else None


def _attachment(view: Any, row: Mail, file: MailAttachment) -> Markup:
    size = format_decimal(-(-file.size // 1024), locale=shop().locale)
    said = Markup('{} <span class="text-secondary">{}</span>').format(file, _("%(size)s KB", size=size))
    if not _sees_everything():
        return said
    url = view.url_to("attachment_view", id=row.id, attachment=file.id)
    return Markup('<a href="{}">{}</a>').format(url, said)


def _others(view: Any, context: Any, row: Mail, name: str) -> Any:
    """Name the account's other addresses that the same went to, each with the way to that email."""
    link = Markup('<a href="{}">{}</a>')
    lines = [link.format(view.line_url(other), other.recipient) for other in row.others if other.recipient]
    return Markup("<br>").join(lines) if lines else None


def _unconfirmed(view: Any, context: Any, row: Mail, name: str) -> Any:
    """Name the addresses that would have got the same, had they been confirmed by then."""
    if row.holds_secret or paper_of(row.template) is Paper.OWN:
        return None
    lines = [_("%(email)s, not confirmed then", email=entry) for entry in row.unconfirmed]
    return Markup("<br>").join(lines) if lines else None


def _sees_everything() -> bool:
    return not masks.mask_context().hidden


def _addresses() -> Addresses:
    found: Addresses = current_app.extensions["clientele.settings"].addresses
    return found


class MailScreen(Screen):
    """Mails that actions have sent, or will. Nobody writes one by hand."""

    model = Mail
    menu = "Operations"
    menu_label = _l("Email log")
    icon = "mail"
    column_list = (
        "template", "recipient", "customer", "state", "created_at", "sent_at", "last_error", "subject", "attempts",
        "next_attempt_at", "message_id", "resent_at",
    )  # fmt: skip
    column_hidden = column_list[7:]
    column_default_sort = ("created_at", True)
    column_searchable_list = ("recipient_key", "customer")
    search_hint = _l("Address or customer")
    column_filters = (
        "template", "recipient", "subject", "customer", "state", "created_at", "sent_at", "resent_at",
    )  # fmt: skip
    column_labels = {
        "template": _l("What"),
        "recipient": _l("To"),
        "last_error": _l("Error"),
        "message_id": _l("Message ID"),
        "resend_of": _l("Resent from"),
        "others": _l("Also to"),
        "unconfirmed": _l("Not to"),
        "html_body": _l("HTML preview"),
        "text_body": _l("Plain text"),
    }
    column_formatters = {
        "template": _what, "last_error": _why_not, "html_body": _frame, "text_body": _text,
        "attachments": _attachments, "others": _others, "unconfirmed": _unconfirmed,
    }  # fmt: skip
    column_formatters_export = {"template": _what_text, "last_error": _why_not}
    sections = (
        Section(_l("Email"), (
            "subject", "recipient", "others", "unconfirmed", "customer", "created_at", "sent_at", "last_error",
            "attempts", "next_attempt_at", "resend_of", "resent_at", "message_id",
        )),
        Section(_l("Content"), ("html_body", "text_body", "attachments")),
    )  # fmt: skip
    views = (
        View("all", _l("All")),
        View("failed", _l("Failed"), {"state__eq": "failed", "resent_at__empty": "1"}, counted=True),
        View("waiting", _l("Waiting"), {"state__eq": "waiting"}),
    )
    row_actions = (
        RowAction(
            mail.resend, NoForm, "send", bulk=False, button=True,
            visible_if=lambda row: row.state not in (MailState.WAITING, MailState.WITHDRAWN),
        ),
    )  # fmt: skip
    empty = _l(
        "Emails to customers and staff are listed here, with who they went to and whether they were sent."
    )

    def badges(self, row: Mail) -> Sequence[Badge]:
        """Say how it stands."""
        return (Badge(label_of(row.state), formatters.COLOURS.get(row.state.value, "secondary")),)

    def subtitle(self, row: Mail) -> Sequence[Any]:
        """Say what it is and who gets it."""
        return (_label(row), row.recipient)

    def live(self, row: Mail) -> bool:
        """A mail about to go out is watched."""
        return row.state == MailState.WAITING and row.attempts == 0

    def notice(self, row: Mail) -> Any:
        """Say why it was not sent, where nobody tried."""
        if row.state == MailState.WITHHELD:
            return _("This was not sent because no mail server was set up. Send it again once there is one.")
        if row.state == MailState.WITHDRAWN:
            return _("This was not sent because the change it was about was undone first.")
        return ""

    @expose("/body/")
    def body_view(self) -> Response:
        """Show the mail itself, for the frame on its record."""
        row = self.get_or_404(parse_id("id", request.args.get("id")))
        return Response(complete(row.html_body or "", _addresses()), mimetype="text/html")

    body_view.talisman_view_options = NOTHING_RUNS

    @expose("/attachment/")
    def attachment_view(self) -> Response:
        """Download a file that went with a mail, and write down who took it."""
        row = self.get_or_404(parse_id("id", request.args.get("id")))
        wanted = parse_id("attachment", request.args.get("attachment"))
        if not _sees_everything():
            raise Forbidden(_("You do not have permission for this."))
        file = next((file for file in row.attachments if file.id == wanted), None)
        if file is None or file.content is None:
            raise NotFound(_("This file does not exist or you do not have access to it."))
        security_events.record(db.engine, "mail.attachment", call(reason=str(file)), row.id, Mail)
        return attachment(file.content, file.content_type, str(file))
