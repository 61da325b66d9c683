"""The forms of what a shop reports by the API; the screens of the ledgers offer them to programs only (rule 24)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import Form, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from actions.ledgers import accounting, shop_api
from admin.forms import form_fields, model_forms
from admin.forms.customer_field import CustomerField
from admin.screen_spec.declare import RowAction
from admin.screens.account_forms import InvoiceForm, PaymentForm
from models.account import Fed, Movement
from models.customer import Customer
from models.shop import Shop


def customer(resource: str) -> Any:
    """Return the field that names the customer on a form of the screen over ``resource``."""
    return model_forms.related(Customer, resource, _l("Customer"), kind=CustomerField)


def _order(*, required: bool = True) -> StringField:
    check = InputRequired(_l("Enter an order number.")) if required else Optional()
    return StringField(_l("Order number"), [check, Length(max=40)])


def _points() -> form_fields.WholeNumberField:
    return form_fields.WholeNumberField(_l("Points"), [InputRequired(_l("Enter the points."))])


def _amount(*, signed: bool = False) -> form_fields.MoneyField:
    return form_fields.MoneyField(_l("Amount"), [InputRequired(_l("Enter the amount."))], signed=signed)


def _comment() -> TextAreaField:
    return TextAreaField(_l("Comment"), [Optional(), Length(max=500)])


def _reason() -> TextAreaField:
    needed = InputRequired(_l("Enter a reason of at least 3 characters."))
    return TextAreaField(_l("Reason"), [needed, Length(3, 500)])


class PointsForm(Form):
    """Points of an order."""

    customer = customer("loyalty_entry")
    points = _points()
    order_ref = _order()
    comment = _comment()


class EarnForm(PointsForm):
    """Points an order earned."""

    expires_after_days = form_fields.WholeNumberField(
        _l("Points expire after (days)"),
        [Optional()],
        description=_l("1 to 3650. Leave blank if they never expire."),
    )

    def prefill(self, shop: Shop, now: dt.datetime) -> None:
        """Offer the shop's own expiry."""
        self.expires_after_days.data = shop.points_expire_after_days


class CancelPointsForm(Form):
    """An order whose points are taken back."""

    customer = customer("loyalty_entry")
    order_ref = _order()
    reason = _reason()


class CreditOfOrderForm(Form):
    """Credit that an order took."""

    customer = customer("credit_entry")
    amount = _amount()
    order_ref = _order()
    comment = _comment()


class CorrectCreditForm(CreditOfOrderForm):
    """Credit given back (positive), or taken besides."""

    amount = _amount(signed=True)


class CancelCreditForm(Form):
    """An order whose credit is given back."""

    customer = customer("credit_entry")
    order_ref = _order()
    reason = _reason()


class MovementForm(PaymentForm):
    """A payment or refund that the shop took."""

    customer = customer("account_entry")
    kind = form_fields.ChoiceField(
        _l("Kind"), [InputRequired(_l("Choose an option."))], kind=Movement, nullable=False
    )


class InvoiceOfOrderForm(InvoiceForm):
    """An invoice on account for an order."""

    customer = customer("invoice")
    order_ref = _order(required=False)


def _reference() -> StringField:
    return StringField(
        _l("Reference"),
        [InputRequired(_l("Enter the accounting package's reference.")), Length(max=80)],
        description=_l("The accounting package's reference. Each entry has its own."),
    )


class FeedForm(Form):
    """An entry of the accounting package's."""

    customer = customer("account_entry")
    kind = form_fields.ChoiceField(
        _l("Kind"), [InputRequired(_l("Choose an option."))], kind=Fed, nullable=False
    )
    amount = _amount()
    reference = _reference()
    value_date = form_fields.DayField(
        _l("Value date"), [Optional()], description=_l("Leave blank for today.")
    )
    due_on = form_fields.DayField(_l("Due on"), [Optional()], description=_l("Only for an invoice."))
    comment = _comment()


class FeedVoidForm(Form):
    """An entry that was voided in the accounting package."""

    reference = _reference()
    reason = _reason()


LOYALTY = (
    RowAction(shop_api.earn, EarnForm, menu=False),
    RowAction(shop_api.redeem, PointsForm, menu=False),
    RowAction(shop_api.correct_points, PointsForm, menu=False),
    RowAction(shop_api.cancel_points, CancelPointsForm, menu=False),
)
CREDIT = (
    RowAction(shop_api.redeem_credit, CreditOfOrderForm, menu=False),
    RowAction(shop_api.correct_credit, CorrectCreditForm, menu=False),
    RowAction(shop_api.cancel_credit, CancelCreditForm, menu=False),
)
ACCOUNT = (
    RowAction(shop_api.record, MovementForm, menu=False),
    RowAction(accounting.feed, FeedForm, menu=False),
    RowAction(accounting.feed_void, FeedVoidForm, menu=False),
)
INVOICE = (RowAction(shop_api.record_invoice, InvoiceOfOrderForm, menu=False),)
