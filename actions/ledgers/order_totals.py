"""What of an order can still be given back to a customer, or taken back from one (rule 1.13).

It is reckoned from the ledger's own rows, by customer and order number, so that it counts whatever was done through
whichever channel, and the entries of records that were merged count together. What was reversed counts for nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, exists, func, or_, select
from sqlalchemy import inspect as mapping
from sqlalchemy.orm import Session, aliased

from actions.core.base import Context, Refused
from actions.core.outcome_groups import OutcomeGroup, refused
from actions.core.texts import money_text, number_text
from models.base import N_
from models.credit import CreditEntry, CreditKind
from models.customer import Customer
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyKind

MORE_THAN_TAKEN = (
    "more_than_taken",
    N_("Only %(left)s of what order %(order)s used can still be given back, not %(wanted)s."),
)
MORE_THAN_EARNED = (
    "more_than_earned",
    N_("Only %(left)s of what order %(order)s earned can still be taken back, not %(wanted)s."),
)
Chunk = tuple[int, int]
"""A lot, and how much of it."""


def standing(entry: Any) -> ColumnElement[bool]:
    """Return the condition of an entry that was not reversed."""
    reversal = aliased(mapping(entry).mapper.class_)
    return ~exists().where(reversal.reverses_id == entry.id)


def taken(entry: Any) -> ColumnElement[bool]:
    """Return the condition of an entry by which an order took something, or a part of that was given back."""
    if mapping(entry).mapper.class_ is CreditEntry:
        return entry.kind.in_((CreditKind.REDEEMED, CreditKind.ADJUSTMENT))  # type: ignore[no-any-return]
    given_back = and_(entry.kind == LoyaltyKind.ADJUSTMENT, entry.points > 0)
    return or_(entry.kind == LoyaltyKind.REDEEMED, given_back)


def earned(entry: Any) -> ColumnElement[bool]:
    """Return the condition of an entry by which an order earned points, or a part of them was taken back."""
    taken_back = and_(entry.kind == LoyaltyKind.ADJUSTMENT, entry.points < 0)
    return or_(entry.kind == LoyaltyKind.EARNED, taken_back)


def figure(entry: Any) -> Any:
    """Return the column of an entry that says how much it moved."""
    return entry.amount if mapping(entry).mapper.class_ is CreditEntry else entry.points


def to_give_back(session: Session, model: Any, customer_id: int, order: str) -> int:
    """Return how much of what an order took from a customer was not given back."""
    mine = model.customer_id == customer_id, model.order_ref == order, taken(model), standing(model)
    return -int(session.scalar(select(func.coalesce(func.sum(figure(model)), 0)).where(*mine)) or 0)


def took_points(session: Session, customer_id: int, order: str) -> bool:
    """Return whether an order ever took points from a customer, whatever was given back of them since."""
    entry = LoyaltyEntry
    mine = entry.customer_id == customer_id, entry.order_ref == order, entry.kind == LoyaltyKind.REDEEMED
    return bool(session.scalar(select(exists().where(*mine))))


def to_take_back(session: Session, customer_id: int, order: str) -> int:
    """Return how many of the points that an order earned a customer were not taken back."""
    entry = LoyaltyEntry
    mine = entry.customer_id == customer_id, entry.order_ref == order, earned(entry), standing(entry)
    return int(session.scalar(select(func.coalesce(func.sum(entry.points), 0)).where(*mine)) or 0)


def chunks_taken(session: Session, customer_id: int, order: str) -> list[Chunk]:
    """Return the lots that an order's points came from and have not gone back to, the last taken first."""
    entry = LoyaltyEntry
    mine = entry.customer_id == customer_id, entry.order_ref == order, taken(entry), standing(entry)
    rows = (
        select(LoyaltyAllocation.lot_id, LoyaltyAllocation.points).join(LoyaltyAllocation.entry).where(*mine)
    )
    back: dict[int, int] = defaultdict(int)
    found: list[Chunk] = []
    for lot, points in session.execute(rows.order_by(LoyaltyAllocation.id.desc())):
        back[lot] -= min(points, 0)
        found.append((lot, _less(max(points, 0), lot, back)))
    # What was given back before anything that still stands was taken: its own redemption was reversed since.
    found = [(lot, _less(points, lot, back)) for lot, points in found]
    return [(lot, points) for lot, points in found if points]


def _less(points: int, lot: int, back: dict[int, int]) -> int:
    """Return what is left of points of a lot, of which some went back already."""
    gone = min(points, back[lot])
    back[lot] -= gone
    return points - gone


