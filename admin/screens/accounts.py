"""The customer account: payments, refunds and invoices. Append-only; a mistake is voided by one reversing entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.orm import joinedload

from actions.customers import customers
from actions.ledgers import accounts
from actions.ledgers.ageing import ageing
from admin.layout import formatters
from admin.reports import ageing as ages
from admin.reports import statements
from admin.screen.base import Screen
from admin.screen_spec.declare import RowAction, View
from admin.screen_spec.registry import registry
from admin.screens import accounting, shop_hooks
from admin.screens.account_forms import InvoiceForm, PaymentForm
from admin.screens.ledgers import LedgerScreen, ReasonForm, balance_after
from admin.viewmodels.pages import Badge, Cell, Fact, Link
from models.account import AccountEntry, AccountKind, Invoice
from models.customer import Customer
from web.request import session, shop, today


def _kind(view: Any, context: Any, row: AccountEntry, name: str) -> Any:
    return Markup("{} {}").format(
        formatters.choice(row.kind), formatters.badge(Badge(_("voided"), "orange")) if row.reversed_by else ""
    )


class AccountEntryScreen(LedgerScreen):
    """Everything that moved an account balance (features 64, 65)."""

    model = AccountEntry
    menu_label = _l("Account payments")
    icon = "credit-card"
    column_list = (
        "created_at", "value_date", "customer", "kind", "amount", "balance", "method", "reference", "invoice",
        "comment", "actor_name", "external_ref",
    )  # fmt: skip
    column_hidden = ("created_at", "external_ref")
    column_default_sort = ("value_date", True)
    column_searchable_list = ("customer", "reference", "comment", "external_ref")
    column_labels = {"created_at": _l("Entered")}
    column_formatters = {"kind": _kind}
    column_amounts: ClassVar[Mapping[str, Callable[[Any], int]]] = {"balance": balance_after}
    column_words: ClassVar[Mapping[str, Callable[[int], str]]] = {"balance": formatters.balance_word}
    views = (
        View("all", _l("All entries")),
        View("payments", _l("Payments"), {"kind__eq": "payment"}),
        View("refunds", _l("Refunds"), {"kind__eq": "refund"}),
    )
    new_action = RowAction(accounts.pay, PaymentForm, "cash", button=True, available=accounting.kept_here)
    row_actions = (
        RowAction(accounts.refund, PaymentForm, "arrow-back-up", available=accounting.kept_here),
        RowAction(
            accounts.void, ReasonForm, "x", available=accounting.kept_here,
            visible_if=lambda row: row.kind in (AccountKind.PAYMENT, AccountKind.REFUND) and row.reversed_by is None,
        ),
        *shop_hooks.ACCOUNT,
    )  # fmt: skip
    empty = _l("Payments, refunds and invoices on account are listed here.")

    def facts(self, owner: Any) -> Sequence[Fact]:
        """What the customer owes and since when, and what was agreed about it (feature 62)."""
        if not isinstance(owner, Customer):
            return ()
        day = today()
        owed = ageing(session(), [owner.id], day)[owner.id]
        balance = formatters.balance(owner.account_balance, owner.currency, shop())
        terms = str(owner.payment_term) if owner.payment_term else formatters.nothing()
        return (
            Fact(_("Balance"), Cell(balance if owner.account_balance else _("Nothing owed"))),
            Fact(_("Credit account"), Cell(_("Enabled") if owner.pay_on_account else _("Not enabled"))),
            Fact(_("Credit limit"), _limit(owner)),
            Fact(_("Payment terms"), Cell(terms)),
            Fact(
                _("Ageing on %(day)s", day=formatters.day(day, shop())),
                Cell(ages.strip(owed, owner.currency)),
                _("Payments settle the oldest invoice first."),
                wide=True,
            ),
            *accounting.facts(owner),
        )

    def tab_links(self, owner: Any) -> Sequence[Link]:
        """Lead to the statement; offer invoices, and on what terms, without leaving the tab (features 63, 64)."""
        if not isinstance(owner, Customer):
            return ()
        invoices, people = registry().screens["invoice"], registry().screens["customer"]
        found = [statements.link(people, owner)]
        if not owner.is_live:
            return found
        if invoices.offers("raise", owner):
            url = invoices.url_to("act_view", verb="raise", customer=owner.id)
            found.append(Link(_(accounts.raise_invoice.label), url, "receipt", drawer=True))
        if people.offers("set_pay_on_account"):
            url = people.url_to("act_view", verb="set_pay_on_account", id=owner.id)
            found.append(Link(_(customers.set_pay_on_account.label), url, "pencil", drawer=True))
        return found

    def menu_links(self, row: AccountEntry) -> Sequence[Link]:
        """Offer to void the invoice behind an entry, which is not voided by itself (rule 2.4)."""
        invoices = registry().screens["invoice"]
        if row.kind != AccountKind.INVOICE or row.reversed_by is not None or not invoices.offers("void"):
            return ()
        url = invoices.url_to("act_view", verb="void", id=row.invoice_id)
        return (Link(_(accounts.void_invoice.label), url, "x", drawer=True),)


def _limit(owner: Customer) -> Cell:
    """Return how much may be owed in all, and how much more."""
    if owner.credit_limit is None:
        return Cell(_("No limit"))
    left = max(0, owner.credit_limit - owner.account_balance)
    limit, rest = (formatters.money(minor, owner.currency, shop()) for minor in (owner.credit_limit, left))
    return Cell(limit, sub=_("%(amount)s available", amount=rest))


def _voided(view: Any, context: Any, row: Invoice, name: str) -> Any:
    return Markup("{} {}").format(
        row.number, formatters.badge(Badge(_("voided"), "orange")) if row.voided else ""
    )


class InvoiceScreen(Screen):
    """Invoices on account (feature 64)."""

    model = Invoice
    icon = "receipt"
    column_list = (
        "number", "customer", "issued_on", "due_on", "amount", "comment", "order_ref", "actor_name", "created_at",
    )  # fmt: skip
    column_hidden = ("order_ref", "actor_name", "created_at")
    column_default_sort = ("issued_on", True)
    column_searchable_list = ("number", "customer", "comment", "order_ref")
    column_labels = {"comment": _l("Description"), "created_at": _l("Entered")}
    column_formatters = {"number": _voided}
    new_action = RowAction(accounts.raise_invoice, InvoiceForm, "plus", available=accounting.kept_here)
    row_actions = (
        RowAction(
            accounts.void_invoice, ReasonForm, "x",
            available=accounting.kept_here, visible_if=lambda row: not row.voided,
        ),
        *shop_hooks.INVOICE,
    )  # fmt: skip
    empty = _l("Invoices on account are listed here.")

    def eager(self, names: Any) -> Any:
        """Join the entry and its reversal, which tell a voided invoice."""
        return [*super().eager(names), joinedload(Invoice.entry).joinedload(AccountEntry.reversed_by)]
