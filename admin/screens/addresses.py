"""Addresses and phones of customers."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from actions.customers.addresses import make_primary
from admin.screen.base import Screen
from admin.screen_spec.declare import NoForm, RowAction
from models.address import Address
from models.phone import Phone


class AddressScreen(Screen):
    """Postal addresses, with the papers each receives."""

    model = Address
    icon = "map-pin"
    column_list = (
        "customer", "label", "line1", "town", "postcode", "country", "is_primary", "is_billing", "is_delivery",
        "is_admin", "recipient", "company", "line2", "county", "email",
    )  # fmt: skip
    column_hidden = column_list[10:]
    column_default_sort = "customer"
    column_searchable_list = ("customer", "postcode_key", "line1_key", "town_key")
    column_editable_list = ("label",)
    column_bulk_list = ("label", "is_billing", "is_delivery", "is_admin")
    form_columns = (
        "customer", "label", "recipient", "company", "line1", "line2", "town", "county", "postcode", "country", "email",
        "is_primary", "is_billing", "is_delivery", "is_admin",
    )  # fmt: skip
    alike = ("customer", "postcode", "country")
    row_actions = (
        RowAction(make_primary, NoForm, "star", visible_if=lambda row: not row.is_primary, bulk=False),
    )
    empty = _l("A customer can have several addresses. The first one becomes primary.")


class PhoneScreen(Screen):
    """Phone numbers; edited on the customer's own form."""

    model = Phone
    menu = None
    tab_on_customer = False
    icon = "phone"
    column_list = ("customer", "number", "extension", "kind", "country", "is_primary")
    column_searchable_list = ("customer", "number_key")
    form_columns = ("customer", "number", "extension", "kind", "country", "is_primary")
    alike = ("customer", "number", "country")
