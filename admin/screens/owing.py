"""Customers owing: whose account is not even, since when, and what it adds up to (feature 10)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from flask import g, redirect, request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from actions.core.base import Actor
from actions.ledgers import accounts
from actions.ledgers.ageing import BUCKETS, ageing, bucket_of, last_payment, who_is_late
from admin.layout import deferred_figures, formatters
from admin.reports import ageing as ages
from admin.screen.base import Screen
from admin.screen_spec.column_info import Condition, Field, label_of
from admin.screen_spec.declare import View
from admin.screen_spec.registry import registry
from admin.screens.customers import CustomerScreen
from admin.viewmodels.pages import Cell, Link, Text, Totals
from models.customer import Customer
from web.arguments import parse_id
from web.request import memo, session, shop, today

_LAST_PAYMENT = last_payment()
NO_PART_OF_SUMS = frozenset({"sort", "after", "before", "page_size", "totals"})
"""Arguments of a list that its totals do not depend on."""


def _bucket(view: Any, context: Any, row: Customer, name: str) -> Any:
    return ages.figure(getattr(g.ages[row.id], name), row.currency, name)


def _late(name: str, row: Customer) -> int:
    return int(getattr(g.ages[row.id], name))


def _paid(view: Any, context: Any, row: Customer, name: str) -> str | None:
    day = g.last_payments.get(row.id)
    return formatters.day(day, shop()) if day else None


def _paid_day(view: Any, context: Any, row: Customer, name: str) -> dt.date | None:
    day: dt.date | None = g.last_payments.get(row.id)
    return day


class OwingScreen(Screen):
    """The customers whose account balance is not zero, each with the age of what they owe."""

    model = Customer
    called = "owing"
    menu = "Operations"
    menu_label = _l("Receivables")
    icon = "receipt"
    empty = _l("Customers with a balance due, or in credit, are listed here.")
    column_list = (
        "sort_name", "account_type", "account_balance", *BUCKETS, "last_payment", "credit_limit", "currency",
        "payment_term", "pay_on_account", "sales_channel", "agent", "company_name", "account_code", "status",
    )  # fmt: skip
    column_hidden = column_list[11:]
    column_figures = (*BUCKETS, "last_payment")
    column_default_sort = ("account_balance", True)
    column_sort_expressions: ClassVar[Mapping[str, Sequence[Any]]] = {
        "sort_name": ("last_name_key", "first_name_key"),
        "last_payment": (_LAST_PAYMENT,),
        **{name: (bucket_of(name, today),) for name in BUCKETS},
    }
    column_searchable_list = CustomerScreen.column_searchable_list
    search_hint = CustomerScreen.search_hint
    column_filters = (
        "overdue", "account_type", "account_balance", "currency", "credit_limit", "payment_term", "pay_on_account",
        "sales_channel", "agent", "status", "account_code",
    )  # fmt: skip
    column_labels = CustomerScreen.column_labels | ages.WORDS
    column_formatters = {
        "sort_name": CustomerScreen.column_formatters["sort_name"],
        **dict.fromkeys(BUCKETS, _bucket),
        "last_payment": _paid,
    }
    column_formatters_export = {"last_payment": _paid_day}
    column_amounts: ClassVar[Mapping[str, Callable[[Any], int]]] = {
        name: partial(_late, name) for name in BUCKETS
    }
    column_beside = CustomerScreen.column_beside
    views = (
        View("owing", _l("Balance due"), {"account_balance__ge": "0.001"}),
        View("overdue", _l("Overdue"), {"overdue__eq": "1"}),
        View("in_credit", _l("In credit"), {"account_balance__le": "-0.001"}),
        View("all", _l("With a balance")),
    )
    can_delete = False
    has_totals = True

    def scope(self, statement: Select[Any], actor: Actor) -> Select[Any]:
        """Leave out the customers with whom we are even."""
        return statement.where(Customer.account_balance != 0)

    def field(self, name: str) -> Field:
        """Know the filter that is no column, whether something is past due; and that a day is no figure."""
        if name == "last_payment":
            return Field(name, "computed")
        return Field(name, "boolean", nullable=False) if name == "overdue" else super().field(name)

    def clause(self, condition: Condition) -> Any:
        """Work out from the ledger who is late."""
        if condition.field.name != "overdue":
            return super().clause(condition)
        late = Customer.id.in_(who_is_late(today()))
        return late if condition.value else ~late

    searches_keys = True

    def search_ids(self, word: str, most: int | None = None) -> Select[Any]:
        """Find a customer by anything that is theirs; of those who owe each is looked at."""
        return registry().screens["customer"].search_ids(word)

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join what the name shows."""
        return (
            registry().screens["customer"].eager([name for name in names if name not in self.column_figures])
        )

    def prepare(self, rows: Sequence[Any], names: Sequence[str], *, whole: bool = False) -> None:
        """Read how late these customers are, and when they last paid."""
        ids = [row.id for row in rows]
        if set(names) & set(BUCKETS):
            g.ages = ageing(session(), ids, today())
        if "last_payment" in names:
            g.last_payments = dict(
                session().execute(select(Customer.id, _LAST_PAYMENT).where(Customer.id.in_(ids))).all()
            )

    def row_url(self, endpoint: str, row_id: int) -> str:
        """Lead to the Account tab of the customer's own record."""
        if endpoint != "details_view":
            return super().row_url(endpoint, row_id)
        return f"{registry().screens['customer'].row_url(endpoint, row_id)}&tab=account_entry"

    @expose("/details/")
    def details_view(self) -> Any:
        """Lead to the Account tab of the customer's own record."""
        row = self.get_or_404(parse_id("id", request.args.get("id")))
        return redirect(self.row_url("details_view", row.id))

    def menu_links(self, row: Customer) -> Sequence[Link]:
        """Offer to take a payment right here."""
        ledger = registry().screens["account_entry"]
        if not ledger.offers("pay"):
            return ()
        base = memo("pay_url", lambda: ledger.url_to("act_view", verb="pay"))
        return (Link(_(accounts.pay.label), f"{base}?customer={row.id}", "plus", drawer=True),)

    def totals(self, statement: Select[Any]) -> Totals | None:
        """Add up by type and currency: amounts of different currencies are never added together (rule 2.1)."""
        query = {name: value for name, value in request.args.items() if name not in NO_PART_OF_SUMS}
        key = ("owing", tuple(sorted(query.items())))
        worked = deferred_figures.worked_out(key, lambda own: ages.sums(own, statement))
        lines = [(self._of_type(sums), _figures(sums)) for sums in worked.value or ()]
        headings = [str(word) for word in (_("Customers"), _("Owed"), *ages.WORDS.values(), _("In credit"))]
        if worked.value is not None and not lines:
            return None
        return Totals(_("Totals by type and currency"), headings, lines, worked.said)

    def _of_type(self, sums: ages.Sums) -> Cell:
        only = {"account_type__eq": sums.account_type.value, "currency__eq": sums.currency}
        url = self.url_to("index_view", view="all", **only)
        return Cell(f"{label_of(sums.account_type)}, {sums.currency}", url)


def _figures(sums: ages.Sums) -> list[Text]:
    money = partial(ages.figure, currency=sums.currency)
    late = [money(getattr(sums.by_age, name), name=name) for name in BUCKETS]
    return [
        formatters.number(sums.customers, shop()),
        money(sums.owed, name=""),
        *late,
        money(sums.in_credit, name=""),
    ]
