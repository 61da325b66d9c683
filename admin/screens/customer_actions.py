"""What staff can do to a customer besides editing: one form and one line for each."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Form, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from actions import cards, customers, merge, notes, statement_mail
from admin import forms, inputs, statements
from admin.declare import NoForm, RowAction
from admin.screens import accounting
from admin.screens.ledgers import ReasonForm
from models.choices import Status
from models.customer import Customer
from models.lookups import CustomerClass, MembershipGroup, PaymentTerm, PriceList, SalesChannel
from models.note import NoteKind


class ClassForm(Form):
    """Another class, or none."""

    customer_class = forms.related(CustomerClass, "customer", _l("Customer class"), required=False)


class GroupForm(Form):
    """Another group, or none."""

    membership_group = forms.related(MembershipGroup, "customer", _l("Membership group"), required=False)


class CardForm(Form):
    """The number of a card, which a scanner types and ends with Enter (F75)."""

    loyalty_code = StringField(
        _l("Loyalty card"),
        [Optional(), Length(max=60)],
        description=_l("Scan the card or type its number. Empty takes the card away."),
        filters=[lambda value: value.strip() or None if isinstance(value, str) else value],
        render_kw={
            "data-scan": True,
            "autofocus": True,
            "autocomplete": "off",
            "spellcheck": "false",
            "autocapitalize": "characters",
        },
    )


class TermsForm(Form):
    """How the customer buys and pays (F50 to F57, F63)."""

    payment_term = forms.related(PaymentTerm, "customer", _l("Payment terms"), required=False)
    price_list = forms.related(PriceList, "customer", _l("Price list"), required=False)
    sales_channel = forms.related(SalesChannel, "customer", _l("Sales channel"))
    global_discount = inputs.PercentField(_l("Discount on everything"), [Optional()])
    free_delivery = BooleanField(_l("Free delivery"))
    pay_on_account = BooleanField(_l("May pay on account"))
    credit_limit = inputs.MoneyField(
        _l("Credit limit"), [Optional()], description=_l("Empty means no limit.")
    )


class OnAccountForm(Form):
    """Whether the customer may buy on account, and up to what (F63)."""

    pay_on_account = BooleanField(_l("May pay on account"))
    credit_limit = inputs.MoneyField(
        _l("Credit limit"), [Optional()], description=_l("Empty means no limit.")
    )


class NoteForm(Form):
    """A note, something to do by a day, or a warning that stands over the record."""

    kind = inputs.ChoiceField(_l("Kind"), [InputRequired(_l("Choose one."))], kind=NoteKind, nullable=False)
    body = TextAreaField(_l("Text"), [InputRequired(_l("Enter text.")), Length(max=5000)])
    due_on = inputs.DayField(_l("Due on"), [Optional()], description=_l("Only for a task."))


class StatementForm(Form):
    """Which days the statement is about, and what is said with it."""

    since = inputs.DayField(
        _l("From"), [Optional()], description=_l("Empty means the first day of last month.")
    )
    until = inputs.DayField(_l("To"), [Optional()], description=_l("Empty means today."))
    message = TextAreaField(
        _l("Message"), [Optional(), Length(max=1000)], description=_l("Stands in the email, as you write it.")
    )


class MergeForm(Form):
    """Which records go into this one, and why we know that they are the same."""

    others = forms.related(
        Customer,
        "customer",
        _l("Records to merge into this one"),
        many=True,
        description=_l(
            "They stay as read-only records that lead here. All that is theirs moves to this one."
        ),
    )
    reason = TextAreaField(
        _l("Reason"),
        [InputRequired(_l("Say why, in at least 3 characters.")), Length(3, 500)],
        description=_l("How we know that they are the same."),
    )
    take = inputs.ChosenField(_l("Where they differ"))


def _live(row: Customer) -> bool:
    return row.is_live


def _waiting(row: Customer) -> bool:
    return row.status == Status.PENDING_APPROVAL and row.is_live


def _settled(row: Customer) -> bool:
    return row.status != Status.PENDING_APPROVAL and row.is_live


ACTIONS = (
    RowAction(notes.add_note, NoteForm, "notes", when=_live, button=True),
    RowAction(customers.change_class, ClassForm, "tag", when=_live, from_row=True),
    RowAction(customers.change_group, GroupForm, "users", when=_live, from_row=True),
    RowAction(cards.set_loyalty_card, CardForm, "id-badge-2", when=_live, from_row=True, bulk=False),
    RowAction(customers.set_terms, TermsForm, "credit-card", when=_live, from_row=True),
    RowAction(customers.set_pay_on_account, OnAccountForm, "receipt", when=_live, from_row=True),
    RowAction(
        statement_mail.send_statement,
        StatementForm,
        "send",
        when=_live,
        bulk=False,
        starts=statements.starts,
        open=accounting.kept_here,
    ),
    RowAction(merge.merge, MergeForm, "git-merge", when=_live, bulk=False),
    RowAction(
        customers.verify, NoForm, "circle-check", when=lambda row: row.verified_at is None and row.is_live
    ),
    RowAction(customers.activate, NoForm, "check", when=lambda row: not row.is_active and _settled(row)),
    RowAction(customers.deactivate, ReasonForm, "ban", when=lambda row: row.is_active and _settled(row)),
    RowAction(customers.approve, NoForm, "check", when=_waiting, button=True),
    RowAction(customers.reject, ReasonForm, "x", when=_waiting, button=True),
)
