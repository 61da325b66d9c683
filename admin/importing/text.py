"""CSV and other files of separated text: what their bytes mean, what stands between their cells, and their rows.

A byte that the encoding does not know spoils its own cell and nothing else. What the bytes of a file without any mark
mean can only be told by a person, who is shown what the lines would say.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO, Literal

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from admin.importing.budget import LONGEST_CELL, LONGEST_LINE, MEGA, MOST_COLUMNS, BadFile, Budget
from admin.importing.cells import HIDDEN, Flaw, Row
from admin.viewmodels.spreadsheets import rearm

UTF_8 = "utf-8"
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
"""How files begin that say what their bytes mean."""
ENCODINGS: dict[str, Any] = {
    "utf-8": _l("Unicode (UTF-8)"),
    "cp1252": _l("Western European (Windows-1252)"),
    "cp1250": _l("Central European (Windows-1250)"),
    "cp1251": _l("Cyrillic (Windows-1251)"),
    "cp1253": _l("Greek (Windows-1253)"),
    "cp1254": _l("Turkish (Windows-1254)"),
    "mac_roman": _l("Western European (Mac Roman)"),
    "cp932": _l("Japanese (Shift-JIS)"),
}
MARKED: dict[str, Any] = {"utf-8-sig": _l("Unicode (UTF-8)"), "utf-16": _l("Unicode (UTF-16)")}
SEPARATORS: dict[str, Any] = {
    ",": _l("Comma"),
    ";": _l("Semicolon"),
    "\t": _l("Tab"),
    "|": _l("Vertical bar"),
    "\tplain": _l("Tab, ignoring quotation marks"),
}
SAMPLES = 4
SAMPLE = 30
"""Bytes shown before and after the first letter that is in doubt."""
_ASCII = bytes(range(128))
_BAD = re.compile("[\udc00-\udcff]")
_UNSHOWN = re.compile("[\x00\ud800-\udbff\udd00-\udfff]")
_UNTOLD = re.compile("[\ufffd\ue000-\uf8ff\x80-\x9f]")
"""Signs of which no text consists."""
_SEP = re.compile('\\ufeff?"?sep=([^\\w\\s"]|\\t)"?\\r?\\n?', re.IGNORECASE)


def _keep(error: UnicodeError) -> tuple[str, int]:
    """Stand for each byte that cannot be decoded by a character that no text has."""
    assert isinstance(error, UnicodeDecodeError)
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("clientele.keep", _keep)


# -- what the bytes mean ---------------------------------------------------------------------------------------------


def mark_of(start: bytes) -> str | None:
    """Return the encoding that a file says it has."""
    return next((encoding for mark, encoding in MARKS if start.startswith(mark)), None)


def survey(file: BinaryIO) -> tuple[str, bool, list[bytes]]:
    """Return the encoding that a file seems to have, whether that is sure, and a few lines that depend on it."""
    file.seek(0)
    start = file.read(4096)
    if (marked := mark_of(start)) is not None:
        return marked, True, []
    if b"\x00" in start:
        raise BadFile(_("This is not a CSV or XLSX file. Save it as CSV in UTF-8, or as XLSX."))
    high = bad = 0
    decoder = codecs.getincrementaldecoder(UTF_8)("clientele.keep")
    file.seek(0)
    while piece := file.read(MEGA):
        high += len(piece.translate(None, _ASCII))
        bad += len(_BAD.findall(decoder.decode(piece)))
    bad += len(_BAD.findall(decoder.decode(b"", True)))
    samples = _samples(file) if high else []
    if bad < high - bad or not high:
        return UTF_8, True, samples
    return _likely(samples), False, samples


def _samples(file: BinaryIO) -> list[bytes]:
    """Return pieces of the first lines in which the encodings differ, each with bytes that those before have not."""
    known: set[int] = set()
    found: list[bytes] = []
    file.seek(0)
    while (line := file.readline(LONGEST_LINE)) and len(found) < SAMPLES:
        fresh = set(line.translate(None, _ASCII)) - known
        if fresh:
            known |= fresh
            first = next(place for place, byte in enumerate(line) if byte in fresh)
            start = max(0, first - SAMPLE)
            found.append(line[start : first + SAMPLE].strip())
    return found


def _likely(samples: Sequence[bytes]) -> str:
    """Return the first encoding that knows all of the bytes."""
    candidates = [name for name in ENCODINGS if name != UTF_8]
    return min(candidates, key=lambda name: sum(len(_BAD.findall(decoded(s, name))) for s in samples))


def decoded(sample: bytes, encoding: str) -> str:
    """Return some bytes as text."""
    return sample.decode(encoding, "clientele.keep")


def candidates(samples: Sequence[bytes], always: Container[str]) -> dict[str, list[str]]:
    """Return encoding -> what the samples say in it, for those that know all their bytes, and those ``always`` told."""
    said = {name: [_told(decoded(sample, name)) for sample in samples] for name in ENCODINGS}
    return {
        n: texts
        for n, texts in said.items()
        if samples and (n in always or not _UNTOLD.search("".join(texts)))
    }


def _told(text: str) -> str:
    return " ".join(_UNSHOWN.sub("\ufffd", shown(text)).split())


def shown(text: str) -> str:
    """Return a text with a sign for each byte that is none."""
    return _BAD.sub("\ufffd", text)


# -- what stands between cells ---------------------------------------------------------------------------------------


def separator_of(lines: Sequence[str], known: Callable[[str], bool]) -> str:
    """Return what seems to separate the cells: by headings that are known, or by what most lines have equally often.

    :param known: tells a heading that means something.
    """
    counts: dict[str, list[int]] = {mark: [] for mark in ",;\t|"}
    for line in _outside_quotes(lines):
        for mark, found in counts.items():
            found.append(line.count(mark))

    def rank(mark: str) -> tuple[int, int, int, int]:
        headed = max((sum(map(known, _bare(line, mark))) for line in lines), default=0)
        usual, lines_with_it = Counter(counts[mark]).most_common(1)[0] if counts[mark] else (0, 0)
        return (headed if headed > 1 else 0), (lines_with_it if usual else 0), usual, sum(counts[mark])

    best = max(counts, key=rank)
    return best if best != "\t" or _is_quoted(lines) else "\tplain"


def _bare(line: str, mark: str) -> list[str]:
    """Return the cells of a line as far as they can be told, without quotation marks."""
    return [cell.strip().strip('"') for cell in line[:10_000].split(mark)]


def _outside_quotes(lines: Sequence[str]) -> list[str]:
    """Return the lines without what is in quotation marks, which may hold line breaks."""
    text = re.sub('"[^"]*"', "", "".join(lines))
    return [line for line in text.splitlines() if line.strip()]


def _is_quoted(lines: Sequence[str]) -> bool:
    """Whether quotation marks enclose cells, and are not just characters in them."""
    try:
        return bool(list(csv.reader(lines, delimiter="\t", strict=True)))
    except csv.Error:
        return False


# -- rows -------------------------------------------------------------------------------------------------------------


class Text:
    """A file of separated text, open to be read once in one encoding."""

    def __init__(self, file: BinaryIO, encoding: str, budget: Budget) -> None:
        file.seek(0)
        self.budget = budget
        self.wrapper = io.TextIOWrapper(file, encoding, errors="clientele.keep", newline="")
        self.first = list(islice(self._lines(), 200))
        named = _SEP.fullmatch(self.first[0]) if self.first else None
        self.named = named[1] if named else None
        """The separator that the first line names."""

    def _lines(self) -> Iterator[str]:
        number = 0
        while line := self.wrapper.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise BadFile(
                    _("Line %(line)s is too long. Check for a missing closing quotation mark.", line=number)
                )
            yield line

    def separator(self, known: Callable[[str], bool]) -> str:
        """Return what seems to separate the cells. :param known: tells a heading that means something."""
        return self.named or separator_of(self.first[:20], known)

    def rows(self, separator: str) -> Iterator[Row]:
        """Yield line, cells and flaws of every line, empty ones too."""
        lines = self._all()
        skipped = 0
        if self.named is not None:
            next(lines)
            skipped = 1
        plain = separator.endswith("plain")
        quoting: Literal[0, 3] = csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL
        reader = csv.reader(lines, delimiter=separator[0], quoting=quoting, strict=not plain)
        while True:
            line = reader.line_num + 1 + skipped
            try:
                cells = next(reader, None)
            except csv.Error:
                raise BadFile(
                    _(
                        "Line %(line)s cannot be read. Check for a missing closing quotation mark.",
                        line=line,
                    )
                ) from None
            if cells is None:
                self.wrapper.detach()
                return
            self.budget.take_row()
            self.budget.take_cells(min(len(cells), MOST_COLUMNS))
            yield line, *_read(cells)

    def _all(self) -> Iterator[str]:
        yield from self.first
        yield from self._lines()


def _read(cells: list[str]) -> tuple[list[str], dict[int, Flaw]]:
    """Return the cells of a line as text, with what is wrong with some."""
    flaws: dict[int, Flaw] = {}
    found = []
    if len(cells) > MOST_COLUMNS:  # one too many is as good as a thousand
        cells[MOST_COLUMNS:] = [next((cell for cell in cells[MOST_COLUMNS:] if cell.strip()), "")]
    for place, cell in enumerate(cells):
        text = cell[:LONGEST_CELL]
        if not text.isascii() or "\x00" in text:
            if bad := _BAD.findall(text):
                flaws[place] = "byte:" + " ".join(f"0x{ord(c) - 0xDC00:02X}" for c in bad[:4])
            elif _UNSHOWN.search(text):
                flaws[place] = HIDDEN
            text = _UNSHOWN.sub("\ufffd", shown(text))
        found.append(rearm(text))
    return found, flaws
