"""Saved cards of customers. A shop saves them with the payment provider's token; nobody types one here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Form, StringField
from wtforms.validators import InputRequired, Length

from actions.customers import saved_cards
from admin.forms import form_fields
from admin.layout import formatters
from admin.screen.base import Screen
from admin.screen_spec.declare import NoForm, RowAction, View
from admin.screens.shop_hooks import customer
from admin.viewmodels.pages import Badge
from models.saved_card import SavedCard
from web.request import today

HIDDEN = {"autocomplete": "off", "spellcheck": "false"}


def _number(label: Any, message: Any, **options: Any) -> form_fields.WholeNumberField:
    return form_fields.WholeNumberField(label, [InputRequired(message)], **options)


class ExpiryForm(Form):
    """Until when a card is good."""

    expiry_month = _number(_l("Month"), _l("Enter a month from 1 to 12."))
    expiry_year = _number(_l("Year"), _l("Enter a year such as 2029."))


class StoreForm(ExpiryForm):
    """A card that a payment provider has."""

    customer = customer("saved_card")
    provider = StringField(_l("Payment provider"), [InputRequired(_l("Name the provider.")), Length(max=40)])
    token = StringField(
        _l("Token"),
        [InputRequired(_l("Enter the provider's token.")), Length(max=saved_cards.LONGEST_TOKEN)],
        description=_l("The provider's token of the card, never the number of the card."),
        render_kw=HIDDEN,
    )
    brand = StringField(_l("Brand"), [InputRequired(_l("Name the brand.")), Length(max=40)])
    last_four = StringField(_l("Last four digits"), [InputRequired(_l("Enter the last four digits."))])
    is_default = BooleanField(_l("Default"))


def expiry_words(row: SavedCard) -> str:
    """Return until when a card is good, or that it is no longer."""
    if row.has_expired(today()):
        return _("Expired %(month)s", month=row.expires)
    return _("Expires %(month)s", month=row.expires)


def _expiry(view: Any, context: Any, row: SavedCard, name: str) -> Any:
    words = expiry_words(row)
    return formatters.badge(Badge(words, "orange")) if row.has_expired(today()) else words


def _expiry_text(view: Any, context: Any, row: SavedCard, name: str) -> str:
    return expiry_words(row)


def _ending(view: Any, context: Any, row: SavedCard, name: str) -> str:
    return row.ending


class SavedCardScreen(Screen):
    """Cards that customers have saved: the end of each, never its number or its token."""

    model = SavedCard
    icon = "credit-card"
    column_list = (
        "customer", "brand", "last_four", "expires", "is_default", "provider", "expiry_month", "expiry_year",
        "created_at",
    )  # fmt: skip
    column_hidden = column_list[5:]
    column_default_sort = "customer"
    column_searchable_list = ("customer", "last_four")
    column_filters = (
        "customer", "brand", "last_four", "is_default", "provider", "expiry_month", "expiry_year", "created_at",
    )  # fmt: skip
    column_labels = {"expires": _l("Expiry"), "is_default": _l("Default"), "created_at": _l("Saved")}
    column_formatters = {"last_four": _ending, "expires": _expiry}
    column_formatters_export = {"expires": _expiry_text}
    column_sort_expressions = {"expires": ("expiry_year", "expiry_month")}
    can_create = can_edit = False
    views = (View("all", _l("All")), View("default", _l("Default cards"), {"is_default__eq": "1"}))
    row_actions = (
        RowAction(
            saved_cards.make_default, NoForm, "star", visible_if=lambda row: not row.is_default, bulk=False
        ),
        RowAction(saved_cards.set_expiry, ExpiryForm, "calendar", from_row=True, bulk=False),
        RowAction(saved_cards.store, StoreForm, menu=False),
    )
    empty = _l("Cards that customers save when they pay are listed here, by their last four digits.")

    def badges(self, row: SavedCard) -> Sequence[Badge]:
        """Say which is charged, and which cannot be any more."""
        found = [Badge(_("Default"), "green")] if row.is_default else []
        return [*found, Badge(_("Expired"), "orange")] if row.has_expired(today()) else found
