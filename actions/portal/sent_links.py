"""What became of the mail with the link to a password that a customer can still use: for staff who had it sent."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from actions.portal.links import PASSWORD_KINDS, TEMPLATE
from models.mail import Mail, MailState
from models.portal import PortalLink, PortalLinkKind


@dataclass(frozen=True, slots=True)
class SentLink:
    """A link that is still good, and its mail.

    :param state: of the mail. :param error: why the latest try failed. :param sent_at: when the mail went out.
    """

    kind: PortalLinkKind
    expires_at: dt.datetime
    recipient: str | None
    state: MailState
    error: str | None
    sent_at: dt.datetime | None

    @property
    def is_going_out(self) -> bool:
        """Return whether the first try is still to come."""
        return self.state == MailState.WAITING and self.error is None


def open_link(session: Session, customer_id: int, now: dt.datetime) -> SentLink | None:
    """Return the link to a password that a customer can still use; None where there is none."""
    still_good = PortalLink.used_at.is_(None), PortalLink.voided_at.is_(None), PortalLink.expires_at > now
    its_mail = and_(Mail.customer_id == PortalLink.customer_id, Mail.created_at == PortalLink.created_at)
    found = session.execute(
        select(
            PortalLink.kind, PortalLink.expires_at, Mail.recipient, Mail.state, Mail.last_error, Mail.sent_at
        )
        .join(Mail, and_(its_mail, Mail.template.in_(TEMPLATE.values())))
        .where(PortalLink.customer_id == customer_id, PortalLink.kind.in_(PASSWORD_KINDS), *still_good)
        .order_by(PortalLink.id.desc())
        .limit(1)
    ).first()
    return SentLink(*found) if found is not None else None
