"""The time machine: what a record was at any moment, by reading the journal backwards from what it is now (rule 9.5).

Each change holds before and after of what it changed, so the changes since a moment, taken back newest first, lead to
the record as it was then; a deleted row comes out of the change that deleted it. Ledger rows are their own journal: a
balance at a moment is the sum of the entries until then. Caches, search keys and secrets are not journalled, so no
past has them.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from sqlalchemy import Select, Table, and_, func, or_, select
from sqlalchemy.orm import Session

from actions.core.base import Missing, Refused
from actions.core.journal import snapshot
from actions.customers.reassignment import BALANCES, model_of, moved_columns
from models.base import N_, Base, Invalid
from models.customer import Customer
from models.journal import Change, Changeset

CHANGE = cast(Table, Change.__table__)
CHANGESET = cast(Table, Changeset.__table__)
NOT_BY_THE_HAND = frozenset({"sales_order"})
"""What belongs to a customer but comes from the shop by the thousand: no part of a record's past."""

NOT_YET = N_("This record did not exist at that time.")
GONE = N_("This record had been deleted by that time.")
ERASED = N_("This customer's personal data has been erased since, so earlier versions are gone.")
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


BATCH = 5_000
"""Rows that one statement names by their ids."""


class _Step(NamedTuple):
    before: Values | None
    deletes: bool


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
    if values is None or not (_born(values, moment) or _written_by(first, moment)):
        raise Invalid({"at": GONE if first is not None and first[0] <= moment else NOT_YET})
    past = Past(model, row_id, values, _now(row), moment, _known_from(values, first))
    if model is Customer:
        known = _known(session, row_id)
        for related in related_models():
            table = related.__tablename__
            past.related[table] = _rows_of(session, related, row_id, known[table], moment)
        for name, (_owner, figure) in BALANCES.items():
            ours = known[figure.class_.__tablename__]
            past.balances[name] = _balance(session, figure, row_id, ours, moment)
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


def _batches(ids: Iterable[int]) -> Iterator[list[int]]:
    found = sorted(ids)
    yield from (found[start : start + BATCH] for start in range(0, len(found), BATCH))


def _later(
    session: Session, model: type[Base], ids: Iterable[int], moment: dt.datetime
) -> dict[int, list[_Step]]:
    """Return row id -> its changes after ``moment``, oldest first.

    Those of a row are in the order of their ids, which its lock has given them; a changeset that was asked for
    earlier but had to wait for a later one counts as after it, so nothing is taken back out of turn.
    """
    found: dict[int, list[_Step]] = defaultdict(list)
    for batch in _batches(ids):
        for row_id, before, deletes in session.execute(_later_query(model.__tablename__, batch, moment)):
            found[row_id].append(_Step(before, bool(deletes)))
    return found


def _later_query(table: str, ids: list[int], moment: dt.datetime) -> Select[Any]:
    cut = (
        select(CHANGE.c.row_id, func.min(CHANGE.c.id).label("first"))
        .join(CHANGESET, CHANGESET.c.id == CHANGE.c.changeset_id)
        .where(CHANGE.c.table_name == table, CHANGE.c.row_id.in_(ids), CHANGESET.c.at > moment)
        .group_by(CHANGE.c.row_id)
        .subquery()
    )
    return (
        select(CHANGE.c.row_id, CHANGE.c.before, CHANGE.c.after.is_(None))
        .join(cut, and_(cut.c.row_id == CHANGE.c.row_id, CHANGE.c.id >= cut.c.first))
        .where(CHANGE.c.table_name == table)
        .order_by(CHANGE.c.id)
    )


def _then(row: Base | None, later: Sequence[_Step]) -> Values | None:
    """Take the later changes back, newest first; None where the row was not there.

    :raises Refused: ``erased``.
    """
    values = _now(row)
    for step in reversed(later):
        if step.before == {} or (step.before is None and step.deletes):
            raise Refused("erased", ERASED)
        values = {**(values or {}), **step.before} if step.before is not None else None
    return values if values is None else {name: value for name, value in values.items() if value is not None}


def _born(values: Values, moment: dt.datetime) -> bool:
    created = values.get("created_at")
    return created is None or dt.datetime.fromisoformat(created) <= moment


def _written_by(first: tuple[dt.datetime, bool] | None, moment: dt.datetime) -> bool:
    """Whether a row was in the journal by then: one can be written down before the day it says it began."""
    return first is not None and first[1] and first[0] <= moment


# -- what belongs to a customer ---------------------------------------------------------------------------


def related_models() -> list[type[Any]]:
    """Return the journalled models whose rows belong to a customer and are kept by hand."""
    owned = (c.table.name for c in moved_columns() if c.name == "customer_id")
    return [m for name in owned if (m := model_of(name)).__journal__ and name not in NOT_BY_THE_HAND]


def _known(session: Session, customer_id: int) -> dict[str, set[int]]:
    """Return table -> rows that are or were a customer's, as far as the journal knows.

    They are filed under the customer, or were changed by a change that changed the customer too: a merge files what it
    moves under whom it goes to. A change that made the customer, such as an import of thousands, took nothing away.
    """
    its_changesets = select(CHANGE.c.changeset_id).where(
        CHANGE.c.table_name == Customer.__tablename__,
        CHANGE.c.row_id == customer_id,
        CHANGE.c.before.is_not(None),
    )
    wanted = [
        *(m.__tablename__ for m in related_models()),
        *(f.class_.__tablename__ for _o, f in BALANCES.values()),
    ]
    moved = and_(CHANGE.c.changeset_id.in_(its_changesets), CHANGE.c.before.is_not(None))
    about = or_(CHANGE.c.customer_id == customer_id, moved)
    query = select(CHANGE.c.table_name, CHANGE.c.row_id).where(CHANGE.c.table_name.in_(wanted), about)
    found: dict[str, set[int]] = defaultdict(set)
    for table, row_id in session.execute(query.distinct()):
        found[table].add(row_id)
    return found


def _rows_of(
    session: Session, model: type[Any], customer_id: int, known: set[int], moment: dt.datetime
) -> list[PastRow]:
    """Return the rows that were the customer's then, whether they are gone, elsewhere or theirs still."""
    rows = {row.id: row for row in session.scalars(select(model).filter_by(customer_id=customer_id)).unique()}
    for batch in _batches(known - rows.keys()):
        rows |= {row.id: row for row in session.scalars(select(model).where(model.id.in_(batch))).unique()}
    ids = known | rows.keys()
    later = _later(session, model, ids, moment)
    found = ((i, _then(rows.get(i), later[i])) for i in sorted(ids))
    return [
        PastRow(model, i, values, _now(rows.get(i)))
        for i, values in found
        if values is not None and values.get("customer_id") == customer_id and _born(values, moment)
    ]


def _balance(session: Session, figure: Any, customer_id: int, known: set[int], moment: dt.datetime) -> int:
    """Return a balance: the customer's entries until then, less what came by a merge since, plus what went."""
    model = figure.class_
    until = select(func.coalesce(func.sum(figure), 0)).where(
        model.customer_id == customer_id, model.created_at <= moment
    )
    balance = int(session.scalar(until) or 0)
    later = _later(session, model, known, moment)
    for batch in _batches(later):
        entries = select(model.id, model.customer_id, figure).where(
            model.id.in_(batch), model.created_at <= moment
        )
        for row_id, owner, amount in session.execute(entries):
            then = (later[row_id][0].before or {}).get("customer_id", owner)
            balance += amount * ((then == customer_id) - (owner == customer_id))
    return balance
