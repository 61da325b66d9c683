"""The forms of payments and invoices, as people fill them in; what a shop reports by the API is added to them."""

from __future__ import annotations

import datetime as dt

from flask_babel import lazy_gettext as _l
from wtforms import Form, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from admin.forms import form_fields, model_forms
from models.account import PaymentMethod
from models.customer import Customer
from models.shop import Shop


class PaymentForm(Form):
    """An amount is always typed positive; the kind of entry says which way it goes (rule 2.3)."""

    customer = model_forms.related(Customer, "account_entry", _l("Customer"))
    amount = form_fields.MoneyField(_l("Amount"), [InputRequired(_l("Enter the amount."))])
    method = form_fields.ChoiceField(
        _l("Method"), [InputRequired(_l("Choose an option."))], kind=PaymentMethod, nullable=False
    )
    value_date = form_fields.DayField(
        _l("Value date"),
        [Optional()],
        description=_l("The day the money counts from. Leave blank for today."),
    )
    reference = StringField(
        _l("Reference"),
        [Optional(), Length(max=80)],
        description=_l("As shown on the bank statement or cheque."),
    )
    comment = TextAreaField(_l("Comment"), [Optional(), Length(max=500)])

    def suggest(self, shop: Shop, now: dt.datetime) -> None:
        """Show people today. A program that sends the same after midnight sends the same request (rule 1.9)."""
        self.value_date.data = now.astimezone(shop.zone).date()  # type: ignore[assignment]


class InvoiceForm(Form):
    """A manual invoice on account."""

    customer = model_forms.related(Customer, "invoice", _l("Customer"))
    amount = form_fields.MoneyField(_l("Amount"), [InputRequired(_l("Enter the amount."))])
    issued_on = form_fields.DayField(_l("Issued on"), [Optional()], description=_l("Leave blank for today."))
    due_on = form_fields.DayField(
        _l("Due on"), [Optional()], description=_l("Leave blank to use the customer's payment terms.")
    )
    description = TextAreaField(_l("Description"), [Optional(), Length(max=500)])
    number = StringField(
        _l("Invoice number"),
        [Optional(), Length(max=40)],
        description=_l("Leave blank to use the next number."),
    )
