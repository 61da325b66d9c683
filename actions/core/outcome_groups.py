"""What an action would do to many rows, told as buckets that a row may fall into (rule 10.10).

An action for which hundreds of rows are often chosen declares a count: from its parameters, its buckets in the order in
which the action itself would look. A row counts in the first that takes it; what none takes would change. Each bucket
names the very sentence that the action refuses with, so that the two are never written twice. They are counted in
actions/core/bulk_counts.py. Of any other action it is only said that each row is checked on its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func

from actions.core.refusals import Refused
from models.base import Base, Invalid

Clause = ColumnElement[bool]
VARIES = "…"
"""Stands in a sentence for a figure that is another one for each row."""


@dataclass(frozen=True, slots=True)
class OutcomeGroup:
    """Rows for which ``clause`` holds: refused because of ``why``, or without one so already."""

    clause: Clause
    why: Refused | Invalid | None = None


BulkCounts = Callable[[Mapping[str, Any]], Sequence[OutcomeGroup]]
"""From an action's parameters and the shop's settings to its buckets.

It raises Invalid for parameters that the action would take for no row, in the action's own words.
"""


def refused(clause: Clause, code: str, message: str) -> OutcomeGroup:
    """Return the bucket of rows that the action refuses by ``Refused(code, message)``."""
    figures = re.findall(r"%\((\w+)\)s", message)
    return OutcomeGroup(clause, Refused(code, message, **dict.fromkeys(figures, VARIES)))


def at_fault(*faults: tuple[str, str, Clause]) -> list[OutcomeGroup]:
    """Return the buckets of rows with values that a save refuses: a save names all fields at fault at once.

    :param faults: (field, sentence, clause) of each; of two about one field, only one ever holds.
    """
    several = [chosen for size in range(len(faults), 0, -1) for chosen in combinations(faults, size)]
    return [
        OutcomeGroup(
            and_(*(clause for _f, _s, clause in chosen)), Invalid({f: text for f, text, _c in chosen})
        )
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
