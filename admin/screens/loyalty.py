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

from actions import lots, loyalty
from admin import cells, forms, inputs, lot_pages
from admin.context import clientele, now, session, shop
from admin.declare import RowAction
from admin.order_numbers import order_number
from admin.pages import Cell, Fact
from admin.query import parse_id
from admin.screens import shop_hooks, tastings
from admin.screens.ledgers import LedgerScreen, ReasonForm, balance_after
from admin.views import PERMISSION_OF
from models.customer import Customer
from models.loyalty import LoyaltyEntry, LoyaltyKind
from models.shop import Shop

PERMISSION_OF["lots_view"] = "list"

LAPSING_SOON = dt.timedelta(days=30)


class AdjustForm(Form):
    """Positive adds, negative redeems (F68, F69, F71)."""

    customer = forms.related(Customer, "loyalty_entry", _l("Customer"))
    points = inputs.WholeNumberField(
        _l("Points"),
        [InputRequired(_l("Enter the points."))],
        description=_l("120 adds points, −120 redeems them."),
    )
    comment = TextAreaField(
        _l("Why"), [InputRequired(_l("Say why, in at least 3 characters.")), Length(3, 500)]
    )
    expires_after_days = inputs.WholeNumberField(
        _l("Points expire after (days)"),
        [Optional()],
        description=_l("1 to 3650. Empty means never. Only for points added."),
    )
    order_ref = order_number(_l("The order these points are about, if any."))

    def prefill(self, shop: Shop, now: dt.datetime) -> None:
        """Offer the shop's own expiry."""
        self.expires_after_days.data = shop.points_expire_after_days


def _points(view: Any, context: Any, row: LoyaltyEntry, name: str) -> Any:
    return cells.signed(row.points, shop())


def _why(view: Any, context: Any, row: LoyaltyEntry, name: str) -> Any:
    return cells.shorten(" · ".join(part for part in (row.order_ref, row.comment) if part))


def _unspent(view: Any, context: Any, row: LoyaltyEntry, name: str) -> Any:
    return cells.number(row.lot.unspent, shop()) if row.lot else None


def _unspent_figure(view: Any, context: Any, row: LoyaltyEntry, name: str) -> int | None:
    return row.lot.unspent if row.lot else None


def _balance(view: Any, context: Any, row: LoyaltyEntry, name: str) -> Cell:
    return Cell(cells.number(balance_after(row), shop()), view.row_url("lots_view", row.id))


def _balance_figure(view: Any, context: Any, row: LoyaltyEntry, name: str) -> int:
    return balance_after(row)


def _card(owner: Customer) -> Any:
    """Return the card, with the way to another one for who may change it."""
    customers = clientele().screens["customer"]
    card = owner.loyalty_code or cells.nothing()
    if not (owner.is_live and customers.can("set_loyalty_card")):
        return card
    words = _("Change card") if owner.loyalty_code else _("Add card")
    return cells.with_deed(card, customers.url_to("act_view", verb="set_loyalty_card", id=owner.id), words)


class LoyaltyEntryScreen(LedgerScreen):
    """The history of points (F72)."""

    model = LoyaltyEntry
    icon = "gift"
    column_list = (
        "created_at", "customer", "kind", "comment", "points", "expires_at", "unspent", "balance", "actor_name",
    )  # fmt: skip
    column_figures = ("unspent", "balance")
    column_default_sort = ("created_at", True)
    column_searchable_list = ("customer", "comment", "order_ref")
    column_filters = ("customer", "kind", "points", "expires_at", "created_at", "order_ref", "actor_name")
    column_labels = {
        "created_at": _l("Date"), "comment": _l("Why"), "expires_at": _l("Expires"),
        "actor_name": _l("By"), "order_ref": _l("Order"),
    }  # fmt: skip
    column_formatters = {"points": _points, "comment": _why, "unspent": _unspent, "balance": _balance}
    column_formatters_export = {"unspent": _unspent_figure, "balance": _balance_figure}
    new_action = RowAction(loyalty.adjust, AdjustForm, "plus")
    row_actions = (
        RowAction(
            loyalty.reverse, ReasonForm, "arrow-back-up",
            when=lambda row: row.kind not in (LoyaltyKind.REVERSAL, LoyaltyKind.EXPIRED) and row.reversed_by is None,
        ),
        *shop_hooks.LOYALTY,
    )  # fmt: skip
    empty = _l("Points earned, given by hand and spent are listed here.")

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join the lot, which knows what is left of an entry."""
        return [*super().eager(names), joinedload(LoyaltyEntry.lot)]

    def facts(self, owner: Any) -> Sequence[Fact]:
        """What a customer has, what they are about to lose, and the card they show at the till."""
        if not isinstance(owner, Customer):
            return ()
        soon = loyalty.lapsing(session(), owner.id, now(), now() + LAPSING_SOON)
        return (
            Fact(_("Points"), Cell(cells.number(owner.points, shop()), self._lots_url(owner))),
            *self._available(owner),
            Fact(_("Lapsing in 30 days"), Cell(cells.lapsing(soon, shop()))),
            Fact(_("Loyalty card"), Cell(_card(owner))),
            *self._tastings(owner),
        )

    def _lots_url(self, owner: Customer) -> str | None:
        last = session().scalar(lots.newest_entry(owner.id))
        return self.row_url("lots_view", last) if last is not None else None

    @expose("/lots/")
    def lots_view(self) -> str:
        """Show the lots that a balance was made of, right after an entry."""
        return lot_pages.show(self, self.get_or_404(parse_id("id", request.args.get("id"))))

    def _available(self, owner: Customer) -> Sequence[Fact]:
        """What can be spent, whether or not the night has lapsed what is past its date (rule 1.4)."""
        there = loyalty.available(session(), owner.id, now())
        past = owner.points - there
        said = _("%(points)s are past their date", points=cells.number(past, shop())) if past else ""
        return (Fact(_("Available now"), Cell(cells.number(there, shop()), sub=said)),)

    def _tastings(self, owner: Customer) -> Sequence[Fact]:
        return (tastings.left_of(owner),) if clientele().screens["tasting_entry"].can("list") else ()
