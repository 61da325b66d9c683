"""One primary row among a customer's: addresses always have exactly one, phones at most one (rule 12).

The database holds "at most one" by a unique index that it checks row by row, so the old primary is taken
down and flushed before the new one is put up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select

from actions.core.base import Context
from models.address import Address
from models.phone import Phone

Held = Address | Phone


def others(ctx: Context, row: Held) -> Sequence[Any]:
    """Return the customer's other rows of the kind, oldest first."""
    model: Any = type(row)
    wanted = select(model).where(model.customer_id == row.customer_id).order_by(model.created_at, model.id)
    with ctx.session.no_autoflush:
        return [other for other in ctx.session.scalars(wanted) if other is not row]


def claim(ctx: Context, row: Held, *, always: bool) -> None:
    """Let a row about to be saved take the primary mark from any other; the first row gets it unasked.

    :param always: there must be a primary row, so it also gets the mark where no other has it.
    """
    rest = others(ctx, row)
    holders = [other for other in rest if other.is_primary]
    if not holders and (always or (row.id is None and not rest)):
        row.is_primary = True
    if row.is_primary and holders:
        hand_over(ctx, holders, [row] if row.id is not None else [])


def hand_over(ctx: Context, leaving: Sequence[Held], coming: Sequence[Held]) -> None:
    """Take the primary mark from some rows, tell the database, then give it to others."""
    for row in (*leaving, *coming):
        row.is_primary = False
    ctx.session.flush()
    for row in coming:
        row.is_primary = True


def repair(ctx: Context, customer_ids: Iterable[int]) -> None:
    """Give each customer who has addresses and no primary one the mark back, on the oldest."""
    owner, primaries = Address.customer_id, func.count().filter(Address.is_primary)
    wanted = select(owner).where(owner.in_(set(customer_ids))).group_by(owner).having(primaries == 0)
    for customer_id in ctx.session.scalars(wanted.order_by(owner)).all():
        rows = select(Address).where(owner == customer_id).order_by(Address.created_at, Address.id)
        ctx.session.scalars(rows.limit(1)).unique().one().is_primary = True
    ctx.session.flush()


def bequeath(ctx: Context, row: Held) -> None:
    """Give the mark of a row about to be deleted to the oldest that remains."""
    if row.is_primary:
        hand_over(ctx, [row], others(ctx, row)[:1])
        ctx.session.flush()
