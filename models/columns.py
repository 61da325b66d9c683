"""Column declarations that several models share, so that each states its purpose and not its plumbing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import MappedColumn, mapped_column

from models import personal
from models.types import Id, Minor

LIVE = "merged_into_id IS NULL AND anonymised_at IS NULL"
"""A customer neither merged away nor erased; every unique index on customers leaves the others out."""


def refers(
    target: str, info: personal.Info, *, ondelete: str = "RESTRICT", index: bool = True, **options: Any
) -> MappedColumn[Any]:
    """Return a foreign key to ``target``.id; deleting the target is refused unless ``ondelete`` differs."""
    key = ForeignKey(f"{target}.id", ondelete=ondelete)
    return mapped_column(Id, key, index=index, info=info, **options)


def owner(
    merge: personal.Merge = "move",
    *,
    erase: personal.Erase = "keep",
    ondelete: str = "RESTRICT",
    written_by: personal.Writer = "form",
    index: bool = True,
) -> MappedColumn[Any]:
    """Return the ``customer_id`` of a row of one customer, with what a merge does to it (rule 3.3)."""
    info = personal.reference(merge, erase, written_by=written_by)
    return refers("customer", info, ondelete=ondelete, index=index)


def money(info: personal.Info, **options: Any) -> MappedColumn[Any]:
    """Return a sum of money in integer minor units (rule 2.1)."""
    return mapped_column(Minor, info=info, **options)


def check(name: str, condition: str) -> CheckConstraint:
    """Return a CHECK called ``ck_<table>_<name>``."""
    return CheckConstraint(condition, name=name)


def capitals(column: str, length: int) -> CheckConstraint:
    """Return a CHECK for an ISO code: ``length`` characters in capitals, which both databases can say."""
    return check(f"{column}_shape", f"length({column}) = {length} AND {column} = upper({column})")


def filled(name: str, column: str, *, unique: bool = False) -> Index:
    """Return an index of a column that is mostly empty, over the rows where it is not.

    With the empty ones in it, the statistics call most of its rows equal, and SQLite reads the whole table instead.
    """
    there = text(f"{column} IS NOT NULL")
    return Index(name, column, unique=unique, sqlite_where=there, postgresql_where=there)


def reversed_once(table: str) -> Index:
    """Return the index by which no row of a ledger is reversed twice (rules 1.8, 2.4)."""
    return filled(f"uq_{table}_reverses_id", "reverses_id", unique=True)


def of_orders(table: str) -> Index:
    """Return the index by which what an order moved for a customer is added up (rule 1.13)."""
    there = text("order_ref IS NOT NULL")
    name = f"ix_{table}_of_order"
    return Index(name, "customer_id", "order_ref", sqlite_where=there, postgresql_where=there)


def unique_where(name: str, *columns: str, where: str) -> Index:
    """Return a unique index over the rows that satisfy ``where``, on both databases."""
    return Index(name, *columns, unique=True, sqlite_where=text(where), postgresql_where=text(where))
