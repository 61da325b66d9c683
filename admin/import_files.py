"""Uploaded files: CSV and XLSX as headings and rows of text, or one sentence that says what is wrong with the file.

Nothing in a file is trusted: how large it is unpacked, how many rows and columns it has and what its bytes mean is
checked before or while it is read.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from tempfile import TemporaryFile
from typing import Any

from babel.numbers import format_decimal
from flask_babel import gettext as _
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from admin.files import as_text, rearm

MOST_BYTES = 10 * 1024 * 1024
MOST_ROWS = 50_000
MOST_COLUMNS = 200
MOST_UNPACKED = 256 * 1024 * 1024
"""Bytes of all parts of a workbook; the sheet is read as it is unpacked."""
MOST_IN_MEMORY = 64 * 1024 * 1024
"""Bytes of any part but the sheets, which are read whole."""
DELIMITERS = ",;\t|"
OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How old Excel files begin, and new ones under a password."""
_NOT_STORED = re.compile("[\x00\ud800-\udfff]")
Row = tuple[int, list[str]]
"""Line number in the file, and the cells as text."""


class BadFile(Exception):
    """The file cannot be imported at all; the message says why, and what to do about it."""


@dataclass(slots=True)
class Table:
    """What a file holds. ``rows`` is read once, as it is asked for, and may raise :class:`BadFile` on the way."""

    headers: list[str]
    rows: Iterator[Row]


def read(content: bytes) -> Table:
    """Return the table in a file, by what its bytes are, whatever its name says. :raises BadFile: it is none."""
    if len(content) > MOST_BYTES:
        raise BadFile(_("This file is larger than 10 MB: split it and import the parts."))
    if content.startswith(OLD_EXCEL):
        raise BadFile(
            _(
                "This is an old Excel file, or one with a password: save it as XLSX without a password, or as CSV."
            )
        )
    if content.startswith(b"PK\x03\x04"):
        return _table(_workbook(content), padded=True)
    return _table(_csv(content), padded=False)


@contextmanager
def spooled(rows: Iterator[Row]) -> Iterator[Iterator[Row]]:
    """Read a file to its end and yield its rows again, from the disk: whoever stores them then need not wait for it.

    :raises BadFile: it turns out to be one.
    """
    with TemporaryFile("w+", encoding="utf-8") as kept:
        for row in rows:
            kept.write(json.dumps(row))
            kept.write("\n")
        kept.seek(0)
        yield ((line, cells) for line, cells in map(json.loads, kept))


def _table(lines: Iterator[Row], *, padded: bool) -> Table:
    first = next(lines, None)
    if first is None:
        raise BadFile(_("This file is empty."))
    headers = [cell.strip() for cell in first[1]]
    while headers and not headers[-1]:
        headers.pop()
    if not headers:
        raise BadFile(_("The first line is empty: it must hold the headings of the columns."))
    if len(headers) > MOST_COLUMNS:
        raise BadFile(_("This file has more than %(most)s columns.", most=MOST_COLUMNS))
    _check_headings(headers)
    return Table(headers, _counted(lines, len(headers), padded))


def _check_headings(headers: Sequence[str]) -> None:
    seen: set[str] = set()
    for place, header in enumerate(headers, 1):
        if not header:
            raise BadFile(_("Column %(letter)s has no heading.", letter=get_column_letter(place)))
        if len(header) > MOST_COLUMNS:
            raise BadFile(_("The heading of column %(letter)s is too long.", letter=get_column_letter(place)))
        if header in seen:
            raise BadFile(_("Two columns are called %(name)s: give each a heading of its own.", name=header))
        seen.add(header)


def _counted(lines: Iterable[Row], width: int, padded: bool) -> Iterator[Row]:
    """Yield the rows that hold anything, without empty cells beyond the last heading.

    :param padded: the file leaves out empty cells at the end of a row; where it does not, a short row is a broken one.
    """
    count = 0
    for line, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        count += 1
        if count > MOST_ROWS:
            most = format_decimal(MOST_ROWS, locale="en_GB")
            raise BadFile(
                _("This file has more than %(most)s rows: split it and import the parts.", most=most)
            )
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        yield line, cells + [""] * (width - len(cells) if padded else 0)


