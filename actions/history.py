"""The time machine: what a record was at any moment, by reading the journal backwards from what it is now (rule 9.5).

Each change holds before and after of what it changed, so the changes since a moment, taken back newest first, lead to
the record as it was then; a deleted row comes out of the change that deleted it. Ledger rows are their own journal: a
balance at a moment is the sum of the entries until then. Caches, search keys and secrets are not journalled, so no
past has them.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Table, and_, func, or_, select, union
from sqlalchemy.orm import Session

from actions.base import Missing, Refused
from actions.journal import snapshot
from actions.merge import BALANCES
from actions.moving import model_of, moved_columns
from models.base import N_, Base, Invalid
from models.customer import Customer
from models.journal import Change, Changeset

CHANGE = cast(Table, Change.__table__)
CHANGESET = cast(Table, Changeset.__table__)
NOT_BY_THE_HAND = frozenset({"sales_order"})
"""What belongs to a customer but comes from the shop by the thousand: no part of a record's past."""

NOT_YET = N_("This record did not exist yet at that moment.")
GONE = N_("This record had been deleted by then.")
ERASED = N_("This person was erased since: what stood here then is gone for good.")
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PastRow:
    """One row as it was: its journalled columns as JSON values, without those that were empty.

    ``now`` is the same of what it is today; None where it is gone.
    """

    model: type[Base]
    id: int
    values: Values
    now: Values | None


@dataclass(frozen=True, slots=True)
class Past(PastRow):
    """A record as it was at ``moment``.

    :param known_from: since when every change of it has been written down; None where none ever was, so that it is
        taken to have been always as it is now.
    """

    moment: dt.datetime
    known_from: dt.datetime | None
    related: dict[str, list[PastRow]] = field(default_factory=dict)
    """Table -> the rows that belonged to a customer then, by id."""
    balances: dict[str, int] = field(default_factory=dict)
    """Cached balance -> what it was, for a customer."""

    @property
    def certain(self) -> bool:
        """Whether the journal reaches back to the moment."""
        return self.known_from is not None and self.known_from <= self.moment


@dataclass(frozen=True, slots=True)
class _Step:
    before: Values | None
    after: Values | None


def as_it_was(session: Session, model: type[Base], row_id: int, moment: dt.datetime) -> Past:
    """Return a journalled record, or a deleted one, as it was at ``moment``, changes of that very instant included.

    :raises Missing: there never was such a record. :raises Invalid: ``at``, it did not exist then.
    :raises Refused: ``erased``, nothing is left of what it was then.
    """
    row = session.get(model, row_id)
    first = _first(session, model, row_id)
    if row is None and first is None:
        raise Missing()
    values = _then(row, _later(session, model, [row_id], moment)[row_id])
    if values is None or not _born(values, moment):
        raise Invalid({"at": GONE if first is not None and first[0] <= moment else NOT_YET})
    past = Past(model, row_id, values, _now(row), moment, _known_from(values, first))
    if model is Customer:
        past.related.update(_related(session, row_id, moment))
        past.balances.update(_balances(session, row_id, moment))
    return past


# -- one row ----------------------------------------------------------------------------------------------


def _first(session: Session, model: type[Base], row_id: int) -> tuple[dt.datetime, bool] | None:
    """Return when the journal of a row begins, and whether with its creation; None where it has none."""
    query = (
        select(CHANGESET.c.at, CHANGE.c.before.is_(None))
        .join(CHANGESET, CHANGESET.c.id == CHANGE.c.changeset_id)
        .where(CHANGE.c.table_name == model.__tablename__, CHANGE.c.row_id == row_id)
        .order_by(CHANGE.c.id)
        .limit(1)
    )
    found = session.execute(query).one_or_none()
    return (found[0], bool(found[1])) if found is not None else None


def _now(row: Base | None) -> Values | None:
    return snapshot(row) if row is not None else None


def _known_from(values: Values, first: tuple[dt.datetime, bool] | None) -> dt.datetime | None:
    """A row that the journal saw coming is known from its first day, any other from its first change on."""
    if first is None:
        return None
    at, created = first
    return min(at, dt.datetime.fromisoformat(values["created_at"])) if created else at


