"""A customer's credit from gift cards, and how it came about."""

from __future__ import annotations

from flask import render_template
from sqlalchemy.orm import joinedload

from actions.ledgers.balances import balances_after
from models.credit import CreditEntry
from portal import inside
from portal.request import customer
from web.request import session

blueprint = inside.pages("credit", "/credit")


@blueprint.get("/")
def index() -> str:
    """Show the credit there is, and what came and went."""
    page = inside.newest_first(CreditEntry, CreditEntry.created_at, options=[joinedload(CreditEntry.order)])
    after = balances_after(session(), CreditEntry, page.rows)
    return render_template("portal/credit.html", customer=customer(), page=page, after=after)
