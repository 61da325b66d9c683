"""Figures as people write them in files: by the signs that the file shows, the person chose or the shop has (15.17)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from admin.importing.reading import Reading
from models.amounts import PLAIN, reads, same_signs

FORMATS = {"en": "1,234.56", "de": "1.234,56", "fr": "1\u202f234,56", "de_CH": "1’234.56"}
"""A locale whose signs it has -> how it writes a figure. The first is how our own exports are written."""
_WITH_POINT = frozenset({"en", "de_CH"})
_SIGNED = re.compile(r"\d[.,'’\s]\d")
_FIGURE = re.compile(r"\D{0,8}(\d[\d.,'’\s]*\d)\D{0,8}")
_LONGEST = 40
_SHAPE = str.maketrans("23456789", "11111111")


def shown_by(cell: str) -> frozenset[str]:
    """Return the formats in which a cell is a figure; none where it is no figure, or reads alike in all."""
    if len(cell) > _LONGEST or _SIGNED.search(cell) is None:
        return frozenset()
    return _shown_by(cell.strip().translate(_SHAPE))


@lru_cache(4096)
def _shown_by(shape: str) -> frozenset[str]:
    found = _FIGURE.fullmatch(shape)
    return frozenset(name for name in FORMATS if reads(found[1], name)) if found else frozenset()


def is_offered(reading: Reading | None, places: Iterable[int]) -> bool:
    """Return whether figures may be in somebody's signs: in text, and in a workbook where some are kept as text."""
    return reading is not None and (reading.sheet is None or bool(_shown(reading, places)))


def _shown(reading: Reading, places: Iterable[int]) -> list[set[str]]:
    """Return the formats in which the figures of some columns can be read, where they are not alike in all."""
    return [set(reading.figures[str(place)]) for place in places if str(place) in reading.figures]


def is_asked(reading: Reading | None, places: Iterable[int]) -> bool:
    """Return whether the figures of some column can be read in two ways, or in none alike."""
    shown = _shown(reading, places) if reading is not None else []
    return any(len({name in _WITH_POINT for name in names}) != 1 for names in shown)


def file_format(
    reading: Reading | None, places: Iterable[int], *, ours: bool, locale: str, saved: str | None = None
) -> str:
    """Return the format that the figures of a file show; where they do not tell, the one that was ``saved`` for its
    like, else that of our exports or of the shop."""
    if reading is None:
        return PLAIN
    usual = saved or (PLAIN if ours else _of_locale(locale))
    shown = _shown(reading, places)
    common = set.intersection(*shown) if shown else set()
    return usual if not common else _nearest(usual, common)


def column_format(reading: Reading | None, place: int, answer: str) -> str:
    """Return the format of a column: what its own figures prove, else the answer."""
    shown = reading.figures.get(str(place)) if reading is not None else None
    return _nearest(answer, shown) if shown else answer


def _nearest(wanted: str, possible: Collection[str]) -> str:
    """Return the wanted format, else one of the same decimal sign, else another."""
    alike = (
        name for name in FORMATS if name in possible and (name in _WITH_POINT) == (wanted in _WITH_POINT)
    )
    return wanted if wanted in possible else next(alike, next(name for name in FORMATS if name in possible))


def _of_locale(locale: str) -> str:
    return next((name for name in FORMATS if same_signs(name, locale)), PLAIN)
