"""Files: rows of values as CSV or as an Excel workbook. What a spreadsheet would run as a formula is made harmless.

In CSV, a text that begins (after blanks) with = + - @, tab or carriage return, also in full width, gets an apostrophe
in front, and so does what stands so behind a semicolon, bar, tab or line break within it: a file that is opened with
another separator begins a cell there. What already has apostrophes before such a character gets one more, so reading
back is exact. Figures are no texts: -12.50 is written as it is.
A workbook says of each cell what it is: figures, sums and dates are figures and dates, and text is text whatever it
begins with, marked so that it stays text when somebody edits the cell.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from tempfile import TemporaryFile
from typing import Any

from flask_babel import lazy_gettext as _l
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

Value = str | int | Decimal | dt.date | dt.datetime | None
"""What a cell may hold; instants are aware, in the zone they are to be read in."""

PIECE = 64 * 1024
RECORD_NUMBER = "Clientele record number"
"""The heading of the records' numbers in every file of ours, in every language: other systems do not write it.

By it an import tells a file that was exported here from one of another system, whose ids are not our numbers.
"""
_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
_STARTS = rf"[\s\u3000]*[{_SIGNS}\t\r]"
_RISKY = re.compile(f"'*{_STARTS}")
_DISARMED = re.compile(f"'+{_STARTS}")
_LATER = rf"(?:[^\S\t\r\n]|\")*[{_SIGNS}]"
_LATER_RISKY = re.compile(f"(?<=[;|\t\r\n])('*{_LATER})")
_LATER_DISARMED = re.compile(f"(?<=[;|\t\r\n])'('*{_LATER})")
"""Within a text, what would begin a cell in a file that is opened with another separator, in quotation marks too."""
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
"""What a workbook would take for a sign written in figures, such as _x000D_ for a line break."""
LONGEST_CELL = 32_767
DIGITS = 15
"""How many a spreadsheet keeps of a figure; longer ones are written out."""
FIRST_DAY = dt.date(1900, 3, 1)
"""The first day that every spreadsheet counts alike; earlier ones are written out."""


def disarm(text: str) -> str:
    """Return ``text`` as a spreadsheet may safely open it from CSV."""
    text = _LATER_RISKY.sub(r"'\1", text)
    return f"'{text}" if _RISKY.match(text) else text


def rearm(text: str) -> str:
    """Return what :func:`disarm` was given."""
    if "'" not in text:
        return text
    text = text[1:] if _DISARMED.match(text) else text
    return _LATER_DISARMED.sub(r"\1", text)


def as_text(value: Value) -> str:
    """Return a value as text that reads back exactly: ISO dates, plain digits, a point."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def write_csv(rows: Iterable[Sequence[Value]]) -> Iterator[str]:
    """Yield CSV text, every text in it disarmed. The first piece starts with a byte order mark."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    for number, row in enumerate(rows):
        writer.writerow([disarm(value) if isinstance(value, str) else as_text(value) for value in row])
        if number % 100 == 99:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def write_xlsx(rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """Yield a workbook of one sheet whose first row are the titles.

    Rows go to the disk as they come and the file is sent from there, so memory stays bounded.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    sheet.sheet_format.defaultColWidth = 18
    cells = _Cells(sheet)
    with TemporaryFile() as file:
        try:
            for number, row in enumerate(rows):
                sheet.append([cells.title(v) if number == 0 else cells.cell(v) for v in row])
        except BaseException:
            _throw_away(sheet)
            raise
        book.save(file)
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


def _throw_away(sheet: Any) -> None:
    """Remove the file that a sheet was being written to."""
    if sheet._writer is not None:
        sheet.close()
        sheet._writer.cleanup()


def in_workbook(text: str) -> str:
    """Return a text as a cell of a workbook can hold it."""
    text = _NO_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"


class _Cells:
    """Makes the cells of a sheet. Cells of one look share one style, which is half the cost of a workbook."""

    def __init__(self, sheet: Any) -> None:
        self.sheet = sheet
        self._styles: dict[str, Any] = {}

    def title(self, value: Value) -> Any:
        """Return a heading."""
        found = self._styled("title", as_text(value), font=Font(bold=True))
        found.data_type = "s"
        return found

    def cell(self, value: Value) -> Any:
        """Return what stands for a value in a row of a sheet."""
        if isinstance(value, dt.datetime):
            local = value.replace(tzinfo=None, microsecond=0)
            return self._day(value, local, "yyyy-mm-dd hh:mm:ss")
        if isinstance(value, dt.date):
            return self._day(value, value, "yyyy-mm-dd")
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Decimal):
            return (
                self._figure(value) if len(value.as_tuple().digits) <= DIGITS else self._text(as_text(value))
            )
        return value if value is None or len(str(abs(value))) <= DIGITS else self._text(str(value))

    def _day(self, value: dt.date, shown: dt.date, look: str) -> Any:
        day = value.date() if isinstance(value, dt.datetime) else value
        return self._styled(look, shown, number_format=look) if day >= FIRST_DAY else as_text(value)

    def _figure(self, value: Decimal) -> Any:
        places = max(0, -int(value.as_tuple().exponent))
        look = f"#,##0.{'0' * places}" if places else "#,##0"
        return self._styled(look, value, number_format=look)

    def _text(self, text: str) -> Any:
        text = _ESCAPE.sub("_x005F_", in_workbook(text))
        if not _RISKY.match(text) and not text.startswith("#"):
            return text
        found = self._styled("text", text, quotePrefix=True)
        found.data_type = "s"  # whatever the library takes it for: a formula, or an error such as #N/A
        return found

    def _styled(self, look: str, value: Any, **style: Any) -> Any:
        found = WriteOnlyCell(self.sheet)
        if look in self._styles:
            found._style = self._styles[look]
        else:
            for name, part in style.items():
                setattr(found, name, part)
            self._styles[look] = found._style
        found.value = value
        return found


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file that lists are exported to; ``most`` is how many rows it can hold."""

    label: Any
    mimetype: str
    write: Callable[[Iterable[Sequence[Value]]], Iterator[str] | Iterator[bytes]]
    most: int | None = None


KINDS: dict[str, FileKind] = {
    "csv": FileKind(_l("CSV"), "text/csv", write_csv),
    "xlsx": FileKind(
        _l("Excel"),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        write_xlsx,
        most=50_000,
    ),
}
"""Name in the address, which is also the file's ending -> kind, in the order they are offered."""
