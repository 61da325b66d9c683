"""Loyalty entries: append-only. New adjusts points, and instead of Edit and Delete there is Reverse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask import request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload
from wtforms import Form, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from actions.ledgers import loyalty
from actions.ledgers import points_breakdown as lots
from admin.forms import form_fields, model_forms
from admin.forms.order_numbers import order_number
from admin.history import available_points
from admin.layout import formatters
from admin.reports import points_breakdown
from admin.screen.views import PERMISSION_OF
from admin.screen_spec.declare import RowAction
from admin.screen_spec.registry import registry
from admin.screens import shop_hooks, tastings
from admin.screens.ledgers import LedgerScreen, ReasonForm, balance_after
from admin.viewmodels.pages import Cell, Fact
from models.customer import Customer
from models.loyalty import LoyaltyEntry, LoyaltyKind, LoyaltyLot
from models.shop import Shop
from web.arguments import parse_id
from web.request import now, session, shop

PERMISSION_OF["lots_view"] = "list"

NEVER_REVERSED = (LoyaltyKind.REVERSAL, LoyaltyKind.EXPIRED)
EXPIRING_SOON = dt.timedelta(days=30)


class AdjustForm(Form):
    """Positive adds, negative redeems (features 68, 69, 71)."""

    customer = model_forms.related(Customer, "loyalty_entry", _l("Customer"))
    points = form_fields.WholeNumberField(
        _l("Points"),
        [InputRequired(_l("Enter the points."))],
        description=_l("Use a negative number to deduct points."),
    )
    comment = TextAreaField(
        _l("Why"), [InputRequired(_l("Enter a reason of at least 3 characters.")), Length(3, 500)]
    )
    expires_after_days = form_fields.WholeNumberField(
        _l("Points expire after (days)"),
        [Optional()],
        description=_l("1 to 3650. Leave blank if they never expire. Only for points added."),
    )
    order_ref = order_number(_l("The order these points are about, if any."))

    def prefill(self, shop: Shop, now: dt.datetime) -> None:
        """Offer the shop's own expiry."""
        self.expires_after_days.data = shop.points_expire_after_days


def _why(view: Any, context: Any, row: LoyaltyEntry, name: str) -> Any:
    return formatters.shorten(" · ".join(part for part in (row.order_ref, row.comment) if part))


def _unspent(view: Any, context: Any, row: LoyaltyEntry, name: str) -> Any:
    if row.lot is None:
        return None
    left = formatters.number(row.lot.unspent, shop())
    return Cell(left, sub=_("expired")) if row.lot.unspent and _is_past(row.lot) else left


def _unspent_figure(view: Any, context: Any, row: LoyaltyEntry, name: str) -> int | None:
    if row.lot is None:
        return None
    return 0 if _is_past(row.lot) else row.lot.unspent


def _is_past(lot: LoyaltyLot) -> bool:
    return lot.expires_at is not None and lot.expires_at <= now()


def _balance(view: Any, context: Any, row: LoyaltyEntry, name: str) -> Cell:
    return Cell(formatters.number(balance_after(row), shop()), view.row_url("lots_view", row.id))


def _balance_figure(view: Any, context: Any, row: LoyaltyEntry, name: str) -> int:
    return balance_after(row)


def _card(owner: Customer) -> Any:
    """Return the card, with the way to another one for users who may change it."""
    customers = registry().screens["customer"]
    card = owner.loyalty_code or formatters.nothing()
    if not (owner.is_live and customers.can("set_loyalty_card")):
        return card
    words = _("Change card") if owner.loyalty_code else _("Add card")
    return formatters.with_link_to_action(
        card, customers.url_to("act_view", verb="set_loyalty_card", id=owner.id), words
    )


class LoyaltyEntryScreen(LedgerScreen):
    """The history of points (feature 72)."""

    model = LoyaltyEntry
    icon = "gift"
    column_list = (
        "created_at", "customer", "kind", "comment", "points", "expires_at", "unspent", "balance", "actor_name",
    )  # fmt: skip
    column_figures = ("unspent", "balance")
    column_default_sort = ("created_at", True)
    column_searchable_list = ("customer", "comment", "order_ref")
    column_filters = ("customer", "kind", "points", "expires_at", "created_at", "order_ref", "actor_name")
    column_labels = {"comment": _l("Why")}
    column_formatters = {"comment": _why, "unspent": _unspent, "balance": _balance}
    column_formatters_export = {"unspent": _unspent_figure, "balance": _balance_figure}
    new_action = RowAction(loyalty.adjust, AdjustForm, "star", button=True)
    row_actions = (
        RowAction(
            loyalty.reverse, ReasonForm, "arrow-back-up",
            visible_if=lambda row: row.kind not in NEVER_REVERSED and row.reversed_by is None,
        ),
        *shop_hooks.LOYALTY,
    )  # fmt: skip
    empty = _l("Points earned, added manually and spent are listed here.")

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join the lot, which knows what is left of an entry."""
        return [*super().eager(names), joinedload(LoyaltyEntry.lot)]

    def facts(self, owner: Any) -> Sequence[Fact]:
        """What a customer has, what they are about to lose, and the card they show at the till."""
        if not isinstance(owner, Customer):
            return ()
        soon = loyalty.expiring(session(), owner.id, now(), now() + EXPIRING_SOON)
        return (
            self._available(owner),
            Fact(_("Expiring in 30 days"), Cell(formatters.expiring(soon, shop()))),
            Fact(_("Loyalty card"), Cell(_card(owner))),
            *self._tastings(owner),
        )

    def _lots_url(self, owner: Customer) -> str | None:
        last = session().scalar(lots.newest_entry(owner.id))
        return self.row_url("lots_view", last) if last is not None else None

    @expose("/lots/")
    def lots_view(self) -> str:
        """Show the lots that a balance was made of, right after an entry."""
        return points_breakdown.show(self, self.get_or_404(parse_id("id", request.args.get("id"))))

    def _available(self, owner: Customer) -> Fact:
        """What can be spent, whether or not the night has expired what is past its date (rule 1.4)."""
        there, past = loyalty.available(session(), owner.id, now()), available_points.past().get(owner.id, 0)
        said = _("%(points)s more have expired", points=formatters.number(past, shop())) if past else ""
        return Fact(
            _("Points available"), Cell(formatters.number(there, shop()), self._lots_url(owner), said)
        )

    def _tastings(self, owner: Customer) -> Sequence[Fact]:
        return (tastings.left_of(owner),) if registry().screens["tasting_entry"].can("list") else ()
