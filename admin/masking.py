"""What of a screen is withheld from whoever is asking because they may not see it (rule 19).

The values themselves are masked where rows are loaded (models/masks.py). Here is what must not be there at all: fields
of forms and files, filters, orders. All of it follows from the columns' own declaration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy import inspect
from sqlalchemy.orm import RelationshipProperty
from sqlalchemy.sql import visitors
from sqlalchemy.sql.schema import Column

from admin.context import memo, sight
from admin.fields import Field
from models import masks

if TYPE_CHECKING:
    from admin.base import Screen

NOTHING: frozenset[str] = frozenset()


def withheld(screen: Screen) -> frozenset[str]:
    """Return the names on a screen that the person asking sees masks of: neither written nor compared with."""
    hidden = sight().hidden
    if not hidden:
        return NOTHING
    names = {
        *screen.column_list,
        *screen.form_columns,
        *screen.column_details_list,
        *screen.column_filters,
    }
    return frozenset(memo(("withheld", screen.resource), lambda: _of_groups(screen, names, hidden)))


def _of_groups(screen: Screen, names: Iterable[str], hidden: frozenset[str]) -> frozenset[str]:
    return frozenset(name for name in names if groups_of(screen.model, name) & hidden)


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


def filters(screen: Screen) -> Mapping[str, Field]:
    """Return what the person asking may filter a list by."""
    gone = withheld(screen)
    return {n: f for n, f in screen.filters.items() if n not in gone} if gone else screen.filters


def sortable(screen: Screen) -> frozenset[str]:
    """Return what the person asking may sort a list by: no order tells what a mask hides."""
    hidden = sight().hidden
    if not hidden:
        return screen.sortable
    return frozenset(name for name in screen.sortable if not screen.ordered_by[name] & hidden)


def ordered_by(screen: Screen, name: str) -> frozenset[str]:
    """Return the permission groups of all columns that an order looks at."""
    expressions = (inspect(key.expression).expression for key in screen.sort_keys(name, False))
    columns = {column for expression in expressions for column in _columns(expression)}
    return frozenset(filter(None, (masks.group_of(column) for column in columns)))


def _columns(expression: Any) -> Iterator[Column[Any]]:
    """Yield the tables' own columns in an expression, also behind what its subqueries work out of them."""
    for part in visitors.iterate(expression):
        for base in part.base_columns if isinstance(part, Column) else ():
            yield from [base] if isinstance(base, Column) else _columns(base)


def editable(screen: Screen) -> list[str]:
    """Return the columns that the person asking may edit in the list."""
    gone = withheld(screen)
    return [name for name in screen.column_editable_list if name not in gone]


def hinders(screen: Screen, verb: str) -> bool:
    """Return whether a deed takes a value that the person asking may neither see nor, therefore, write.

    That is a new record which cannot be without, and an action whose form begins with what stands there.
    """
    gone = withheld(screen)
    if not gone:
        return False
    if verb == "add":
        columns = (screen.field(name).column for name in gone if name in screen.form_columns)
        return any(_needed(column.property.columns[0]) for column in columns if column is not None)
    return any(a.from_row and a.action.verb == verb and a.fields & gone for a in screen.actions())


def _needed(column: Any) -> bool:
    return not column.nullable and column.default is None and column.server_default is None


def no_such_field(form_class: type[Any], name: str) -> str:
    """Return why a field that was sent is none of a form's."""
    if name in getattr(form_class, "withheld", frozenset)():
        return _("Your role does not include this field.")
    return _("There is no such field.")
