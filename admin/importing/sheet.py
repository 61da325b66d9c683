"""A sheet of a workbook, row by row, and the texts that its cells refer to."""

from __future__ import annotations

import datetime as dt
import re
from array import array
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from openpyxl.utils.cell import get_column_letter
from openpyxl.utils.datetime import WINDOWS_EPOCH
from openpyxl.utils.escape import unescape

from admin.importing.budget import (
    HEAD_LINES,
    LONGEST_CELL,
    MOST_COLUMNS,
    BadFile,
    Budget,
    Limits,
    too_many_rows,
)
from admin.importing.cells import (
    AS_TEXT,
    ERROR,
    FORMULA,
    HIDDEN,
    PLAIN,
    Flaw,
    Look,
    Row,
    iso_text,
    number_text,
)
from admin.importing.numbers import shown_by
from admin.importing.xml_parts import DEEPEST, Finished, Part

_UNSHOWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_COLUMN = {get_column_letter(place): place for place in range(1, 16_385)}
_ROW_ATTRIBUTES = frozenset(
    {"r", "spans", "s", "customFormat", "ht", "hidden", "customHeight", "outlineLevel", "collapsed", "thickTop",
     "thickBot", "ph", "x14ac:dyDescent"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a workbook; ``path`` is its part."""

    name: str
    hidden: bool
    path: str


@dataclass(slots=True)
class Book:
    """What a workbook says of itself. ``recalculates``: the values that it holds of formulas are not the right ones."""

    sheets: list[Sheet] = field(default_factory=list)
    epoch: dt.datetime = WINDOWS_EPOCH
    recalculates: bool = False
    looks: list[Look] = field(default_factory=list)
    texts: str | None = None
    """The part with the texts that cells refer to by number."""


class Texts(Part):
    """The texts that cells refer to by number, on the disk. Readings of Japanese words are left out."""

    def __init__(self, budget: Budget, file: Any) -> None:
        super().__init__(budget)
        self.file = file
        self.ends = array("Q", [0])
        self.collected: list[str] | None = None
        self.length = 0
        self.phonetic = False

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            self.collected, self.length = [], 0
        elif name == "rPh":
            self.phonetic = True
        elif name not in ("t", "r"):
            self.take_unknown()

    def text(self, text: str) -> None:
        if self.collected is not None and not self.phonetic:
            self.length += len(text)
            if self.length > LONGEST_CELL:
                raise _too_long()
            self.collected.append(text)

    def closed(self, name: str) -> None:
        if name == "rPh":
            self.phonetic = False
        elif name == "si" and self.collected is not None:
            stored = "".join(self.collected).encode("utf-8", "surrogatepass")
            self.file.write(stored)
            self.ends.append(self.ends[-1] + len(stored))
            self.collected = None
            check_texts(len(self.ends), self.budget.limits)

    def __getitem__(self, number: int) -> str:
        if number < 0:
            raise IndexError(number)
        start, end = self.ends[number], self.ends[number + 1]
        self.file.seek(start)
        return str(self.file.read(end - start), "utf-8", "surrogatepass")


def check_texts(count: int, limits: Limits) -> None:
    """:raises BadFile: so many different texts are too many."""
    if count > limits.strings:
        raise BadFile(_("This Excel file has too many different values. Split it and import each part."))


def _too_long() -> BadFile:
    return BadFile(_("A cell in this file has more than %(most)s characters.", most="131,072"))


class SheetPart(Part):
    """The rows of a sheet; those read whole are in ``done`` until they are taken from there."""

    def __init__(self, budget: Budget, book: Book, texts: Texts) -> None:
        super().__init__(budget)
        self.book, self.texts = book, texts
        self.done: list[Row] = []
        self.line = self.place = 0
        self.cells: list[str] = []
        self.flaws: dict[int, Flaw] = {}
        self.kind = self.style = ""
        self.value: list[str] | None = None
        self.formula: list[str] | None = None
        self.into: list[str] | None = None
        self.length = self.fresh = 0
        self.phonetic = False

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c" and self.depth < DEEPEST:  # of the million elements of a sheet most are these
            self.depth += 1
            self._begin_cell(attributes)
        else:
            super()._start(name, attributes)

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._begin_cell(attributes)
        elif name in ("v", "is"):
            self.value = self.value if self.value is not None else []
            self.into = self.value if name == "v" else None
        elif name == "t":
            self.into = None if self.phonetic else self.value
        elif name == "f":
            self.formula = self.into = []
        elif name == "rPh":
            self.phonetic = True
        elif name == "row":
            self._begin_row(attributes)
        elif name != "r":
            self.take_unknown(1 + len(attributes))

    def text(self, text: str) -> None:
        if self.into is not None:
            self.length += len(text)
            if self.length > LONGEST_CELL:
                raise _too_long()
            self.into.append(text)

    def closed(self, name: str) -> None:
        if name == "c":
            if self.value is not None or self.formula is not None:
                self._end_cell()
        elif name in ("v", "t", "f"):
            self.into = None
        elif name == "rPh":
            self.phonetic = False
        elif name == "row":
            self._end_row()
        elif name == "sheetData":
            raise Finished

    def _begin_row(self, attributes: dict[str, str]) -> None:
        self.line = int(float(attributes["r"])) if "r" in attributes else self.line + 1
        self.budget.take_row()
        if not 1 <= self.line <= self.budget.limits.rows + HEAD_LINES:
            raise too_many_rows(self.budget.limits)
        self.place, self.cells, self.flaws = 0, [], {}
        if not attributes.keys() <= _ROW_ATTRIBUTES:
            self.take_unknown(len(attributes))

    def _end_row(self) -> None:
        self.budget.take_cells(self.fresh)
        self.fresh = 0
        if any(self.cells) or self.flaws:
            self.done.append((self.line, self.cells, self.flaws))

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        name, style, kind = attributes.get("r"), attributes.get("s"), attributes.get("t")
        known = (name is not None) + (style is not None) + (kind is not None)
        if len(attributes) > known:
            self.take_unknown(len(attributes) - known)
        self.place = self.place + 1 if name is None else _COLUMN[name.rstrip("0123456789")]
        self.style, self.kind = style or "0", kind or "n"
        self.value = self.formula = self.into = None
        self.length = 0
        self.fresh += 1
        if self.fresh > 10_000:
            self.budget.take_cells(self.fresh)
            self.fresh = 0

    def _end_cell(self) -> None:
        text, flaw = self._meaning()
        if not text and flaw is None:
            return
        self.place = min(self.place, MOST_COLUMNS + 1)  # one too many is as good as a thousand
        self.cells += [""] * (self.place - len(self.cells))
        self.cells[self.place - 1] = text
        if flaw is not None:
            self.flaws[self.place - 1] = flaw

    def _meaning(self) -> tuple[str, Flaw | None]:
        """Return what the cell shows and what is wrong with it."""
        stored = None if self.value is None else "".join(self.value)
        if self.formula is not None and (
            self.book.recalculates or stored is None or not (stored or self.kind == "str")
        ):
            return "=" + "".join(self.formula)[:200], FORMULA
        if stored is None or (not stored and self.kind != "str"):
            return "", None
        if self.kind == "n":
            style = int(self.style)
            look = self.book.looks[style] if style < len(self.book.looks) else PLAIN
            return number_text(stored, look, self.book.epoch)
        if self.kind == "e":
            return stored[:100], ERROR
        if self.kind == "b":
            return ("yes" if stored in ("1", "true") else "no"), None
        if self.kind == "d":
            return iso_text(stored)
        return _written(self.texts[int(stored)] if self.kind == "s" else stored)


def _written(stored: str) -> tuple[str, Flaw | None]:
    """Return a text as a person sees it: what XML cannot hold is escaped in a workbook."""
    if stored.isprintable() and "_x" not in stored:
        return stored, AS_TEXT if shown_by(stored) else None
    text = unescape(stored).replace("\r\n", "\n").replace("\r", "\n")
    if _UNSHOWN.search(text):
        return _UNSHOWN.sub("\ufffd", text), HIDDEN
    return text, None
