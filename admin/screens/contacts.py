"""Whom a customer's account knows besides: people on it, and addresses that get its mail."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from admin.screen.base import Screen
from models.contact import AccountHolder, ContactEmail


class AccountHolderScreen(Screen):
    """Other people on a customer's account, who do not sign in."""

    model = AccountHolder
    icon = "users"
    column_list = ("customer", "name", "role", "email", "phone", "created_at")
    column_hidden = ("created_at",)
    column_default_sort = "customer"
    column_searchable_list = ("customer", "name")
    column_editable_list = ("role",)
    form_columns = ("customer", "name", "role", "email", "phone")
    empty = _l(
        "Other people on the account, such as a buyer or a bookkeeper, are listed here. They do not sign in."
    )


class ContactEmailScreen(Screen):
    """Further addresses that get the mail of an account."""

    model = ContactEmail
    icon = "mail"
    column_list = ("customer", "email", "label", "created_at")
    column_hidden = ("created_at",)
    column_default_sort = "customer"
    column_searchable_list = ("customer", "email_key")
    column_editable_list = ("label",)
    form_columns = ("customer", "email", "label")
    empty = _l("Emails to the customer also go to these addresses, save those about passwords and security.")
