"""What holds after every deed that touched certain tables, whoever did it and through whatever door.

A hook of a form (actions/records.py) sees one row about to be saved. An invariant sees what the whole deed did: the
runner has it look after the last flush and before the commit, in previews too, and a run after each of its items.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actions.base import Context

Invariant = Callable[["Context"], None]
_KEPT: list[tuple[Invariant, frozenset[str]]] = []


def keeps(*tables: str) -> Callable[[Invariant], Invariant]:
    """Register a function that looks at every deed which changed a row of one of these tables.

    It raises Refused where the deed must not stand. It changes no record: its changes would be in no preview.
    """

    def register(invariant: Invariant) -> Invariant:
        _KEPT.append((invariant, frozenset(tables)))
        return invariant

    return register


def hold_to(ctx: Context) -> None:
    """Have every invariant look at what a deed has flushed, in the order they were registered. :raises Refused: no."""
    touched = {table for table, _row in ctx.journal.changes}
    for invariant, tables in _KEPT:
        if touched & tables:
            invariant(ctx)
