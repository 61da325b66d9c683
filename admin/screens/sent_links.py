"""The line under a customer's head that says what became of the link to a password (rule 5.3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from flask_babel import gettext as _

from actions.portal import invitations, resets, sent_links
from actions.portal.sent_links import SentLink
from admin.layout import formatters
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import StatusLine
from models.customer import Customer
from models.mail import MailState, masked
from models.portal import PortalLinkKind
from web.request import now, session, shop


def lines(screen: ScreenSpec, row: Customer) -> Sequence[StatusLine]:
    """Tell those who may have such a link sent how it stands with the one that is still good."""
    if not any(screen.can(sends.verb) for sends in (resets.send_reset, invitations.invite)):
        return ()
    link = sent_links.open_link(session(), row.id, now())
    return (StatusLine(_words(link), "mail", live=link.is_going_out),) if link is not None else ()


def _words(link: SentLink) -> str:
    what = _("Invitation") if link.kind == PortalLinkKind.INVITATION else _("Password reset link")
    told = {"what": what, "address": masked(link.recipient), "error": _why_not(link)}
    if link.state == MailState.SENT and link.sent_at is not None:
        at, until = _when(link.sent_at), _when(link.expires_at)
        return _("%(what)s sent to %(address)s at %(at)s, good until %(until)s.", **told, at=at, until=until)
    if link.is_going_out:
        return _("%(what)s is being sent to %(address)s.", **told)
    if link.state == MailState.WAITING:
        return _("%(what)s not sent to %(address)s yet: %(error)s It will be tried again.", **told)
    return _("%(what)s not sent to %(address)s. %(error)s", **told).strip()


def _why_not(link: SentLink) -> str:
    if link.state == MailState.WITHHELD:
        return _("No mail server is set up.")
    return _(link.error) if link.error else ""


def _when(at: dt.datetime) -> str:
    """Return the time of day, with the date unless it is today."""
    there, today = formatters.local(at, shop()), formatters.local(now(), shop()).date()
    clock = f"{there:%H:%M}"
    return clock if there.date() == today else f"{clock} ({formatters.day(there.date(), shop())})"
