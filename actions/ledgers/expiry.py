"""Expiring many lots at once: the ledger rows that expiring each of them would write, in four statements.

It takes the same locks in the same order as every other action on points, and gives each entry the key of its lot: no
lot is expired twice, the person doing it, however often and in however many processes (rule 1.6).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    String,
    Table,
    any_,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from actions.core.base import Context
from actions.ledgers.loyalty import due
from models.customer import Customer
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyKind, LoyaltyLot
from models.types import Id

LOT, ENTRY, ALLOCATION, CUSTOMER = (
    cast(Table, model.__table__) for model in (LoyaltyLot, LoyaltyEntry, LoyaltyAllocation, Customer)
)
KEY = literal("lapse:", String) + sql_cast(LOT.c.id, String)
"""The key of a lot's one ``expired`` entry: as it has always been, for sealed entries have it."""


class Due(NamedTuple):
    """What would expire: how many lots, how many points, of how many customers."""

    lots: int
    points: int
    customers: int


def count_due(session: Session, as_of: dt.datetime) -> Due:
    """Count in one statement what :func:`next_due` would give, one after the other."""
    counted = select(
        func.count(), func.coalesce(func.sum(LOT.c.unspent), 0), func.count(LOT.c.customer_id.distinct())
    )
    lots, points, customers = session.execute(counted.where(due(as_of))).one()
    return Due(lots, int(points), customers)


def next_due(session: Session, as_of: dt.datetime, most: int, besides: Select[Any]) -> Sequence[int]:
    """Return the ids of the next lots to expire: of those that expire at one instant, a customer's one after the other.

    So most customers are locked and written once. :param besides: yields the ids of those that are passed over.
    """
    wanted = select(LOT.c.id).where(due(as_of), LOT.c.id.not_in(besides))
    in_turn = wanted.order_by(LOT.c.expires_at, LOT.c.customer_id, LOT.c.id)
    return session.connection().scalars(in_turn.limit(most)).all()


def expire_lots(ctx: Context, ids: Sequence[int]) -> int:
    """Expire what is left of these lots, which are due, their customers locked first; return how many expired."""
    connection = ctx.session.connection()
    chosen = _one_of(connection, LOT.c.id, ids)
    owners = select(LOT.c.customer_id).where(chosen)
    wanted = select(CUSTOMER.c.id).where(CUSTOMER.c.id.in_(owners)).order_by(CUSTOMER.c.id).with_for_update()
    locked = _one_of(connection, LOT.c.customer_id, connection.scalars(wanted).all())
    # Not by their date: SQLite would go through all that are due.
    mine = chosen & (LOT.c.unspent > 0)
    moved_on = func.count().filter(~locked)
    left, elsewhere = connection.execute(select(func.count(), moved_on).select_from(LOT).where(mine)).one()
    if elsewhere:  # a merge took them to somebody who is not locked yet, while it was waited for
        return expire_lots(ctx, ids)
    if not left:
        return 0
    connection.execute(_entries(ctx, mine))
    taken = select(ENTRY.c.id, LOT.c.id, LOT.c.unspent).join_from(LOT, ENTRY, ENTRY.c.key == KEY)
    connection.execute(insert(ALLOCATION).from_select(["entry_id", "lot_id", "points"], taken.where(mine)))
    lost = select(LOT.c.customer_id, func.sum(LOT.c.unspent).label("points")).where(mine)
    sums = lost.group_by(LOT.c.customer_id).subquery()
    moved = update(CUSTOMER).where(CUSTOMER.c.id == sums.c.customer_id)
    connection.execute(moved.values(points=CUSTOMER.c.points - sums.c.points))
    connection.execute(update(LOT).where(mine).values(unspent=0))
    ctx.session.expire_all()
    return int(left)


def _one_of(connection: Connection, column: ColumnElement[int], ids: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition of a column that is one of thousands, which are sent as one value."""
    if connection.dialect.name == "sqlite":
        listed = func.json_each(json.dumps(list(ids))).table_valued("value")
        return column.in_(select(listed.c.value))
    return column == any_(literal(list(ids), ARRAY(BigInteger)))


def _entries(ctx: Context, mine: ColumnElement[bool]) -> Any:
    same = {
        "kind": literal(LoyaltyKind.EXPIRED, ENTRY.c.kind.type),
        "created_at": literal(ctx.now, ENTRY.c.created_at.type),
        "actor_id": literal(ctx.actor.id, ENTRY.c.actor_id.type),
        "actor_name": literal(ctx.actor.name, ENTRY.c.actor_name.type),
        "comment": literal("", ENTRY.c.comment.type),
        "changeset_id": literal(ctx.changeset_id, Id),
    }
    rows = select(LOT.c.customer_id, -LOT.c.unspent, KEY, *same.values()).where(mine)
    names = ["customer_id", "points", "key", *same]
    return insert(ENTRY).from_select(names, rows.order_by(LOT.c.id), include_defaults=False)
