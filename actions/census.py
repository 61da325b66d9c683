"""How many rows a deed would change, where they are too many to try it on: counted by one statement (rule 10.10).

An action that is offered for many rows declares a census: from its parameters, the buckets a row may fall into, in the
order in which the action itself would look. A row counts in the first that takes it; what none takes would change.
Each bucket names the very sentence that the action refuses with, so that the two are never written twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, select
from sqlalchemy.orm import Session

from actions.base import Action, Refused
from models.base import Base, Invalid
from models.shop import Shop

Clause = ColumnElement[bool]
VARIES = "…"
"""Stands in a sentence for a figure that is another one for each row."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Rows for which ``clause`` holds: refused because of ``why``, or without one so already."""

    clause: Clause
    why: Refused | Invalid | None = None


Census = Callable[[Mapping[str, Any], Shop], Sequence[Bucket]]
"""From an action's parameters and the shop's settings to its buckets.

It raises Invalid for parameters that the action would take for no row, in the action's own words.
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """What a census found, as things stand."""

    change: int
    same: int
    refused: tuple[tuple[int, Refused | Invalid], ...]

    @property
    def total(self) -> int:
        """How many rows were counted."""
        return self.change + self.same + sum(count for count, _why in self.refused)


def refused(clause: Clause, code: str, message: str) -> Bucket:
    """Return the bucket of rows that the action refuses by ``Refused(code, message)``."""
    figures = re.findall(r"%\((\w+)\)s", message)
    return Bucket(clause, Refused(code, message, **dict.fromkeys(figures, VARIES)))


def at_fault(*faults: tuple[str, str, Clause]) -> list[Bucket]:
    """Return the buckets of rows with values that a save refuses: a save names all fields at fault at once.

    :param faults: (field, sentence, clause) of each; of two about one field, only one ever holds.
    """
    several = [chosen for size in range(len(faults), 0, -1) for chosen in combinations(faults, size)]
    return [
        Bucket(and_(*(clause for _f, _s, clause in chosen)), Invalid({f: text for f, text, _c in chosen}))
        for chosen in several
        if len({field for field, _s, _c in chosen}) == len(chosen)
    ]


def earlier(model: type[Base], same: Any, clause: Clause) -> Clause:
    """Return whether ``clause`` holds for a row that comes before this one and has the same value in a column.

    A run goes by id, so of several rows that want what only one can have, the first gets it.
    """
    before = func.max(case((clause, 1), else_=0)).over(
        partition_by=same, order_by=model.__mapper__.primary_key[0], rows=(None, -1)
    )
    return func.coalesce(before, 0) == 1


def count(
    session: Session, action: Action, rows: Select[Any], values: Mapping[str, Any], shop: Shop
) -> Tally:
    """Count what an action with these parameters would do to every row of a statement that yields ids.

    Each row is judged by what is stored now: what the deed does to one row may still stand in another's way.

    :raises Invalid: no row would take these parameters.
    """
    assert action.census is not None, f"{action.code} declares no census"
    buckets = action.census(values, shop)
    sorted_ = verdicts(action, buckets, rows).subquery()
    wanted = select(sorted_.c.bucket, func.count().label("size")).group_by(sorted_.c.bucket)
    return _tally(buckets, {row.bucket: row.size for row in session.execute(wanted)})


def verdicts(action: Action, buckets: Sequence[Bucket], rows: Select[Any]) -> Select[Any]:
    """Return the statement for the id of each row and the number of its bucket, one beyond the last for none."""
    key, chosen = action.model.__mapper__.primary_key[0], rows.order_by(None).subquery()
    whens = [(bucket.clause, number) for number, bucket in enumerate(buckets)]
    number = case(*whens, else_=len(buckets)) if whens else literal(0)
    return select(key.label("id"), number.label("bucket")).where(key.in_(select(chosen.c[0])))


def _tally(buckets: Sequence[Bucket], sizes: Mapping[int, int]) -> Tally:
    found = [(sizes[number], bucket.why) for number, bucket in enumerate(buckets) if number in sizes]
    return Tally(
        sizes.get(len(buckets), 0),
        sum(size for size, why in found if why is None),
        tuple((size, why) for size, why in found if why is not None),
    )
