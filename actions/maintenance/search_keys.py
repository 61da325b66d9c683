"""Search keys follow from rules of ours and from data that moves: a new release of either rewrites them (rule 7.2).

A key that was written by other data finds nobody, and lets a second record through that should have clashed. So the
database keeps the release its keys were written by, ``flask verify`` compares, and :func:`rewrite` brings them up to
date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from sqlalchemy import Column, Engine, Table, bindparam, delete, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import normalise
from models.base import Base
from models.dialect import WRITE, Turns
from models.key_release import KeyRelease
from models.types import Key

BATCH = 500
COMMAND = "flask --app app rewrite-keys"


def outdated(session: Session) -> list[str]:
    """Return a sentence where the keys were written by another release; an empty list where they were not."""
    found = session.scalar(select(KeyRelease.release))
    if found in (None, normalise.RELEASE):
        return []
    return [
        f"The search keys are from release {found} but {normalise.RELEASE} is installed. Run `{COMMAND}`."
    ]


def record_if_new(session: Session, now: dt.datetime) -> None:
    """Note the present release in a database that has none, whose keys are all still to be written."""
    if session.scalar(select(KeyRelease.id)) is None:
        session.execute(insert(KeyRelease).values(release=normalise.RELEASE, written_at=now))


def rewrite(engine: Engine, now: dt.datetime, done: Callable[[int], None] = lambda count: None) -> list[str]:
    """Write every key again that the present release writes otherwise; return a sentence for each that clashes.

    A key that another record has by now stays as it was, for a person to look at; until none does, the release counts
    as the old one. It can be killed and run again at any time. Keys are no facts: neither journal nor version tells of
    them.

    :param done: is told after each transaction how many rows have been looked at.
    """
    clashes: list[str] = []
    writing, turns = engine.execution_options(**{WRITE: True}), Turns(engine)
    for model, columns in _keyed():
        for ids in _batches(engine, model):
            with Session(writing) as session, session.begin():
                clashes += _rewrite(session, model, columns, ids)
            done(len(ids))
            turns.give()
    if not clashes:
        with Session(writing) as session, session.begin():
            session.execute(delete(KeyRelease))
            record_if_new(session, now)
    return clashes


def _keyed() -> Iterator[tuple[type[Base], list[Column[Any]]]]:
    """Yield each model that derives keys, with the columns that hold them."""
    for mapper in sorted(Base.registry.mappers, key=lambda mapper: mapper.class_.__name__):
        columns = [column for column in cast(Table, mapper.local_table).columns if column.type is Key]
        if columns and mapper.class_.derive is not Base.derive:
            yield mapper.class_, columns


def _batches(engine: Engine, model: Any) -> Iterator[Sequence[int]]:
    last = 0
    while True:
        with Session(engine) as session:
            rows = select(model.id).where(model.id > last).order_by(model.id).limit(BATCH)
            ids = session.scalars(rows).all()
        if not ids:
            return
        yield ids
        last = ids[-1]


def _rewrite(session: Session, model: Any, columns: list[Column[Any]], ids: Sequence[int]) -> list[str]:
    names = [inspect(model).get_property_by_column(column).key for column in columns]
    rows = session.scalars(select(model).where(model.id.in_(ids)).with_for_update()).all()
    session.expunge_all()  # what is derived below is written by hand, past listeners that would number a version
    changed = []
    for row in rows:
        before = [getattr(row, name) for name in names]
        row.derive()
        after = [getattr(row, name) for name in names]
        if before != after:
            changed.append(
                {"row": row.id, **{f"new_{name}": value for name, value in zip(names, after, strict=True)}}
            )
    if not changed:
        return []
    table = cast(Table, model.__table__)
    values: dict[str, Any] = {
        column.name: bindparam(f"new_{name}") for column, name in zip(columns, names, strict=True)
    }
    statement = update(table).where(table.c.id == bindparam("row")).values(values)
    try:
        with session.begin_nested():
            session.connection().execute(statement, changed)
    except IntegrityError:
        return [told for each in changed for told in _rewrite_one(session, model, statement, each)]
    return []


def _rewrite_one(session: Session, model: Any, statement: Any, values: dict[str, Any]) -> list[str]:
    try:
        with session.begin_nested():
            session.connection().execute(statement, values)
    except IntegrityError:
        return [
            f"{model.__label__} {values['row']}: another record now has the same; its keys were not changed."
        ]
    return []
