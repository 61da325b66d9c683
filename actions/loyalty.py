"""Loyalty points: the one place that writes entries, lots and allocations (rule 1).

``earn``, ``spend``, ``lapse`` and ``give_back`` are the services; the actions below, the expiry job and the
shop's hooks build on them. Each takes the customer locked by :func:`actions.ledger.live_customer`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from actions.base import Context, Outcome, Refused, action
from actions.census import Bucket, refused
from actions.ledger import (
    live_customer,
    not_live,
    number_text,
    order_columns,
    order_number,
    refuse_second_reversal,
    reversed_before,
    signed,
    stamp,
    words,
)
from models.base import N_
from models.customer import Customer
from models.loyalty import MOST_POINTS, LoyaltyAllocation, LoyaltyEntry, LoyaltyKind, LoyaltyLot
from models.shop import LONGEST_EXPIRY_DAYS, Shop
from models.validate import between

BATCH = 200
LAPSED = "lapsed", N_("Lapsed points do not come back. Give new points instead.")
POINTS_SPENT = (
    "points_spent",
    N_("%(shortfall)s of these %(points)s points were already spent or have lapsed."),
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
    """Return the condition under which a lot is to be lapsed (rule 1.6)."""
    return (LoyaltyLot.unspent > 0) & (LoyaltyLot.expires_at <= now)


def available(session: Session, customer_id: int, now: dt.datetime) -> int:
    """Return the points a customer can spend at ``now``, whether or not the job has run (rule 1.4)."""
    mine = LoyaltyLot.customer_id == customer_id
    total = session.scalar(select(func.coalesce(func.sum(LoyaltyLot.unspent), 0)).where(mine, spendable(now)))
    return int(total or 0)


def lapsing(session: Session, customer_id: int, now: dt.datetime, until: dt.datetime) -> int:
    """Return the customer's unspent points that lapse between ``now`` and ``until``."""
    soon = LoyaltyLot.expires_at > now, LoyaltyLot.expires_at <= until
    mine = LoyaltyLot.customer_id == customer_id, unspent(), *soon
    total = session.scalar(select(func.coalesce(func.sum(LoyaltyLot.unspent), 0)).where(*mine))
    return int(total or 0)


def lapse_instant(now: dt.datetime, days: int | None, zone: ZoneInfo) -> dt.datetime | None:
    """Return when points given at ``now`` lapse: the start of the day after local date + ``days`` (RULES
    1.5).

    A day begins at its first instant in the zone, also where the clocks change at midnight. None: never.
    """
    if days is None:
        return None
    day_after = now.astimezone(zone).date() + dt.timedelta(days=days + 1)
    return dt.datetime.combine(day_after, dt.time.min, tzinfo=zone).astimezone(dt.UTC)


def lapses_at(ctx: Context, days: Any) -> dt.datetime | None:
    """Return when points given now lapse; ``days`` None is never. :raises Invalid: not 1 to 3650."""
    return lapse_instant(ctx.now, _days("expires_after_days", days), ctx.shop.zone)


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
    entry = _write(
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
            N_("Not enough points: %(available)s available, %(wanted)s asked for."),
            available=number_text(ctx, there),
            wanted=number_text(ctx, points),
        )
    entry = _write(ctx, customer, kind, -points, comment, key, **order_columns(ctx, customer, order_ref))
    left = points
    while left:
        for lot in ctx.session.scalars(_spending_order(customer.id, ctx.now)).all():
            left -= _take(ctx, entry, lot, min(left, lot.unspent))
            if not left:
                break
    return entry


def lapse(
    ctx: Context, customer: Customer, lot: LoyaltyLot, *, key: str | None = None
) -> LoyaltyEntry | None:
    """Write the one ``expired`` entry of a lot past its date; None when nothing is left of it (rule 1.6).

    :param key: makes the entry unique; the lot's own by default, so that no second run writes it again.
    """
    if not lot.unspent or lot.expires_at is None or lot.expires_at > ctx.now:
        return None
    unspent = lot.unspent
    entry = _write(ctx, customer, LoyaltyKind.EXPIRED, -unspent, "", key or f"lapse:{lot.id}")
    _take(ctx, entry, lot, unspent)
    return entry


