"""How much an uploaded file may hold, and what it may cost to find out: what goes beyond is refused with a sentence.

A file of a few kilobytes can stand for a million cells, so what counts is what is unpacked and read, empty or not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from babel.numbers import format_decimal
from flask_babel import gettext as _

MEGA = 1024 * 1024
MOST_BYTES = 50 * MEGA
MOST_ROWS = 50_000
"""Rows below the headings, empty ones counted."""
HEAD_LINES = 20
"""The headings are in one of so many first lines."""
MOST_COLUMNS = 200
MOST_CELLS = 2_000_000
MOST_STRINGS = 1_000_000
"""Different texts of a workbook."""
MOST_UNPACKED = 256 * MEGA
"""Bytes of the sheet that is read, unpacked; it is read as it is unpacked."""
MOST_TEXTS = 128 * MEGA
"""Bytes of the texts of a workbook, unpacked."""
MOST_OF_A_PART = 16 * MEGA
"""Bytes of any other part of a workbook that is read, unpacked."""
MOST_DIRECTORY = MEGA
"""Bytes of the list of a workbook's parts."""
LONGEST_LINE = MEGA
"""Characters of a line of text, and bytes of a workbook without the end of a tag."""
LONGEST_CELL = 131_072
MOST_SECONDS = 20.0
"""How long the processor reads one file at all."""


class BadFile(Exception):
    """The file cannot be imported at all; the message says why, and what to do about it."""


@dataclass(slots=True)
class Budget:
    """What the reading of one file has cost so far."""

    rows: int = 0
    cells: int = 0
    ends: float = field(default_factory=lambda: time.thread_time() + MOST_SECONDS)

    def check_cells(self, count: int) -> None:
        """:raises BadFile: so many cells are too many."""
        if count > MOST_CELLS:
            raise BadFile(
                _(
                    "This file has more than %(most)s cells, including empty ones. Delete rows and columns you do "
                    "not need, or split the file.",
                    most=_number(MOST_CELLS),
                )
            )

    def take_row(self) -> None:
        """Count a row. :raises BadFile: it is one too many."""
        self.rows += 1
        if self.rows > MOST_ROWS + HEAD_LINES:
            raise too_many_rows()

    def take_cells(self, count: int) -> None:
        """Count some cells. :raises BadFile: they are too many, or took too long."""
        self.cells += count
        self.check_cells(self.cells)
        self.check_time()

    def check_time(self) -> None:
        """:raises BadFile: the time is up."""
        if time.thread_time() > self.ends:
            raise BadFile(_("This file takes too long to read. Split it and import each part."))


def too_many_rows() -> BadFile:
    """Return what is said of a file with too many rows."""
    return BadFile(
        _(
            "This file has more than %(most)s rows, including empty ones. Delete rows you do not need, or "
            "split the file and import each part.",
            most=_number(MOST_ROWS),
        )
    )


def too_many_columns() -> BadFile:
    """Return what is said of a file with too many columns."""
    return BadFile(_("This file has more than %(most)s columns.", most=MOST_COLUMNS))


def _number(value: int) -> str:
    return format_decimal(value, locale="en_GB")
