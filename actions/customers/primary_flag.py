"""One primary row among a customer's: addresses and cards always have exactly one, phones at most one (rule 12).

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
from models.saved_card import SavedCard

Held = Address | Phone | SavedCard
MARK: dict[type[Any], str] = {Address: "is_primary", Phone: "is_primary", SavedCard: "is_default"}
"""The column that marks the one."""
ALWAYS_ONE: tuple[type[Any], ...] = (Address, SavedCard)
"""Of what somebody who has any has exactly one."""


def has_mark(row: Held) -> bool:
    """Return whether a row is the one among its customer's."""
    return bool(getattr(row, MARK[type(row)]))


def _set_mark(row: Held, value: bool) -> None:
    setattr(row, MARK[type(row)], value)


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
    holders = [other for other in rest if has_mark(other)]
    if not holders and (always or (row.id is None and not rest)):
        _set_mark(row, True)
    if has_mark(row) and holders:
        hand_over(ctx, holders, [row] if row.id is not None else [])


def hand_over(ctx: Context, leaving: Sequence[Held], coming: Sequence[Held]) -> None:
    """Take the primary mark from some rows, tell the database, then give it to others."""
    for row in (*leaving, *coming):
        _set_mark(row, False)
    ctx.session.flush()
    for row in coming:
        _set_mark(row, True)


def repair(ctx: Context, customer_ids: Iterable[int]) -> None:
    """Give each customer who has addresses, or cards, and no primary one the mark back, on the oldest."""
    ids = set(customer_ids)
    for model in ALWAYS_ONE:
        owner, marked = model.customer_id, getattr(model, MARK[model])
        none = func.count().filter(marked) == 0
        for customer_id in ctx.session.scalars(
            select(owner).where(owner.in_(ids)).group_by(owner).having(none).order_by(owner)
        ).all():
            rows = select(model).where(owner == customer_id).order_by(model.created_at, model.id)
            _set_mark(ctx.session.scalars(rows.limit(1)).unique().one(), True)
    ctx.session.flush()


def bequeath(ctx: Context, row: Held) -> None:
    """Give the mark of a row about to be deleted to the oldest that remains."""
    if has_mark(row):
        hand_over(ctx, [row], others(ctx, row)[:1])
        ctx.session.flush()
