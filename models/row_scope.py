"""Row scope: what a member of staff sees who is limited to the customers of some sales channels (rule 17).

Whose a row is can be read off its foreign keys, so nothing here names a table for its own sake: a new model that refers
to a customer, or to something that belongs to one, is covered as it stands. Only the journal and the results of runs
name rows of any table by its name and number, and say below how their customers are found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Select, Table, and_, exists, not_, or_, select
from sqlalchemy.orm import Session

from models.base import Base, metadata
from models.customer import Customer
from models.journal import Change, Changeset
from models.lookups import SalesChannel
from models.member import StaffChannel
from models.run import Run, RunItem

Channels = frozenset[int] | None
"""Ids of the sales channels whose customers somebody sees; None sees all."""

Clause = ColumnElement[bool]
BOOKKEEPING = frozenset({"changeset", "change", "run", "run_item"})
"""Tables through which no row belongs to anybody: they say how it came to be, not whose it is."""


def channels_of(session: Session, user_id: int | None) -> Channels:
    """Return what a member of staff is limited to; the product itself sees all."""
    if user_id is None:
        return None
    wanted = select(StaffChannel.sales_channel_id).where(StaffChannel.user_id == user_id)
    return frozenset(row[0] for row in session.connection().execute(wanted)) or None


def is_limited(model: Any) -> bool:
    """Return whether some rows of a model are out of scope for somebody who sees some channels only."""
    return model in (Customer, SalesChannel) or model in _WAYS or bool(_direct(model) or parents_of(model))


def in_scope(model: Any, channels: Channels, *, many: bool = False) -> Clause | None:
    """Return the clause for the rows of a model that are within some channels; None where that is all of them.

    :param many: for whole lists: the customers in scope are found first, instead of each row's own looked at, so that
        no list is read from end to end for somebody who sees few of its rows.
    """
    if channels is None or not is_limited(model):
        return None
    return _put_together(model, _Look(channels, many))


def is_of(model: Any, customer_id: int) -> Clause | None:
    """Return the clause for the rows of a model that are one customer's; None where a model's belong to nobody."""
    if model is SalesChannel or not is_limited(model):
        return None
    return _put_together(model, _Look(frozenset(), customer_id=customer_id))


def shows(row: Any, channels: Channels) -> bool:
    """Return whether a record that another one names may be named, too: its agent, the channel of its order."""
    if channels is None:
        return True
    if isinstance(row, Customer):
        return row.sales_channel_id in channels
    return not isinstance(row, SalesChannel) or row.id in channels


@dataclass(frozen=True, slots=True)
class _Look:
    """What is looked for: rows of the customers of some channels, or of one customer; and whether for many rows."""

    channels: frozenset[int]
    many: bool = False
    customer_id: int | None = None


@lru_cache(maxsize=512)
def _put_together(model: Any, look: _Look) -> Clause:
    """Return the clause over the model's own table; that of the journal takes longer to put together than to answer."""
    return _clause(model.__table__.c, model, look)


def _clause(c: Any, model: Any, look: _Look) -> Clause:
    """Return the clause over ``c``, the columns of the model's table or of an alias of it."""
    if model is Customer and look.customer_id is not None:
        found: Clause = c.id == look.customer_id
    elif model is Customer:
        found = c.sales_channel_id.in_(sorted(look.channels))
    elif model is SalesChannel:
        found = c.id.in_(sorted(look.channels))
    elif model in _WAYS:
        found = _WAYS[model](c, _Look(look.channels, customer_id=look.customer_id))
    else:
        found = _by_keys(c, model, look)
    return found


# -- by foreign keys ------------------------------------------------------------------------------------------


def _by_keys(c: Any, model: Any, look: _Look) -> Clause:
    """A row is its customer's. Where that may be empty, it is also that of what it is a part of; else nobody's."""
    direct = [(key, Customer) for key in _direct(model)]
    always = [key for key in direct if not key[0].nullable]
    wanted = always or [*direct, *parents_of(model)]
    return and_(*(_refers(c[column.name], target, look) for column, target in wanted))


def _refers(key: Any, target: Any, look: _Look) -> Clause:
    there = _there(target, key, look)
    return or_(key.is_(None), there) if key.nullable else there


def _there(target: Any, key: Any, look: _Look) -> Clause:
    """Return whether the row of ``target`` that ``key`` names is in scope."""
    other = target.__table__.alias()
    seen = _clause(other.c, target, look)
    if look.many and target is Customer:
        return cast(Clause, key.in_(select(other.c.id).where(seen)))
    return exists(select(other.c.id).where(other.c.id == key, seen).correlate_except(other))