def _later(
    session: Session, model: type[Base], ids: Sequence[int] | Select[Any], moment: dt.datetime
) -> dict[int, list[_Step]]:
    """Return row id -> its changes after ``moment``, oldest first.

    Those of a row are in the order of their ids, which its lock has given them; a changeset that was asked for
    earlier but had to wait for a later one counts as after it, so nothing is taken back out of turn.
    """
    mine = and_(CHANGE.c.table_name == model.__tablename__, CHANGE.c.row_id.in_(ids))
    cut = (
        select(CHANGE.c.row_id, func.min(CHANGE.c.id).label("first"))
        .join(CHANGESET, CHANGESET.c.id == CHANGE.c.changeset_id)
        .where(mine, CHANGESET.c.at > moment)
        .group_by(CHANGE.c.row_id)
        .subquery()
    )
    query = (
        select(CHANGE.c.row_id, CHANGE.c.before, CHANGE.c.after)
        .join(cut, and_(cut.c.row_id == CHANGE.c.row_id, CHANGE.c.id >= cut.c.first))
        .where(CHANGE.c.table_name == model.__tablename__)
        .order_by(CHANGE.c.id)
    )
    found: dict[int, list[_Step]] = defaultdict(list)
    for row_id, before, after in session.execute(query):
        found[row_id].append(_Step(before, after))
    return found


def _then(row: Base | None, later: Sequence[_Step]) -> Values | None:
    """Take the later changes back, newest first; None where the row was not there.

    :raises Refused: ``erased``.
    """
    values = _now(row)
    for step in reversed(later):
        if not step.before and not step.after:
            raise Refused("erased", ERASED)
        values = {**(values or {}), **step.before} if step.before is not None else None
    return values if values is None else {name: value for name, value in values.items() if value is not None}


def _born(values: Values, moment: dt.datetime) -> bool:
    created = values.get("created_at")
    return created is None or dt.datetime.fromisoformat(created) <= moment


# -- what belongs to a customer ---------------------------------------------------------------------------


def related_models() -> list[type[Any]]:
    """Return the journalled models whose rows belong to a customer and are kept by hand."""
    owned = (c.table.name for c in moved_columns() if c.name == "customer_id")
    return [m for name in owned if (m := model_of(name)).__journal__ and name not in NOT_BY_THE_HAND]


def _about(customer_id: int) -> ColumnElement[bool]:
    """Changes filed under a customer, or made by a deed that touched the customer: a merge files a row elsewhere."""
    deeds = select(CHANGE.c.changeset_id).where(
        CHANGE.c.table_name == Customer.__tablename__, CHANGE.c.row_id == customer_id
    )
    return or_(CHANGE.c.customer_id == customer_id, CHANGE.c.changeset_id.in_(deeds))


def _related(session: Session, customer_id: int, moment: dt.datetime) -> dict[str, list[PastRow]]:
    """Return table -> the rows that were the customer's then, still are or went elsewhere or away since."""
    return {m.__tablename__: _rows_of(session, m, customer_id, moment) for m in related_models()}


def _rows_of(session: Session, model: type[Any], customer_id: int, moment: dt.datetime) -> list[PastRow]:
    known = select(CHANGE.c.row_id).where(CHANGE.c.table_name == model.__tablename__, _about(customer_id))
    mine = select(model.id).where(model.customer_id == customer_id)
    ids = sorted(session.scalars(union(mine, known)))
    if not ids:
        return []
    rows = {row.id: row for row in session.scalars(select(model).where(model.id.in_(ids))).unique()}
    later = _later(session, model, ids, moment)
    found = ((i, _then(rows.get(i), later[i])) for i in ids)
    return [
        PastRow(model, i, values, _now(rows.get(i)))
        for i, values in found
        if values is not None and values.get("customer_id") == customer_id and _born(values, moment)
    ]


def _balances(session: Session, customer_id: int, moment: dt.datetime) -> dict[str, int]:
    """Return the balances: what is the customer's of the entries until then, less what came by a merge since, plus
    what went."""
    return {
        name: _sum(session, figure, customer_id, moment) + _moved(session, figure, customer_id, moment)
        for name, (_owner, figure) in BALANCES.items()
    }


def _sum(session: Session, figure: Any, customer_id: int, moment: dt.datetime) -> int:
    model = figure.class_
    until = select(func.coalesce(func.sum(figure), 0)).where(
        model.customer_id == customer_id, model.created_at <= moment
    )
    return int(session.scalar(until) or 0)


def _moved(session: Session, figure: Any, customer_id: int, moment: dt.datetime) -> int:
    model = figure.class_
    moved = select(CHANGE.c.row_id).where(CHANGE.c.table_name == model.__tablename__, _about(customer_id))
    later = _later(session, model, moved, moment)
    if not later:
        return 0
    entries = select(model.id, model.customer_id, figure).where(
        model.id.in_(list(later)), model.created_at <= moment
    )
    difference = 0
    for row_id, owner, points in session.execute(entries):
        then = (later[row_id][0].before or {}).get("customer_id", owner)
        difference += points * ((then == customer_id) - (owner == customer_id))
    return difference
