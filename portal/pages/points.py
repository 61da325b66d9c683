"""A customer's loyalty points: what can be spent, what expires when, and how it came about."""

from __future__ import annotations

import datetime as dt

from flask import render_template
from sqlalchemy.orm import joinedload

from actions.ledgers import points_by_date
from models.days import last_day
from models.loyalty import LoyaltyEntry
from portal import inside
from portal.request import customer
from web.request import now, session, shop

blueprint = inside.pages("points", "/points")


@blueprint.get("/")
def index() -> str:
    """Show the points that can be spent, until when, and what came and went."""
    until = _by_day()
    return render_template(
        "portal/points.html",
        available=sum(until.values()),
        until=list(until.items())[: inside.SIZE],
        later=sum(list(until.values())[inside.SIZE :]),
        page=inside.newest_first(
            LoyaltyEntry, LoyaltyEntry.created_at, options=[joinedload(LoyaltyEntry.order)]
        ),
    )


def _by_day() -> dict[dt.date | None, int]:
    """Return last day -> points that can be spent until then, soonest first; None is for those that never expire."""
    found: dict[dt.date | None, int] = {}
    for end, points in points_by_date.available_until(session(), customer().id, now()):
        until = last_day(end, shop().zone) if end is not None else None
        found[until] = found.get(until, 0) + points
    return found
