"""What a screen needs to know of each column, read off the model once at start."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import InstrumentedAttribute, RelationshipProperty

from models.base import Base
from models.presentation import PLAIN, Presentation, presentation
from models.renamed_codes import StoredCode
from models.types import Key, Minor, Percent, Until, UTCDateTime

Kind = Literal[
    "text",
    "number",
    "money",
    "percent",
    "date",
    "datetime",
    "last_day",
    "choice",
    "boolean",
    "lookup",
    "json",
    "computed",
]

OPERATORS: dict[Kind, tuple[str, ...]] = {
    "text": ("contains", "starts", "eq", "ne", "empty"),
    "number": ("eq", "ge", "le", "empty"),
    "money": ("eq", "ge", "le", "empty"),
    "percent": ("eq", "ge", "le", "empty"),
    "date": ("eq", "ge", "le", "empty"),
    "datetime": ("ge", "le", "empty"),
    "last_day": ("ge", "le", "empty"),
    "choice": ("eq", "ne", "in"),
    "boolean": ("eq",),
    "lookup": ("eq", "empty"),
}
"""Which comparisons each kind of column offers, in the order a person is offered them."""

WORDS = {
    "contains": _l("contains"),
    "starts": _l("starts with"),
    "eq": _l("is"),
    "ne": _l("is not"),
    "ge": _l("at least"),
    "le": _l("at most"),
    "in": _l("is one of"),
    "empty": _l("is empty"),
}
DATE_WORDS = {"eq": _l("on"), "ge": _l("from"), "le": _l("until")}


@dataclass(frozen=True, slots=True)
class Field:
    """A column, relation or computed value of a model as screens see it."""

    name: str
    kind: Kind
    attribute: InstrumentedAttribute[Any] | None = None
    nullable: bool = True
    choices: type[enum.Enum] | None = None
    target: type[Base] | None = None
    help: str = ""
    figure: bool = False
    """A computed value that is a figure."""
    says: Presentation = PLAIN
    """What the column says of its own looks."""

    def read(self, row: Any) -> Any:
        """Return the value of a row: of a relation that is shown by an attribute of what it names, that attribute's."""
        value = getattr(row, self.name)
        return getattr(value, self.says.shown_by) if self.says.shown_by and value is not None else value

    @property
    def column(self) -> Any:
        """Return the SQL column that holds the value: the foreign key for a relation."""
        if self.kind == "lookup" and self.attribute is not None:
            return local_column(self.attribute)
        return self.attribute

    @property
    def end(self) -> bool:
        """Return whether figures are set to the right."""
        return self.figure or self.kind in {"number", "money", "percent"}

    def word(self, operator: str) -> Any:
        """Return the operator in words, as a filter chip says it."""
        if self.kind in {"date", "datetime", "last_day"} and operator in DATE_WORDS:
            return DATE_WORDS[operator]
        return WORDS[operator]


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter: a column, an operator, and the value both as typed and as parsed."""

    field: Field
    operator: str
    raw: str
    value: Any

    @property
    def argument(self) -> str:
        """Return the query argument's name."""
        return f"{self.field.name}__{self.operator}"


def local_column(attribute: InstrumentedAttribute[Any]) -> Any:
    """Return the foreign key attribute behind a many-to-one relation."""
    relation = cast(RelationshipProperty[Any], attribute.property)
    mapper = relation.parent
    key = mapper.get_property_by_column(next(iter(relation.local_columns))).key
    return getattr(mapper.class_, str(key))


@cache
def describe(model: type[Base], name: str) -> Field:
    """Return what is known of ``name`` on ``model``.

    :raises AttributeError: the model has no such attribute, so the declaration is wrong.
    """
    attribute = getattr(model, name)
    prop = getattr(attribute, "property", None)
    if isinstance(prop, RelationshipProperty):
        return _relation(name, attribute, prop)
    if not isinstance(attribute, InstrumentedAttribute):
        return Field(name, "computed")
    column = attribute.property.columns[0]
    choices = column.type.enum_class if isinstance(column.type, sa.Enum) else None
    says = presentation(column.info)
    kind = _kind(column.type)
    return Field(name, kind, attribute, bool(column.nullable), choices, help=column.doc or "", says=says)


def _relation(name: str, attribute: Any, prop: RelationshipProperty[Any]) -> Field:
    if prop.direction.name != "MANYTOONE":
        return Field(name, "computed", says=presentation(prop.info))
    column = next(iter(prop.local_columns))
    help_text, says = prop.doc or column.doc or "", presentation(column.info)
    target = prop.mapper.class_
    return Field(name, "lookup", attribute, bool(column.nullable), target=target, help=help_text, says=says)


_KINDS: Sequence[tuple[type[Any] | tuple[type[Any], ...], Kind]] = (
    (sa.Enum, "choice"),
    (Minor, "money"),
    (Percent, "percent"),
    (Until, "last_day"),
    (UTCDateTime, "datetime"),
    (sa.DateTime, "datetime"),
    (sa.Boolean, "boolean"),
    (sa.Date, "date"),
    (sa.Integer, "number"),
    (sa.JSON, "json"),
    (sa.String, "text"),
    (StoredCode, "text"),
)


def _kind(column_type: Any) -> Kind:
    for types, kind in _KINDS:
        if isinstance(column_type, types):
            return kind
    raise TypeError(f"no screen knows how to show {column_type!r}")


def is_search_key(field: Field) -> bool:
    """Return whether a column holds normalised keys, so that a prefix is an index range."""
    return field.kind == "text" and field.attribute is not None and field.attribute.type is Key


def label_of(choice: enum.Enum) -> str:
    """Return a choice's name on screen."""
    return str(_(getattr(choice, "label", choice.name.replace("_", " ").capitalize())))


def heading_of(name: str) -> str:
    """Return what a column is called unless a screen says otherwise: "Created", "Primary" for is_primary."""
    plain = name.removeprefix("is_")
    for ending in ("_id", "_at", "_on", "_key"):
        plain = plain.removesuffix(ending)
    return plain.replace("_", " ").capitalize()
