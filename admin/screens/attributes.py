"""Custom attributes: what the shop wants to know besides, and each customer's values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload

from admin.base import Screen
from models.attribute import AttributeDefinition, AttributeValue


class AttributeDefinitionScreen(Screen):
    """The shop's own fields."""

    model = AttributeDefinition
    menu = "Settings"
    icon = "adjustments"
    column_list = ("name", "code", "kind", "position", "is_active")
    column_default_sort = "position"
    column_searchable_list = ("name",)
    column_filters = ("kind", "is_active")
    column_editable_list = ("position", "is_active")
    column_labels = {"is_active": _l("Active")}
    form_columns = ("name", "code", "kind", "choices", "position", "is_active")
    empty = _l("Fields of your own, such as a shoe size, are defined here and filled in on each customer.")


class AttributeValueScreen(Screen):
    """A customer's values of the shop's own fields."""

    model = AttributeValue
    menu = None
    icon = "tag"
    column_list = ("customer", "definition", "value")
    column_searchable_list = ("customer", "value")
    column_filters = ("customer", "definition")
    column_editable_list = ("value",)
    column_labels = {"definition": _l("Attribute")}
    form_columns = ("customer", "definition", "value")
    empty = _l("Nothing is recorded yet. The fields themselves are defined under Settings.")

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join the attribute, which also names the row."""
        return [*super().eager(names), joinedload(AttributeValue.definition)]