# -- CSV ----------------------------------------------------------------------------------------------------------


def _csv(content: bytes) -> Iterator[Row]:
    text = _decoded(content)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error:
            raise BadFile(
                _("Line %(line)s cannot be read: look for a quotation mark that is not closed.", line=line)
            ) from None
        if cells is None:
            return
        yield line, [rearm(cell) for cell in cells]


def _decoded(content: bytes) -> str:
    if b"\x00" in content:
        raise BadFile(_("This is no CSV or XLSX file. Save it as CSV in UTF-8, or as XLSX."))
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadFile(_("The text of this file is neither UTF-8 nor Windows-1252: save it as CSV in UTF-8."))


def _delimiter(text: str) -> str:
    """Return what stands most often between the headings, outside quotation marks."""
    heading: list[str] = []
    quoted = False
    for character in text[:100_000]:
        if character == '"':
            quoted = not quoted
        elif character in "\r\n" and not quoted and heading:
            break
        elif not quoted:
            heading.append(character)
    return max(DELIMITERS, key=heading.count)


# -- XLSX ---------------------------------------------------------------------------------------------------------


def _workbook(content: bytes) -> Iterator[Row]:
    _check_parts(content)
    unreadable = _("This Excel file cannot be read: open it, save it as XLSX anew, and upload that.")
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet: Any = book.worksheets[0]
        sheet.reset_dimensions()  # what a sheet says of its size need not be so
        rows = sheet.iter_rows(max_col=MOST_COLUMNS + 1, values_only=True)
    except Exception:
        raise BadFile(unreadable) from None
    for line, cells in enumerate(_tried(rows, unreadable), 1):
        found = [_cell(value) for value in cells]
        while found and not found[-1]:
            found.pop()
        if any(_NOT_STORED.search(cell) for cell in found):
            raise BadFile(_("Line %(line)s holds invisible characters: remove them.", line=line))
        yield line, found


def _tried(rows: Iterator[Any], sentence: str) -> Iterator[Any]:
    """Yield rows; whatever goes wrong inside the library means that the file is broken."""
    while True:
        try:
            row = next(rows, None)
        except Exception:
            raise BadFile(sentence) from None
        if row is None:
            return
        yield row


def _check_parts(content: bytes) -> None:
    """Refuse a workbook that would fill the memory once unpacked, before anything is."""
    broken = BadFile(_("This Excel file cannot be read: open it, save it as XLSX anew, and upload that."))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            found = parts.infolist()
            heads = {part.filename: parts.open(part).read(4096) for part in found[:1000]}
    except Exception:
        raise broken from None
    if "xl/workbook.xml" not in heads or len(found) > len(heads):
        raise broken
    if any(b"<!DOCTYPE" in head or b"<!ENTITY" in head for head in heads.values()):
        raise broken
    whole = [part.file_size for part in found if not part.filename.startswith("xl/worksheets/")]
    if sum(part.file_size for part in found) > MOST_UNPACKED or max(whole) > MOST_IN_MEMORY:
        raise BadFile(_("This Excel file is too large once unpacked: split it, or save it as CSV."))


def _cell(value: Any) -> str:
    """Return a cell as text: plain digits, ISO dates, yes and no."""
    for kind, say in _AS_TEXT:
        if isinstance(value, kind):
            return say(value)
    return "" if value is None else str(value)


def _figure(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 10**15 else f"{Decimal(repr(value)):f}"


def _moment(value: dt.datetime) -> str:
    return as_text(value.date()) if value.time() == dt.time() else value.isoformat(" ", "seconds")


_AS_TEXT: tuple[tuple[type[Any], Callable[[Any], str]], ...] = (
    (bool, lambda value: "yes" if value else "no"),
    (int, str),
    (float, _figure),
    (dt.datetime, _moment),
    (dt.date, as_text),
)
