"""What refers to a row, and so keeps it from being deleted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import CompoundSelect, ForeignKeyConstraint, bindparam, func, literal, select, union_all

from actions.core.base import Context, Refused
from models.base import N_, Base, metadata
from models.personal import policy

IN_USE = N_("%(record)s cannot be deleted: %(count)s %(noun)s refer to it.")


def refuse_if_referred_to(ctx: Context, row: Base) -> None:
    """Refuse to delete a row that others refer to, saying how many of which.

    Rows that are deleted with it do not count.

    :raises Refused: ``in_use``.
    """
    if found := in_use(ctx, [row]):
        raise next(iter(found.values()))


def in_use(ctx: Context, rows: Sequence[Any], *, by_parts: bool = False) -> dict[int, Refused]:
    """Return id -> why a row is not to be deleted, of those rows of one model that others refer to.

    :param by_parts: what would be deleted with a row, as a customer's phones, counts too.
    """
    counted = _count_of_references(rows[0].__tablename__, by_parts, tuple(metadata.tables))
    if counted is None:
        return {}
    names, found = {row.id: row for row in rows}, dict[int, Refused]()
    lines = ctx.session.execute(counted, {"row_ids": list(names)})
    for _place, table, row_id, count in sorted(tuple(line) for line in lines):
        said = {"record": str(names[row_id]), "count": count, "noun": _noun(table, count)}
        found.setdefault(row_id, Refused("in_use", IN_USE, **said))
    return found


@cache
def _count_of_references(target: str, by_parts: bool, tables: tuple[str, ...]) -> CompoundSelect[Any] | None:
    """Return one statement for (place, table, row, how many refer to it) of every reference to ``row_ids``.

    :param tables: all there are; a model that is declared later is asked, too.
    """
    parts = []
    for place, (table, constraint) in enumerate(_references(target, by_parts)):
        column = next(iter(constraint.elements)).parent
        mine = select(literal(place), literal(table.name), column, func.count())
        parts.append(mine.where(column.in_(bindparam("row_ids", expanding=True))).group_by(column))
    return union_all(*parts) if parts else None


def _references(target: str, by_parts: bool) -> list[tuple[Any, ForeignKeyConstraint]]:
    """Return what refers to a table; without ``by_parts`` not what goes with its rows, save who has which role.

    What is found again by itself never counts.
    """
    return [
        (table, constraint)
        for table in metadata.sorted_tables
        for constraint in sorted(table.foreign_key_constraints, key=lambda c: str(c.name))
        if constraint.referred_table.name == target
        and policy(next(iter(constraint.columns))).merge != "drop"
        and (by_parts or constraint.ondelete != "CASCADE" or table.name.startswith("ab_"))
    ]


def _noun(table_name: str, count: int) -> str:
    for mapper in Base.registry.mappers:
        if mapper.local_table.name == table_name:  # type: ignore[attr-defined]
            return (mapper.class_.__label__ if count == 1 else mapper.class_.__plural__).lower() or table_name
    return table_name
