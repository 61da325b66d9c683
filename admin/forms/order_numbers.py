"""The field for an order's number: anything may be typed, and the latest orders of the chosen customer are offered."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import Form, StringField
from wtforms.validators import Length, Optional
from wtforms.widgets import TextInput

from admin.layout import formatters
from admin.request.context import allowed
from admin.screen_spec.registry import registry
from models.order import Order
from web.request import session, shop

OFFERED = 12
_LIST = Markup(
    '<datalist id="{id}" hx-get="{url}" hx-trigger="change from:previous [name=customer]" '
    'hx-include="previous [name=customer]" hx-select="#{id}" hx-target="this" hx-swap="outerHTML">{options}</datalist>'
)
_OPTION = Markup('<option value="{}">{} · {}</option>')


class OrderNumberWidget(TextInput):
    """A text field over a list of suggestions, which the form itself is asked for when the customer is another one."""

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        """Print it; without suggestions for users who may not list orders."""
        kwargs |= {"autocomplete": "off", "spellcheck": "false"}
        if not allowed("list", "sales_order"):
            return super().__call__(field, **kwargs)
        listed = f"{field.id}-offered"
        options = Markup("").join(
            _OPTION.format(
                order.number,
                formatters.day(formatters.local(order.placed_at, shop()).date(), shop()),
                formatters.money(order.total, order.currency, shop()),
            )
            for order in field.offered()
        )
        kwargs["list"] = listed
        return super().__call__(field, **kwargs) + _LIST.format(id=listed, url=request.path, options=options)


class OrderNumberField(StringField):
    """The number of an order of the form's ``customer``, or any other."""

    widget = OrderNumberWidget()

    def __init__(self, *args: Any, _form: Form | None = None, **kwargs: Any) -> None:
        self.form = _form
        super().__init__(*args, _form=_form, **kwargs)

    def offered(self) -> list[Order]:
        """Return the customer's latest orders that the person asking sees, newest first."""
        customer = self.form["customer"].data if self.form is not None else None
        if not isinstance(customer, int):
            return []
        theirs = registry().screens["sales_order"].base_select().where(Order.customer_id == customer)
        latest = theirs.order_by(Order.placed_at.desc(), Order.id.desc()).limit(OFFERED)
        return list(session().scalars(latest))


def order_number(description: Any) -> Any:
    """Return the field for a form with a ``customer``."""
    return OrderNumberField(_l("Order number"), [Optional(), Length(max=40)], description=description)
