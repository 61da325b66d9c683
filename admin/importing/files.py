"""Uploaded files: CSV and XLSX as headings and rows of text, or one sentence that says what is wrong with the file.

Nothing in a file is trusted: how large it is unpacked, how many rows and columns it has and what its bytes mean is
checked before or while it is read. How it was read is kept with it, and a person may have it read in another way.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from tempfile import TemporaryFile
from typing import BinaryIO

from flask_babel import gettext as _
from openpyxl.utils import get_column_letter

from admin.importing import text as import_text
from admin.importing.budget import (
    HEAD_LINES,
    MEGA,
    MOST_COLUMNS,
    PAGE,
    BadFile,
    Budget,
    Limits,
    too_many_columns,
    too_many_rows,
)
from admin.importing.cells import AS_TEXT, Row
from admin.importing.numbers import shown_by
from admin.importing.reading import Reading
from admin.importing.text import Text
from admin.importing.workbook import Workbook

OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How old Excel files begin, and new ones under a password."""
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
"""The former begins as UTF-16 does."""
LONGEST_HEADING = 200
SHOWN = 80
"""Characters of a line that is offered as the one with the headings."""
_DAYS = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2\d{4}(?!\d)")


class Empty(BadFile):
    """There is nothing in it."""


@dataclass(slots=True)
class Table:
    """What a file holds. ``rows`` is read once, as it is asked for, and may raise :class:`BadFile` on the way.

    ``reading`` is known in full once they are read.
    """

    headers: list[str]
    rows: Iterator[Row]
    reading: Reading


def read(
    file: BinaryIO,
    wanted: Reading | None = None,
    known: Callable[[str], bool] = lambda _heading: False,
    limits: Limits = PAGE,
) -> Table:
    """Return the table in a file, by what its bytes are, whatever its name says.

    :param wanted: how to read it, as far as somebody has said so.
    :param known: tells the headings that mean something here, by which the line of the headings is found.
    :raises BadFile: it is none.
    """
    file.seek(0, 2)
    if file.tell() > limits.bytes:
        most = limits.bytes // MEGA
        raise BadFile(_("This file is larger than %(most)s MB. Split it and import each part.", most=most))
    file.seek(0)
    start = file.read(8)
    if start.startswith(OLD_EXCEL):
        raise BadFile(
            _(
                "This is an old or password-protected Excel file. Save it as XLSX without a password, or as CSV."
            )
        )
    _refuse_other_kinds(file)
    return (_book if start.startswith(b"PK\x03\x04") else _text)(
        file, wanted or Reading(), known, Budget(limits)
    )  # fmt: skip


def _refuse_other_kinds(file: BinaryIO) -> None:
    """Refuse what is no table: many systems call a web page or XML an Excel file. :raises BadFile: it is none."""
    file.seek(0)
    start = file.read(512).removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<meta", b"<table", b"<?xml")):
        raise BadFile(_("This file is a web page or XML. Open it in a spreadsheet and save it as XLSX."))
    if start.startswith((b"%pdf-", *_UTF_32)):
        raise BadFile(_("This is not a CSV or XLSX file. Save it as CSV in UTF-8, or as XLSX."))


def _book(file: BinaryIO, wanted: Reading, known: Callable[[str], bool], budget: Budget) -> Table:
    """Return the table in the sheet that is wanted, else in the first that is not empty; hidden ones come last."""
    book = Workbook(file, budget)
    sheets = sorted(book.book.sheets, key=lambda sheet: sheet.hidden)
    named = [(sheet.name, sheet.hidden) for sheet in sheets]
    chosen = [sheet for sheet in sheets if sheet.name == wanted.sheet] or sheets
    for sheet in chosen:
        reading = Reading(sheet=sheet.name, sheets=named, line=wanted.line)
        try:
            return _table(book.rows(sheet), reading, known, budget.limits, padded=True)
        except Empty as empty:
            told = empty
    raise told


def _text(file: BinaryIO, wanted: Reading, known: Callable[[str], bool], budget: Budget) -> Table:
    likely, sure, samples = import_text.survey(file)
    fixed = likely in import_text.MARKED
    encoding = likely if fixed or wanted.encoding is None else wanted.encoding
    text = Text(file, encoding, budget)
    separator = wanted.separator or text.separator(known)
    said = import_text.candidates(samples, {encoding, likely})
    reading = Reading(
        encoding=encoding, separator=separator, line=wanted.line, samples=said if samples else {},
        sure=sure or wanted.encoding is not None,
    )  # fmt: skip
    return _table(text.rows(separator), reading, known, budget.limits, padded=False)


