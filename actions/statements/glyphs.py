"""What the fonts of PDFs can show (rule 2.11).

A PDF library leaves out a letter that its font lacks, and puts accents and letters that run from right to left where
they do not belong unless a shaping engine places them. So only what is drawn well by putting one glyph after another
counts as drawn here, and callers that print ask first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from fpdf import FPDF
from fpdf.fonts import TTFFont

from actions import ROOT
from models import normalise

FONTS = ROOT / "templates" / "fonts"
FAMILIES = {
    name: {"": f"{name}-Regular.ttf", "B": f"{name}-SemiBold.ttf"}
    for name in ("Inter", "NotoSansArmenian", "NotoSansGeorgian")
}
"""Family -> style -> its file. The first is written with, the others where it lacks a letter."""
MOST_NAMED = 20
_UNNEEDED = re.compile("[\u200c\u200d\ufe00-\ufe0f]")
"""Joiners and variation selectors: they change how other letters look, and none that these fonts have."""


def shown(text: str) -> str:
    """Return a text as it is printed: accents in one with their letters, without what nobody sees."""
    return unicodedata.normalize("NFC", _UNNEEDED.sub("", normalise.seen(text)))


def lacking(text: str) -> str:
    """Return the letters of a text, in its order and each once, that would be missing or wrong on paper."""
    wanted = shown(text)
    if drawn_by(next(iter(FAMILIES))).issuperset(wanted):
        return ""
    wrong = (letter for letter in _letters(wanted) if not drawn().issuperset(letter))
    found = list(dict.fromkeys(wrong))
    return "".join(found[:MOST_NAMED]) + ("…" if len(found) > MOST_NAMED else "")


def _letters(text: str) -> Iterator[str]:
    """Part a text into letters with the accents that belong to them."""
    letter = ""
    for character in text:
        if letter and not unicodedata.category(character).startswith("M"):
            yield letter
            letter = ""
        letter += character
    if letter:
        yield letter


@cache
def drawn() -> frozenset[str]:
    """Return every character that is drawn well."""
    return frozenset[str]().union(*map(drawn_by, FAMILIES))


@cache
def drawn_by(family: str) -> frozenset[str]:
    """Return the characters that a family draws well in each of its styles."""
    return frozenset[str].intersection(*map(_drawn, FAMILIES[family].values()))


def families(text: str) -> list[str]:
    """Return what a text is written with: the first family, and the others that have a letter it lacks."""
    first, *others = FAMILIES
    left = set(text) - drawn_by(first)
    return [first, *(family for family in others if left & drawn_by(family))]


def _drawn(file: str) -> frozenset[str]:
    sheet = FPDF()
    sheet.add_font("any", "", FONTS / file)
    font = sheet.fonts["any"]
    assert isinstance(font, TTFFont)
    found = frozenset(filter(_stands_alone, map(chr, font.cmap)))
    font.close()
    return found


def _stands_alone(character: str) -> bool:
    """Whether a character needs no placing: no accent of its own, none of a script from right to left."""
    sort, direction = unicodedata.category(character), unicodedata.bidirectional(character)
    return sort[0] not in "MC" and direction not in {"R", "AL", "AN"}
