"""The generated actions of a model in the portal: which models' they are, and what customers write there (rule 6.7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from actions.core.actors import NOT_IN_PORTAL
from actions.core.base import ACTIONS, Context, Portal, Refused
from models.base import Base


@dataclass(frozen=True, slots=True)
class _Opened:
    who: Portal
    fields: frozenset[str]
    verbs: frozenset[str]


_opened: dict[type[Base], _Opened] = {}


def open_in_portal(
    model: type[Base],
    fields: Iterable[str] = (),
    *,
    who: Portal = Portal.LOGGED_IN_AS,
    verbs: Iterable[str] = ("create", "edit", "delete"),
) -> None:
    """Have customers create, edit and delete their own rows of a model, and set these fields and no other.

    Whose a new row is follows from whose portal it is. Said beside the rules of the model, before anybody asks for
    its actions: what is declared by then is declared once more.

    :param verbs: which of the three.
    """
    _opened[model] = _Opened(who, frozenset(fields), frozenset(verbs))
    for verb in _opened[model].verbs:
        if (declared := ACTIONS.get(f"{model.resource_name()}.{verb}")) is not None:
            ACTIONS[declared.code] = replace(declared, portal=who)


def who_may(model: type[Base], verb: str) -> Portal | None:
    """Return who does a generated action of a model in the portal; None for nobody."""
    found = _opened.get(model)
    return found.who if found is not None and verb in found.verbs else None


def written(ctx: Context, model: type[Base], values: Mapping[str, Any], *, created: bool) -> dict[str, Any]:
    """Return what a form sets on a row: in a portal its own fields alone, and on a new row whose it is.

    :raises Refused: ``not_in_portal``, where it would set another.
    """
    owner = ctx.actor.customer_id
    if owner is None:
        return dict(values)
    if not values.keys() <= _opened[model].fields:
        raise Refused(*NOT_IN_PORTAL)
    return {**values, "customer_id": owner} if created else dict(values)
