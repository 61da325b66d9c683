"""Orders, read only: the order system owns them. And the ids other systems know a customer or an order by."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from admin.base import Screen
from models.order import ExternalId, Order


class OrderScreen(Screen):
    """What customers bought (F79, F80)."""

    model = Order
    icon = "package"
    column_list = (
        "number",
        "customer",
        "status",
        "placed_at",
        "item_count",
        "total",
        "sales_channel",
        "subtotal",
        "shipping",
        "tax",
        "note",
    )
    column_hidden = ("subtotal", "shipping", "tax", "note")
    column_default_sort = ("placed_at", True)
    column_searchable_list = ("number", "customer")
    column_filters = ("number", "customer", "status", "placed_at", "total", "item_count", "sales_channel")
    column_labels = {"placed_at": _l("Placed"), "item_count": _l("Items"), "number": _l("Order")}
    can_create = can_edit = can_delete = False
    empty = _l("Orders arrive from your shop; nothing has to be entered here.")


class ExternalIdScreen(Screen):
    """Names other systems have for a customer or an order."""

    model = ExternalId
    menu = None
    icon = "external-link"
    column_list = ("customer", "order", "system", "kind", "value")
    column_searchable_list = ("customer", "value")
    column_filters = ("customer", "order", "system", "kind", "value")
    column_labels = {"value": _l("Id")}
    form_columns = ("customer", "system", "kind", "value")
