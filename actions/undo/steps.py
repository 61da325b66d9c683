"""The steps of an undo: each is one row that goes back; many go in one flush, in whatever order they let each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import RelationshipDirection
from sqlalchemy.orm.attributes import set_committed_value

from actions.core.base import Context, Invalid, Refused
from actions.execution.references import in_use
from models.base import N_, Base

IN_THE_WAY = N_("%(record)s cannot be restored because another record has taken its place.")
NOT_TAKEN = N_("%(record)s cannot be restored: %(why)s")


@dataclass(slots=True)
class Step:
    """One row to put back, by ``take``, which may raise when the time for it has not come.

    :param rank: steps of a lower rank are taken first.
    :param table: of the row; steps of one rank and table are taken together, one without a table by itself.
    :param leaving: the row itself where it is to go, which it does only while nothing refers to it.
    """

    name: str
    rank: int
    take: Callable[[], None]
    table: str = ""
    leaving: Base | None = None
    done: bool = False
    why: Refused | None = None


def take(ctx: Context, steps: Sequence[Step]) -> int:
    """Take the steps in whatever order they let each other; return how many were. The rest become warnings.

    All of a kind are tried at once. Only when that leads no further are they tried by bisection, down to one by one:
    what stood in the way of all is often another step that has been taken by then.
    """
    waiting = sorted(steps, key=lambda step: step.rank)
    size = len(waiting)
    while waiting:
        objected = _go_through(ctx, waiting, size)
        left = [step for step in waiting if not step.done]
        if len(left) == len(waiting):
            if objected < 2:
                break
            size = objected // 2
        waiting = left
    for step in waiting:
        if step.why is not None:
            ctx.warn(step.why.message, **step.why.values)
        else:
            ctx.warn(IN_THE_WAY, record=step.name)
    return len(steps) - len(waiting)


def _go_through(ctx: Context, waiting: Sequence[Step], size: int) -> int:
    """Try all that wait, ``size`` of a kind in one flush; return how many the largest part had that would not go."""
    objected = 0
    for _of_a_kind, steps in groupby(waiting, key=_kind):
        free = _free(ctx, list(steps))
        for start in range(0, len(free), size):
            part = free[start : start + size]
            if not _taken(ctx, part):
                objected = max(objected, len(part))
    return objected


def _kind(step: Step) -> tuple[Any, ...]:
    return step.rank, step.table or id(step), step.leaving is None


def _taken(ctx: Context, steps: Sequence[Step]) -> bool:
    """Whether steps could be taken in one flush; where not, it is as if nothing had been tried."""
    try:
        with ctx.journal.attempt(ctx.session):
            for step in steps:
                step.take()
    except (IntegrityError, Invalid, Refused) as error:
        for step in steps:
            step.why = _why(step, error)
        return False
    for step in steps:
        step.done = True
    return True


def _why(step: Step, error: Exception) -> Refused | None:
    """Return what a step says of itself when it was the last that was tried, by itself."""
    if isinstance(error, Invalid):
        return Refused("invalid", NOT_TAKEN, record=step.name, why=" ".join(error.errors.values()))
    return error if isinstance(error, Refused) else None


def _free(ctx: Context, steps: list[Step]) -> list[Step]:
    """Return the steps that may be tried: a row goes only while nothing refers to it, no part of its own either.

    A part that was made with it has a step of its own; one that was added since is somebody's work.
    """
    leaving = [step.leaving for step in steps if step.leaving is not None]
    if not leaving:
        return steps
    used = in_use(ctx, leaving, by_parts=True)
    for step in steps:
        step.why = used.get(step.leaving.id)  # type: ignore[union-attr]
    return [step for step in steps if step.why is None]


def remove(ctx: Context, row: Base) -> None:
    """Delete a row that nothing refers to, so that the database need not be asked for its parts one by one."""
    for name, several in _parts(type(row)):
        set_committed_value(row, name, [] if several else None)
    ctx.session.delete(row)


@cache
def _parts(model: type[Base]) -> tuple[tuple[str, bool], ...]:
    """Return (name, whether there are several) of the relations that deleting a row would read."""
    return tuple(
        (r.key, bool(r.uselist))
        for r in inspect(model).relationships
        if r.direction is RelationshipDirection.ONETOMANY and not r.viewonly and not r.passive_deletes
    )
