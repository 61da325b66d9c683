"""How a balance of points came about: the lots as they stood right after an entry, and what became of each (rule 1.12).

What is left of a lot then is what it was given less what entries until then took. So the lots of any moment add up to
the running balance of that moment (rule 2.8), in whatever order the entries were written.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, exists, func, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager

from actions.ledgers.loyalty import unspent
from models.customer import Customer
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyKind, LoyaltyLot

SHOWN = 10
"""Of the entries that took from a lot so many are read, the latest first."""


@dataclass(slots=True)
class Fate:
    """What became of a lot until a moment, in points. Points that a reversal gave back count as never spent."""

    spent: int = 0
    expired: int = 0
    taken_back: int = 0
    entries: int = 0
    """How many entries took from it or gave back."""
    latest: list[LoyaltyAllocation] = field(default_factory=list)
    """The latest of these, newest first."""

    @property
    def gone(self) -> int:
        """All that is no longer in the lot."""
        return self.spent + self.expired + self.taken_back


def past_their_date(now: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a lot with points that are past their date: no longer available (rule 1.4).

    They are said so that the index over just such lots answers.
    """
    return unspent(), LoyaltyLot.expires_at.is_not(None), LoyaltyLot.expires_at <= now


def past_by_owner(now: dt.datetime) -> Select[int, int]:
    """Select customer id and the points of theirs that are past their date and have not been expired yet.

    By the column itself SQLite would walk every lot there is in groups; so it goes by the index over just these.
    """
    owner = LoyaltyLot.customer_id + 0
    return select(owner, func.sum(LoyaltyLot.unspent)).where(*past_their_date(now)).group_by(owner)


def past_points(session: Session, now: dt.datetime, ids: Sequence[int] | None = None) -> dict[int, int]:
    """Return customer id -> the points of theirs that are past their date and have not been expired yet.

    A cached balance less these is what is available. There are none once the night's job has run.

    :param ids: of some customers alone.
    """
    total = past_by_owner(now)
    wanted = total if ids is None else total.where(LoyaltyLot.customer_id.in_(ids))
    return {row[0]: int(row[1]) for row in session.connection().execute(wanted)}


def available_points(now: dt.datetime) -> ColumnElement[int]:
    """Return a customer's points that are not past their date, as an expression of a statement over customers."""
    past = select(func.coalesce(func.sum(LoyaltyLot.unspent), 0)).where(*past_their_date(now))
    mine = past.where(LoyaltyLot.customer_id == Customer.id).correlate(Customer)
    return Customer.points.expression - cast(mine.scalar_subquery(), BigInteger)


def is_newest(session: Session, entry: LoyaltyEntry) -> bool:
    """Return whether an entry is the last of its customer's, so that the lots then are the lots now."""
    after = exists().where(
        LoyaltyEntry.customer_id == entry.customer_id,
        LoyaltyEntry.created_at >= entry.created_at,
        ~_until(entry),
    )
    return not session.scalar(select(after))


def newest_entry(customer_id: int) -> Select[Any]:
    """Return the statement for the id of a customer's last entry."""
    mine = select(LoyaltyEntry.id).where(LoyaltyEntry.customer_id == customer_id)
    return mine.order_by(LoyaltyEntry.created_at.desc(), LoyaltyEntry.id.desc()).limit(1)


def lots_then(entry: LoyaltyEntry, *, now: bool, left: bool) -> Select[Any]:
    """Return the statement for the lots that were there right after an entry, unordered.

    :param now: whether that is how they stand now. :param left: those alone that had points left.
    """
    mine = select(LoyaltyLot).join(LoyaltyLot.entry).where(LoyaltyLot.customer_id == entry.customer_id)
    if left:
        return mine.where(unspent() if now else _left(entry) != 0)
    return mine if now else mine.where(or_(_until(entry), _gone(entry) != 0))


