"""Loyalty points: the one place that writes entries, lots and allocations (rule 1).

``earn``, ``spend``, ``expire``, ``give_back_part``, ``take_back_part`` and ``take_back`` are the services; the actions
below, the expiry job and the shop's hooks build on them. Each takes the customer locked by
:func:`actions.core.customer_guard.live_customer`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from actions.core.base import Context, Outcome, Refused, action
from actions.core.customer_guard import eligible_customer, live_customer, not_live
from actions.core.eligibility import EVERY_LIVE
from actions.core.outcome_groups import OutcomeGroup, refused
from actions.core.texts import number_text, required_text
from actions.ledgers import order_totals
from actions.ledgers.ledger import (
    ledger_columns,
    order_columns,
    order_number,
    refuse_second_reversal,
    reversed_before,
    signed,
)
from models.base import N_
from models.customer import Customer
from models.days import ends
from models.loyalty import MOST_POINTS, LoyaltyAllocation, LoyaltyEntry, LoyaltyKind, LoyaltyLot
from models.setting_checks import LONGEST_EXPIRY_DAYS
from models.validate import between

BATCH = 200
EXPIRED = "expired", N_("Expired points cannot be restored. Add new points instead.")
POINTS_SPENT = (
    "points_spent",
    N_("%(shortfall)s of these %(points)s points have already been spent or have expired."),
)
GIVEN_BACK = N_(
    "Order %(order)s used points. They are given back with their original expiry dates. To add new "
    "points instead, leave the order number blank."
)
MORE_BY_HAND = (
    "more_than_taken",
    N_(
        "Only %(left)s points of order %(order)s can still be given back, not %(wanted)s. To add new "
        "points instead, leave the order number blank."
    ),
)
_days = between(1, LONGEST_EXPIRY_DAYS)


# -- reading --------------------------------------------------------------------------------------------


def spendable(now: dt.datetime) -> ColumnElement[bool]:
    """Return the condition of a lot that may be spent: points left, its date not come (rule 1.4)."""
    dated = or_(LoyaltyLot.expires_at.is_(None), LoyaltyLot.expires_at > now)
    return unspent() & dated


def unspent() -> ColumnElement[bool]:
    """Return the condition of a lot with points left, written so that the databases see that its own index will do."""
    return LoyaltyLot.unspent > literal(0, literal_execute=True)


def due(now: dt.datetime) -> ColumnElement[bool]:
    """Return the condition under which a lot is to be expired (rule 1.6)."""
    return (LoyaltyLot.unspent > 0) & (LoyaltyLot.expires_at <= now)


def available(session: Session, customer_id: int, now: dt.datetime) -> int:
    """Return the points a customer can spend at ``now``, whether or not the job has run (rule 1.4)."""
    mine = LoyaltyLot.customer_id == customer_id
    total = session.scalar(select(func.coalesce(func.sum(LoyaltyLot.unspent), 0)).where(mine, spendable(now)))
    return int(total or 0)


def expiring(session: Session, customer_id: int, now: dt.datetime, until: dt.datetime) -> int:
    """Return the customer's unspent points that expire between ``now`` and ``until``."""
    soon = LoyaltyLot.expires_at > now, LoyaltyLot.expires_at <= until
    mine = LoyaltyLot.customer_id == customer_id, unspent(), *soon
    total = session.scalar(select(func.coalesce(func.sum(LoyaltyLot.unspent), 0)).where(*mine))
    return int(total or 0)


def expiry_instant(now: dt.datetime, days: int | None, zone: ZoneInfo) -> dt.datetime | None:
    """Return when points given at ``now`` expire: the start of the day after local date + ``days`` (rule
    1.5).

    A day begins at its first instant in the zone, also where the clocks change at midnight. None: never.
    """
    if days is None:
        return None
    return ends(now.astimezone(zone).date() + dt.timedelta(days=days), zone)


def expiry_of(ctx: Context, days: Any) -> dt.datetime | None:
    """Return when points given now expire; ``days`` None is never. :raises Invalid: not 1 to 3650."""
    return expiry_instant(ctx.now, _days("expires_after_days", days), ctx.shop.zone)


