"""How many mails the requests of anybody may send in a day (rule 5.10): so that nobody mails the world by this shop."""

from __future__ import annotations

import datetime as dt
import logging

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from actions.execution import rate_limit
from actions.execution.rate_limit import Limit
from models.journal import Changeset
from models.mail import Mail
from models.shop import Shop

log = logging.getLogger(__name__)
DAY = dt.timedelta(days=1)
OF_ANYBODY = (
    "customer.reset_asked",
    "customer.registration_asked",
    "customer.ask_email_change",
    "contact_email.create",
    "contact_email.send_link",
)
"""The changesets whose mails are counted, unless staff made them: what people ask for whom none of these looked at."""


def reached_since(session: Session, shop: Shop, now: dt.datetime) -> dt.datetime | None:
    """Return when the latest mail went that the last 24 hours allow; None while there is room."""
    sent = select(Mail.created_at).join(Changeset, Changeset.id == Mail.changeset_id)
    lately = sent.where(
        Mail.created_at > now - DAY, Changeset.action.in_(OF_ANYBODY), Changeset.actor_id.is_(None)
    )
    newest = lately.order_by(Mail.created_at.desc(), Mail.id.desc())
    if session.scalar(newest.offset(shop.portal_mails_a_day - 1).limit(1)) is None:
        return None
    return session.scalar(newest.limit(1))


def say(engine: Engine, most: int, now: dt.datetime) -> None:
    """Write into the log that requests are dropped, once a day for all hosts."""
    if not rate_limit.consume(engine, [Limit("portal mail ceiling", 1, DAY)], now):
        log.warning("the portal has sent %s emails in 24 hours (portal_mails_a_day): it sends no more", most)
