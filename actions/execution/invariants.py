"""What holds after every action that touched certain tables, through any channel.

A hook of a form (actions/execution/records.py) sees one row about to be saved. An invariant sees what the whole action
did: the runner has it look after the last flush and before the commit, in previews too, and a run after each of its
items.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actions.core.base import Context

Invariant = Callable[["Context"], None]
_KEPT: list[tuple[Invariant, frozenset[str]]] = []


def invariant(*tables: str) -> Callable[[Invariant], Invariant]:
    """Register a function that looks at every action which changed a row of one of these tables.

    It raises Refused where the action must not stand. It changes no record: its changes would be in no preview.
    """

    def register(check: Invariant) -> Invariant:
        _KEPT.append((check, frozenset(tables)))
        return check

    return register


def invariants_on(table: str) -> list[Invariant]:
    """Return what looks at every action that touched a table, in its order."""
    return [check for check, tables in _KEPT if table in tables]


def check_invariants(ctx: Context) -> None:
    """Have every invariant look at what an action has flushed, in the order of registration. :raises Refused: no."""
    touched = {table for table, _row in ctx.journal.changes}
    for check, tables in _KEPT:
        if touched & tables:
            check(ctx)
