"""What staff can do to a customer besides editing: one form and one line for each."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Form, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from actions.customers import customers, loyalty_cards, notes
from actions.merging import merge
from actions.portal import invitations, login_as, resets
from actions.statements import sending
from admin.forms import form_fields, model_forms
from admin.reports import statements
from admin.request.context import has_portal
from admin.screen_spec.declare import NoForm, RowAction, Together
from admin.screens import accounting, hand_over, survivors
from admin.screens.ledgers import ReasonForm
from models.customer import Customer
from models.login_as import Audience
from models.lookups import CustomerClass, MembershipGroup, PaymentTerm, PriceList, SalesChannel
from models.note import NoteKind


class ClassForm(Form):
    """Another class, or none."""

    customer_class = model_forms.related(CustomerClass, "customer", _l("Customer class"), required=False)


class GroupForm(Form):
    """Another group, or none."""

    membership_group = model_forms.related(
        MembershipGroup, "customer", _l("Membership group"), required=False
    )


class CardForm(Form):
    """The number of a card, which a scanner types and ends with Enter (feature 75)."""

    loyalty_code = StringField(
        _l("Loyalty card"),
        [Optional(), Length(max=60)],
        description=_l("Scan the card or type its number. Leave blank to remove the card."),
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
    """How the customer buys and pays (features 50 to 57, 63)."""

    payment_term = model_forms.related(PaymentTerm, "customer", _l("Payment terms"), required=False)
    price_list = model_forms.related(PriceList, "customer", _l("Price list"), required=False)
    sales_channel = model_forms.related(SalesChannel, "customer", _l("Sales channel"))
    global_discount = form_fields.PercentField(_l("Discount on everything"), [Optional()])
    free_delivery = BooleanField(_l("Free delivery"))
    pay_on_account = BooleanField(_l("Credit account enabled"))
    credit_limit = form_fields.MoneyField(
        _l("Credit limit"), [Optional()], description=_l("Leave blank for no limit.")
    )


class OnAccountForm(Form):
    """Whether the customer may buy on account, and up to what (feature 63)."""

    pay_on_account = BooleanField(_l("Credit account enabled"))
    credit_limit = form_fields.MoneyField(
        _l("Credit limit"), [Optional()], description=_l("Leave blank for no limit.")
    )


class NoteForm(Form):
    """A note, something to do by a day, or a warning that stands over the record."""

    kind = form_fields.ChoiceField(
        _l("Kind"), [InputRequired(_l("Choose an option."))], kind=NoteKind, nullable=False
    )
    body = TextAreaField(_l("Text"), [InputRequired(_l("Enter text.")), Length(max=5000)])
    due_on = form_fields.DayField(_l("Due on"), [Optional()], description=_l("For tasks only."))


class StatementForm(Form):
    """Which days the statement is about, and what is said with it."""

    since = form_fields.DayField(
        _l("From"), [Optional()], description=_l("Leave blank for the first day of last month.")
    )
    until = form_fields.DayField(_l("To"), [Optional()], description=_l("Leave blank for today."))
    message = TextAreaField(
        _l("Message"),
        [Optional(), Length(max=1000)],
        description=_l("Included in the email as you write it."),
    )


class ResetForm(Form):
    """What was checked before a link to the account goes out: one box for each (rule 5.3)."""

    identity_checked = BooleanField(
        _l("I have checked who is asking"),
        [InputRequired(_l("Tick this once you have checked it. Otherwise do not send a link."))],
        description=_l("By details only they would know, such as the address or a recent order."),
    )
    mailbox_checked = BooleanField(
        _l("They can read emails sent to the address on this record"),
        [InputRequired(_l("Tick this once you have checked it. Otherwise do not send a link."))],
        description=_l("The link goes to that address only. Correct the address first if it has changed."),
    )


class LogInAsForm(Form):
    """Why somebody logs in as the customer (rule 6.10)."""

    reason = TextAreaField(
        _l("Reason"),
        [InputRequired(_l("Enter a reason of at least 10 characters.")), Length(10, 500)],
        description=_l("It is recorded in Activity. The customer does not see it."),
    )
    ticket = StringField(
        _l("Ticket number"),
        [Optional(), Length(max=60)],
        description=_l("The number of the customer's request, where there is one."),
        filters=[lambda value: value.strip() or None if isinstance(value, str) else value],
    )
    audience = form_fields.ChoiceField(
        _l("Where"),
        [Optional()],
        kind=Audience,
        nullable=True,
        description=_l("Leave blank for the customer portal."),
    )


class MergeForm(Form):
    """Which records go into this one, and why we know that they are the same."""

    others = model_forms.related(
        Customer,
        "customer",
        _l("Records to merge into this one"),
        many=True,
        description=_l(
            "They become read-only records that link here. Everything they have moves to this one."
        ),
    )
    reason = TextAreaField(
        _l("Reason"),
        [InputRequired(_l("Enter a reason of at least 3 characters.")), Length(3, 500)],
        description=_l("How you know they are the same customer."),
    )
    tell_customer = BooleanField(
        _l("Tell the customer"),
        description=_l("An email says that their accounts are now one. It goes to the address that is kept."),
    )
    take = form_fields.ChosenField(_l("Differences"))


class RejectionForm(ReasonForm):
    """Why an application is turned down, and whether the customer is told."""

    tell_reason = BooleanField(
        _l("Tell the customer the reason"),
        description=_l("The email then includes it as you write it."),
    )


class InStoreForm(Form):
    """Who buys at the till."""

    first_name = StringField(_l("First name"), [Optional(), Length(max=100)])
    last_name = StringField(_l("Last name"), [Optional(), Length(max=100)])
    company_name = StringField(_l("Company"), [Optional(), Length(max=160)])
    email = StringField(_l("Email"), [Optional(), Length(max=254)])
    phone = StringField(_l("Phone"), [Optional(), Length(max=40)])


ACTIONS = (
    RowAction(notes.add_note, NoteForm, "notes", button=True),
    RowAction(
        resets.send_reset,
        ResetForm,
        "key",
        bulk=False,
        button=True,
        available=has_portal,
        intro=_l(
            "An email with a link to choose a password goes to the customer. You will not see the link."
        ),
    ),
    RowAction(
        login_as.log_in_as,
        LogInAsForm,
        "login",
        bulk=False,
        button=True,
        full_page=True,
        available=hand_over.is_possible,
        answer=hand_over.page,
        intro=_l(
            "You see the customer's account as they do, for 30 minutes, and can only look. Pages you see are "
            "recorded. End the session as soon as you are done."
        ),
    ),
    RowAction(
        invitations.invite,
        NoForm,
        "user-plus",
        available=has_portal,
        visible_if=lambda row: row.email is not None,
        intro=_l("An email with a link to choose a password goes to the customer. It works for 7 days."),
    ),
    RowAction(invitations.add_in_store, InStoreForm, "user-plus"),
    RowAction(customers.change_class, ClassForm, "tag", from_row=True),
    RowAction(customers.change_group, GroupForm, "users", from_row=True),
    RowAction(loyalty_cards.set_loyalty_card, CardForm, "id-badge-2", from_row=True, bulk=False),
    RowAction(customers.set_terms, TermsForm, "credit-card", from_row=True),
    RowAction(customers.set_pay_on_account, OnAccountForm, "receipt", from_row=True),
    RowAction(
        sending.send_statement,
        StatementForm,
        "send",
        bulk=False,
        starts=statements.starts,
        available=accounting.kept_here,
    ),
    RowAction(
        merge.merge,
        MergeForm,
        "git-merge",
        bulk=False,
        left_out=lambda row: () if row.email else ("tell_customer",),
        together=Together(_l("Merge into one"), survivors.suggest, merge.MOST + 1),
    ),
    RowAction(customers.verify, NoForm, "circle-check", visible_if=lambda row: row.verified_at is None),
    RowAction(customers.activate, NoForm, "check", visible_if=lambda row: not row.is_active),
    RowAction(customers.deactivate, ReasonForm, "ban", visible_if=lambda row: row.is_active),
    RowAction(customers.approve, NoForm, "check", button=True),
    RowAction(customers.reject, RejectionForm, "x", button=True),
)
