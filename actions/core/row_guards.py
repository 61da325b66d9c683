"""What stands before every action on rows of a model, whatever leads to it: a guard, declared once for the model.

An invariant (actions/execution/invariants.py) looks at what an action has written to journalled tables. A guard looks
at the row before anything happens, so it also covers what is in no journal: sessions, second factors, links, counted
attempts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.base import Base

Guard = Callable[[Any, Any], None]
"""``guard(ctx, row)`` raises Refused where the person acting may not do anything to the row."""
_GUARDS: dict[type[Base], Guard] = {}


def guards(*models: type[Base]) -> Callable[[Guard], Guard]:
    """Register a function that looks at each row of these models before an action on it is run."""

    def register(guard: Guard) -> Guard:
        _GUARDS.update(dict.fromkeys(models, guard))
        return guard

    return register


def is_guarded(model: type[Base]) -> bool:
    """Return whether a guard stands before the actions on a model."""
    return model in _GUARDS


def guard_of(model: type[Base]) -> Guard | None:
    """Return the guard that stands before the actions on a model."""
    return _GUARDS.get(model)


def look_at(ctx: Any, model: type[Base], row: Any) -> None:
    """Have the guard of a model look at a row, where there is one. :raises Refused: no."""
    if (guard := _GUARDS.get(model)) is not None:
        guard(ctx, row)
