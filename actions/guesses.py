"""Codes that open something to whoever knows them: kept as slow digests, and guessed at a few times only (rule 2.15).

An action says which of its parameters is such a code (``guessed=``). The runner then sees to both, whatever the door:
previews are counted too, as they would tell as much.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Engine

from actions import throttle
from actions.base import Action, Actor, Invalid, TooMany
from models.base import N_
from models.codes import digest

TOO_MANY = "too_many_codes", N_("Too many codes were wrong. Try again in %(minutes)s min.")


class Asked(Protocol):
    """What a call says of who asks and when."""

    @property
    def actor(self) -> Actor:
        """Who asks."""

    @property
    def now(self) -> dt.datetime:
        """When."""


def concealed(action: Action, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters with the digest of what is guessed at in its place."""
    given = parameters.get(action.guessed) if action.guessed else None
    return {**parameters, action.guessed: digest(given)} if isinstance(given, str) else parameters


@contextmanager
def counted(
    engine: Engine, action: Action, call: Asked, parameters: Mapping[str, Any]
) -> Iterator[Callable[[bool], None]]:
    """Count an attempt before it is made, and take it back unless the code was wrong.

    It was wrong where Invalid names it, or where the caller says so by calling what this yields with True.

    :raises TooMany: whoever asks was wrong too often lately. The product itself never is.
    """
    told: list[bool] = []
    if call.actor.id is None or not action.guessed or not parameters.get(action.guessed):
        yield told.append
        return
    limits = [throttle.of_codes(call.actor.id)]
    if wait := throttle.take(engine, limits, call.now):
        raise TooMany(*TOO_MANY, wait)
    try:
        yield told.append
    except Invalid as invalid:
        told.append(action.guessed in invalid.errors)
        raise
    finally:
        if not any(told):
            throttle.give_back(engine, limits, call.now)
