"""Values as files hold them: amounts in major units, choices by their label, instants in shop time (rule 15.15)."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from typing import Any

from admin.layout.formatters import currency_of
from admin.request.context import channels
from admin.screen_spec.column_info import Field, Kind, label_of
from admin.viewmodels.spreadsheets import Value
from models import figures
from models.base import Base
from models.days import last_day
from models.row_scope import shows
from web.request import shop


def value_of(field: Field, row: Any) -> Value:
    """Return a value as files hold it: amounts in major units, choices by their label, instants in the shop's zone."""
    return plain(field.read(row), row, field.kind)


def plain(value: Any, row: Any, kind: Kind = "computed") -> Value:
    """Return a value that a column, or a formatter, has of a row."""
    if value is None:
        return None
    if kind == "money":
        return figures.major(value, currency_of(row, shop()))
    if isinstance(value, enum.Enum):
        return label_of(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return last_day(value, shop().zone) if kind == "last_day" else value.astimezone(shop().zone)
    if isinstance(value, Base) and not shows(value, channels()):
        return f"#{value.id}"  # type: ignore[attr-defined]
    if isinstance(value, (list, tuple)):
        return "; ".join(str(item) for item in value)
    return value if isinstance(value, int | Decimal | dt.date) else str(value)
