"""What is typed into the forms of a screen and of an action that no test names: by the types of columns and parameters."""

from __future__ import annotations

import datetime as dt
import inspect
from decimal import Decimal
from enum import Enum
from typing import Any, get_args, get_type_hints

from actions.core.base import Action
from admin.screen_spec.column_info import Field
from admin.screens import SCREENS
from models.base import Base, metadata
from models.customer import Customer
from tests.usual import NOUNS

DAY, WORDS, OTHER_WORDS = "2031-05-04", "Some words", "Other words"
TYPED = {
    "money": "12.50", "percent": "5", "number": "5", "date": DAY, "last_day": DAY, "datetime": f"{DAY}T12:00",
    "text": WORDS, "boolean": "y",
}  # fmt: skip
_SCREENS = {screen.named(): screen() for screen in SCREENS}
CREATING = [noun for noun, screen in _SCREENS.items() if screen.can_create]
DELETING = {noun for noun, screen in _SCREENS.items() if screen.can_delete}


def typed(field: Field) -> str:
    """Return what is typed into the field of a column; "@" stands for a related record of that table."""
    if field.kind == "lookup":
        return f"@{field.target.__tablename__}"
    return next(iter(field.choices)).value if field.choices else TYPED[field.kind]


def filled_in(noun: str) -> dict[str, str]:
    """Return what is typed for a new record: all that it needs, and its texts."""
    fields = [_SCREENS[noun].field(name) for name in _SCREENS[noun].form_columns]
    return {f.name: typed(f) for f in fields if f.kind == "text" or not (f.nullable or f.kind == "boolean")}


def changed(noun: str) -> tuple[str, str, Any]:
    """Return a field of a record, what is typed there, and what is stored then."""
    name = next(name for name in filled_in(noun) if _SCREENS[noun].field(name).kind == "text")
    return name, OTHER_WORDS, OTHER_WORDS


def _cell(noun: str, name: str) -> tuple[str, str, str | None, Any]:
    field = _SCREENS[noun].field(name)
    if field.kind == "boolean":
        return noun, name, None, False
    return noun, name, typed(field), None


CELLS = [_cell(noun, name) for noun, s in _SCREENS.items() for name in s.column_editable_list]
"""List, column that is edited in place, what is typed, what is stored (None: what was typed)."""


def is_referred_to(noun: str) -> bool:
    """Return whether a table's rows can be referred to."""
    table = NOUNS[noun].__table__
    return any(key.column.table is table for other in metadata.sorted_tables for key in other.foreign_keys)


_PARAMETERS: dict[Any, str] = {str: WORDS, int: "5", Decimal: "5", bool: "y", dt.date: DAY}


def usual_parameters(action: Action) -> dict[str, str]:
    """Return what is typed into an action's form: its parameters without a default, but for the customer."""
    hints = get_type_hints(action.function)
    wanted = inspect.signature(action.function).parameters.values()
    asked = [p.name for p in wanted if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    return {name: _parameter(hints[name]) for name in asked if hints[name] is not Customer}


def _parameter(kind: Any) -> str:
    kind = next((k for k in get_args(kind) if k is not type(None)), kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return str(next(iter(kind)).value)
    if isinstance(kind, type) and issubclass(kind, Base):
        return f"@{kind.__tablename__}"
    return _PARAMETERS[kind]
