"""Whom a customer's account knows besides: people on it, and addresses that get its mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from actions.customers import contacts
from actions.portal import contact_emails
from admin.layout import formatters
from admin.screen.base import Screen
from admin.screen_spec.declare import NoForm, RowAction, View
from admin.screens.ledgers import ReasonForm
from admin.viewmodels.pages import Badge
from models.contact import AccountHolder, ContactEmail
from web.request import now, shop


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


def _waits(row: ContactEmail) -> bool:
    return row.confirmed_at is None


def _confirmed(view: Any, context: Any, row: ContactEmail, name: str) -> Any:
    """Say when an address was confirmed, or that it waits."""
    if row.confirmed_at is None:
        return formatters.badge(Badge(_("Waiting for confirmation"), "orange"))
    return formatters.moment(row.confirmed_at, now(), shop())


class ContactEmailScreen(Screen):
    """Further addresses that get the mail of an account, once they are confirmed."""

    model = ContactEmail
    icon = "mail"
    column_list = ("customer", "email", "label", "confirmed_at", "created_at")
    column_hidden = ("created_at",)
    column_default_sort = "customer"
    column_searchable_list = ("customer", "email_key")
    column_editable_list = ("label",)
    column_formatters = {"confirmed_at": _confirmed}
    form_columns = ("customer", "email", "label")
    views = (
        View("all", _l("All")),
        View("waiting", _l("Waiting for confirmation"), {"confirmed_at__empty": "1"}),
    )
    row_actions = (
        RowAction(contact_emails.send_link, NoForm, "send", bulk=False, visible_if=_waits),
        RowAction(contacts.confirm, ReasonForm, "check", bulk=False, visible_if=_waits),
    )
    empty = _l("Emails to the customer also go to these addresses, save those about passwords and security.")

    def badges(self, row: ContactEmail) -> Sequence[Badge]:
        """Say that it gets nothing yet."""
        return (Badge(_("Waiting for confirmation"), "orange"),) if _waits(row) else ()
