"""What a preview says of new ledger rows: each balance before and after in words, and what follows from it.

What would happen was taken back by the time it is shown, so the request's session has the balances from before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from actions.execution.preview import RowChange
from actions.ledgers import ageing
from actions.ledgers.balances import FIGURES
from admin.history import ledger_changes
from admin.layout import formatters
from admin.screen_spec.column_info import label_of
from admin.viewmodels.pages import FieldChange, Text
from models.account import AccountEntry, AccountKind, Invoice
from models.credit import CreditEntry, CreditKind
from models.customer import Customer
from models.loyalty import LoyaltyEntry, LoyaltyKind
from models.tasting import TastingEntry, TastingKind
from web.request import session, shop

LEDGERS = {model.__tablename__: model for model in FIGURES}
MOST_INVOICES = 5
"""Invoices named that a payment settles; the rest are counted."""


class Entered:
    """The new ledger rows of a preview, in the order in which they are written."""

    def __init__(self, rows: Sequence[RowChange]) -> None:
        entered = [row for row in rows if row.kind == "entered"]
        ours = [row for row in entered if row.table in LEDGERS]
        people = self._people({row.after["customer_id"] for row in entered})
        balances = self._balances(people)
        self._names = {person.id: str(person) for person in people} if len(people) > 1 else {}
        self._changes: dict[int, list[FieldChange]] = {}
        for row in ours:
            place = row.table, row.after["customer_id"]
            moved = _moved(row)
            self._changes[id(row)] = [
                ledger_changes.movement(moved, balances[place]),
                *_more(row, balances[place]),
            ]
            balances[place] += moved.figure

    @staticmethod
    def _people(ids: set[int]) -> Sequence[Customer]:
        return session().scalars(select(Customer).where(Customer.id.in_(ids))).all() if ids else ()

    @staticmethod
    def _balances(people: Sequence[Customer]) -> dict[tuple[str, int], int]:
        return {
            (model.__tablename__, row.id): getattr(row, cached.key)
            for row in people
            for model, (_figure, cached) in FIGURES.items()
        }

    def changes(self, row: RowChange) -> Sequence[FieldChange]:
        """Return what one row says."""
        if row.table == TastingEntry.__tablename__:
            return [ledger_changes.tasting(used=row.after["kind"] == TastingKind.USED.value)]
        if row.table == Invoice.__tablename__:
            return _invoice(row)
        return self._changes.get(id(row), ())

    def title(self, row: RowChange) -> Text:
        """Return what a row is called before it has a number: its kind, and whose it is where there are several."""
        whose = self._names.get(row.after["customer_id"])
        return _title(row) if whose is None else f"{_title(row)} · {whose}"


def _title(row: RowChange) -> Text:
    kinds: dict[Any, Any] = {AccountEntry: AccountKind, CreditEntry: CreditKind, LoyaltyEntry: LoyaltyKind}
    model = LEDGERS.get(row.table)
    return label_of(kinds[model](row.after["kind"])) if model is not None else row.label


def _moved(row: RowChange) -> ledger_changes.Moved:
    figure = row.after["points"] if "points" in row.after else row.after["amount"]
    return ledger_changes.Moved(LEDGERS[row.table], row.after["kind"], figure, row.after.get("currency", ""))


def _more(row: RowChange, before: int) -> list[FieldChange]:
    if row.table == LoyaltyEntry.__tablename__:
        return _until(row)
    if row.table == AccountEntry.__tablename__ and row.after["kind"] == AccountKind.PAYMENT.value:
        return _settles(row, before)
    return []


def _until(row: RowChange) -> list[FieldChange]:
    """Return until when points that are new can be used."""
    if row.after["kind"] not in (LoyaltyKind.EARNED.value, LoyaltyKind.GOODWILL.value):
        return []
    at = row.after.get("expires_at")
    if at is None:
        return [FieldChange(_("Valid until"), "", _("no end date"))]
    last = formatters.local(dt.datetime.fromisoformat(at), shop()) - dt.timedelta(microseconds=1)
    return [FieldChange(_("Valid until"), "", formatters.day(last.date(), shop()))]


def _settles(row: RowChange, before: int) -> list[FieldChange]:
    """Return which invoices a payment settles, the oldest first (rule 2.9)."""
    parts = ageing.settled_by(session(), row.after["customer_id"], before, -row.after["amount"])
    currency = row.after["currency"]
    shown = [
        number
        if not left
        else _("%(invoice)s in part, %(left)s left", invoice=number, left=_money(left, currency))
        for number, _paid, left in parts[:MOST_INVOICES]
    ]
    if len(parts) > MOST_INVOICES:
        shown.append(_("%(count)s more", count=len(parts) - MOST_INVOICES))
    return [FieldChange(_("Settles"), "", ", ".join(shown))] if shown else []


def _invoice(row: RowChange) -> list[FieldChange]:
    due = dt.date.fromisoformat(row.after["due_on"])
    return [
        FieldChange(_("Amount"), "", _money(row.after["amount"], row.after["currency"])),
        FieldChange(_("Due on"), "", formatters.day(due, shop())),
    ]


def _money(amount: int, currency: str) -> str:
    return formatters.money(amount, currency, shop())
