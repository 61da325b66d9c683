"""How a list is sorted: by any listed column that the database can order, always ending in the id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Boolean, Enum, select
from sqlalchemy.orm import aliased

from admin.screen_spec.declaration import Declaration
from models import search

LABELS = "last_name_key", "name", "number", "username"
"""What a row is sorted by where another one names it: the first of these that it has."""


@dataclass(frozen=True, slots=True)
class Key:
    """One expression of an order. ``nullable`` decides whether empty values need a place of their own."""

    expression: Any
    descending: bool
    nullable: bool
    via: Any = None
    """An alias of the table that it is a column of, and the clause by which that is joined, where every row has one."""
    group: Any = None
    """The column that takes few values, and those: the label of the short list it refers to, or the values."""
    filled: Any = None
    """The column that is empty where this key is, where an index begins with it."""


class Sorting(Declaration):
    """The declaration, and the orders that follow from it."""

    field: Any
    identity: Any

    @cached_property
    def sortable(self) -> frozenset[str]:
        """Return the columns that can be sorted by: the listed ones but those computed in Python, or as declared."""
        names = self.column_list if self.column_sortable_list is None else self.own_sorts
        return frozenset(n for n in names if self.sort_paths(n))

    @cached_property
    def own_sorts(self) -> dict[str, Sequence[Any]]:
        """Return what ``column_sortable_list`` names -> the paths it gives; none where it gives none."""
        pairs = ((one, ()) if isinstance(one, str) else one for one in self.column_sortable_list or ())
        return {name: self._paths(name, by) for name, by in pairs}

    def _paths(self, name: str, by: Any) -> Sequence[Any]:
        several = by if isinstance(by, tuple | list) else (by,)
        return tuple(self._path(name, one) for one in several)

    def _path(self, name: str, by: Any) -> str:
        """Return the dotted path of an attribute: of the model's own, or of what the relation ``name`` leads to."""
        if isinstance(by, str):
            return by
        return str(by.key) if issubclass(self.model, by.class_) else f"{name}.{by.key}"

    def sort_paths(self, name: str) -> Sequence[Any]:
        """Return dotted attribute paths, or SQL expressions, that order the list by a column."""
        if own := self.own_sorts.get(name) or self.column_sort_expressions.get(name):
            return own
        field = self.field(name)
        if field.says.sorted_by:
            return field.says.sorted_by
        if field.kind == "text" and (key := search.key_of(field.attribute)) is not None:
            return (str(key.key),)
        if field.kind == "lookup" and field.target is not None:
            label = next((n for n in LABELS if hasattr(field.target, n)), "id")
            return (f"{name}.{label}",)
        return () if field.kind in ("computed", "json") else (name,)

    def sort_keys(self, name: str | None, descending: bool) -> list[Key]:
        """Return the ORDER BY keys for a column, always ending in the id."""
        if name is None:
            name, descending = self.default_sort
        last = Key(self.identity, descending, nullable=False)
        if (expression := self.sql_expression(name)) is not None:
            return [Key(expression, descending, nullable=False), last]
        paths = self.sort_paths(name) if name != "id" else ()
        return [*(key for path in paths for key in self._keys(path, descending)), last]

    @property
    def default_sort(self) -> tuple[str, bool]:
        """Return (column, descending) of the list's own order."""
        declared = self.column_default_sort
        return declared if isinstance(declared, tuple) else (declared or "id", False)

    def _keys(self, path: Any, descending: bool) -> list[Key]:
        if not isinstance(path, str):
            return [Key(path, descending, nullable=True)]
        head, _dot, rest = path.partition(".")
        if rest:
            return self._of_other(head, rest, descending)
        attribute = getattr(self.model, head)
        nullable, indexed = bool(attribute.property.columns[0].nullable), _is_indexed(attribute)
        return [
            Key(
                attribute,
                descending,
                nullable,
                group=(attribute, values) if (values := _few_values(attribute)) and indexed else None,
                filled=attribute if nullable and indexed else None,
            )
        ]

    def _of_other(self, name: str, label: str, descending: bool) -> list[Key]:
        """Return the keys for a column of what a relation names.

        Where every row has one and there are many, that is joined and its rows are walked in their order: a customer's
        addresses stand together. The entries of a short list are walked one by one.
        """
        foreign, target = self.field(name).column, self.field(name).target
        assert target is not None
        other, nullable = aliased(target), foreign.property.columns[0].nullable
        if label == "last_name_key" and not nullable:
            via = other, other.id == foreign
            columns = other.last_name_key, other.first_name_key, other.id
            return [Key(column, descending, nullable=False, via=via) for column in columns]
        shown = getattr(other, label)  # of an alias: the agent of a customer is one, too
        value = select(shown).where(other.id == foreign).correlate(self.model).scalar_subquery()
        few = (foreign, getattr(target, label)) if hasattr(target, "name") else None
        return [Key(value, descending, nullable=True, group=few, filled=foreign if nullable else None)]


def _is_indexed(attribute: Any) -> bool:
    """Return whether an index of the table begins with a column."""
    column = attribute.property.columns[0]
    return any(next(iter(index.columns), None) is column for index in column.table.indexes)


def _few_values(attribute: Any) -> tuple[Any, ...]:
    """Return the values that a column can have, in their order, where those are few; of others nothing."""
    kind = attribute.type
    if isinstance(kind, Boolean):
        return False, True
    return (
        tuple(sorted(kind.enum_class or (), key=lambda one: str(one.value))) if isinstance(kind, Enum) else ()
    )
