"""The lists that records choose from: classes, groups, sources, price lists, channels, terms, bank accounts."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l

from admin.screen.base import Screen
from models.lookups import (
    AcquisitionSource,
    BankAccount,
    CustomerClass,
    MembershipGroup,
    PaymentTerm,
    PriceList,
    SalesChannel,
)


class LookupScreen(Screen):
    """What these screens share. Rows in use are retired, never deleted."""

    menu = "Settings"
    icon = "list"
    column_default_sort = "name"
    column_searchable_list: Sequence[str] = ("name",)
    column_editable_list: Sequence[str] = ("is_active",)


class CustomerClassScreen(LookupScreen):
    """Classes decide the purchase discount and the free tastings (feature 41)."""

    model = CustomerClass
    menu = "Records"
    icon = "category"
    column_list = form_columns = ("name", "discount", "free_tastings", "description", "is_active")
    column_editable_list = ("discount", "free_tastings", "is_active")
    empty = _l("A class gives its customers a discount and a number of free tastings.")


class MembershipGroupScreen(LookupScreen):
    """Membership groups (feature 43)."""

    model = MembershipGroup
    icon = "users"
    column_list = form_columns = ("name", "description", "is_active")


class AcquisitionSourceScreen(LookupScreen):
    """The answers to "How did you find us?" (feature 21)."""

    model = AcquisitionSource
    icon = "world"
    column_list = form_columns = ("name", "is_active")


class PriceListScreen(LookupScreen):
    """Price lists (feature 50)."""

    model = PriceList
    icon = "tag"
    column_list = form_columns = ("name", "currency", "is_trade", "is_active")


class SalesChannelScreen(LookupScreen):
    """Sales channels; every customer has exactly one (feature 51)."""

    model = SalesChannel
    icon = "world"
    column_list = form_columns = ("name", "code", "price_list", "is_active")


class PaymentTermScreen(LookupScreen):
    """Payment terms (features 57, 58)."""

    model = PaymentTerm
    icon = "calendar"
    column_list = form_columns = ("name", "days", "full_payment_first", "is_active")


class BankAccountScreen(LookupScreen):
    """Our bank accounts that customers pay into (feature 55)."""

    model = BankAccount
    icon = "building-bank"
    column_list = form_columns = ("name", "holder", "bank_name", "iban_last4", "currency", "is_active")
