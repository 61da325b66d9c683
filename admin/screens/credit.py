"""Gift-card credit: what redeemed cards have left, as an append-only ledger that never goes below zero."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Form, TextAreaField
from wtforms.validators import InputRequired, Length

from actions.ledgers import credit
from admin.forms import form_fields, model_forms
from admin.layout import formatters
from admin.screen_spec.declare import RowAction
from admin.screens import gift_cards, shop_hooks
from admin.screens.ledgers import LedgerScreen, ReasonForm, balance_after
from admin.viewmodels.pages import Cell, Fact
from models.credit import CreditEntry, CreditKind
from models.customer import Customer
from web.request import shop


class CreditForm(Form):
    """A signed edit of the balance (feature 77)."""

    customer = model_forms.related(Customer, "credit_entry", _l("Customer"))
    amount = form_fields.MoneyField(
        _l("Amount"),
        [InputRequired(_l("Enter the amount."))],
        description=_l("Use a negative amount to deduct credit."),
        signed=True,
    )
    comment = TextAreaField(
        _l("Why"), [InputRequired(_l("Enter a reason of at least 3 characters.")), Length(3, 500)]
    )


class CreditEntryScreen(LedgerScreen):
    """The history of gift-card credit."""

    model = CreditEntry
    icon = "wallet"
    column_list = (
        "created_at", "customer", "kind", "amount", "balance", "comment", "code_last4", "order_ref", "actor_name",
    )  # fmt: skip
    column_hidden = ("order_ref",)
    column_default_sort = ("created_at", True)
    column_searchable_list = ("customer", "comment", "order_ref")
    column_labels = {"comment": _l("Why")}
    column_amounts: ClassVar[Mapping[str, Callable[[Any], int]]] = {"balance": balance_after}
    new_action = RowAction(credit.adjust, CreditForm, "plus")
    row_actions = (
        gift_cards.REDEEM,
        RowAction(
            credit.reverse, ReasonForm, "arrow-back-up",
            visible_if=lambda row: row.kind != CreditKind.REVERSAL and row.reversed_by is None,
        ),
        *shop_hooks.CREDIT,
    )  # fmt: skip
    empty = _l("Credit from gift cards redeemed to an account is listed here.")

    def facts(self, owner: Any) -> Sequence[Fact]:
        """What is left of the cards a customer redeemed."""
        if not isinstance(owner, Customer):
            return ()
        return (Fact(_("Balance"), Cell(formatters.money(owner.credit_balance, owner.currency, shop()))),)
