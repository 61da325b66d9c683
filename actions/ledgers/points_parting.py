"""What is left of a lot, handed to the customer whose it was: when records that were merged are parted (rule 3.11)."""

from __future__ import annotations

from typing import Any

from actions.core.base import Context
from actions.ledgers.loyalty import take_from, write_entry
from models.customer import Customer
from models.loyalty import LoyaltyKind, LoyaltyLot


def hand_over(ctx: Context, lot: LoyaltyLot, holder: Customer, home: Customer, comment: str) -> None:
    """Take all that is unspent from a lot of one locked customer, and open a lot of the same date for another.

    Points that an order earned stay those of the order, so that it can still be taken back what it earned (rule 1.13).
    """
    points, entry = lot.unspent, lot.entry
    order: dict[str, Any] = {}
    if entry.kind == LoyaltyKind.EARNED:
        order = {"order_ref": entry.order_ref, "order_id": entry.order_id}
    out = write_entry(ctx, holder, LoyaltyKind.ADJUSTMENT, -points, comment, None, **order)
    take_from(ctx, out, lot, points)
    given = write_entry(ctx, home, entry.kind, points, comment, None, expires_at=lot.expires_at, **order)
    ctx.session.add(
        LoyaltyLot(
            entry_id=given.id,
            customer_id=home.id,
            points=points,
            unspent=points,
            expires_at=lot.expires_at,
        )
    )
    ctx.session.flush()