def give_back(ctx: Context, customer: Customer, entry: LoyaltyEntry, reason: str) -> LoyaltyEntry:
    """Reverse a redemption: points go back to their lots, and lapse again if past the date (rule 1.8)."""
    back = _write(ctx, customer, LoyaltyKind.REVERSAL, -entry.points, reason, ctx.key, reverses_id=entry.id)
    taken = select(LoyaltyAllocation.points, LoyaltyLot).join(LoyaltyAllocation.lot)
    rows = ctx.session.execute(
        taken.where(LoyaltyAllocation.entry_id == entry.id).order_by(LoyaltyLot.id)
    ).all()
    for points, lot in rows:
        _take(ctx, back, lot, -points)
        lapse(ctx, customer, lot, key=f"lapse:{lot.id}:{back.id}")
    return back


def take_back(ctx: Context, customer: Customer, entry: LoyaltyEntry, reason: str) -> LoyaltyEntry:
    """Reverse an earning (rule 1.8). :raises Refused: ``points_spent``, with the shortfall."""
    lot = ctx.session.scalars(select(LoyaltyLot).where(LoyaltyLot.entry_id == entry.id)).one()
    if lot.unspent < entry.points:
        raise Refused(
            *POINTS_SPENT,
            shortfall=number_text(ctx, entry.points - lot.unspent),
            points=number_text(ctx, entry.points),
        )
    back = _write(ctx, customer, LoyaltyKind.REVERSAL, -entry.points, reason, ctx.key, reverses_id=entry.id)
    _take(ctx, back, lot, entry.points)
    return back


def _write(
    ctx: Context,
    customer: Customer,
    kind: LoyaltyKind,
    points: int,
    comment: str,
    key: str | None,
    **columns: Any,
) -> LoyaltyEntry:
    entry = LoyaltyEntry(**stamp(ctx, customer, comment, key), kind=kind, points=points, **columns)
    ctx.session.add(entry)
    customer.points += points
    ctx.session.flush()
    return entry


def _take(ctx: Context, entry: LoyaltyEntry, lot: LoyaltyLot, points: int) -> int:
    """Allocate ``points`` of a lot to an entry; negative gives them back. Returns ``points``."""
    lot.unspent -= points
    ctx.session.add(LoyaltyAllocation(entry_id=entry.id, lot_id=lot.id, points=points))
    ctx.session.flush()
    return points


# -- actions --------------------------------------------------------------------------------------------


@action("loyalty_entry.adjust", LoyaltyEntry, label=N_("Adjust points"))
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

    :param points: positive adds, negative redeems.
    :param expires_after_days: for points given; None is never. Redeeming passes it over.
    """
    amount = signed("points", points, MOST_POINTS)
    text = words("comment", comment)
    lapses = lapses_at(ctx, expires_after_days) if amount > 0 else None
    order = order_number(order_ref)
    owner = live_customer(ctx, customer)
    values = {"customer": str(owner), "points": number_text(ctx, abs(amount))}
    if amount > 0:
        given = earn(
            ctx,
            owner,
            amount,
            comment=text,
            kind=LoyaltyKind.GOODWILL,
            expires_at=lapses,
            order_ref=order,
            key=ctx.key,
        )
        return Outcome(N_("Points added for %(customer)s: %(points)s."), given, values)
    taken = spend(ctx, owner, -amount, comment=text, order_ref=order, key=ctx.key)
    return Outcome(N_("Points redeemed for %(customer)s: %(points)s."), taken, values)


def _count_reversals(values: Mapping[str, Any], shop: Shop) -> list[Bucket]:
    words("reason", values["reason"])
    spent = exists().where(LoyaltyLot.entry_id == LoyaltyEntry.id, LoyaltyLot.unspent < LoyaltyEntry.points)
    return [
        *not_live(LoyaltyEntry),
        *reversed_before(LoyaltyEntry),
        refused(LoyaltyEntry.kind == LoyaltyKind.EXPIRED, *LAPSED),
        refused(spent, *POINTS_SPENT),
    ]


@action("loyalty_entry.reverse", LoyaltyEntry, label=N_("Reverse"), census=_count_reversals)
def reverse(ctx: Context, entry: LoyaltyEntry, *, reason: str) -> Outcome:
    """Undo an entry by its opposite, once (rule 1.8)."""
    text = words("reason", reason)
    owner = live_customer(ctx, entry.customer_id)
    refuse_second_reversal(entry)
    if entry.kind == LoyaltyKind.EXPIRED:
        raise Refused(*LAPSED)
    done = (take_back if entry.points > 0 else give_back)(ctx, owner, entry, text)
    values = {"customer": str(owner), "points": number_text(ctx, abs(entry.points))}
    return Outcome(N_("The entry of %(points)s points was reversed for %(customer)s."), done, values)
