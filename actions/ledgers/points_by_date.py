"""The points a customer can spend, by when they expire (rules 1.4, 1.15)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.ledgers.loyalty import spendable
from models.loyalty import LoyaltyLot


def available_until(
    session: Session, customer_id: int, now: dt.datetime
) -> list[tuple[dt.datetime | None, int]]:
    """Return (end, points) of what can be spent at ``now``, soonest first; last, with None, what never expires.

    The sum is what :func:`actions.ledgers.loyalty.available` returns: lots past their date are left out.
    """
    end = LoyaltyLot.expires_at
    mine = LoyaltyLot.customer_id == customer_id, spendable(now)
    by_end = select(end, func.sum(LoyaltyLot.unspent)).where(*mine).group_by(end)
    rows = session.execute(by_end.order_by(end.is_(None), end))
    return [(row[0], int(row[1])) for row in rows]