@cache
def _direct(model: Any) -> tuple[Column[Any], ...]:
    """Return the columns that name a customer; the journal's own names one without a foreign key."""
    columns = model.__table__.columns
    return tuple(c for c in columns if c.name == "customer_id" or _target(c) == Customer.__tablename__)


@cache
def parents_of(model: Any) -> tuple[tuple[Column[Any], type[Any]], ...]:
    """Return the columns of a row that name something that belongs to a customer, and what that is."""
    own = model.__table__.name
    keys = ((c, _target(c)) for c in model.__table__.columns)
    named = ((c, table) for c, table in keys if table not in (None, own, *BOOKKEEPING))
    return tuple((c, other) for c, table in named if (other := model_of(table)) is not None and _owned(other))


def _owned(model: Any) -> bool:
    return model is not Customer and bool(_direct(model) or parents_of(model))


def _target(column: Column[Any]) -> str | None:
    return next((key.column.table.name for key in column.foreign_keys), None)


def model_of(table: str | None) -> Any:
    """Return the model of a table, where it has one of ours."""
    return next((m.class_ for m in Base.registry.mappers if m.class_.__tablename__ == table), None)


def limited_models() -> tuple[Any, ...]:
    """Return every model of which some rows may be out of somebody's scope."""
    return _limited(len(metadata.tables))


@cache
def _limited(tables: int) -> tuple[Any, ...]:
    """Return them; ``tables`` is how many there are, as one may be declared later."""
    models = sorted((m.class_ for m in Base.registry.mappers), key=lambda m: str(m.__tablename__))
    return tuple(model for model in models if is_limited(model))


# -- the journal and the results of runs --------------------------------------------------------------------------


def _changeset(c: Any, look: _Look) -> Clause:
    """An action on several customers is seen by anyone who sees one of them; what it did to the others is not.

    One about nobody is seen by all; one about a record that is gone, or that nothing tells whose it is, by nobody.
    """
    seen = [_about(column, c.id, look) for column in _changeset_columns()]
    seen += [_there(Customer, c.on_behalf_of_id, look)]
    seen += [and_(c.subject_table == "customer", _there(Customer, c.subject_id, look))]
    somebody = [_about(column, c.id) for column in _changeset_columns()]
    owned = [m.__tablename__ for m in limited_models() if m is Customer or _owned(m)]
    told = and_(c.subject_table.is_not(None), c.subject_table.in_(owned))
    return or_(*seen, not_(or_(*somebody, c.on_behalf_of_id.is_not(None), told)))


def beyond(changeset_id: int, channels: frozenset[int]) -> Select[Any]:
    """Return the statement for whether a changeset wrote anything of a customer out of scope, or gone."""
    return select(wrote_beyond(changeset_id, channels))


def wrote_beyond(changeset: Any, channels: frozenset[int]) -> Clause:
    """Return the clause for that. :param changeset: the changeset's id, or the column that holds it."""
    parts = []
    for column in _changeset_columns():
        table = column.table.alias()
        whose = table.c[column.name]
        hidden = whose.is_not(None) & not_(_there(Customer, whose, _Look(channels)))
        wrote = select(table.c.id).where(table.c.changeset_id == changeset, hidden)
        parts.append(exists(wrote.correlate_except(table)))
    return or_(*parts)


def _changeset_columns() -> tuple[Column[Any], ...]:
    """Return the columns that say whose rows a changeset has written: of the journal, the ledgers and the mails."""
    found = (m for m in limited_models() if m is not RunItem and "changeset_id" in m.__table__.columns)
    return tuple(column for model in found for column in _direct(model))


def _about(column: Column[Any], its_changeset: Any, look: _Look | None = None) -> Clause:
    """Return whether a changeset wrote a row of a customer's: of one that is looked for, or else of anybody."""
    table = column.table.alias()
    whose = table.c[column.name]
    mine = select(table.c.id).where(table.c.changeset_id == its_changeset, whose.is_not(None))
    if look is not None:
        mine = mine.where(_there(Customer, whose, look))
    return exists(mine.correlate_except(table))


def _run_item(c: Any, look: _Look) -> Clause:
    """A result is about a row of the noun of its run's action; a line of a file that became no row is about none."""
    run = cast(Table, Run.__table__).alias()
    hidden = [
        and_(
            run.c.action.startswith(f"{model.resource_name()}.", autoescape=True),
            not_(_there(model, c.row_id, look)),
        )
        for model in limited_models()
        if model not in (Change, RunItem)
    ]
    found = select(run.c.id).where(run.c.id == c.run_id, or_(*hidden))
    return or_(c.row_id == 0, not_(exists(found.correlate_except(run))))


_WAYS: dict[type[Any], Callable[[Any, _Look], Clause]] = {Changeset: _changeset, RunItem: _run_item}
