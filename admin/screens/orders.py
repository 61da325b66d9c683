"""Orders, read only but for whose they are: the order system owns them. And the ids other systems know things by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import Form, TextAreaField
from wtforms.validators import InputRequired, Length

from actions.merging import order_move
from admin.forms import model_forms
from admin.screen.base import Screen
from admin.screen_spec.declare import RowAction, Tab, View
from admin.screens import watch
from admin.viewmodels.pages import Cell, Event
from models.customer import Customer
from models.order import ExternalId, Order, OrderLine, Shipment
from web.request import session


def _number(view: Any, context: Any, row: Order, name: str) -> Cell:
    return Cell(row.number, view.line_url(row), badges=watch.badges(row.customer))


def _present_owner() -> str:
    """Return the id of the customer to whom the order in the address belongs; "" where there is none."""
    given = request.args.get("id", "")
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        return ""
    return str(session().scalar(select(Order.customer_id).where(Order.id == int(given))) or "")


class MoveForm(Form):
    """Whose the order is, and how we know (feature 86)."""

    customer = model_forms.related(
        Customer,
        "sales_order",
        _l("Customer"),
        without=_present_owner,
        description=_l("Name, email, phone, postcode or number of the customer whose order it is."),
    )
    reason = TextAreaField(
        _l("Reason"),
        [InputRequired(_l("Enter a reason of at least 3 characters.")), Length(3, 500)],
        description=_l("How you know whose order it is. It is recorded in Activity."),
    )


class OrderScreen(Screen):
    """What customers bought (features 79, 80), with the watch note for the person who dispatches it (feature 89)."""

    model = Order
    icon = "package"
    column_list = (
        "number", "customer", "status", "placed_at", "item_count", "total", "sales_channel", "subtotal", "shipping",
        "tax", "note",
    )  # fmt: skip
    column_hidden = ("subtotal", "shipping", "tax", "note")
    column_default_sort = ("placed_at", True)
    column_searchable_list = ("number", "customer")
    column_formatters = {"number": _number}
    views = (
        View("all", _l("All")),
        View("dispatch", _l("To dispatch"), {"status__in": "allocated,unallocated"}),
    )
    can_create = can_edit = can_delete = False
    tabs = (Tab("order_line", via="order"), Tab("shipment", via="order"), Tab("external_id", via="order"))
    row_actions = (RowAction(order_move.move, MoveForm, "user", bulk=False),)
    empty = _l("Orders come from your shop. You do not need to enter them here.")

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join the customer's watch note, which the number carries."""
        noted = [joinedload(Order.customer).joinedload(Customer.watch_note)] if "number" in names else []
        return [*super().eager(names), *noted]

    def warning(self, row: Order) -> Event | None:
        """Return the customer's open watch note."""
        return watch.warning(row.customer)


class OrderLineScreen(Screen):
    """What an order was made up of (feature 79)."""

    model = OrderLine
    menu = None
    icon = "package"
    column_list = ("order", "sku", "name", "quantity", "unit_price", "total")
    column_searchable_list = ("name", "sku")
    can_create = can_edit = can_delete = False
    empty = _l("The items of an order are listed here.")

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join the order, which knows the currency."""
        return [*super().eager(names), joinedload(OrderLine.order)]


class ShipmentScreen(Screen):
    """The parcels of orders, found by their tracking number (feature 5)."""

    model = Shipment
    menu = None
    icon = "truck"
    column_list = ("order", "carrier", "tracking_number", "dispatched_at")
    column_default_sort = ("id", True)
    column_searchable_list = ("tracking_key",)
    can_create = can_edit = can_delete = False
    empty = _l("Shipments are listed here once an order has been dispatched.")


class ExternalIdScreen(Screen):
    """Names other systems have for a customer or an order."""

    model = ExternalId
    menu = None
    icon = "external-link"
    column_list = ("customer", "order", "system", "kind", "value")
    column_searchable_list = ("customer", "value")
    form_columns = ("customer", "system", "kind", "value")