def left_then(session: Session, entry: LoyaltyEntry, lots: Sequence[LoyaltyLot]) -> dict[int, int]:
    """Return lot id -> what was left of it right after an entry."""
    wanted = select(LoyaltyLot.id, _left(entry)).join(LoyaltyLot.entry)
    rows = session.execute(wanted.where(LoyaltyLot.id.in_([lot.id for lot in lots])))
    return {row[0]: int(row[1]) for row in rows}


def fates(session: Session, entry: LoyaltyEntry, lots: Iterable[LoyaltyLot]) -> dict[int, Fate]:
    """Return lot id -> what became of it until right after an entry."""
    ids = [lot.id for lot in lots]
    found: dict[int, Fate] = defaultdict(Fate)
    for lot_id, kind, gave, own, points, count in session.execute(_sums(entry, ids)):
        fate = found[lot_id]
        fate.entries += count
        if kind == LoyaltyKind.EXPIRED:
            fate.expired += int(points)
        elif own or (kind == LoyaltyKind.ADJUSTMENT and not gave):
            fate.taken_back += int(points)
        else:
            fate.spent += int(points)
    for allocation in session.scalars(_latest(entry, ids)):
        found[allocation.lot_id].latest.append(allocation)
    return found


def _sums(entry: LoyaltyEntry, ids: Sequence[int]) -> Select[*tuple[Any, ...]]:
    """Return the statement for what entries until this one took from lots, by what each was for in the first place.

    A reversal counts with what it reverses: points given back are points that were never spent, or never taken back.
    """
    first = aliased(LoyaltyEntry)
    kind = func.coalesce(first.kind, LoyaltyEntry.kind)
    gave = func.coalesce(first.points, LoyaltyEntry.points) > 0
    own = func.coalesce(first.id, LoyaltyEntry.id) == LoyaltyLot.entry_id
    what = LoyaltyAllocation.lot_id, kind, gave, own
    counted: Select[*tuple[Any, ...]] = select(*what, func.sum(LoyaltyAllocation.points), func.count())
    return (
        counted.join(LoyaltyAllocation.entry)
        .join(LoyaltyAllocation.lot)
        .outerjoin(first, first.id == LoyaltyEntry.reverses_id)
        .where(LoyaltyAllocation.lot_id.in_(ids), _until(entry))
        .group_by(*what)
    )


def _latest(entry: LoyaltyEntry, ids: Sequence[int]) -> Select[Any]:
    newest_first = LoyaltyEntry.created_at.desc(), LoyaltyEntry.id.desc()
    place = func.row_number().over(partition_by=LoyaltyAllocation.lot_id, order_by=newest_first)
    numbered = (
        select(LoyaltyAllocation.id, place.label("place"))
        .join(LoyaltyAllocation.entry)
        .where(LoyaltyAllocation.lot_id.in_(ids), _until(entry))
        .subquery()
    )
    few = select(numbered.c.id).where(numbered.c.place <= SHOWN)
    shown = select(LoyaltyAllocation).join(LoyaltyAllocation.entry).where(LoyaltyAllocation.id.in_(few))
    return shown.options(contains_eager(LoyaltyAllocation.entry)).order_by(*newest_first)


def _until(entry: LoyaltyEntry) -> ColumnElement[bool]:
    """Return the condition of an entry that comes no later than this one (rule 2.8)."""
    same = and_(LoyaltyEntry.created_at == entry.created_at, LoyaltyEntry.id <= entry.id)
    return or_(LoyaltyEntry.created_at < entry.created_at, same)


def _gone(entry: LoyaltyEntry) -> ColumnElement[int]:
    """Return what entries until this one took from a lot."""
    taken = (
        select(func.coalesce(func.sum(LoyaltyAllocation.points), 0))
        .join(LoyaltyEntry, LoyaltyEntry.id == LoyaltyAllocation.entry_id)
        .where(LoyaltyAllocation.lot_id == LoyaltyLot.id, _until(entry))
    )
    return taken.correlate(LoyaltyLot).scalar_subquery()


def _left(entry: LoyaltyEntry) -> ColumnElement[int]:
    return case((_until(entry), LoyaltyLot.points), else_=0) - _gone(entry)
