"""What changes on a ledger moved, in words: its rows are their own journal, so no change of theirs says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import Select, String, cast, literal, select, union_all

from actions.ledgers.balances import FIGURES, balances_after
from admin.history.changesets import LEDGERS
from admin.layout import formatters
from admin.request.context import channels
from admin.viewmodels.pages import FieldChange, Text
from models.base import Base
from models.credit import CreditEntry
from models.customer import Customer
from models.journal import Changeset
from models.loyalty import LoyaltyEntry
from models.order import Order
from models.row_scope import in_scope
from models.tasting import TastingEntry, TastingKind
from web.request import session, shop

LEDGER_TABLES = frozenset(model.resource_name() for model in LEDGERS)
MOVERS = LEDGER_TABLES | {Order.resource_name()}
"""Nouns of the actions that write ledger rows."""


def movements(changesets: Sequence[Changeset]) -> list[tuple[int, FieldChange]]:
    """Return (changeset id, what moved) for changes on a ledger, whose rows are their own journal."""
    return [*_figures_moved(changesets), *_tastings_moved(changesets)]


def _tastings_moved(changesets: Sequence[Changeset]) -> list[tuple[int, FieldChange]]:
    ids = [c.id for c in changesets if c.action.partition(".")[0] == TastingEntry.resource_name()]
    if not ids:
        return []
    wanted = select(TastingEntry.changeset_id, TastingEntry.kind).where(
        TastingEntry.changeset_id.in_(ids), *seen(TastingEntry)
    )
    return [(row[0], tasting(used=row[1] == TastingKind.USED)) for row in session().execute(wanted)]


def tasting(*, used: bool) -> FieldChange:
    """Return what an entry of free tastings moved: one is used, or given back."""
    return FieldChange(_("Free tastings"), "", formatters.signed(-1 if used else 1, shop()))


def _figures_moved(changesets: Sequence[Changeset]) -> list[tuple[int, FieldChange]]:
    ids = [c.id for c in changesets if c.action.partition(".")[0] in MOVERS]
    if not ids:
        return []
    found: list[tuple[Any, Any]] = []
    for entry in session().execute(union_all(*(_entries(model, ids) for model in FIGURES))):
        found.append((next(m for m in FIGURES if m.__tablename__ == entry.ledger), entry))
    after: dict[Any, dict[int, int]] = {}
    for model in FIGURES:
        mine: Any = [entry for owner, entry in found if owner is model]
        after[model] = balances_after(session(), model, mine)
    names = _names([entry for _model, entry in found])
    lines = []
    for model, entry in found:
        moved = Moved(model, entry.kind, entry.figure, entry.currency)
        line = movement(moved, after[model][entry.id] - entry.figure)
        whose = names.get((entry.changeset_id, entry.customer_id))
        lines.append(
            (entry.changeset_id, line if whose is None else replace(line, label=f"{line.label} · {whose}"))
        )
    return lines


def _names(entries: Sequence[Any]) -> dict[tuple[int, int], str]:
    """Return (changeset id, customer id) -> what the customer is called, for changesets on ledgers of several."""
    whose = {(entry.changeset_id, entry.customer_id) for entry in entries}
    several = Counter(changeset for changeset, _customer in whose)
    wanted = [(changeset, customer) for changeset, customer in whose if several[changeset] > 1]
    if not wanted:
        return {}
    people = session().scalars(select(Customer).where(Customer.id.in_({customer for _c, customer in wanted})))
    names = {person.id: str(person) for person in people}
    return {(changeset, customer): names[customer] for changeset, customer in wanted}


def _entries(model: Any, ids: Sequence[int]) -> Select[Any]:
    """Return the statement for the entries of a ledger that some changesets wrote."""
    figure = FIGURES[model][0]
    currency = literal("") if model is LoyaltyEntry else model.currency
    columns = model.id, model.customer_id, model.created_at, model.changeset_id, figure.label("figure")
    named = literal(model.__tablename__).label("ledger"), cast(model.kind, String).label("kind")
    wanted: Select[Any] = select(*columns, currency.label("currency"), *named)
    return wanted.where(model.changeset_id.in_(ids), *seen(model))


def seen(model: type[Base]) -> list[Any]:
    """Return the condition that leaves out what a change did to customers out of scope of the person asking."""
    clause = in_scope(model, channels())
    return [] if clause is None else [clause]


@dataclass(frozen=True, slots=True)
class Moved:
    """One entry of a ledger: what kind, how much, and of money in which currency."""

    model: type[Base]
    kind: str
    figure: int
    currency: str


def movement(moved: Moved, before: int) -> FieldChange:
    """Return what an entry of a ledger did to its balance: before and after in words, and what it moved.

    :param before: the balance it found.
    """
    after = before + moved.figure
    if moved.model is LoyaltyEntry:
        change = f"{'+' if moved.figure > 0 else '−'}{formatters.number(abs(moved.figure), shop())}"
        texts: list[Text] = [formatters.number(balance, shop()) for balance in (before, after)]
        return FieldChange(_("Points"), texts[0], _and(texts[1], change))
    size = formatters.money(abs(moved.figure), moved.currency, shop())
    if moved.model is CreditEntry:
        change = (
            _("%(amount)s added", amount=size) if moved.figure > 0 else _("%(amount)s deducted", amount=size)
        )
        texts = [formatters.money(balance, moved.currency, shop()) for balance in (before, after)]
        return FieldChange(_("Gift-card credit"), texts[0], _and(texts[1], change))
    texts = [owed(balance, moved.currency) for balance in (before, after)]
    return FieldChange(_("Account"), texts[0], _and(texts[1], named(moved)))


def named(moved: Moved) -> Text:
    """Return what an entry of an account is, with its amount and no sign: "payment of £12.50"."""
    size = formatters.money(abs(moved.figure), moved.currency, shop())
    words = {
        "payment": _("paid %(amount)s", amount=size),
        "refund": _("refunded %(amount)s", amount=size),
        "invoice": _("invoiced %(amount)s", amount=size),
    }
    raised, lowered = _("%(amount)s restored", amount=size), _("%(amount)s deducted", amount=size)
    return words.get(moved.kind, raised if moved.figure > 0 else lowered)


def owed(balance: int, currency: str) -> Text:
    """Return the balance of an account in words."""
    return formatters.balance(balance, currency, shop()) if balance else _("nothing owed")


def _and(text: Text, detail: Text) -> Markup:
    return Markup('{} <span class="text-secondary">({})</span>').format(text, detail)
