"""Row scope: what a member of staff sees who is limited to the customers of some sales channels (rule 17).

Whose a row is can be read off its foreign keys, so nothing here names a table for its own sake: a new model that refers
to a customer, or to something that belongs to one, is covered as it stands. Only the journal and the results of runs
name rows of any table by its name and number, and say below how their customers are found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, and_, exists, not_, or_, select
from sqlalchemy.orm import Session, aliased

from models.base import Base
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
    """Return whether some rows of a model are out of sight for somebody who sees some channels only."""
    return model in (Customer, SalesChannel) or model in _WAYS or bool(_direct(model) or parents_of(model))


def in_sight(model: Any, channels: Channels) -> Clause | None:
    """Return the clause for the rows of a model that are within some channels; None where that is all of them."""
    return None if channels is None or not is_limited(model) else _clause(model, model, channels)


def shows(row: Any, channels: Channels) -> bool:
    """Return whether a record that another one names may be named, too: its agent, the channel of its order."""
    if channels is None:
        return True
    if isinstance(row, Customer):
        return row.sales_channel_id in channels
    return not isinstance(row, SalesChannel) or row.id in channels


def _clause(entity: Any, model: Any, channels: frozenset[int]) -> Clause:
    """Return the clause over ``entity``, which is the model or an alias of it."""
    if model is Customer:
        found: Clause = entity.sales_channel_id.in_(sorted(channels))
    elif model is SalesChannel:
        found = entity.id.in_(sorted(channels))
    elif model in _WAYS:
        found = _WAYS[model](entity, channels)
    else:
        found = _by_keys(entity, model, channels)
    return found


# -- by foreign keys ------------------------------------------------------------------------------------------


def _by_keys(entity: Any, model: Any, channels: frozenset[int]) -> Clause:
    """A row is its customer's. Where that may be empty, it is also that of what it is a part of; else nobody's."""
    direct = [(key, Customer) for key in _direct(model)]
    always = [key for key in direct if not key[0].nullable]
    wanted = always or [*direct, *parents_of(model)]
    return and_(*(_refers(entity, column, target, channels) for column, target in wanted))


def _refers(entity: Any, column: Column[Any], target: Any, channels: frozenset[int]) -> Clause:
    key = getattr(entity, _attribute(entity, column))
    there = _there(target, key, channels)
    return or_(key.is_(None), there) if column.nullable else there


def _there(target: Any, key: Any, channels: frozenset[int]) -> Clause:
    """Return whether the row of ``target`` that ``key`` names is in sight.

    By EXISTS, so that a list is read in the order of its index and each row costs a look at its owner.
    """
    other = aliased(target)
    found = select(other.id).where(other.id == key, _clause(other, target, channels))
    return exists(found.correlate_except(other))


def _attribute(entity: Any, column: Column[Any]) -> str:
    mapper = getattr(entity, "__mapper__", None) or entity._aliased_insp.mapper
    return str(mapper.get_property_by_column(column).key)


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


def limited_models() -> Iterator[type[Any]]:
    """Yield every model of which some rows may be out of somebody's sight."""
    models = sorted((m.class_ for m in Base.registry.mappers), key=lambda m: str(m.__tablename__))
    return (model for model in models if is_limited(model))


# -- the journal and the results of runs --------------------------------------------------------------------------


def _changeset(entity: Any, channels: frozenset[int]) -> Clause:
    """A deed on several customers is seen by whoever sees one of them; what it did to the others is not.

    One about nobody is seen by all; one about a record that is gone, or that nothing tells whose it is, by nobody.
    """
    seen = [_about(column, entity, channels) for column in _deeds()]
    seen += [_there(Customer, entity.on_behalf_of_id, channels)]
    seen += [and_(entity.subject_table == "customer", _there(Customer, entity.subject_id, channels))]
    somebody = [_about(column, entity, None) for column in _deeds()]
    owned = [m.__tablename__ for m in limited_models() if m is Customer or _owned(m)]
    told = and_(entity.subject_table.is_not(None), entity.subject_table.in_(owned))
    return or_(*seen, not_(or_(*somebody, entity.on_behalf_of_id.is_not(None), told)))


def beyond(changeset_id: int, channels: frozenset[int]) -> Select[Any]:
    """Return the statement for whether a changeset wrote anything of a customer out of sight, or gone."""
    parts = []
    for column in _deeds():
        table = column.table.alias()
        whose = table.c[column.name]
        hidden = whose.is_not(None) & not_(_there(Customer, whose, channels))
        parts.append(exists(select(table.c.id).where(table.c.changeset_id == changeset_id, hidden)))
    return select(or_(*parts))


def _deeds() -> list[Column[Any]]:
    """Return the columns that say whose rows a changeset has written: of the journal, the ledgers and the mails."""
    models: list[Any] = [m.class_ for m in Base.registry.mappers if m.class_ not in (Changeset, RunItem)]
    owned = [m for m in models if "changeset_id" in m.__table__.columns and _direct(m)]
    return [column for m in sorted(owned, key=lambda m: str(m.__tablename__)) for column in _direct(m)]


def _about(column: Column[Any], entity: Any, channels: Channels) -> Clause:
    """Return whether a changeset wrote a row of a customer's: one in sight or, without ``channels``, anybody's."""
    table = column.table.alias()
    whose = table.c[column.name]
    mine = select(table.c.id).where(table.c.changeset_id == entity.id, whose.is_not(None))
    if channels is not None:
        mine = mine.where(_there(Customer, whose, channels))
    return exists(mine.correlate_except(table))


def _run_item(entity: Any, channels: frozenset[int]) -> Clause:
    """A result is about a row of the noun of its run's action; a line of a file that became no row is about none."""
    run = aliased(Run)
    hidden = [
        and_(
            run.action.startswith(f"{model.resource_name()}.", autoescape=True),
            not_(_there(model, entity.row_id, channels)),
        )
        for model in limited_models()
        if model not in (Change, RunItem)
    ]
    found = select(run.id).where(run.id == entity.run_id, or_(*hidden))
    return or_(entity.row_id == 0, not_(exists(found.correlate_except(run))))


_WAYS: dict[type[Any], Callable[[Any, frozenset[int]], Clause]] = {
    Changeset: _changeset,
    RunItem: _run_item,
}
