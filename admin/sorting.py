"""How a list is sorted: by any listed column that the database can order, always ending in the id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import select

from admin.select import Key

if TYPE_CHECKING:
    from models.base import Base


class Sorting:
    """A part of every :class:`admin.base.Screen`."""

    model: ClassVar[type[Base]]
    column_list: Sequence[str]
    column_default_sort: Any
    column_sort_expressions: ClassVar[Mapping[str, Sequence[Any]]] = {}
    """Listed column -> attribute paths or SQL expressions to sort it by, for a column that is not one of the table."""
    field: Any
    identity: Any

    @cached_property
    def sortable(self) -> frozenset[str]:
        """Return the listed columns that can be sorted: all but those computed in Python."""
        return frozenset(n for n in self.column_list if self.sort_paths(n))

    def sort_paths(self, name: str) -> Sequence[Any]:
        """Return dotted attribute paths, or SQL expressions, that order the list by a column."""
        if name in self.column_sort_expressions:
            return self.column_sort_expressions[name]
        field = self.field(name)
        if field.kind == "lookup" and field.target is not None:
            label = next(
                (n for n in ("last_name_key", "name", "number", "username") if hasattr(field.target, n)), "id"
            )
            return (f"{name}.{label}",)
        return () if field.kind in ("computed", "json") else (name,)

    def sort_keys(self, name: str | None, descending: bool) -> list[Key]:
        """Return the ORDER BY keys for a column, always ending in the id."""
        if name is None:
            name, descending = self.default_sort
        keys = [self._key(path, descending) for path in (self.sort_paths(name) if name != "id" else ())]
        return [*keys, Key(self.identity, descending, nullable=False)]

    @property
    def default_sort(self) -> tuple[str, bool]:
        """Return (column, descending) of the list's own order."""
        declared = self.column_default_sort
        return declared if isinstance(declared, tuple) else (declared or "id", False)

    def _key(self, path: Any, descending: bool) -> Key:
        if not isinstance(path, str):
            return Key(path, descending, nullable=True)
        head, _dot, rest = path.partition(".")
        if not rest:
            attribute = getattr(self.model, head)
            return Key(attribute, descending, bool(attribute.property.columns[0].nullable))
        target = self.field(head).target
        assert target is not None
        foreign, other = self.field(head).column, target.__mapper__.primary_key[0]
        value = select(getattr(target, rest)).where(other == foreign).correlate(self.model).scalar_subquery()
        return Key(value, descending, nullable=True)
