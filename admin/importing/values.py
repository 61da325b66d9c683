"""From the cells of a file to values: each row is matched to its record and read, or refused with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.execution.records import assign
from actions.runs.parameters_json import pack
from admin.importing.budget import MOST_COLUMNS
from admin.importing.cells import AS_TEXT, ERROR, FORMULA, HIDDEN, NO_DAY, TOO_LONG
from admin.importing.columns import (
    ID,
    Column,
    bare,
    columns,
    defaults,
    empty_value,
    figure_places,
    key_of,
    related_defaults,
    unique_keys,
)
from admin.importing.dates import file_is_month_first, iso, month_first
from admin.importing.matching import Names, by_id, by_key, number_of
from admin.importing.numbers import column_format, file_format
from admin.importing.reading import Reading
from admin.importing.related import RelatedReader, says_the_same
from admin.layout.formatters import currency_of
from admin.listing import related_columns
from admin.screen_spec.spec import ScreenSpec
from models.amounts import PLAIN
from models.base import db
from models.importing import ImportRow, Verdict
from web.messages import sentence
from web.request import shop

CHUNK = 1_000
ANY_CURRENCY = ""
"""Stands for the currency where nobody can tell it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a person chose on the mapping page: ``fields`` is column number -> field, ``match`` tells records apart.

    :param clear_empty: an empty cell empties the field, instead of leaving it alone.
    :param month_first: how dates are read that can be read in two ways; None for as the file or the shop has them.
    :param figures: the format in which figures are read that can be read in two ways; None also.
    :param ours: the file's record numbers are ours: it was exported here, or the person said so.
    """

    fields: dict[int, str]
    match: str | None = None
    clear_empty: bool = False
    ours: bool = False
    month_first: bool | None = None
    figures: str | None = None

    def stored(self, screen: ScreenSpec) -> dict[str, Any]:
        """Return it as the file keeps it, with what a new record holds in fields that no column fills."""
        return {
            "fields": {str(place): name for place, name in self.fields.items()},
            "match": self.match,
            "clear_empty": self.clear_empty,
            "ours": self.ours,
            "month_first": self.month_first,
            "figures": self.figures,
            "defaults": pack(defaults(screen)),
            "related": pack(related_defaults(screen)),
        }


def flaw_words(flaw: str) -> str:
    """Return why nobody can tell what a cell says, and what would do."""
    if flaw.startswith("byte:"):
        byte = flaw.removeprefix("byte:")
        return _(
            "Byte %(byte)s is not a character in this file's encoding. Correct it or choose another encoding.",
            byte=byte,
        )
    return {
        ERROR: _(
            "This cell has a formula error. Correct it in the spreadsheet, save the file and upload it again."
        ),
        FORMULA: _("This formula has no value yet. Open the file in Excel, save it and upload it again."),
        TOO_LONG: _(
            "Spreadsheets keep only 15 digits of a number. Type it again in a cell formatted as text."
        ),
        NO_DAY: _("This date does not exist. Enter a date such as 2026-01-31."),
        HIDDEN: _("Remove the invisible characters."),
    }[flaw]


def _at_most(cells: int) -> str:
    return str(cells) if cells <= MOST_COLUMNS else _("more than %(most)s", most=MOST_COLUMNS)


@dataclass(slots=True)
class _Reading:
    """One row on its way: the record it is about, if there is one, and what was found so far.

    ``settled``: it is refused whatever the rest of it says, so that nobody need try it.
    """

    id: int
    cells: list[str]
    flaws: dict[str, str]
    record: Any = None
    settled: bool = False
    as_text: frozenset[str] = frozenset()
    """The columns whose figure a workbook holds as text."""
    values: dict[str, Any] = field(default_factory=dict)
    related: dict[str, Any] = field(default_factory=dict)
    """What it says of related rows, by their name."""
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, row_id: int, cells: list[str] | None, flaws: dict[str, str] | None) -> _Reading:
        """Return a row as it is kept."""
        marks = flaws or {}
        as_text = frozenset(place for place, mark in marks.items() if mark == AS_TEXT)
        return cls(row_id, cells or [], {p: m for p, m in marks.items() if p not in as_text}, as_text=as_text)

    def text(self, place: int) -> str:
        """Return the text of a cell, "" where nobody can tell what it says."""
        return "" if str(place) in self.flaws else self.cells[place]


class Reader:
    """Reads the rows of one file by one plan. :param reading: how the file itself was read."""

    def __init__(self, screen: ScreenSpec, plan: Plan, width: int, reading: Reading | None = None) -> None:
        self.screen, self.plan, self.width = screen, plan, width
        answer = plan.month_first
        if answer is None:
            answer = file_is_month_first(reading, shop().locale)
        self.month_first = {place: month_first(reading, place, answer) for place in plan.fields}
        self.is_book = reading is not None and reading.sheet is not None
        known = columns(screen)
        written = plan.figures or file_format(
            reading, figure_places(known, plan.fields), ours=plan.ours, locale=shop().locale
        )
        self.figures = {place: column_format(reading, place, written) for place in plan.fields}
        mapped: list[tuple[int, Column]] = [(p, known[n]) for p, n in plan.fields.items() if n != ID]
        self.columns = [(place, column) for place, column in mapped if column.related is None]
        beside = [(place, column) for place, column in mapped if column.related is not None]
        self.related = RelatedReader(
            beside, self._typed, related_defaults(screen), clear_empty=plan.clear_empty
        )
        self.loads = related_columns.loads(screen, [column.name for _p, column in beside])
        self.column_of = {column.name: column for _place, column in self.columns}
        self.names = {
            c.name: Names(screen, c, ours=plan.ours) for _p, c in self.columns if c.field.kind == "lookup"
        }
        self.place_of = {name: place for place, name in plan.fields.items()}
        filled = {c.key for _p, c in self.columns}
        given = defaults(screen)
        self.needed = [c for c in known.values() if c.needed and c.key not in filled]
        self.given = given
        self.may_add, self.may_edit = screen.can("add"), screen.can("edit")
        always = {plan.match, *unique_keys(screen, always=True)}
        self.distinct = {n: c for n, c in unique_keys(screen).items() if n in always and n in self.place_of}
        self.taken: set[tuple[str, str]] = set()
        self.key_of = lru_cache(2 * CHUNK)(key_of)

    def read(self, file_id: int) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of a file, some at a time, as :func:`actions.importing.importing.keep_values` takes them."""
        last = 0
        while True:
            wanted = (
                select(ImportRow.id, ImportRow.position, ImportRow.cells, ImportRow.flaws)
                .where(ImportRow.file_id == file_id, ImportRow.position > last)
                .order_by(ImportRow.position)
                .limit(CHUNK)
            )
            with Session(db.engine) as own:
                found = own.execute(wanted).all()
            if not found:
                return
            last = found[-1].position
            yield self._some([_Reading.of(row.id, row.cells, row.flaws) for row in found])

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
                        if r.text(place).strip() and not self._as_it_is(r, place, column)
                    }
                )
        for row in whole:
            self._read(row)
        return [self._kept(row) for row in rows]

    def _is_whole(self, row: _Reading) -> bool:
        if len(row.cells) != self.width:
            row.errors[""] = _(
                "This line has %(cells)s cells but there are %(width)s headings.",
                cells=_at_most(len(row.cells)),
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
        for row in rows:
            if (flaw := row.flaws.get(str(place))) is not None:
                row.errors[match], row.settled = flaw_words(flaw), True
        lookups = [c.name for _p, c in self.columns if c.field.kind == "lookup"]
        options = [*self.screen.eager(lookups), *self.loads]
        named = [row for row in rows if row.text(place).strip()]
        if match == ID:
            self._match_numbers(named, place, options)
            return
        found = by_key(self.screen, match, (self._key(row, match) for row in named), options, self.key_of)
        for row in named:
            there = found.get(self._key(row, match), [])
            if len(there) > 1:
                row.errors[match], row.settled = _("Several records have this value."), True
            elif there:
                row.record = there[0]

    def _key(self, row: _Reading, name: str) -> str:
        """Return what a row says in a field by which records are told apart."""
        return bare(self.column_of[name], row.text(self.place_of[name]))

    def _match_numbers(self, rows: Sequence[_Reading], place: int, options: Sequence[Any]) -> None:
        numbers = {row.id: number_of(row.cells[place]) for row in rows}
        found = by_id(self.screen, (n for n in numbers.values() if n is not None), options)
        for row in rows:
            number = numbers[row.id]
            row.record = found.get(number) if number is not None else None
            if row.record is None:
                row.errors[ID], row.settled = _("No record has this number."), True

    def _refuse_repeated(self, rows: Sequence[_Reading]) -> None:
        """Refuse a new record with a value that only one may have, where an earlier line of the file has it."""
        for name, column in self.distinct.items():
            place = self.place_of[name]
            for row in rows:
                if row.record is not None or row.errors or not row.text(place).strip():
                    continue
                key = self.key_of(self.screen.model, name, column, self._key(row, name))
                if key is not None and (name, key) in self.taken:
                    row.errors[name] = _("An earlier line of the file already has this value.")
                elif key is not None:
                    self.taken.add((name, key))

    # -- which values -----------------------------------------------------------------------------------------------

    def _read(self, row: _Reading) -> None:
        """Read every cell, naming each that cannot be read."""
        if not row.settled and not (self.may_add if row.record is None else self.may_edit):
            row.errors[""], row.settled = _("You do not have permission for this."), True
            return
        currency = self._currency(row)
        for place, column in self.columns:
            if (flaw := row.flaws.get(str(place))) is not None:
                row.errors.setdefault(column.name, flaw_words(flaw))
                continue
            try:
                self._read_cell(row, place, column, currency)
            except ValueError as error:
                if not self._as_it_is(row, place, column):
                    row.errors.setdefault(column.name, str(error))
        self._read_related(row)
        if row.settled:
            self._check_alone(row)
        elif row.record is None:
            self._complete(row)

    def _read_related(self, row: _Reading) -> None:
        for place, column in self.related.cell_of.values():
            if (flaw := row.flaws.get(str(place))) is not None:
                row.errors.setdefault(column.name, flaw_words(flaw))
        row.related = self.related.read(row)

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
        row.values[column.key] = self._typed(place, column, text, currency, as_text=str(place) in row.as_text)

    def _typed(
        self, place: int, column: Column, text: str, currency: str = ANY_CURRENCY, *, as_text: bool = True
    ) -> Any:
        """Return the value of a text. :param as_text: it is a figure that a workbook holds as text."""
        text = bare(column, text)
        if column.field.kind == "date":
            text = iso(text, month_first=self.month_first[place])
        names = self.names.get(column.name)
        signs = PLAIN if self.is_book and not as_text else self.figures[place]
        value = names.id_of(text) if names is not None else column.read(text, currency, signs)
        if value is None and column.field.kind == "text" and not column.field.nullable:
            value = ""
        column.check(value)
        return value

    def _as_it_is(self, row: _Reading, place: int, column: Column) -> bool:
        return says_the_same(column, row.record, row.cells[place])

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
        given = row.text(place).strip() if place is not None else ""
        if given and place is not None:
            column = dict(self.columns)[place]
            try:
                return str(column.read(given, "", PLAIN))
            except ValueError:
                return given if self._as_it_is(row, place, column) else ANY_CURRENCY
        if row.settled:
            return ANY_CURRENCY
        return currency_of(row.record, shop()) if row.record is not None else shop().currency

    def _kept(self, row: _Reading) -> dict[str, Any]:
        return {
            "id": row.id,
            "given": pack({**row.values, **row.related}) if not row.settled else None,
            "verdict": Verdict.REFUSED if row.settled else None,
            "errors": row.errors or None,
            "row_id": row.record.id if row.record is not None else None,
        }
