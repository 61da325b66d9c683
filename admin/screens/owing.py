"""Customers owing: whose account is not even, since when, and what it adds up to (F10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from flask import g, redirect, request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from actions import accounts
from actions.ageing import BUCKETS, ageing, bucket_of, last_payment, who_is_late
from actions.base import Actor
from admin import ages, cells
from admin.base import Screen
from admin.context import clientele, memo, session, shop, today
from admin.declare import View
from admin.fields import Field, label_of
from admin.pages import Cell, Link, Text, Totals
from admin.query import Condition, parse_id
from admin.screens.customers import CustomerScreen
from models import figures
from models.customer import Customer

_LAST_PAYMENT = last_payment()


def _bucket(view: Any, context: Any, row: Customer, name: str) -> Any:
    return ages.figure(getattr(g.ages[row.id], name), row.currency, name)


def _bucket_figure(view: Any, context: Any, row: Customer, name: str) -> Any:
    return figures.major(getattr(g.ages[row.id], name), row.currency)


def _paid(view: Any, context: Any, row: Customer, name: str) -> str | None:
    day = g.last_payments.get(row.id)
    return cells.day(day, shop()) if day else None


def _paid_text(view: Any, context: Any, row: Customer, name: str) -> str:
    day = g.last_payments.get(row.id)
    return day.isoformat() if day else ""


class OwingScreen(Screen):
    """The customers whose account balance is not zero, each with the age of what they owe."""

    model = Customer
    called = "owing"
    menu = "Operations"
    menu_label = _l("Customers owing")
    icon = "receipt"
    empty = _l("Customers who owe something, or are in credit, are listed here.")
    column_list = (
        "sort_name", "account_type", "account_balance", *BUCKETS, "last_payment", "credit_limit", "currency",
        "payment_term", "pay_on_account", "sales_channel", "agent", "company_name", "account_code", "status",
    )  # fmt: skip
    column_hidden = column_list[11:]
    column_figures = (*BUCKETS, "last_payment")
    column_default_sort = ("account_balance", True)
    column_sort_expressions: ClassVar[Mapping[str, Sequence[Any]]] = {
        "sort_name": ("last_name_key", "first_name_key"),
        "company_name": ("company_key",),
        "last_payment": (_LAST_PAYMENT,),
        **{name: (bucket_of(name, today),) for name in BUCKETS},
    }
    column_searchable_list = CustomerScreen.column_searchable_list
    search_hint = CustomerScreen.search_hint
    column_filters = (
        "overdue", "account_type", "account_balance", "currency", "credit_limit", "payment_term", "pay_on_account",
        "sales_channel", "agent", "status", "account_code",
    )  # fmt: skip
    column_labels = {**CustomerScreen.column_labels, **ages.WORDS, "last_payment": _l("Last payment")}
    column_formatters = {
        **{name: CustomerScreen.column_formatters[name] for name in ("sort_name", "account_balance")},
        **dict.fromkeys(BUCKETS, _bucket),
        "last_payment": _paid,
    }
    column_formatters_export = {
        "account_balance": CustomerScreen.column_formatters_export["account_balance"],
        **dict.fromkeys(BUCKETS, _bucket_figure),
        "last_payment": _paid_text,
    }
    views = (
        View("owing", _l("Owing"), {"account_balance__ge": "0.001"}),
        View("overdue", _l("Overdue"), {"overdue__eq": "1"}),
        View("in_credit", _l("In credit"), {"account_balance__le": "-0.001"}),
        View("all", _l("With a balance")),
    )
    can_delete = False

    def scope(self, statement: Select[Any], actor: Actor) -> Select[Any]:
        """Leave out the customers with whom we are even."""
        return statement.where(Customer.account_balance != 0)

    def field(self, name: str) -> Field:
        """Know the filter that is no column: whether something is past due."""
        return Field(name, "boolean", nullable=False) if name == "overdue" else super().field(name)

    def clause(self, condition: Condition) -> Any:
        """Work out from the ledger who is late."""
        if condition.field.name != "overdue":
            return super().clause(condition)
        late = Customer.id.in_(who_is_late(today()))
        return late if condition.value else ~late

    def search_clause(self, word: str) -> Any:
        """Find a customer by anything that is theirs."""
        return clientele().screens["customer"].search_clause(word)

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join what the name shows."""
        return (
            clientele().screens["customer"].eager([name for name in names if name not in self.column_figures])
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
        return f"{clientele().screens['customer'].row_url(endpoint, row_id)}&tab=account_entry"

    @expose("/details/")
    def details_view(self) -> Any:
        """Lead to the Account tab of the customer's own record."""
        row = self.get_or_404(parse_id("id", request.args.get("id")))
        return redirect(self.row_url("details_view", row.id))

    def menu_links(self, row: Customer) -> Sequence[Link]:
        """Offer to take a payment right here."""
        ledger = clientele().screens["account_entry"]
        if not ledger.offers("pay"):
            return ()
        base = memo("pay_url", lambda: ledger.url_to("act_view", verb="pay"))
        return (Link(_(accounts.pay.label), f"{base}?customer={row.id}", "plus", drawer=True),)

    def totals(self, statement: Select[Any]) -> Totals | None:
        """Add up by type and currency: amounts of different currencies are never added together (rule 2.1)."""
        lines = [(self._of_type(sums), _figures(sums)) for sums in ages.sums(session(), statement)]
        headings = [str(word) for word in (_("Customers"), _("Owed"), *ages.WORDS.values(), _("In credit"))]
        return Totals(_("Totals by type and currency"), headings, lines) if lines else None

    def _of_type(self, sums: ages.Sums) -> Cell:
        only = {"account_type__eq": sums.account_type.value, "currency__eq": sums.currency}
        url = self.url_to("index_view", view="all", **only)
        return Cell(f"{label_of(sums.account_type)}, {sums.currency}", url)


def _figures(sums: ages.Sums) -> list[Text]:
    money = partial(ages.figure, currency=sums.currency)
    late = [money(getattr(sums.by_age, name), name=name) for name in BUCKETS]
    return [
        cells.number(sums.customers, shop()),
        money(sums.owed, name=""),
        *late,
        money(sums.in_credit, name=""),
    ]
