"""Customers: the list everybody starts from, and the record everything hangs on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import Select
from sqlalchemy.orm import joinedload

from actions.customers.customers import usual_channel
from actions.importing.related import RelatedRows
from actions.ledgers import points_breakdown
from actions.portal.login_as_standing import ACT_FOR
from admin.history import available_points
from admin.layout import formatters
from admin.layout.frame import initials
from admin.privacy import reveals
from admin.request.context import channels
from admin.screen_spec.declare import Section, Tab, View
from admin.screens import possible_duplicates, watch
from admin.screens.customer_actions import ACTIONS
from admin.screens.customer_record import CustomerRecord, told_apart
from admin.screens.duplicates import EITHER
from admin.viewmodels.pages import Badge, Cell
from models.choices import AccountType
from models.customer import Customer
from models.masks import Masked
from models.note import Note
from models.phone import Phone
from models.search import customer_ids
from web.request import now, session, shop


def _name(view: Any, context: Any, row: Customer, name: str) -> Cell:
    merged = [Badge(_("Merged"), "secondary", "git-merge")] if row.merged_into_id is not None else []
    marks = [*watch.badges(row), *possible_duplicates.badges(row), *merged]
    return Cell(
        row.sort_name, view.line_url(row), formatters.email(row.email), initials(row.full_name), marks
    )


def _number(phone: Phone) -> Any:
    return reveals.control(phone.number) if isinstance(phone.number, Masked) else phone


def _phones(view: Any, context: Any, row: Customer, name: str) -> Any:
    lines = [
        Markup('{} <span class="text-secondary">{}</span>').format(_number(p), _(p.kind.label))
        for p in row.phones
    ]
    return Markup("<br>").join(lines) if lines else None


def _is_agent(row: Customer) -> bool:
    return row.account_type == AccountType.AGENT


_LIVE = {"merged_into__empty": "1"}
"""The filter of views that leave out what was merged into another record."""


IN_FILES = (
    RelatedRows(
        "phones", "phones", "primary_phone", _l("Phone"), ("number", "extension", "country"), by="kind",
        follows={"country": "primary_address.country"},
    ),
    RelatedRows(
        "primary_address", "addresses", "primary_address", _l("Primary address"),
        (
            "line1", "line2", "town", "county", "postcode", "country", "label", "recipient", "company", "email",
            "is_billing", "is_delivery", "is_admin",
        ),
        only="is_primary", headings=("line1", "line2", "town", "county", "postcode", "country"),
    ),
)  # fmt: skip
"""Phones and the primary address, in the same row of a file as their customer (rule 15.18)."""


class CustomerScreen(CustomerRecord):
    """People and companies, whatever channel they came in by."""

    model = Customer
    menu = ""
    icon = "users"
    empty = _l("Customers you add, and those your shop sends, are listed here.")
    column_list = (
        "sort_name", "primary_phone", "primary_address", "status", "account_type", "customer_class", "points",
        "account_balance", "company_name", "email", "membership_group", "sales_channel", "loyalty_code", "account_code",
        "credit_balance", "is_active", "agent", "created_via", "registered_at", "last_activity_at", "created_at",
        "title", "first_name", "last_name", "gender", "date_of_birth", "language", "trading_name", "company_number",
        "vat_number", "acquisition_source", "price_list", "payment_term", "bank_account", "global_discount",
        "free_delivery", "pay_on_account", "credit_limit", "currency",
    )  # fmt: skip
    column_hidden = column_list[8:]
    column_default_sort = "sort_name"
    column_sort_expressions = {"sort_name": ("last_name_key", "first_name_key")}
    column_searchable_list = (
        "last_name_key", "first_name_key", "company_key", "email_key", "loyalty_code", "account_code",
    )  # fmt: skip
    search_hint = _l("Name, email, phone, postcode, card, order")
    column_filters = (
        "first_name", "last_name", "company_name", "email", "status", "account_type", "is_active", "customer_class",
        "membership_group", "acquisition_source", "sales_channel", "price_list", "payment_term", "points",
        "account_balance", "credit_balance", "pay_on_account", "free_delivery", "loyalty_code", "account_code", "agent",
        "merged_into", "created_via", "date_of_birth", "registered_at", "last_activity_at", "created_at",
    )  # fmt: skip
    column_editable_list = ("customer_class", "membership_group")
    column_bulk_list = (
        "account_type", "customer_class", "membership_group", "acquisition_source", "agent", "language",
        "sales_channel", "price_list", "payment_term", "bank_account", "global_discount", "free_delivery",
        "pay_on_account", "credit_limit",
    )  # fmt: skip
    column_labels = {"sort_name": _l("Customer")}
    column_beside: ClassVar[Mapping[str, Sequence[str]]] = {"sort_name": ("first_name", "last_name", "email")}
    column_formatters = {"sort_name": _name, "phones": _phones}
    views = (
        View("registered", _l("Registered"), {"status__eq": "registered", **_LIVE}),
        View("all", _l("All"), _LIVE),
        View("awaiting", _l("Awaiting approval"), {"status__eq": "pending_approval"}, counted=True),
        View("owing", _l("Balance due"), {"account_balance__ge": "0.001"}),
        View("in_credit", _l("In credit"), {"account_balance__le": "-0.001"}),
        View("merged", _l("Merged"), {"merged_into__empty": "0"}),
    )
    sections = (
        Section(_l("Name"), ("title", "first_name", "last_name", "gender", "date_of_birth", "language")),
        Section(_l("Contact"), ("email", "phones")),
        Section(_l("Company"), ("company_name", "trading_name", "company_number", "vat_number")),
        Section(_l("Account"), (
            "account_type", "is_active", "customer_class", "membership_group", "acquisition_source", "agent",
            "loyalty_code", "expiry_notices", "account_code",
        )),
        Section(_l("Terms"), (
            "sales_channel", "price_list", "payment_term", "bank_account", "global_discount", "free_delivery",
            "pay_on_account", "credit_limit", "currency",
        )),
        Section(_l("Dates"), (
            "created_via", "created_at", "registered_at", "last_login_at", "last_activity_at",
            "last_password_reset_at", "verified_at", "verified_by",
        )),
    )  # fmt: skip
    related_rows = IN_FILES
    form_columns = tuple(name for section in sections[:-1] for name in section.names)
    alike = ("email", "last_name", "phones")
    can_delete = False
    row_actions = ACTIONS
    tabs = (
        Tab("address"),
        Tab("account_holder", _l("People")),
        Tab("contact_email"),
        Tab("sales_order"),
        Tab("loyalty_entry", _l("Loyalty"), figure="points"),
        Tab("account_entry", _l("Account"), figure="account_balance"),
        Tab("invoice"),
        Tab("credit_entry", _l("Credit"), figure="credit_balance"),
        Tab("saved_card"),
        Tab("note", _l("Notes")),
        Tab("mail", _l("Emails")),
        Tab("tasting_entry", _l("Tastings")),
        Tab("attribute_value", _l("Attributes")),
        Tab("external_id"),
        Tab("customer", _l("Sub-customers"), via="agent", visible_if=_is_agent),
        Tab("duplicate", via=EITHER),
        Tab("changeset", _l("Activity"), figure=""),
        Tab("login_as"),
    )

    @cached_property
    def verbs(self) -> tuple[str, ...]:
        """Add the permission to make changes while logged in as a customer (rule 6.12)."""
        return (*super().verbs, ACT_FOR)

    def defaults(self) -> dict[str, Any]:
        """Start with the shop's own channel, or one that the person asking sees."""
        return {**super().defaults(), "sales_channel": usual_channel(session(), shop(), channels())}

    lookup_columns = ("primary_phone", "primary_address")

    def lookup_label(self, row: Customer) -> str:
        """Tell people of the same name apart, by what the person asking sees of them."""
        return told_apart(row)

    def sql_expression(self, name: str) -> Any:
        """Filter and sort points by what is available; by their index, where nothing is past its date."""
        past = name == "points" and available_points.past()
        return points_breakdown.available_points(now()) if past else None

    searches_keys = True

    def search_ids(self, word: str, most: int | None = None) -> Select[Any]:
        """Find a customer by anything that is theirs: phones, addresses, cards and orders too."""
        return customer_ids(word, shop().country, most)

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join the watch note, which the name carries, and no more of it than that."""
        noted = joinedload(Customer.watch_note).load_only(Note.kind)
        return [*super().eager(names), *([noted] if "sort_name" in names else [])]
