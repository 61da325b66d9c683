"""The pages of a customer who is signed in. Each shows what is the session's customer's, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import select

from actions.ledgers import loyalty
from models.order import Order
from portal.request import customer, live
from web.request import now, session

blueprint = Blueprint("account", __name__)
NEWEST = 5
"""Orders that the overview shows."""


def to_sign_in() -> Any:
    """Lead those who are not signed in to the sign-in page, and from there to where they wanted to be."""
    if live() is None:
        wanted = request.path if request.method == "GET" else None
        return redirect(url_for("getting_in.sign_in", next=wanted if wanted != "/" else None))
    return None


def only_signed_in(view: Callable[[], Any]) -> Callable[[], Any]:
    """Make a view one for customers who are signed in."""

    @wraps(view)
    def guarded() -> Any:
        return to_sign_in() or view()

    return guarded


blueprint.before_request(to_sign_in)


@blueprint.get("/")
def overview() -> str:
    """Show what a customer has with the shop at a glance."""
    theirs = select(Order).where(Order.customer_id == customer().id)
    orders = session().scalars(theirs.order_by(Order.placed_at.desc(), Order.id.desc()).limit(NEWEST)).all()
    points = loyalty.available(session(), customer().id, now())
    return render_template("portal/overview.html", customer=customer(), orders=orders, points=points)
