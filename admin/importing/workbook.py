"""XLSX files: their sheets, and the rows of one as the text that its cells show.

What openpyxl knows of formats and dates is used (admin/importing/cells.py); the parts themselves are read in pieces
(admin/importing/xml_parts.py), as openpyxl holds all texts, styles and empty rows in memory, says nothing of a
formula without a value, and cannot tell ``_x000D_`` from the escaped ``_x005F_x000D_``.
"""

from __future__ import annotations

import posixpath
import zipfile
from array import array
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO

from flask_babel import gettext as _
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

from admin.importing import xml_parts
from admin.importing.budget import (
    MOST_DIRECTORY,
    MOST_OF_A_PART,
    BadFile,
    Budget,
)
from admin.importing.cells import Look, Row, look_of
from admin.importing.sheet import Book, Sheet, SheetPart, Texts, check_texts
from admin.importing.xml_parts import Finished, Part, broken

MOST_STYLES = 70_000
MOST_SHEETS = 1_000


class Workbook:
    """An open workbook. :raises BadFile: it is none, or too large once unpacked."""

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        self.budget = budget
        _check_directory(file)
        try:
            self.parts = zipfile.ZipFile(file)
        except Exception:
            raise broken() from None
        self.sizes = {part.filename: part.file_size for part in self.parts.infolist()}
        self.book = self._read_book()
        if not self.book.sheets:
            raise broken()

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """Yield number, cells and flaws of every row that holds anything, as they are unpacked."""
        limits = self.budget.limits
        with TemporaryFile() as kept:
            texts = Texts(self.budget, kept)
            with self._open(sheet.path, limits.unpacked) as source:
                self.budget.check_cells(xml_parts.count(source, b"c", limits.cells))
            if self.book.texts is not None:
                with self._open(self.book.texts, limits.texts) as source:
                    check_texts(xml_parts.count(source, b"si", limits.strings), limits)
                self._read(self.book.texts, texts, limits.texts)
            reader = SheetPart(self.budget, self.book, texts)
            with self._open(sheet.path, limits.unpacked) as source:
                for _piece in _tried(xml_parts.pieces(source, reader)):
                    yield from reader.done
                    reader.done.clear()

    def _read_book(self) -> Book:
        path = next((p for kind, p in self._links("").values() if kind == "officeDocument"), "")
        main, links = _MainPart(self.budget), self._links(path)
        self._read(path, main, MOST_OF_A_PART)
        others = {kind: p for kind, p in links.values() if p in self.sizes}
        found = Book(epoch=main.epoch, recalculates=main.recalculates, texts=others.get("sharedStrings"))
        for name, state, link in main.sheets:
            kind, part = links.get(link, ("", ""))
            if kind == "worksheet" and part in self.sizes:
                found.sheets.append(Sheet(name, state in ("hidden", "veryHidden"), part))
        styles = _StylesPart(self.budget)
        if "styles" in others:
            self._read(others["styles"], styles, MOST_OF_A_PART)
        found.looks = styles.looks()
        return found

    def _links(self, path: str) -> dict[str, tuple[str, str]]:
        """Return what the ids in a part stand for: id -> kind, path. The workbook's own are those of no part."""
        folder, name = posixpath.split(path)
        links = _LinksPart(self.budget)
        self._read(posixpath.join(folder, "_rels", f"{name}.rels"), links, MOST_OF_A_PART)
        return {
            link: (
                kind.rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/"),
            )
            for link, (kind, target) in links.found.items()
        }

    def _open(self, path: str, most: int) -> IO[bytes]:
        if path not in self.sizes:
            raise broken()
        if self.sizes[path] > most:
            raise BadFile(
                _(
                    "This Excel file is too large once unpacked. Delete what you do not need, or save it as CSV."
                )
            )
        try:
            return self.parts.open(path)
        except Exception:
            raise broken() from None

    def _read(self, path: str, part: Part, most: int) -> None:
        with self._open(path, most) as source:
            for _piece in _tried(xml_parts.pieces(source, part)):
                pass


def _tried(steps: Iterator[Any]) -> Iterator[Any]:
    """Take the steps of a reading; whatever goes wrong in one means that the file is broken."""
    try:
        yield from steps
    except BadFile:
        raise
    except Exception:
        raise broken() from None


def _check_directory(file: BinaryIO) -> None:
    """Refuse a workbook whose list of parts would fill the memory, before it is read.

    The library looks at nothing but the list's own length, which is what this asks it for.
    """
    try:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    except Exception:
        raise broken() from None
    if end is None or end[5] > MOST_DIRECTORY:
        raise broken()


# -- the small parts ------------------------------------------------------------------------------------------------


class _MainPart(Part):
    """``workbook.xml``: the sheets, how days are counted, and whether formulas are still to be worked out."""

    def __init__(self, budget: Budget) -> None:
        super().__init__(budget)
        self.sheets: list[tuple[str, str, str]] = []
        self.epoch = WINDOWS_EPOCH
        self.recalculates = False

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            link = next((v for k, v in attributes.items() if k.rpartition(":")[2] == "id" and ":" in k), "")
            self.sheets.append((attributes.get("name", ""), attributes.get("state", ""), link))
            if len(self.sheets) > MOST_SHEETS:
                raise broken()
        elif name == "workbookPr" and _is_true(attributes.get("date1904")):
            self.epoch = MAC_EPOCH
        elif name == "calcPr":
            self.recalculates = _is_true(attributes.get("fullCalcOnLoad"))
        else:
            self.take_unknown(1 + len(attributes))


class _LinksPart(Part):
    """The parts that the workbook's ids stand for: id -> kind, path."""

    def __init__(self, budget: Budget) -> None:
        super().__init__(budget)
        self.found: dict[str, tuple[str, str]] = {}

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        self.take_unknown()
        if name == "Relationship":
            self.found[attributes.get("Id", "")] = attributes.get("Type", ""), attributes.get("Target", "")


class _StylesPart(Part):
    """``styles.xml``: how each style of a cell shows numbers, and nothing else of it."""

    def __init__(self, budget: Budget) -> None:
        super().__init__(budget)
        self.codes: dict[int, str] = {}
        self.styles = array("L")
        self.in_cells = False

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            self.take_unknown(2)
            self.codes.setdefault(int(attributes["numFmtId"]), attributes.get("formatCode", "")[:255])
        elif name == "cellXfs":
            self.in_cells = True
        elif name == "xf" and self.in_cells:
            self.styles.append(int(attributes.get("numFmtId", "0")))
            if len(self.styles) > MOST_STYLES:
                raise broken()
        else:
            self.take_unknown(1 + len(attributes))

    def closed(self, name: str) -> None:
        if name == "cellXfs":
            raise Finished

    def looks(self) -> list[Look]:
        """Return the look of each style."""
        known = {number: look_of(number, self.codes.get(number)) for number in set(self.styles)}
        return [known[number] for number in self.styles]


def _is_true(text: str | None) -> bool:
    return text in ("1", "true", "on")
