"""Custom attributes: what the shop wants to know besides, and each customer's values."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload

from admin.forms.attribute_value import AttributeField, ValueField
from admin.screen.base import Screen
from models.attribute import AttributeDefinition, AttributeKind, AttributeValue

_PLAIN = re.compile(r"(?!-0$)-?(0|[1-9][0-9]{0,14})(\.[0-9]{0,14}[1-9])?")


def _value(view: Any, context: Any, row: AttributeValue, name: str) -> Any:
    """Return a number or a day as one where a spreadsheet gives back the very text that is kept: 12.5, not 12.50."""
    kind, value = row.definition.kind, row.value
    if kind == AttributeKind.NUMBER and _PLAIN.fullmatch(value):
        return Decimal(value)
    return _day(value) if kind == AttributeKind.DATE else value


def _day(value: str) -> dt.date | str:
    """Return a day, or the text as it is where it is none: the attribute may have been of another kind."""
    try:
        day = dt.date.fromisoformat(value)
    except ValueError:
        return value
    return day if day.isoformat() == value else value


class AttributeDefinitionScreen(Screen):
    """The shop's own fields."""

    model = AttributeDefinition
    menu = "Settings"
    icon = "adjustments"
    column_list = ("name", "code", "kind", "position", "is_active")
    column_default_sort = "position"
    column_searchable_list = ("name",)
    column_editable_list = ("position", "is_active")
    form_columns = ("name", "code", "kind", "choices", "position", "is_active")
    empty = _l("Define your own fields here, such as a shoe size. They are filled in on each customer.")


class AttributeValueScreen(Screen):
    """A customer's values of the shop's own fields."""

    model = AttributeValue
    menu = None
    icon = "tag"
    column_list = ("customer", "definition", "value")
    column_searchable_list = ("customer", "value")
    column_editable_list = ("value",)
    column_formatters_export = {"value": _value}
    form_columns = ("customer", "definition", "value")
    form_overrides = {"definition": AttributeField, "value": ValueField}
    empty = _l("No values yet. The fields are defined under Settings.")

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join the attribute, which also names the row."""
        return [*super().eager(names), joinedload(AttributeValue.definition)]
