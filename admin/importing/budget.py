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


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may hold, and how many seconds the processor may read it: less on a page, for which the
    server works, than by a command."""

    bytes: int = MOST_BYTES
    rows: int = MOST_ROWS
    cells: int = MOST_CELLS
    strings: int = MOST_STRINGS
    unpacked: int = MOST_UNPACKED
    texts: int = MOST_TEXTS
    seconds: float = MOST_SECONDS


PAGE = Limits()
COMMAND = Limits(
    bytes=20 * MOST_BYTES, rows=20 * MOST_ROWS, cells=20 * MOST_CELLS, strings=10 * MOST_STRINGS,
    unpacked=20 * MOST_UNPACKED, texts=20 * MOST_TEXTS, seconds=60 * MOST_SECONDS,
)  # fmt: skip


class BadFile(Exception):
    """The file cannot be imported at all; the message says why, and what to do about it."""


@dataclass(slots=True)
class Budget:
    """What the reading of one file has cost so far."""

    limits: Limits = PAGE
    rows: int = 0
    cells: int = 0
    ends: float = field(init=False)

    def __post_init__(self) -> None:
        self.ends = time.thread_time() + self.limits.seconds

    def check_cells(self, count: int) -> None:
        """:raises BadFile: so many cells are too many."""
        if count > self.limits.cells:
            raise BadFile(
                _(
                    "This file has more than %(most)s cells, including empty ones. Delete rows and columns you do "
                    "not need, or split the file.",
                    most=_number(self.limits.cells),
                )
            )

    def take_row(self) -> None:
        """Count a row. :raises BadFile: it is one too many."""
        self.rows += 1
        if self.rows > self.limits.rows + HEAD_LINES:
            raise too_many_rows(self.limits)

    def take_cells(self, count: int) -> None:
        """Count some cells. :raises BadFile: they are too many, or took too long."""
        self.cells += count
        self.check_cells(self.cells)
        self.check_time()

    def check_time(self) -> None:
        """:raises BadFile: the time is up."""
        if time.thread_time() > self.ends:
            raise BadFile(_("This file takes too long to read. Split it and import each part."))


def too_many_rows(limits: Limits) -> BadFile:
    """Return what is said of a file with too many rows."""
    return BadFile(
        _(
            "This file has more than %(most)s rows, including empty ones. Delete rows you do not need, or "
            "split the file and import each part.",
            most=_number(limits.rows),
        )
    )


def too_many_columns() -> BadFile:
    """Return what is said of a file with too many columns."""
    return BadFile(_("This file has more than %(most)s columns.", most=MOST_COLUMNS))


def _number(value: int) -> str:
    return format_decimal(value, locale="en_GB")
