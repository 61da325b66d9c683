"""Collecting rows and writing them in bulk, with the journal entry that each created record deserves."""

from __future__ import annotations

import datetime as dt
import enum
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from demo.bulk import Row, insert_rows, plain_values
from models.base import Base, Record, metadata
from models.journal import Change, Changeset
from models.personal import policy

ACTION = "demo.load"
AUTHOR = "Demo data"
PARENTS = {"order_id": "sales_order", "redeemed_entry_id": "credit_entry"}
"""Column -> the table of what a row is a part of, whose customer it is filed under."""


def plain(value: Any) -> Any:
    """Return the JSON value that the journal keeps: ISO times, decimals as text, choices by their value."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value


@dataclass(frozen=True, slots=True)
class Shape:
    """What a bulk insert needs to know of a model: its table, a row with every default, and what is journalled."""

    table: Table
    blank: Row
    journalled: tuple[str, ...]


@functools.cache
def shape(model: type[Base]) -> Shape:
    """Return the shape of a model; its columns are written under their own names."""
    table = metadata.tables[model.__tablename__]
    blank: Row = dict.fromkeys(table.columns.keys())
    for column in table.columns:
        if isinstance(column.default, ScalarElementColumnDefault):
            blank[column.name] = column.default.arg
        elif column.server_default is not None:
            blank[column.name] = ""
    kept = [p.columns[0] for p in inspect(model).column_attrs if policy(p.columns[0]).journalled]  # type: ignore[arg-type]
    names = tuple(column.name for column in kept) if model.__journal__ else ()
    return Shape(table, blank, names)


@dataclass(slots=True)
class Pile:
    """The rows of one model: the row they all start from, and the id that the next one gets."""

    shape: Shape
    blank: Row
    next_id: int
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Batch:
    """The rows of one transaction. Ids are given out here, from the first that the database has never used."""

    connection: Connection
    at: dt.datetime
    changeset_id: int = 0
    _piles: dict[type[Base], Pile] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.changeset_id = self.add(Changeset, at=self.at, action=ACTION, actor_name=AUTHOR, reason="")["id"]

    def add(self, model: type[Base], **values: Any) -> Row:
        """Add a row and return it, with its id; it may still be changed until :meth:`write`."""
        pile = self._piles.get(model) or self._pile(model)
        row = {**pile.blank, **values, "id": pile.next_id}
        pile.next_id += 1
        pile.rows.append(row)
        if "updated_at" in row and row["updated_at"] is None:
            row["updated_at"] = row["created_at"]
        return row

    def _pile(self, model: type[Base]) -> Pile:
        found = shape(model)
        first = {"created_at": self.at} if issubclass(model, Record) else {}
        pile = Pile(found, found.blank | first, first_free_id(self.connection, found.table.name))
        self._piles[model] = pile
        return pile

    def write(self) -> int:
        """Insert everything, parents first, and return how many rows there were."""
        self._journal()
        piles = sorted(self._piles.values(), key=lambda pile: _position()[pile.shape.table.name])
        for pile in piles:
            insert_rows(self.connection, pile.shape.table, pile.rows)
            take_ids(self.connection, pile.shape.table.name, pile.next_id)
        return sum(len(pile.rows) for pile in piles)

    def _journal(self) -> None:
        buyers = {(name, row_id): who for name in PARENTS for row_id, who in self._owners(PARENTS[name])}
        for pile in list(self._piles.values()):
            table, names = pile.shape.table, pile.shape.journalled
            if not names:
                continue
            change = {"changeset_id": self.changeset_id, "table_name": table.name}
            owner = "id" if table.name == "customer" else "customer_id"
            for row, values in zip(pile.rows, plain_values(table, names, pile.rows), strict=True):
                after = {n: v for n, v in zip(names, values, strict=True) if v is not None}
                customer = row.get(owner) or next(
                    (buyers[name, row[name]] for name in PARENTS if row.get(name)), None
                )
                self.add(Change, row_id=row["id"], customer_id=customer, after=after, **change)

    def _owners(self, table: str) -> Iterator[tuple[int, int]]:
        """Yield (id, customer's id) of each row of a table."""
        for pile in self._piles.values():
            if pile.shape.table.name == table:
                yield from ((row["id"], row["customer_id"]) for row in pile.rows)


@functools.cache
def _position() -> dict[str, int]:
    return {table.name: position for position, table in enumerate(metadata.sorted_tables)}


def first_free_id(connection: Connection, table: str) -> int:
    """Return the lowest id above all that the table ever had, deleted rows included."""
    if connection.dialect.name == "sqlite":
        wanted = text("SELECT seq + 1 FROM sqlite_sequence WHERE name = :table")
        return int(connection.execute(wanted, {"table": table}).scalar() or 1)
    sequence = connection.execute(
        text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": table}
    ).scalar()
    used = text(f"SELECT last_value + CASE WHEN is_called THEN 1 ELSE 0 END FROM {sequence}")
    return int(connection.execute(used).scalar_one())


def take_ids(connection: Connection, table: str, following: int) -> None:
    """Tell PostgreSQL that ids below ``following`` are taken; SQLite notices by itself."""
    if connection.dialect.name == "postgresql":
        wanted = text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :following, false)")
        connection.execute(wanted, {"table": table, "following": following})
