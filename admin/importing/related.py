"""Related rows of a file's row, read from their columns: the phones of a customer, the primary address (rule 15.18)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Protocol

from flask_babel import gettext as _

from admin.importing.columns import Column
from admin.listing.file_values import value_of
from admin.listing.related_columns import BETWEEN
from admin.viewmodels import spreadsheets

MOST_IN_A_CELL = 100
"""Related rows that one cell may name."""
Cell = tuple[int, Column]
"""A column of the file by its place, and the field that it goes into."""
Items = dict[str, list[dict[str, Any]]]
"""Name of the rows -> those that a file's row holds, as :class:`actions.importing.related.Related` takes them."""


class Row(Protocol):
    """A row of a file on its way."""

    record: Any
    flaws: dict[str, str]
    errors: dict[str, str]

    def text(self, place: int) -> str:
        """Return the text of a cell, "" where nobody can tell what it says."""


def says_the_same(column: Column, record: Any, text: str) -> bool:
    """Return whether a cell says what an export of the record says: it then stays as it is, whatever it is."""
    if record is None:
        return False
    value = column.related.value(record) if column.related is not None else value_of(column.field, record)
    return text == spreadsheets.as_text(value) or (
        isinstance(value, str) and text == spreadsheets.in_workbook(value)
    )


class RelatedReader:
    """Reads the related rows of each row of one file.

    :param typed: turns the text of a cell into a value. :raises ValueError: a sentence.
    :param defaults: what a new row has besides, by the name of the rows: a row of which a file says no more is none.
    :param clear_empty: an empty cell empties the field, where it may be empty and the file says anything of the row.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        typed: Callable[[int, Column, str], Any],
        defaults: Mapping[str, Mapping[str, Any]],
        *,
        clear_empty: bool,
    ) -> None:
        self.typed, self.defaults, self.clear_empty = typed, defaults, clear_empty
        self.cell_of = {column.name: (place, column) for place, column in cells}
        self.slots: dict[tuple[str, str], list[Cell]] = {}
        for place, column in cells:
            assert column.related is not None
            slot = column.related.rows.name, column.related.slot
            self.slots.setdefault(slot, []).append((place, column))

    def read(self, row: Row) -> Items:
        """Return what a row of the file says of related rows, naming each cell that cannot be read."""
        found: Items = {}
        for (name, slot), cells in self.slots.items():
            related = cells[0][1].related
            assert related is not None
            legible = [cell for cell in cells if str(cell[0]) not in row.flaws]
            read = self._many if related.is_many else self._one
            if any(row.text(place).strip() for place, _column in legible):
                items = [{"slot": slot, "values": values} for values in read(row, legible) if values]
                found.setdefault(name, []).extend(items)
        return {name: items for name, items in found.items() if items}

    def _one(self, row: Row, cells: Sequence[Cell]) -> list[dict[str, Any]]:
        values: dict[str, Any] = {}
        for place, column in cells:
            text = row.text(place)
            if says_the_same(column, row.record, text):
                continue
            if text.strip():
                self._put(row, values, place, column, text)
            elif self.clear_empty and column.field.nullable:
                values[column.field.name] = None
        return [values]

    def _many(self, row: Row, cells: Sequence[Cell]) -> list[dict[str, Any]]:
        if all(says_the_same(column, row.record, row.text(place)) for place, column in cells):
            return []
        said = [row.text(place).split(BETWEEN) for place, _column in cells]
        for (_place, column), texts in zip(cells, said, strict=True):
            if len(texts) > MOST_IN_A_CELL:
                row.errors.setdefault(column.name, _("Enter up to %(most)s values.", most=MOST_IN_A_CELL))
                return []
        parts = zip_longest(*said, fillvalue="")
        return [self._part(row, cells, texts) for texts in parts]

    def _part(self, row: Row, cells: Sequence[Cell], texts: Sequence[str]) -> dict[str, Any]:
        """Return one of several rows; nothing where only that is said which every new one has."""
        related = cells[0][1].related
        assert related is not None
        values: dict[str, Any] = {}
        for (place, column), text in zip(cells, texts, strict=True):
            if text.strip():
                self._put(row, values, place, column, text.strip())
        if not values.keys() - self.defaults.get(related.rows.name, {}).keys():
            return {}
        kind = {} if related.kind is None else {related.rows.by: related.kind}
        return {**self._followed(row, related.rows.follows), **values, **kind}

    def _followed(self, row: Row, follows: Mapping[str, str]) -> dict[str, Any]:
        """Return what other columns of the row say of fields that the row's own may not."""
        found: dict[str, Any] = {}
        for name, other in follows.items():
            place, column = self.cell_of.get(other, (None, None))
            if place is not None and column is not None and row.text(place).strip():
                self._put(row, found, place, column, row.text(place), into=name)
        return found

    def _put(
        self, row: Row, values: dict[str, Any], place: int, column: Column, text: str, into: str = ""
    ) -> None:
        try:
            value = self.typed(place, column, text)
        except ValueError as error:
            row.errors.setdefault(column.name, str(error))
        else:
            if value is not None:
                values[into or column.field.name] = value


def explained(offered: dict[str, Column]) -> Iterator[tuple[str, str]]:
    """Yield what else a row may hold, and what becomes of it, as far as the person asking may write it."""
    found = {c.related.rows.name: c.related.rows for c in offered.values() if c.related is not None}
    for rows in found.values():
        labels = [c.label for c in offered.values() if c.related is not None and c.related.rows is rows]
        help = (
            _("Fields that are mapped are changed, or a new one is made. Empty cells are ignored.")
            if rows.only
            else _("What is there already is kept and new ones are added. Separate several in one cell by ;")
        )
        yield str(rows.label), f"{', '.join(labels)}. {help}"