@contextmanager
def spooled(rows: Iterator[Row]) -> Iterator[Iterator[Row]]:
    """Read a file to its end and yield its rows again, from the disk: storing them then need not wait for it.

    :raises BadFile: it turns out to be one, or holds no rows.
    """
    with TemporaryFile("w+", encoding="utf-8") as kept:
        for row in rows:
            kept.write(json.dumps(row))
            kept.write("\n")
        if not kept.tell():
            raise BadFile(_("This file has headings but no rows."))
        kept.seek(0)
        yield (
            (line, cells, {int(place): flaw for place, flaw in flaws.items()})
            for line, cells, flaws in map(json.loads, kept)
        )


def _table(
    rows: Iterator[Row], reading: Reading, known: Callable[[str], bool], limits: Limits, *, padded: bool
) -> Table:
    first = _first_lines(rows)
    filled = [row for row in first if any(cell.strip() for cell in row[1])]
    if not first:
        raise Empty(_("This file is empty."))
    if not filled:
        raise BadFile(_("The first lines are empty. One of them must have the column headings."))
    line = reading.line if reading.line in {row[0] for row in filled} else _heading_line(filled, known)
    heading = next(row for row in filled if row[0] == line)
    headers = _headings(heading[1])
    starts = [(row[0], " · ".join(cell for cell in row[1] if cell.strip())[:SHOWN]) for row in filled]
    table = Table(headers, iter(()), replace(reading, line=line, starts=starts))
    later = (row for row in chain(first, rows) if row[0] > line)
    table.rows = _watched(table, _counted(later, line, len(headers), limits, padded))
    return table


def _first_lines(rows: Iterator[Row]) -> list[Row]:
    found: list[Row] = []
    for row in rows:
        found.append(row)
        if row[0] >= HEAD_LINES:
            break
    return found


def _heading_line(filled: list[Row], known: Callable[[str], bool]) -> int:
    """Return the line with the headings: the first, unless it means nothing here and a later one does."""
    counts = [sum(known(cell) for cell in cells) for _line, cells, _flaws in filled]
    best = max(range(len(filled)), key=lambda place: (counts[place], -place))
    return filled[best][0] if counts[0] == 0 and counts[best] > 1 else filled[0][0]


def _headings(cells: list[str]) -> list[str]:
    """Return a name for every column: one without a heading, or with that of another, is called by its letter, too."""
    if len(cells) > MOST_COLUMNS:
        raise too_many_columns()
    found: list[str] = []
    for place, cell in enumerate(cells, 1):
        heading, letter = " ".join(cell.split())[:LONGEST_HEADING], get_column_letter(place)
        name = heading or _("Column %(letter)s", letter=letter)
        if name in found:
            name = _("%(name)s (column %(letter)s)", name=name, letter=letter)
        found.append(name)
    return found


def _counted(lines: Iterable[Row], heading: int, width: int, limits: Limits, padded: bool) -> Iterator[Row]:
    """Yield the rows that hold anything, with a cell for every heading.

    Spreadsheets leave out empty cells at the end of a row. What a workbook holds beyond the headings is of no column;
    in a line of text a cell too many means that the line is broken, and is kept for that to be said.
    """
    for line, cells, flaws in lines:
        if line - heading > limits.rows:
            raise too_many_rows(limits)
        while len(cells) > width and (padded or not cells[-1].strip()):
            cells.pop()
        if any(cell.strip() for cell in cells):
            kept = {place: flaw for place, flaw in flaws.items() if place < width}
            yield line, cells + [""] * (width - len(cells)), kept


def _watched(table: Table, rows: Iterator[Row]) -> Iterator[Row]:
    """Yield the rows, and keep in mind what their dates say of the order of day and month, their figures of signs.

    Of a workbook only figures that are text have signs of somebody's.
    """
    is_book = table.reading.sheet is not None
    seen: dict[int, set[str]] = {}
    formats: dict[int, frozenset[str]] = {}
    for row in rows:
        for place, cell in enumerate(row[1]):
            if 8 <= len(cell) <= 24 and cell[0] <= "9" and (found := _DAYS.match(cell)):
                seen.setdefault(place, set()).add(_order(int(found[1]), int(found[3])))
            elif (not is_book or row[2].get(place) == AS_TEXT) and (shown := shown_by(cell)):
                formats[place] = formats.get(place, shown) & shown
        yield row
    days = {str(place): _together(orders) for place, orders in seen.items()}
    figures = {str(place): sorted(shown) for place, shown in formats.items()}
    table.reading = replace(table.reading, days=days, figures=figures)


def _order(first: int, second: int) -> str:
    if first > 12:
        return "day"
    return "month" if second > 12 else "either"


def _together(orders: set[str]) -> str:
    sure = orders - {"either"}
    return "both" if len(sure) > 1 else sure.pop() if sure else "either"
