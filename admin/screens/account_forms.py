"""The forms of payments and invoices, as people fill them in; what a shop reports by the API is added to them."""

from __future__ import annotations

import datetime as dt

from flask_babel import lazy_gettext as _l
from wtforms import Form, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from admin import forms, inputs
from models.account import PaymentMethod
from models.customer import Customer
from models.shop import Shop


class PaymentForm(Form):
    """An amount is always typed positive; the kind of entry says which way it goes (RULES 2.3)."""

    customer = forms.related(Customer, "account_entry", _l("Customer"))
    amount = inputs.MoneyField(_l("Amount"), [InputRequired(_l("Enter the amount."))])
    method = inputs.ChoiceField(
        _l("Method"), [InputRequired(_l("Choose one."))], kind=PaymentMethod, nullable=False
    )
    value_date = inputs.DayField(
        _l("Value date"), [Optional()], description=_l("The day the money counts from; empty means today.")
    )
    reference = StringField(
        _l("Reference"), [Optional(), Length(max=80)], description=_l("As on the bank statement or cheque.")
    )
    comment = TextAreaField(_l("Comment"), [Optional(), Length(max=500)])

    def suggest(self, shop: Shop, now: dt.datetime) -> None:
        """Show people today. A program that sends the same after midnight sends the same request (rule 1.9)."""
        self.value_date.data = now.astimezone(shop.zone).date()  # type: ignore[assignment]


class InvoiceForm(Form):
    """A manual invoice on account."""

    customer = forms.related(Customer, "invoice", _l("Customer"))
    amount = inputs.MoneyField(_l("Amount"), [InputRequired(_l("Enter the amount."))])
    issued_on = inputs.DayField(_l("Issued on"), [Optional()], description=_l("Empty means today."))
    due_on = inputs.DayField(
        _l("Due on"), [Optional()], description=_l("Empty goes by the customer's payment terms.")
    )
    description = TextAreaField(_l("Description"), [Optional(), Length(max=500)])
    number = StringField(
        _l("Invoice number"), [Optional(), Length(max=40)], description=_l("Empty takes the next number.")
    )
