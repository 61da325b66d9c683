"""Free tastings: one entry a use, counted by calendar year (feature 76). Entries are reversed, never edited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Form, TextAreaField
from wtforms.validators import Length, Optional

from actions.ledgers import tastings
from admin.forms import model_forms
from admin.forms.order_numbers import order_number
from admin.layout import formatters
from admin.screen_spec.declare import RowAction
from admin.screen_spec.registry import registry
from admin.screens.ledgers import LedgerScreen, ReasonForm
from admin.viewmodels.pages import Cell, Fact
from models.customer import Customer
from models.tasting import TastingEntry, TastingKind
from web.request import now, session, shop


class UseForm(Form):
    """Who uses one, and with what."""

    customer = model_forms.related(Customer, "tasting_entry", _l("Customer"))
    order_ref = order_number(_l("The related order or booking, if any."))
    comment = TextAreaField(_l("Comment"), [Optional(), Length(max=500)])


def left_of(owner: Customer) -> Fact:
    """Return how many free tastings a customer has left this year, and of how many."""
    year = tastings.year_of(now(), shop())
    there = tastings.tastings(session(), owner, year)
    figure = formatters.number(there.left, shop())
    if not there.allowed and not there.used:
        figure = formatters.nothing()
        said = _("No tastings in this class") if owner.customer_class_id else _("No class")
    else:
        said = _("%(used)s of %(allowed)s used", used=there.used, allowed=there.allowed)
    return Fact(
        _("Free tastings left in %(year)s", year=year), Cell(_with_use(owner, figure, there), sub=said)
    )


def _with_use(owner: Customer, figure: Any, there: tastings.Tastings) -> Any:
    """Return what is left, with the way to use one for users who may."""
    screen = registry().screens["tasting_entry"]
    if not (there.left and screen.offers("use", owner)):
        return figure
    url = screen.url_to("act_view", verb="use", customer=owner.id)
    return formatters.with_link_to_action(figure, url, _("Use one"))


class TastingEntryScreen(LedgerScreen):
    """The free tastings that were used, and what was taken back."""

    model = TastingEntry
    icon = "glass-full"
    column_list = ("created_at", "customer", "kind", "year", "order_ref", "comment", "actor_name")
    column_figures: ClassVar[Sequence[str]] = ()
    column_default_sort = ("created_at", True)
    column_searchable_list = ("customer", "comment", "order_ref")
    new_action = RowAction(tastings.use, UseForm, "plus")
    row_actions = (
        RowAction(
            tastings.reverse, ReasonForm, "arrow-back-up",
            visible_if=lambda row: row.kind != TastingKind.REVERSAL and row.reversed_by is None,
        ),
    )  # fmt: skip
    empty = _l("The free tastings that a customer used are listed here.")

    def facts(self, owner: Any) -> Sequence[Fact]:
        """What is left this year."""
        return (left_of(owner),) if isinstance(owner, Customer) else ()
