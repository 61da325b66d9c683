"""Keys that more than 50 records share: each is one row for staff instead of thousands of pairs (rule 7.8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any, cast

from sqlalchemy import Connection, Table, func, insert, select, update

from actions.core.base import Context, Outcome, Refused, action
from actions.duplicates import keys
from actions.duplicates.keys import Kind
from models.base import N_
from models.duplicate import CrowdKind, DuplicateCheck, DuplicateCrowd, has_grown

CROWDS = cast(Table, DuplicateCrowd.__table__)
CHECKS = cast(Table, DuplicateCheck.__table__)
KEYS = keys.TABLE.c
CROWD = 50
"""Records that share a key; more are no pairs, but one crowd."""
AT_ONCE = 5000
"""Keys that are counted by one statement."""
DISMISSED = "dismissed", N_("Somebody has already said that this is no problem.")
REOPENED = "reopened", N_("This has already been reopened.")


@action("duplicate_crowd.dismiss", DuplicateCrowd, label=N_("Not a problem"))
def dismiss(ctx: Context, crowd: DuplicateCrowd, *, reason: str = "") -> Outcome:
    """Say that it is no problem that many records share something; it is shown again once it has grown by half.

    :raises Refused: ``dismissed``.
    """
    if not crowd.is_open:
        raise Refused(*DISMISSED)
    crowd.dismissed_size = crowd.size
    return Outcome(N_("%(crowd)s: not a problem."), crowd, {"crowd": str(crowd)})


@action("duplicate_crowd.reopen", DuplicateCrowd, label=N_("Reopen"))
def reopen(ctx: Context, crowd: DuplicateCrowd, *, reason: str = "") -> Outcome:
    """Take back that it is no problem. :raises Refused: ``reopened``."""
    if crowd.dismissed_size is None:
        raise Refused(*REOPENED)
    crowd.dismissed_size = None
    return Outcome(N_("%(crowd)s is shown again."), crowd, {"crowd": str(crowd)})


def follow(connection: Connection, values: Collection[int], ids: Collection[int], now: dt.datetime) -> None:
    """Have some keys counted, after their customers ``ids`` were looked at.

    Where one has become a crowd, or is none any more, the others who share it are to be looked at, too: their pairs go,
    or come.
    """
    wanted, turned = sorted(values), set[int]()
    for start in range(0, len(wanted), AT_ONCE):
        turned |= _count(connection, wanted[start : start + AT_ONCE], now)
    _look_at_the_others(connection, turned, ids)


def _count(connection: Connection, values: Collection[int], now: dt.datetime) -> set[int]:
    """Have some keys counted; return those that have become a crowd, or are none any more."""
    sizes = _sizes(connection, values)
    there = {row.value: row for row in connection.execute(select(CROWDS).where(CROWDS.c.value.in_(values)))}
    for value, row in there.items():
        _resize(connection, row, sizes.get(value, 0))
    if new := [_row(value, size, now) for value, size in sorted(sizes.items()) if value not in there]:
        connection.execute(insert(CROWDS), new)
    return {value for value, row in there.items() if row.size} ^ set(sizes)


def follow_all(connection: Connection, now: dt.datetime) -> None:
    """Have every crowd counted: those who shared its key may have been deleted."""
    follow(connection, values(connection), (), now)


def values(connection: Connection) -> set[int]:
    """Return the keys of all crowds."""
    return set(connection.scalars(select(CROWDS.c.value)))


def _sizes(connection: Connection, values: Collection[int]) -> dict[int, int]:
    shared = select(KEYS.value, func.count()).where(KEYS.value.in_(values)).group_by(KEYS.value)
    return {row[0]: row[1] for row in connection.execute(shared.having(func.count() > CROWD))}


def _resize(connection: Connection, row: Any, size: int) -> None:
    this = CROWDS.c.id == row.id
    if not size and row.dismissed_size is None:
        connection.execute(CROWDS.delete().where(this))
    elif size != row.size:
        shown = bool(size) and (row.dismissed_size is None or has_grown(size, row.dismissed_size))
        connection.execute(update(CROWDS).where(this).values(size=size, is_open=shown))


def _row(value: int, size: int, now: dt.datetime) -> Mapping[str, Any]:
    kind = CrowdKind[Kind(value & keys.KIND_BITS).name]
    return {
        "value": value, "kind": kind, "size": size, "is_open": True, "version": 1, "created_at": now, "updated_at": now,
    }  # fmt: skip


def _look_at_the_others(connection: Connection, turned: Collection[int], ids: Collection[int]) -> None:
    if turned:
        others = (
            select(KEYS.customer_id).where(KEYS.value.in_(turned), KEYS.customer_id.not_in(ids)).distinct()
        )
        connection.execute(insert(CHECKS).from_select(["customer_id"], others))