# -- refusing what exceeds it -----------------------------------------------------------------------------


def refuse_more_than_taken(
    ctx: Context,
    model: Any,
    customer: Customer,
    wanted: int,
    order: str,
    parts: Mapping[int, int] | None = None,
    *,
    why: tuple[str, str] = MORE_THAN_TAKEN,
) -> None:
    """Refuse to give back more than is left of what an order took.

    :param parts: lot -> points, where it is settled to which lots they go. :param why: the code and the sentence.
    :raises Refused: ``more_than_taken``, with what is left.
    """
    left = to_give_back(ctx.session, model, customer.id, order)
    if parts is not None:
        there: Counter[int] = Counter()
        for lot, points in chunks_taken(ctx.session, customer.id, order):
            there[lot] += points
        left = min(left, sum(min(points, there[lot]) for lot, points in parts.items()))
    if wanted > left:
        text = _money(ctx, customer) if model is CreditEntry else lambda value: number_text(ctx, value)
        raise Refused(*why, order=order, left=text(max(left, 0)), wanted=text(wanted))


def _money(ctx: Context, customer: Customer) -> Callable[[int], str]:
    return lambda amount: money_text(ctx, amount, customer.currency)


def refuse_more_than_earned(ctx: Context, customer: Customer, wanted: int, order: str) -> None:
    """Refuse to take back more points than are left of what an order earned.

    :raises Refused: ``more_than_earned``, with what is left.
    """
    left = to_take_back(ctx.session, customer.id, order)
    if wanted > left:
        shown = {"left": number_text(ctx, max(left, 0)), "wanted": number_text(ctx, wanted)}
        raise Refused(*MORE_THAN_EARNED, order=order, **shown)


def refuse_reversal(
    ctx: Context,
    customer: Customer,
    entry: LoyaltyEntry | CreditEntry,
    parts: Mapping[int, int] | None = None,
) -> None:
    """Refuse to reverse an entry of an order of which too much went back by other ways already.

    :param parts: lot -> points that it took.
    """
    if entry.order_ref is None:
        return
    moved = entry.amount if isinstance(entry, CreditEntry) else entry.points
    if entry.kind == LoyaltyKind.EARNED:
        refuse_more_than_earned(ctx, customer, moved, entry.order_ref)
    elif entry.kind == LoyaltyKind.REDEEMED or (isinstance(entry, CreditEntry) and moved < 0):
        refuse_more_than_taken(ctx, type(entry), customer, -moved, entry.order_ref, parts)


# -- the same, for many entries at once (rule 10.10) ------------------------------------------------------


def count_exceeding(entry: Any) -> list[OutcomeGroup]:
    """Return what :func:`refuse_reversal` refuses."""
    other = aliased(entry)
    same = other.customer_id == entry.customer_id, other.order_ref == entry.order_ref, standing(other)
    given = _sum(other, *same, taken(other)) > figure(entry)
    ordered = entry.order_ref.is_not(None)
    if entry is CreditEntry:
        return [refused(and_(ordered, entry.amount < 0, taken(entry), given), *MORE_THAN_TAKEN)]
    redeemed, gained = entry.kind == LoyaltyKind.REDEEMED, entry.kind == LoyaltyKind.EARNED
    gone = _sum(other, *same, earned(other)) < entry.points
    return [
        refused(and_(ordered, redeemed, or_(given, _lot_exceeds(entry))), *MORE_THAN_TAKEN),
        refused(and_(ordered, gained, gone), *MORE_THAN_EARNED),
    ]


def _sum(other: Any, *clauses: ColumnElement[bool]) -> ScalarSelect[Any]:
    return select(func.coalesce(func.sum(figure(other)), 0)).where(*clauses).scalar_subquery()


def _lot_exceeds(entry: Any) -> ColumnElement[bool]:
    """Return the condition of a redemption of whose points some went back to the lot they came from."""
    own, theirs, other = aliased(LoyaltyAllocation), aliased(LoyaltyAllocation), aliased(LoyaltyEntry)
    left = (
        select(func.coalesce(func.sum(theirs.points), 0))
        .join(other, other.id == theirs.entry_id)
        .where(theirs.lot_id == own.lot_id, taken(other), standing(other))
        .where(other.customer_id == entry.customer_id, other.order_ref == entry.order_ref)
        .scalar_subquery()
    )
    return exists().where(own.entry_id == entry.id, own.points > left)