def _spending_order(customer_id: int, now: dt.datetime) -> Select[LoyaltyLot]:
    """Soonest-expiring first, undated last, then oldest, then lowest id (rule 1.4)."""
    undated = LoyaltyLot.expires_at.is_(None)
    return (
        select(LoyaltyLot)
        .join(LoyaltyLot.entry)
        .where(LoyaltyLot.customer_id == customer_id, spendable(now))
        .order_by(undated, LoyaltyLot.expires_at, LoyaltyEntry.created_at, LoyaltyLot.id)
        .limit(BATCH)
    )


# -- services -------------------------------------------------------------------------------------------


def earn(
    ctx: Context,
    customer: Customer,
    points: int,
    *,
    comment: str = "",
    kind: LoyaltyKind = LoyaltyKind.EARNED,
    expires_at: dt.datetime | None = None,
    order_ref: str | None = None,
    key: str | None = None,
) -> LoyaltyEntry:
    """Add points to a locked customer and open their lot (rule 1.2). ``points`` > 0."""
    entry = write_entry(
        ctx,
        customer,
        kind,
        points,
        comment,
        key,
        expires_at=expires_at,
        **order_columns(ctx, customer, order_ref),
    )
    lot = LoyaltyLot(
        entry_id=entry.id, customer_id=customer.id, points=points, unspent=points, expires_at=expires_at
    )
    ctx.session.add(lot)
    return entry


def spend(
    ctx: Context,
    customer: Customer,
    points: int,
    *,
    comment: str = "",
    kind: LoyaltyKind = LoyaltyKind.REDEEMED,
    order_ref: str | None = None,
    key: str | None = None,
) -> LoyaltyEntry:
    """Take points from a locked customer's lots in spending order (rule 1.4). ``points`` > 0 is what to
    take.

    :raises Refused: ``too_few_points``, with the figure that is available (rule 1.7).
    """
    there = available(ctx.session, customer.id, ctx.now)
    if points > there:
        raise Refused(
            "too_few_points",
            N_("Not enough points: %(available)s available, %(wanted)s requested."),
            available=number_text(ctx, there),
            wanted=number_text(ctx, points),
        )
    entry = write_entry(ctx, customer, kind, -points, comment, key, **order_columns(ctx, customer, order_ref))
    left = points
    while left:
        for lot in ctx.session.scalars(_spending_order(customer.id, ctx.now)).all():
            left -= take_from(ctx, entry, lot, min(left, lot.unspent))
            if not left:
                break
    return entry


def expire_lot(
    ctx: Context, customer: Customer, lot: LoyaltyLot, *, key: str | None = None
) -> LoyaltyEntry | None:
    """Write the one ``expired`` entry of a lot past its date; None when nothing is left of it (rule 1.6).

    :param key: makes the entry unique; the lot's own by default, so that no second run writes it again.
    """
    if not lot.unspent or lot.expires_at is None or lot.expires_at > ctx.now:
        return None
    unspent = lot.unspent
    entry = write_entry(ctx, customer, LoyaltyKind.EXPIRED, -unspent, "", key or f"lapse:{lot.id}")
    take_from(ctx, entry, lot, unspent)
    return entry


def give_back_part(
    ctx: Context, customer: Customer, points: int, *, order_ref: str, comment: str, key: str | None = None
) -> LoyaltyEntry:
    """Give back a part of what an order took, to the lots it came from, the last taken first (rule 1.13).

    :raises Refused: ``more_than_taken``, with what is left.
    """
    order_totals.refuse_more_than_taken(ctx, LoyaltyEntry, customer, points, order_ref)
    back = write_entry(
        ctx,
        customer,
        LoyaltyKind.ADJUSTMENT,
        points,
        comment,
        key,
        **order_columns(ctx, customer, order_ref),
    )
    parts: dict[int, int] = {}
    for lot_id, there in order_totals.chunks_taken(ctx.session, customer.id, order_ref):
        part = min(points, there)
        parts[lot_id] = parts.get(lot_id, 0) + part
        points -= part
    _return_to_lots(ctx, customer, back, {lot_id: part for lot_id, part in parts.items() if part})
    return back


