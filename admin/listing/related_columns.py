"""Related rows as columns of a list's files: the phones of a customer, each kind by itself, and the primary address.

A screen declares them (``related_rows``); what the columns are called, and how their values look, is what the screen of
those rows says. An export writes them, and an import takes them back (rule 15.18).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import joinedload, selectinload

from actions.importing.related import RelatedRows, field_name
from admin.listing.file_values import value_of
from admin.screen_spec.column_info import Field, label_of
from admin.screen_spec.registry import screen_over
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.spreadsheets import Value, as_text
from web.messages import within

BETWEEN = ";"
"""Between the values of several rows in one cell."""


@dataclass(frozen=True, slots=True)
class RelatedColumn:
    """A column of related rows. ``kind`` is the choice whose rows it holds; None for those of no stated kind."""

    name: str
    label: str
    rows: RelatedRows
    kind: Any
    field: Field

    @property
    def slot(self) -> str:
        """Return the kind as the names of columns say it."""
        return self.kind.value if self.kind is not None else ""

    @property
    def is_many(self) -> bool:
        """Return whether a cell may hold several values."""
        return bool(self.rows.by)

    def value(self, record: Any) -> Value:
        """Return what a file says of a record in this column."""
        values = [value_of(self.field, row) for row in self._of(record)]
        if len(values) < 2:
            return values[0] if values else None
        texts = [as_text(value) for value in values]
        return f"{BETWEEN} ".join(texts).rstrip() if any(texts) else None

    def _of(self, record: Any) -> list[Any]:
        if self.kind is not None:
            return [
                row for row in getattr(record, self.rows.relation) if getattr(row, self.rows.by) == self.kind
            ]
        shown = getattr(record, self.rows.shown)
        return [] if shown is None else [shown]


def related_columns(screen: ScreenSpec) -> Iterator[RelatedColumn]:
    """Yield the columns of the related rows that the person asking may see at all."""
    for rows in screen.related_rows:
        other = screen_over(rows.target(screen.model))
        if other.can("list"):
            for kind in _kinds(rows, other):
                yield from (_column(rows, other, kind, name) for name in rows.columns)


def _kinds(rows: RelatedRows, other: ScreenSpec) -> Sequence[Any]:
    return [None, *(other.field(rows.by).choices or ())] if rows.by else [None]


def _column(rows: RelatedRows, other: ScreenSpec, kind: Any, name: str) -> RelatedColumn:
    label = str(rows.label)
    if kind is not None:
        label = _("%(rows)s, %(kind)s", rows=label, kind=within(label_of(kind)))
    if not rows.by or name != rows.columns[0]:
        label = _("%(rows)s: %(field)s", rows=label, field=within(other.get_column_name(name)))
    slot = kind.value if kind is not None else ""
    return RelatedColumn(field_name(rows, slot, name), label, rows, kind, other.field(name))


def beside(screen: ScreenSpec, name: str) -> Iterator[RelatedColumn]:
    """Yield the columns that come with a listed one into a file, but for what that one says itself."""
    part = screen.field(name).says.shown_by
    for column in related_columns(screen) if part else ():
        if column.rows.shown == name and (column.kind is not None or column.field.name != part):
            yield column


def loads(screen: ScreenSpec, names: Sequence[str]) -> list[Any]:
    """Return the loads of the related rows that come with listed columns, or that have columns of these names."""
    wanted = [
        r for r in screen.related_rows if any(n == r.shown or n.startswith(f"{r.name}.") for n in names)
    ]
    return [load for rows in wanted for load in _loads_of(screen.model, rows)]


def _loads_of(model: Any, rows: RelatedRows) -> Iterator[Any]:
    """Yield the loads of related rows: said column by column, as a list may have said so of fewer."""
    target = rows.target(model)
    columns = [getattr(target, name) for name in (*rows.columns, *filter(None, (rows.by, rows.only)))]
    yield joinedload(getattr(model, rows.shown)).load_only(*columns)
    if rows.by:
        yield selectinload(getattr(model, rows.relation)).load_only(*columns)
