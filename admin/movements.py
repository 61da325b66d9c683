"""What deeds on a ledger moved, in words: its rows are their own journal, so no change of theirs says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import literal, select, union_all

from admin import cells
from admin.changesets import LEDGERS
from admin.context import channels, session, shop
from admin.pages import FieldChange
from models.account import AccountEntry
from models.base import Base
from models.credit import CreditEntry
from models.journal import Changeset
from models.loyalty import LoyaltyEntry
from models.sight import in_sight
from models.tasting import TastingEntry, TastingKind

LEDGER_TABLES = frozenset(model.resource_name() for model in LEDGERS)


def movements(changesets: Sequence[Changeset]) -> list[tuple[int, FieldChange]]:
    """Return (changeset id, what moved) for deeds on a ledger, whose rows are their own journal."""
    return [*_figures_moved(changesets), *_tastings_moved(changesets)]


def _tastings_moved(changesets: Sequence[Changeset]) -> list[tuple[int, FieldChange]]:
    deeds = [c.id for c in changesets if c.action.partition(".")[0] == TastingEntry.resource_name()]
    if not deeds:
        return []
    wanted = select(TastingEntry.changeset_id, TastingEntry.kind).where(
        TastingEntry.changeset_id.in_(deeds), *seen(TastingEntry)
    )
    return [(row[0], tasting(used=row[1] == TastingKind.USED)) for row in session().execute(wanted)]


def tasting(*, used: bool) -> FieldChange:
    """Return what an entry of free tastings moved: one is used, or given back."""
    return FieldChange(_("Free tastings"), "", cells.signed(-1 if used else 1, shop()))


def _figures_moved(changesets: Sequence[Changeset]) -> list[tuple[int, FieldChange]]:
    deeds = [c.id for c in changesets if c.action.partition(".")[0] in LEDGER_TABLES]
    if not deeds:
        return []
    points = select(LoyaltyEntry.changeset_id, LoyaltyEntry.points, literal("")).where(*seen(LoyaltyEntry))
    money = [
        select(t.changeset_id, t.amount, t.currency).where(*seen(t)) for t in (AccountEntry, CreditEntry)
    ]
    rows = session().execute(
        union_all(*(q.where(q.selected_columns[0].in_(deeds)) for q in (points, *money)))
    )
    return [(row[0], movement(row[1], row[2])) for row in rows]


def seen(model: type[Base]) -> list[Any]:
    """Return the condition that leaves out what a deed did to customers out of sight of the person asking."""
    clause = in_sight(model, channels())
    return [] if clause is None else [clause]


def movement(figure: int, currency: str) -> FieldChange:
    """Return what a ledger row moved: money in a currency, or points."""
    if currency:
        return FieldChange(_("Amount"), "", cells.signed_money(figure, currency, shop()))
    return FieldChange(_("Points"), "", cells.signed(figure, shop()))
