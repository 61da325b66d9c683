"""Who has a value that only one record may have: the way to go on when a save clashes with it (rule 10.14)."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Column, Engine, Index, Select, String, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from actions.core.base import Actor
from actions.execution.constraints import to_refusal
from models import masks
from models.base import Base, Invalid, metadata
from models.row_scope import channels_of, in_scope, model_of

ON_SQLITE = re.compile(r"UNIQUE constraint failed: (\w+)\.(\w+)$")
ON_POSTGRESQL = re.compile(r'unique constraint "(\w+)".*Key \((\w+)\)=\((.*)\) already exists', re.DOTALL)
INSERT = re.compile(r"INSERT INTO \w+ \(([\w, ]+)\) VALUES")
SET = re.compile(r"(\w+)\s*=\s*\?")


def refusal(engine: Engine, error: IntegrityError, model: type[Base], actor: Actor) -> Exception:
    """Return what an error means, with the record that stands in the way, where the actor sees that one.

    It is looked for after the save was rolled back, for members of staff only.
    """
    explained = to_refusal(error, model)
    if isinstance(explained, Invalid) and actor.id is not None and actor.customer_id is None:
        found = _clash(error)
        if found is not None:
            explained.see = _holder(engine, *found, actor)
    return explained


def _clash(error: IntegrityError) -> tuple[Column[Any], str] | None:
    """Return the column that clashed and the value; None where several columns do, or the value was there before."""
    said = str(error.orig)
    if told := ON_POSTGRESQL.search(said):
        table = next(
            (i.table for t in metadata.tables.values() for i in t.indexes if i.name == told[1]), None
        )
        column = table.columns.get(told[2]) if table is not None else None
        value: Any = told[3]
    elif told := ON_SQLITE.search(said):
        table = metadata.tables.get(told[1])
        column = table.columns.get(told[2]) if table is not None else None
        value = _written(error).get(told[2])
    else:
        return None
    plain = column is not None and isinstance(column.type, String) and isinstance(value, str)
    return (column, value) if plain and column is not None else None


def _written(error: IntegrityError) -> dict[str, Any]:
    """Return column -> value of a statement with its values in order, as SQLite is sent it."""
    sent, values = error.statement or "", error.params
    if not isinstance(values, tuple):
        return {}
    listed = INSERT.match(sent)
    names = listed[1].split(", ") if listed else SET.findall(sent.partition(" WHERE ")[0])
    return dict(zip(names, values, strict=False))


def _holder(engine: Engine, column: Column[Any], value: str, actor: Actor) -> tuple[str, int] | None:
    """Return the record as (resource, id), unless it is out of the actor's scope or the column is masked for them."""
    model = model_of(column.table.name)
    if model is None or masks.is_hidden(model, model.__mapper__.get_property_by_column(column).key):
        return None
    with Session(engine) as session:
        scope = in_scope(model, channels_of(session, actor.id))
        found = session.scalar(_having(column, value).where(*(() if scope is None else (scope,))).limit(1))
    return None if found is None else (model.resource_name(), found)


def _having(column: Column[Any], value: str) -> Select[Any]:
    """Select the id of the row that a unique index holds a value of, by that index."""
    table = column.table
    found = select(table.c.id).where(column == value)
    unique = (index for index in table.indexes if index.unique and list(index.columns) == [column])
    only = _condition(next(unique, None))
    return found if only is None else found.where(only)


def _condition(index: Index | None) -> Any:
    where = None if index is None else index.dialect_options["sqlite"]["where"]
    return text(where) if isinstance(where, str) else where
