"""The first page of a customer who is signed in: what they have with the shop at a glance."""

from __future__ import annotations

from flask import render_template
from sqlalchemy import select

from actions.ledgers import loyalty
from models.order import Order
from portal import inside
from portal.request import customer
from web.request import now, session

blueprint = inside.pages("account")
NEWEST = 5
"""Orders that the overview shows."""


@blueprint.get("/")
def overview() -> str:
    """Show what a customer has with the shop at a glance."""
    theirs = select(Order).where(Order.customer_id == customer().id)
    orders = session().scalars(theirs.order_by(Order.placed_at.desc(), Order.id.desc()).limit(NEWEST)).all()
    return render_template(
        "portal/overview.html",
        customer=customer(),
        orders=orders,
        points=loyalty.available(session(), customer().id, now()),
        has_credit=inside.has_credit(),
        has_account=inside.has_account(),
    )
