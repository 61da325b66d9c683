"""Customers: the list everybody starts from, and the record everything hangs on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from flask import request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import Select
from sqlalchemy.orm import joinedload

from actions.customers.customers import usual_channel
from actions.ledgers import points_breakdown
from admin.history import available_points
from admin.layout import formatters
from admin.layout.frame import initials
from admin.listing.columns import related_cell
from admin.privacy import reveals
from admin.reports import statements
from admin.request.arguments import parse_id
from admin.request.context import channels, now, session, shop
from admin.screen.base import Screen
from admin.screen.views import PERMISSION_OF
from admin.screen_spec.column_info import Condition, label_of
from admin.screen_spec.declare import Section, Tab, View
from admin.screen_spec.sorting import Key
from admin.screens import accounting, watch
from admin.screens.customer_actions import ACTIONS
from admin.viewmodels.pages import Badge, Cell, Event, Link
from models.address import Address
from models.choices import AccountType
from models.customer import Customer
from models.masks import Masked
from models.note import Note
from models.phone import Phone
from models.search import customer_ids

PERMISSION_OF |= {"statement_view": "show", "statement_pdf_view": "show"}  # and to list what is on accounts


def _name(view: Any, context: Any, row: Customer, name: str) -> Cell:
    merged = [Badge(_("Merged"), "secondary", "git-merge")] if row.merged_into_id is not None else []
    marks = [*watch.badges(row), *merged]
    return Cell(
        row.sort_name, view.line_url(row), formatters.email(row.email), initials(row.full_name), marks
    )


def _phone(view: Any, context: Any, row: Customer, name: str) -> str | None:
    return row.primary_phone.number if row.primary_phone else None


def _postcode(view: Any, context: Any, row: Customer, name: str) -> str | None:
    return row.primary_address.postcode if row.primary_address else None


def _balance(view: Any, context: Any, row: Customer, name: str) -> Markup:
    return formatters.balance(row.account_balance, row.currency, shop())


def _phone_text(view: Any, context: Any, row: Customer, name: str) -> str:
    return _phone(view, context, row, name) or ""


def _postcode_text(view: Any, context: Any, row: Customer, name: str) -> str:
    return _postcode(view, context, row, name) or ""


def _credit(view: Any, context: Any, row: Customer, name: str) -> Any:
    return formatters.money(row.credit_balance, row.currency, shop()) if row.credit_balance else None


def _number(phone: Phone) -> Any:
    return reveals.control(phone.number) if isinstance(phone.number, Masked) else phone


def _phones(view: Any, context: Any, row: Customer, name: str) -> Any:
    lines = [
        Markup('{} <span class="text-secondary">{}</span>').format(_number(p), _(p.kind.label))
        for p in row.phones
    ]
    return Markup("<br>").join(lines) if lines else None


_LIVE = {"merged_into__empty": "1"}
"""The filter of views that leave out what was merged into another record."""


class CustomerScreen(Screen):
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
    column_sort_expressions = {
        "sort_name": ("last_name_key", "first_name_key"),
        "primary_phone": ("phone_key",),
        "primary_address": ("postcode_key",),
        "first_name": ("first_name_key",),
        "last_name": ("last_name_key", "first_name_key"),
        "company_name": ("company_key",),
        "email": ("email_key",),
    }
    column_searchable_list = (
        "last_name_key",
        "first_name_key",
        "company_key",
        "email_key",
        "loyalty_code",
        "account_code",
    )
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
    column_labels = {
        "sort_name": _l("Customer"),
        "primary_phone": _l("Phone"),
        "primary_address": _l("Postcode"),
        "account_type": _l("Type"),
        "customer_class": _l("Class"),
        "membership_group": _l("Group"),
        "account_balance": _l("Balance"),
        "credit_balance": _l("Gift-card credit"),
        "loyalty_code": _l("Loyalty card"),
        "pay_on_account": _l("Credit account"),
        "lapse_warnings": _l("Points expiry emails"),
        "created_via": _l("Registered via"),
        "last_login_at": _l("Last website login"),
        "acquisition_source": _l("How did you find us?"),
        "vat_number": _l("VAT number"),
        "bank_account": _l("Default bank account"),
    }
    column_words: ClassVar[Mapping[str, Callable[[int], str]]] = {"account_balance": formatters.balance_word}
    column_beside: ClassVar[Mapping[str, Sequence[str]]] = {"sort_name": ("first_name", "last_name", "email")}
    column_formatters_export = {
        "primary_phone": _phone_text,
        "primary_address": _postcode_text,
    }
    column_formatters = {
        "sort_name": _name,
        "primary_phone": _phone,
        "primary_address": _postcode,
        "account_balance": _balance,
        "credit_balance": _credit,
        "phones": _phones,
    }
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
            "loyalty_code", "lapse_warnings", "account_code",
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
    form_columns = tuple(name for section in sections[:-1] for name in section.names)
    column_details_list = tuple(name for section in sections for name in section.names)
    can_delete = False
    row_actions = ACTIONS
    tabs = (
        Tab("address"),
        Tab("sales_order"),
        Tab(
            "loyalty_entry",
            _l("Loyalty"),
            figure=lambda row: formatters.show("number", row.points, shop=shop(), now=now()),
        ),
        Tab(
            "account_entry",
            _l("Account"),
            figure=lambda row: (
                formatters.balance(row.account_balance, row.currency, shop()) if row.account_balance else ""
            ),
        ),
        Tab("invoice"),
        Tab(
            "credit_entry",
            _l("Credit"),
            figure=lambda row: (
                formatters.money(row.credit_balance, row.currency, shop()) if row.credit_balance else ""
            ),
        ),
        Tab("note", _l("Notes")),
        Tab("mail", _l("Emails")),
        Tab("tasting_entry", _l("Tastings")),
        Tab("attribute_value", _l("Attributes")),
        Tab("external_id"),
        Tab(
            "customer",
            _l("Sub-customers"),
            via="agent",
            visible_if=lambda row: row.account_type == AccountType.AGENT,
        ),
        Tab("changeset", _l("Activity"), figure=lambda row: ""),
    )

    def defaults(self) -> dict[str, Any]:
        """Start with the shop's own channel, or one that the person asking sees."""
        return {**super().defaults(), "sales_channel": usual_channel(session(), shop(), channels())}

    def lookup_label(self, row: Customer) -> str:
        """Tell people of the same name apart."""
        return " · ".join(part for part in (row.full_name, row.email or row.company_name) if part)

    def clause(self, condition: Condition) -> Any:
        """Filter points by what is available."""
        if condition.field.name == "points" and available_points.past():
            there: Any = points_breakdown.available_points(now())
            condition = replace(condition, field=replace(condition.field, attribute=there))
        return super().clause(condition)

    def sort_keys(self, name: str | None, descending: bool) -> list[Key]:
        """Sort points by what is available; by the index, where nothing is past its date."""
        keys = super().sort_keys(name, descending)
        if name == "points" and available_points.past():
            keys[0] = Key(points_breakdown.available_points(now()), descending, nullable=False)
        return keys

    searches_keys = True

    def search_ids(self, word: str, most: int | None = None) -> Select[Any]:
        """Find a customer by anything that is theirs: phones, addresses, cards and orders too."""
        return customer_ids(word, shop().country, most)

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join what the name, phone and postcode columns show, and no more of it: a page has hundreds of such rows."""
        own = {
            "sort_name": joinedload(Customer.watch_note).load_only(Note.kind),
            "primary_phone": joinedload(Customer.primary_phone).load_only(Phone.number, Phone.country),
            "primary_address": joinedload(Customer.primary_address).load_only(
                Address.postcode, Address.country
            ),
        }
        return [*super().eager(names), *(option for name, option in own.items() if name in names)]

    def badges(self, row: Customer) -> Sequence[Badge]:
        """Say status and type, and what a person must know before they touch the record."""
        found = [
            Badge(label_of(row.status), formatters.COLOURS.get(row.status.value, "secondary")),
            Badge(label_of(row.account_type)),
        ]
        return found if row.is_active else [*found, Badge(_("Inactive"), "orange")]

    def subtitle(self, row: Customer) -> Sequence[Any]:
        """Company, email (with a tick once verified), phone and codes."""
        email: Any = row.email
        if row.email and row.email_verified_at:
            email = Markup(
                '{} <span class="verified" title="{}">✓<span class="visually-hidden">{}</span></span>'
            ).format(row.email, _("Verified"), _("verified"))
        phone = row.primary_phone.number if row.primary_phone else None
        codes = [_("account code %(code)s", code=row.account_code)] if row.account_code else []
        codes += [_("card %(code)s", code=row.loyalty_code)] if row.loyalty_code else []
        return [row.company_name, email, phone, *codes]

    def warning(self, row: Customer) -> Event | None:
        """Return the open watch note."""
        return watch.warning(row)

    def links(self, row: Customer) -> Sequence[Link]:
        """Lead to the statement of the account, and to the account that the accounting package keeps."""
        statement = (statements.link(self, row),) if statements.may_read() else ()
        return (*statement, *accounting.links(row))

    @expose("/statement/")
    def statement_view(self) -> Any:
        """Show the statement of the account, to be printed."""
        return statements.show(self, self.get_or_404(parse_id("id", request.args.get("id"))))

    @expose("/statement/pdf/")
    def statement_pdf_view(self) -> Any:
        """Download the statement of the account."""
        return statements.download(self, self.get_or_404(parse_id("id", request.args.get("id"))))

    def notice(self, row: Customer) -> Any:
        """Lead from a merged record to its survivor; say that an erased one is empty for good."""
        if row.merged_into_id is not None:
            survivor = related_cell(row.merged_into)
            link = Markup('<a href="{}">{}</a>') if survivor.url else Markup("{1}")
            return Markup("{} {}").format(
                _("This record was merged into"), link.format(survivor.url, survivor.html)
            )
        return (
            _("This customer's personal data was erased on request. The record is kept without it.")
            if row.anonymised_at
            else ""
        )
