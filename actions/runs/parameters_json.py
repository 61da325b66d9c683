"""An action's parameters as JSON and back, so that a run can be processed by another process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from models.types import Choice


def pack(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return JSON values from which :func:`unpack` makes the parameters again.

    :raises TypeError: a value of a type no form has.
    """
    return {name: _packed(value) for name, value in values.items()}


def unpack(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what :func:`pack` was given."""
    return {name: _unpacked(value) for name, value in values.items()}


def _packed(value: Any) -> Any:
    if isinstance(value, Choice):
        return {"choice": type(value).__name__, "value": value.value}
    if isinstance(value, dt.datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, dt.date):
        return {"date": value.isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, dict):
        return {"dict": pack(value)}
    if isinstance(value, list | tuple):
        return {"list": [_packed(item) for item in value]}
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"a run cannot keep a {type(value).__name__}")


def _unpacked(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "choice" in value:
        kinds = {kind.__name__: kind for kind in Choice.__subclasses__()}
        return kinds[value["choice"]]._value2member_map_[value["value"]]
    if "datetime" in value:
        return dt.datetime.fromisoformat(value["datetime"])
    if "date" in value:
        return dt.date.fromisoformat(value["date"])
    if "decimal" in value:
        return Decimal(value["decimal"])
    if "dict" in value:
        return unpack(value["dict"])
    return [_unpacked(item) for item in value["list"]]
