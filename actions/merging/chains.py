"""Merges that come apart in another order than they were made (rule 3.13).

Two into one, one into three: where the first is undone while the second stands, what was two's goes home from three,
and with it what the second merge did to it: a mark or a watch note that gave way, a phone that three has too, a value
that went on. Where the second is undone afterwards, what went home already stays there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select

from actions.core.base import Context
from actions.customers.reassignment import model_of, moved_names
from actions.merging.parting import BATCH, Parting, copy, is_plain, without
from actions.undo import undo
from actions.undo.steps import take as take_steps
from models.customer import Customer
from models.journal import Change
from models.merge import Merge

Place = tuple[str, int]


# -- what later merges did to what came ------------------------------------------------------------------------


def _done_since(ctx: Context, parting: Parting) -> list[Change]:
    """Return what later merges of the chain did to rows that came, besides re-pointing them."""
    if not parting.later:
        return []
    mine = Change.changeset_id.in_([merge.changeset_id for merge in parting.later])
    found = ctx.session.scalars(select(Change).where(mine).order_by(Change.id))
    return [c for c in found if (c.table_name, c.row_id) in parting.came and not is_plain(c)]


def combined_since(ctx: Context, parting: Parting) -> set[Place]:
    """Bring back rows that a later merge dropped because the next survivor has an equal one; return which."""
    gone = [
        copy(change, before={**(change.before or {}), "customer_id": parting.came[place(change)]})
        for change in _done_since(ctx, parting)
        if change.after is None
    ]
    take_steps(ctx, undo.row_steps(ctx, gone))
    return {place(change) for change in gone}


def given_way_since(ctx: Context, parting: Parting) -> None:
    """Put back what rows that came lost to the next survivor's, such as the mark of the primary one."""
    owners = {name for _table, name in moved_names()}
    changes = [without(c, owners) for c in _done_since(ctx, parting) if c.after is not None]
    take_steps(ctx, undo.row_steps(ctx, changes))


def place(change: Change) -> Place:
    """Return the row that a change is about."""
    return change.table_name, change.row_id


# -- values that went on ------------------------------------------------------------------------------------------


def fields_back(ctx: Context, parting: Parting, changes: Iterable[Change]) -> None:
    """Take back what the survivor got of the other's, and what it handed on, where that still stands."""
    for change in changes:
        if place(change) != ("customer", parting.survivor):
            continue
        undo.put_back(ctx, ctx.session.get_one(Customer, parting.survivor), change)
        given = change
        for merged in parting.later:
            given = _handed_on(ctx, merged, given)
            undo.put_back(ctx, ctx.session.get_one(Customer, merged.survivor_id), given)
    ctx.session.flush()


def _handed_on(ctx: Context, merged: Merge, change: Change) -> Change:
    """Return the part of a later merge's change by which the same values went on to the next record."""
    wanted = select(Change).where(
        Change.changeset_id == merged.changeset_id,
        Change.table_name == "customer",
        Change.row_id == merged.survivor_id,
    )
    then = ctx.session.scalar(wanted.limit(1))
    if then is None:
        return copy(change, before={}, after={})
    values, after = change.after or {}, then.after or {}
    same = {name for name, value in values.items() if name in after and after[name] == value}
    return without(copy(then), {*after, *(then.before or {})} - same)


# -- what went home already ----------------------------------------------------------------------------------------


def _apart(parting: Parting) -> Any:
    """Return the statement for the records that were parted from this survivor, or from others, before."""
    ours = (*parting.losers, parting.survivor, parting.holder)
    return select(Merge.merged_id).where(Merge.undone_by_id.is_not(None), Merge.merged_id.not_in(ours))


def home_already(ctx: Context, parting: Parting, column: Any, ids: Sequence[int]) -> int:
    """Return how many rows belong to somebody who was parted from the survivor before."""
    row, found = column.table.c.id, 0
    theirs = (row if column.name == "merged_into_id" else column).in_(_apart(parting))
    for start in range(0, len(ids), BATCH):
        there = select(func.count()).where(row.in_(ids[start : start + BATCH]), theirs)
        found += ctx.session.scalar(there.where(column.is_distinct_from(parting.holder))) or 0
    return found


def gone_home(ctx: Context, parting: Parting, changes: Sequence[Change]) -> set[Place]:
    """Return the rows among some that belong to somebody who was parted from the survivor before."""
    wanted: dict[str, list[int]] = {}
    for change in changes:
        if (change.table_name, "customer_id") in moved_names():
            wanted.setdefault(change.table_name, []).append(change.row_id)
    found = set()
    for table, ids in wanted.items():
        model = model_of(table)
        rows = select(model.id).where(model.id.in_(ids), model.customer_id.in_(_apart(parting)))
        found |= {(table, row) for row in ctx.session.scalars(rows)}
    return found
