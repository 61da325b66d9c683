"""Which permission groups stand behind what is named: a column, an order, a field of a form (rule 19).

The values themselves are masked where rows are loaded (models/masks.py). What must not be there at all (fields of forms
and files, filters, orders) a screen works out from these, from the columns' own declaration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import inspect
from sqlalchemy.orm import RelationshipProperty
from sqlalchemy.sql import visitors
from sqlalchemy.sql.schema import Column

from admin.screen_spec.sorting import Key
from models import masks

NOTHING: frozenset[str] = frozenset()


def groups_of(model: Any, name: str) -> frozenset[str]:
    """Return the permission groups of what stands under a name: a column, or all of the rows that are shown in its
    place, such as a customer's phones."""
    found: Any = getattr(model, name, None)
    shown = getattr(found, "property", None)
    if not isinstance(shown, RelationshipProperty):
        own = masks.sensitive(model).get(name)
        return frozenset({own.sensitive}) if own is not None else NOTHING
    if shown.direction.name == "MANYTOONE":
        return NOTHING  # a record of its own, which has a name
    return frozenset(policy.sensitive for policy in masks.sensitive(shown.mapper.class_).values())


def groups_ordered_by(keys: Iterable[Key]) -> frozenset[str]:
    """Return the permission groups of all columns that an order looks at."""
    expressions = (inspect(key.expression).expression for key in keys)
    columns = {column for expression in expressions for column in _columns(expression)}
    return frozenset(filter(None, (masks.group_of(column) for column in columns)))


def _columns(expression: Any) -> Iterator[Column[Any]]:
    """Yield the tables' own columns in an expression, also behind what its subqueries work out of them."""
    for part in visitors.iterate(expression):
        for base in part.base_columns if isinstance(part, Column) else ():
            yield from [base] if isinstance(base, Column) else _columns(base)


def is_needed(column: Any) -> bool:
    """Return whether a new row cannot be without a value in a column."""
    return not column.nullable and column.default is None and column.server_default is None


def no_such_field(form_class: type[Any], name: str) -> str:
    """Return why a field that was sent is none of a form's."""
    if name in getattr(form_class, "withheld", frozenset)():
        return _("You do not have permission to see this field.")
    return _("This field does not exist.")