def take_back_part(
    ctx: Context, customer: Customer, points: int, *, order_ref: str, comment: str, key: str | None = None
) -> LoyaltyEntry:
    """Take back a part of what an order earned, from its own lots, the last earned first (rule 1.13).

    :raises Refused: ``more_than_earned``, with what is left; ``points_spent``, with the shortfall.
    """
    order_totals.refuse_more_than_earned(ctx, customer, points, order_ref)
    earned = (
        LoyaltyEntry.customer_id == customer.id,
        LoyaltyEntry.order_ref == order_ref,
        LoyaltyEntry.kind == LoyaltyKind.EARNED,
        unspent(),
    )
    lots = ctx.session.scalars(
        select(LoyaltyLot).join(LoyaltyLot.entry).where(*earned).order_by(LoyaltyLot.id.desc())
    ).all()
    _refuse_spent(ctx, points, sum(lot.unspent for lot in lots))
    columns = order_columns(ctx, customer, order_ref)
    entry = write_entry(ctx, customer, LoyaltyKind.ADJUSTMENT, -points, comment, key, **columns)
    for lot in lots:
        if part := min(points, lot.unspent):
            points -= take_from(ctx, entry, lot, part)
    return entry


def take_back(ctx: Context, customer: Customer, entry: LoyaltyEntry, reason: str) -> LoyaltyEntry:
    """Reverse an entry (rules 1.8, 1.13).

    Points that it took go back to their lots, and expire again if past the date. Points that it gave are taken
    again, from where it put them.

    :raises Refused: ``more_than_taken`` or ``more_than_earned`` by the entry's order, with what is left;
        ``points_spent``, with the shortfall.
    """
    parts = _parts(ctx, entry)
    order_totals.refuse_reversal(ctx, customer, entry, parts)
    lots = {lot.id: lot for lot in ctx.session.scalars(select(LoyaltyLot).where(LoyaltyLot.id.in_(parts)))}
    there = sum(min(lots[lot_id].unspent, -part) for lot_id, part in parts.items() if part < 0)
    _refuse_spent(ctx, entry.points, there)
    values = {"reverses_id": entry.id}
    back = write_entry(ctx, customer, LoyaltyKind.REVERSAL, -entry.points, reason, ctx.key, **values)
    if entry.points < 0:
        _return_to_lots(ctx, customer, back, parts)
    else:
        for lot_id, part in parts.items():
            take_from(ctx, back, lots[lot_id], -part)
    return back


def _parts(ctx: Context, entry: LoyaltyEntry) -> dict[int, int]:
    """Return lot id -> how many points an entry took from it; negative where it gave them."""
    opened = ctx.session.scalar(select(LoyaltyLot.id).where(LoyaltyLot.entry_id == entry.id))
    if opened is not None:
        return {opened: -entry.points}
    rows = select(LoyaltyAllocation.lot_id, LoyaltyAllocation.points).order_by(LoyaltyAllocation.lot_id)
    return {row[0]: row[1] for row in ctx.session.execute(rows.where(LoyaltyAllocation.entry_id == entry.id))}


def _return_to_lots(ctx: Context, customer: Customer, back: LoyaltyEntry, parts: Mapping[int, int]) -> None:
    """Give points back to the lots they came from; what is past its date expires again at once."""
    for lot in ctx.session.scalars(
        select(LoyaltyLot).where(LoyaltyLot.id.in_(parts)).order_by(LoyaltyLot.id)
    ).all():
        take_from(ctx, back, lot, -parts[lot.id])
        expire_lot(ctx, customer, lot, key=f"lapse:{lot.id}:{back.id}")


def _refuse_spent(ctx: Context, points: int, there: int) -> None:
    if points > there:
        raise Refused(
            *POINTS_SPENT, shortfall=number_text(ctx, points - there), points=number_text(ctx, points)
        )


def write_entry(
    ctx: Context,
    customer: Customer,
    kind: LoyaltyKind,
    points: int,
    comment: str,
    key: str | None,
    **columns: Any,
) -> LoyaltyEntry:
    entry = LoyaltyEntry(**ledger_columns(ctx, customer, comment, key), kind=kind, points=points, **columns)
    ctx.session.add(entry)
    customer.points += points
    ctx.session.flush()
    return entry


