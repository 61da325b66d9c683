"""Gift cards: who may issue and void them does so here; they are redeemed on a customer's Credit tab."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload
from wtforms import Form, StringField
from wtforms.validators import InputRequired, Length, Optional

from actions.ledgers import gift_cards
from admin.forms import form_fields
from admin.forms.fast_select import ListedField
from admin.layout import formatters
from admin.listing.columns import related_cell
from admin.screen.base import Screen
from admin.screen_spec.declare import RowAction, View
from admin.screens.ledgers import ReasonForm
from admin.screens.shop_hooks import customer
from admin.viewmodels.pages import Badge
from models import places
from models.credit import CreditEntry
from models.gift_card import CardState, GiftCard
from models.shop import Shop
from web.request import now, shop, today

LONGEST_TYPED = 64
"""Characters of a code with all its blanks and dashes."""
PLAIN = {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
"""A browser neither keeps a code nor corrects it."""
COLOURS = {CardState.OPEN: "green", CardState.REDEEMED: "secondary", CardState.VOIDED: "orange"}


class RedeemForm(Form):
    """A card that is credited to an account."""

    customer = customer("credit_entry")
    code = StringField(
        _l("Code"),
        [InputRequired(_l("Enter the code of the card.")), Length(max=LONGEST_TYPED)],
        description=_l("Scan or type it. Spaces, hyphens and capitals are ignored."),
        render_kw=PLAIN,
    )


class IssueForm(Form):
    """A new card."""

    amount = form_fields.MoneyField(_l("Amount"), [InputRequired(_l("Enter the amount."))])
    currency = ListedField(
        _l("Currency"),
        choices=lambda: places.currency_choices(shop().locale),
        default=lambda: shop().currency,
    )
    expires_on = form_fields.DayField(
        _l("Valid until"),
        [Optional()],
        description=_l("The last day it can be redeemed. Leave blank for no end date."),
    )
    code = StringField(
        _l("Code"),
        [Optional(), Length(max=LONGEST_TYPED)],
        description=_l("The code of a printed card. Leave blank to create one; it is shown only once."),
        render_kw=PLAIN,
    )

    def prefill(self, shop: Shop, now: dt.datetime) -> None:
        """Offer the shop's own currency."""
        self.currency.data = shop.currency


def _ending(view: Any, context: Any, row: GiftCard, name: str) -> str:
    return str(row)


def _state(view: Any, context: Any, row: GiftCard, name: str) -> Any:
    expired = row.state == CardState.OPEN and _is_over(row)
    return formatters.badge(Badge(_("Expired"), "yellow") if expired else _badge(row))


def _badge(row: GiftCard) -> Badge:
    return Badge(_(row.state.label), COLOURS[row.state])


def _is_over(row: GiftCard) -> bool:
    return row.expires_on is not None and row.expires_on < today()


def _state_text(view: Any, context: Any, row: GiftCard, name: str) -> str:
    return _("Expired") if row.state == CardState.OPEN and _is_over(row) else _(row.state.label)


def _redeemed_by(view: Any, context: Any, row: GiftCard, name: str) -> Any:
    return related_cell(row.redeemed_by)


def _redeemed_at(view: Any, context: Any, row: GiftCard, name: str) -> Any:
    return formatters.moment(row.redeemed_at, now(), shop()) if row.redeemed_at is not None else None


class GiftCardScreen(Screen):
    """Every card there is, by the end of its code."""

    model = GiftCard
    icon = "gift-card"
    column_list = (
        "last4", "amount", "state", "redeemed_by", "redeemed_at", "created_at", "expires_on", "voided_at",
        "redeemed_entry", "currency",
    )  # fmt: skip
    column_hidden = ("voided_at", "redeemed_entry", "currency")
    column_default_sort = ("created_at", True)
    column_searchable_list = ("last4",)
    column_filters = ("last4", "amount", "currency", "expires_on", "created_at", "voided_at")
    column_labels = {"created_at": _l("Issued")}
    column_formatters = {
        "last4": _ending, "state": _state, "redeemed_by": _redeemed_by, "redeemed_at": _redeemed_at,
    }  # fmt: skip
    column_customers = ("redeemed_by",)
    column_formatters_export = {"state": _state_text}
    views = (
        View("open", _l("Not redeemed"), {"redeemed_entry__empty": "1", "voided_at__empty": "1"}),
        View("redeemed", _l("Redeemed"), {"redeemed_entry__empty": "0"}),
        View("voided", _l("Voided"), {"voided_at__empty": "0"}),
        View("all", _l("All")),
    )
    new_action = RowAction(
        gift_cards.issue,
        IssueForm,
        "plus",
        intro=_l(
            "The code is shown only once, after you issue the card. Print it or write it down. Only the last "
            "characters are kept."
        ),
    )
    row_actions = (
        RowAction(gift_cards.void, ReasonForm, "ban", visible_if=lambda row: row.state == CardState.OPEN),
    )
    empty = _l("Gift cards you issue, and those your shop reports, are listed here.")

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join who redeemed each card."""
        return [*super().eager(names), joinedload(GiftCard.redeemed_entry).joinedload(CreditEntry.customer)]

    def badges(self, row: GiftCard) -> Sequence[Badge]:
        """Say what has become of it."""
        return (_badge(row),)


REDEEM = RowAction(gift_cards.redeem_code, RedeemForm, "gift-card")
