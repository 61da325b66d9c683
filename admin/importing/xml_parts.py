"""The parts of a workbook, read piece by piece: no more in memory than one piece, whatever the part says.

openpyxl builds a tree of a sheet and keeps its empty rows, and reads texts and styles whole; here the parser is asked
for one element after the other, and what no workbook needs (entities, thousands of names, deep nesting) ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO
from xml.parsers import expat

from flask_babel import gettext as _

from admin.importing.budget import LONGEST_LINE, BadFile, Budget

PIECE = 64 * 1024
DEEPEST = 64
MOST_UNKNOWN = 300_000
"""Elements and attributes that nobody here knows: the parser keeps the name of each."""


class Finished(Exception):
    """The rest of a part is of no interest."""


class Part:
    """What is made of the elements of one part. Override the three below; names come without their prefix."""

    budget: Budget

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.depth = 0
        self.unknown = 0
        self._local: dict[str, str] = {}

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        """Take in the beginning of an element."""
        raise NotImplementedError

    def closed(self, name: str) -> None:
        """Take in the end of an element."""

    def text(self, text: str) -> None:
        """Take in text, or a piece of it."""

    def take_unknown(self, count: int = 1) -> None:
        """Count names that mean nothing here. :raises BadFile: there are too many."""
        self.unknown += count
        if self.unknown > MOST_UNKNOWN:
            raise broken()

    def local(self, name: str) -> str:
        """Return an element's name without its prefix."""
        found = self._local.get(name)
        if found is None:
            self.take_unknown()
            found = self._local[name] = name.rpartition(":")[2]
        return found

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise broken()
        self.opened(self.local(name), attributes)

    def _end(self, name: str) -> None:
        self.depth -= 1
        self.closed(self.local(name))


def broken() -> BadFile:
    """Return what is said of a workbook that is none."""
    return BadFile(_("This Excel file cannot be read. Open it, save it as XLSX again and upload that file."))


def pieces(source: IO[bytes], part: Part) -> Iterator[None]:
    """Feed a part to what is made of it, yielding after each piece. :raises BadFile: it is broken, or too large."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = part._start, part._end
    parser.CharacterDataHandler = part.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse
    open_for = 0
    while piece := source.read(PIECE):
        last = piece.rfind(b">")
        open_for = open_for + len(piece) if last < 0 else len(piece) - last
        if open_for > LONGEST_LINE:
            raise broken()
        try:
            parser.Parse(piece, False)
        except Finished:
            yield
            return
        part.budget.check_time()
        yield
    parser.Parse(b"", True)
    yield


def count(source: IO[bytes], name: bytes, most: int) -> int:
    """Return how many elements of a name a part seems to have, at most about ``most``, sooner than by reading it."""
    found = 0
    while found <= most and (piece := source.read(16 * PIECE)):
        found += sum(piece.count(b"<" + name + end) for end in (b" ", b">", b"/"))
    return found


def _refuse(*_declared: object) -> None:
    raise broken()
