"""A customer's orders, and each of them."""

from __future__ import annotations

from flask import render_template
from sqlalchemy.orm import selectinload

from models.order import Order
from portal import inside

blueprint = inside.pages("orders", "/orders")


@blueprint.get("/")
def index() -> str:
    """List the orders, newest first."""
    return render_template("portal/orders.html", page=inside.newest_first(Order, Order.placed_at))


@blueprint.get(f"/<{inside.ROW}:order_id>/")
def show(order_id: int) -> str:
    """Show one order: what is in it, what it costs and where its parcels are."""
    parts = selectinload(Order.lines), selectinload(Order.shipments)
    return render_template("portal/order.html", order=inside.own(Order, order_id, *parts))
