"""From the cells of a file to values: each row is matched to its record and read, or refused with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.packing import pack
from actions.records import assign
from admin import files
from admin.cells import currency_of
from admin.context import shop
from admin.export import value_of
from admin.import_columns import ID, Column, columns, defaults, empty_value, key_of, unique_keys
from admin.import_matching import Names, by_id, by_key, number_of
from admin.sentences import sentence
from models.base import db
from models.importing import ImportRow, Verdict

if TYPE_CHECKING:
    from admin.base import Screen

CHUNK = 1_000
ANY_CURRENCY = "CLF"
"""A currency of four decimals, more than which no currency has."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a person chose on the mapping page: ``fields`` is column number -> field, ``match`` tells records apart.

    :param clear_empty: an empty cell empties the field, instead of leaving it alone.
    """

    fields: dict[int, str]
    match: str | None = None
    clear_empty: bool = False

    def stored(self, screen: Screen) -> dict[str, Any]:
        """Return it as the file keeps it, with what a new record holds in fields that no column fills."""
        return {
            "fields": {str(place): name for place, name in self.fields.items()},
            "match": self.match,
            "clear_empty": self.clear_empty,
            "defaults": pack(defaults(screen)),
        }


@dataclass(slots=True)
class _Reading:
    """One row on its way: the record it is about, if there is one, and what was found so far.

    ``settled``: it is refused whatever the rest of it says, so that nobody need try it.
    """

    id: int
    cells: list[str]
    record: Any = None
    settled: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


class Reader:
    """Reads the rows of one file by one plan."""

    def __init__(self, screen: Screen, plan: Plan, width: int) -> None:
        self.screen, self.plan, self.width = screen, plan, width
        known = columns(screen)
        self.columns: list[tuple[int, Column]] = [(p, known[n]) for p, n in plan.fields.items() if n != ID]
        self.names = {c.name: Names(screen, c) for _p, c in self.columns if c.field.kind == "lookup"}
        self.place_of = {name: place for place, name in plan.fields.items()}
        mapped = {c.key for _p, c in self.columns}
        given = defaults(screen)
        self.needed = [c for c in known.values() if c.needed and c.key not in mapped]
        self.given = given
        self.may_add, self.may_edit = screen.can("add"), screen.can("edit")
        always = {plan.match, *unique_keys(screen, always=True)}
        self.distinct = {n: c for n, c in unique_keys(screen).items() if n in always and n in self.place_of}
        self.taken: set[tuple[str, str]] = set()

    def read(self, file_id: int) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of a file, some at a time, as :func:`actions.importing.keep_values` takes them."""
        last = 0
        while True:
            wanted = (
                select(ImportRow.id, ImportRow.position, ImportRow.cells)
                .where(ImportRow.file_id == file_id, ImportRow.position > last)
                .order_by(ImportRow.position)
                .limit(CHUNK)
            )
            with Session(db.engine) as own:
                found = own.execute(wanted).all()
            if not found:
                return
            last = found[-1].position
            yield self._some([_Reading(row.id, row.cells or []) for row in found])

    def _some(self, rows: Sequence[_Reading]) -> list[dict[str, Any]]:
        whole = [row for row in rows if self._is_whole(row)]
        self._match(whole)
        self._refuse_repeated(whole)
        for place, column in self.columns:
            if (names := self.names.get(column.name)) is not None:
                names.learn(
                    {
                        r.cells[place]
                        for r in whole
                        if r.cells[place].strip() and not self._as_it_is(r, place, column)
                    }
                )
        for row in whole:
            self._read(row)
        return [self._kept(row) for row in rows]

    def _is_whole(self, row: _Reading) -> bool:
        if len(row.cells) != self.width:
            row.errors[""] = _(
                "This line has %(cells)s cells, and there are %(width)s headings.",
                cells=len(row.cells),
                width=self.width,
            )
            row.settled = True
        return not row.settled

    # -- which record -----------------------------------------------------------------------------------------------

    def _match(self, rows: Sequence[_Reading]) -> None:
        match = self.plan.match
        if match is None:
            return
        place = self.place_of[match]
        options = self.screen.eager([c.name for _p, c in self.columns if c.field.kind == "lookup"])
        named = [row for row in rows if row.cells[place].strip()]
        if match == ID:
            self._match_numbers(named, place, options)
            return
        found = by_key(self.screen, match, (row.cells[place] for row in named), options)
        for row in named:
            there = found.get(row.cells[place], [])
            if len(there) > 1:
                row.errors[match], row.settled = _("Several records have this value."), True
            elif there:
                row.record = there[0]

    def _match_numbers(self, rows: Sequence[_Reading], place: int, options: Sequence[Any]) -> None:
        numbers = {row.id: number_of(row.cells[place]) for row in rows}
        found = by_id(self.screen, (n for n in numbers.values() if n is not None), options)
        for row in rows:
            number = numbers[row.id]
            row.record = found.get(number) if number is not None else None
            if row.record is None:
                row.errors[ID], row.settled = _("There is no record of this number."), True

    def _refuse_repeated(self, rows: Sequence[_Reading]) -> None:
        """Refuse a new record with a value that only one may have, where an earlier line of the file has it."""
        for name, column in self.distinct.items():
            place = self.place_of[name]
            for row in rows:
                if row.record is not None or row.errors or not row.cells[place].strip():
                    continue
                key = key_of(self.screen.model, name, column, row.cells[place])
                if key is not None and (name, key) in self.taken:
                    row.errors[name] = _("An earlier line of the file has this value.")
                elif key is not None:
                    self.taken.add((name, key))

    # -- which values -----------------------------------------------------------------------------------------------

    def _read(self, row: _Reading) -> None:
        """Read every cell, naming each that cannot be read."""
        if not row.settled and not (self.may_add if row.record is None else self.may_edit):
            row.errors[""], row.settled = _("Your role does not include this."), True
            return
        currency = self._currency(row)
        for place, column in self.columns:
            try:
                self._read_cell(row, place, column, currency)
            except ValueError as error:
                if not self._as_it_is(row, place, column):
                    row.errors.setdefault(column.name, str(error))
        if row.settled:
            self._check_alone(row)
        elif row.record is None:
            self._complete(row)

    def _check_alone(self, row: _Reading) -> None:
        """Name the values that will not do in any record, as nobody knows which one the row is about."""
        _changed, wrong = assign(self.screen.model(), row.values)
        for name, text in wrong.items():
            row.errors.setdefault(name, sentence(text))

    def _read_cell(self, row: _Reading, place: int, column: Column, currency: str) -> None:
        text = row.cells[place]
        if not text.strip():
            if self.plan.clear_empty:
                row.values[column.key] = empty_value(column)
            return
        if (
            row.record is not None
            and column.field.kind in ("lookup", "text", "json")
            and self._as_it_is(row, place, column)
        ):
            return
        names = self.names.get(column.name)
        value = names.id_of(text) if names is not None else column.read(text, currency)
        if value is None and column.field.kind == "text" and not column.field.nullable:
            value = ""
        row.values[column.key] = value

    def _as_it_is(self, row: _Reading, place: int, column: Column) -> bool:
        """Whether a cell says what an export of the record says: it then stays as it is, whatever it is."""
        if row.record is None:
            return False
        value, text = value_of(column.field, row.record), row.cells[place]
        return text == files.as_text(value) or (isinstance(value, str) and text == files.in_workbook(value))

    def _complete(self, row: _Reading) -> None:
        """Name what a new record still needs, as its form would."""
        for column in self.needed:
            row.errors[column.name] = _("This field is required.")
        for _place, column in self.columns:
            absent = row.values.get(column.key) is None and self.given.get(column.key) is None
            if column.required and absent and column.name not in row.errors:
                row.errors[column.name] = _("This field is required.")

    def _currency(self, row: _Reading) -> str:
        """Return the currency of a row's amounts: the one in the file, else the record's own, else the shop's.

        Where that is not known, it is one with so many decimals that no amount is blamed for it.
        """
        place = self.place_of.get("currency")
        given = row.cells[place].strip() if place is not None else ""
        if given and place is not None:
            column = dict(self.columns)[place]
            try:
                return str(column.read(given, ""))
            except ValueError:
                return given if self._as_it_is(row, place, column) else ANY_CURRENCY
        if row.settled:
            return ANY_CURRENCY
        return currency_of(row.record, shop()) if row.record is not None else shop().currency

    def _kept(self, row: _Reading) -> dict[str, Any]:
        return {
            "id": row.id,
            "given": pack(row.values) if not row.settled else None,
            "verdict": Verdict.REFUSED if row.settled else None,
            "errors": row.errors or None,
            "row_id": row.record.id if row.record is not None else None,
        }
