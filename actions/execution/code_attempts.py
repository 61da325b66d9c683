"""Secret codes of gift cards and the like: kept as slow digests, and tried a few times only (rule 2.15).

An action says which of its parameters is such a code (``code_param=``). The runner then sees to both, whatever the
channel: previews are counted too, as they would tell as much.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Engine

from actions.core.base import Action, Actor, Invalid, TooMany
from actions.execution import rate_limit
from models.base import N_
from models.codes import digest

TOO_MANY = "too_many_codes", N_("Too many wrong codes. Try again in %(minutes)s min.")


class CallerInfo(Protocol):
    """What a call says of anyone who asks and when."""

    @property
    def actor(self) -> Actor:
        """Who asks."""

    @property
    def now(self) -> dt.datetime:
        """When."""


def concealed(action: Action, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters with the digest of what is guessed at in its place."""
    given = parameters.get(action.code_param) if action.code_param else None
    return {**parameters, action.code_param: digest(given)} if isinstance(given, str) else parameters


@contextmanager
def counted(
    engine: Engine, action: Action, call: CallerInfo, parameters: Mapping[str, Any]
) -> Iterator[Callable[[bool], None]]:
    """Count an attempt before it is made, and take it back unless the code was wrong.

    It was wrong where Invalid names it, or where the caller says so by calling what this yields with True.

    :raises TooMany: the person asking was wrong too often lately. The product itself never is.
    """
    told: list[bool] = []
    if call.actor.id is None or not action.code_param or not parameters.get(action.code_param):
        yield told.append
        return
    limits = [rate_limit.of_codes(call.actor.id)]
    if wait := rate_limit.consume(engine, limits, call.now):
        raise TooMany(*TOO_MANY, wait)
    try:
        yield told.append
    except Invalid as invalid:
        told.append(action.code_param in invalid.errors)
        raise
    finally:
        if not any(told):
            rate_limit.refund(engine, limits, call.now)