def take_from(ctx: Context, entry: LoyaltyEntry, lot: LoyaltyLot, points: int) -> int:
    """Allocate ``points`` of a lot to an entry; negative gives them back. Returns ``points``."""
    lot.unspent -= points
    ctx.session.add(LoyaltyAllocation(entry_id=entry.id, lot_id=lot.id, points=points))
    ctx.session.flush()
    return points


# -- actions --------------------------------------------------------------------------------------------


@action("loyalty_entry.adjust", LoyaltyEntry, label=N_("Adjust points"), customers=EVERY_LIVE)
def adjust(
    ctx: Context,
    *,
    customer: int,
    points: int,
    comment: str,
    expires_after_days: int | None = None,
    order_ref: str | None = None,
) -> Outcome:
    """Give points by hand (goodwill) or redeem them, with a comment (rules 1.1 to 1.7).

    With the number of an order that took points they are what is given back of it (rule 1.13).

    :param points: positive adds, negative redeems.
    :param expires_after_days: for points given; None is never. Redeeming passes it over.
    """
    amount = signed("points", points, MOST_POINTS)
    text = required_text("comment", comment)
    expires = expiry_of(ctx, expires_after_days) if amount > 0 else None
    order = order_number(order_ref)
    owner = eligible_customer(ctx, customer)
    values = {"customer": str(owner), "points": number_text(ctx, abs(amount))}
    if amount < 0:
        taken = spend(ctx, owner, -amount, comment=text, order_ref=order, key=ctx.key)
        return Outcome(N_("Points redeemed for %(customer)s: %(points)s."), taken, values)
    if order and order_totals.took_points(ctx.session, owner.id, order):
        order_totals.refuse_more_than_taken(ctx, LoyaltyEntry, owner, amount, order, why=MORE_BY_HAND)
        ctx.warn(GIVEN_BACK, order=order)
        back = give_back_part(ctx, owner, amount, order_ref=order, comment=text, key=ctx.key)
        return Outcome(N_("Points given back to %(customer)s: %(points)s."), back, values)
    kind = LoyaltyKind.GOODWILL
    given = earn(
        ctx, owner, amount, comment=text, kind=kind, expires_at=expires, order_ref=order, key=ctx.key
    )
    return Outcome(N_("Points added for %(customer)s: %(points)s."), given, values)


def _count_reversals(values: Mapping[str, Any]) -> list[OutcomeGroup]:
    required_text("reason", values["reason"])
    spent = exists().where(LoyaltyLot.entry_id == LoyaltyEntry.id, LoyaltyLot.unspent < LoyaltyEntry.points)
    given = LoyaltyAllocation.entry_id == LoyaltyEntry.id, LoyaltyAllocation.lot_id == LoyaltyLot.id
    regained = exists().where(
        *given, LoyaltyAllocation.points < 0, LoyaltyLot.unspent < -LoyaltyAllocation.points
    )
    return [
        *not_live(LoyaltyEntry),
        *reversed_before(LoyaltyEntry),
        refused(LoyaltyEntry.kind == LoyaltyKind.EXPIRED, *EXPIRED),
        *order_totals.count_exceeding(LoyaltyEntry),
        refused(or_(spent, regained), *POINTS_SPENT),
    ]


@action(
    "loyalty_entry.reverse",
    LoyaltyEntry,
    label=N_("Reverse"),
    bulk_counts=_count_reversals,
    customers=EVERY_LIVE,
)
def reverse(ctx: Context, entry: LoyaltyEntry, *, reason: str) -> Outcome:
    """Undo an entry by its opposite, once (rule 1.8)."""
    text = required_text("reason", reason)
    owner = live_customer(ctx, entry.customer_id)
    refuse_second_reversal(entry)
    if entry.kind == LoyaltyKind.EXPIRED:
        raise Refused(*EXPIRED)
    done = take_back(ctx, owner, entry, text)
    values = {"customer": str(owner), "points": number_text(ctx, abs(entry.points))}
    return Outcome(N_("The entry of %(points)s points was reversed for %(customer)s."), done, values)
