"""How near two names or dates of birth are (rule 7.5). Names are search keys (rule 7.2): folded, without accents."""

from __future__ import annotations

import re

from rapidfuzz.distance import OSA

from actions.duplicates.nearness import nearly
from actions.duplicates.short_forms import SHORT_FORMS
from models.evidence import Evidence

_LETTERS = re.compile(r"[^\W\d_]+")
_PARTS = re.compile(r"[^\s'-]+")
PARTICLES = frozenset(
    [
        "de",
        "da",
        "do",
        "dos",
        "du",
        "la",
        "le",
        "van",
        "von",
        "der",
        "den",
        "zu",
        "el",
        "al",
        "bin",
        "abu",
        "mac",
        "mc",
        "o",
        "st",
    ]
)
"""Parts of names that many share who are no family."""
GENERATION = 16
"""Years from which two dates of birth are not one that was typed wrong, but those of a parent and a child."""
NOTHING_ALIKE = Evidence.FIRST_NAME_DIFFERS | Evidence.SURNAME_DIFFERS

_CALLED: dict[str, set[str]] = {}
for _line in SHORT_FORMS.split(",\n"):
    _whole, *_short = _line.split()
    for _name in _short:
        _CALLED.setdefault(_name, set()).add(_whole)
        _CALLED.setdefault(_whole, set()).add(_whole)


def compare(first: tuple[str, str], second: tuple[str, str]) -> Evidence:
    """Return what two records' (first name, surname) say; nothing about a name that either lacks."""
    (one, one_last), (other, other_last) = first, second
    if one != one_last and _both_near((one, one_last), (other_last, other)) and not _both_near(first, second):
        return Evidence.SWAPPED
    found = _surnames(one_last, other_last) | _first_names(one, other)
    if found == NOTHING_ALIKE and (nearly(one, other_last) or nearly(one_last, other)):
        return Evidence.CROSSED
    return found


def _both_near(ones: tuple[str, str], others: tuple[str, str]) -> bool:
    return all(nearly(one, other) for one, other in zip(ones, others, strict=True))


def _surnames(one: str, other: str) -> Evidence:
    if not one or not other:
        return Evidence(0)
    if one == other:
        return Evidence.SURNAME
    parts = [set(_PARTS.findall(name)) - PARTICLES for name in (one, other)]
    return Evidence.SURNAME_NEAR if parts[0] & parts[1] or nearly(one, other) else Evidence.SURNAME_DIFFERS


def _first_names(one: str, other: str) -> Evidence:
    if not one or not other:
        return Evidence(0)
    if one == other:
        return Evidence.FIRST_NAME
    ones, others = _PARTS.findall(one), _PARTS.findall(other)
    if not ones or not others:
        return Evidence(0)
    alike = _same_person(ones[0].rstrip("."), others[0].rstrip(".")) or nearly(one, other)
    return Evidence.FIRST_NAME_NEAR if alike else Evidence.FIRST_NAME_DIFFERS


def _same_person(one: str, other: str) -> bool:
    """Return whether two first names may be one: equal, an initial, a short form, or one letter from it."""
    if one == other or (min(len(one), len(other)) == 1 and one[0] == other[0]):
        return True
    return bool(_CALLED.get(one, set()) & _CALLED.get(other, set())) or nearly(one, other)


def made_of(name: str, first: str, last: str) -> bool:
    """Return whether what stands before an @ is somebody's name and nothing else, as that of a namesake would be."""
    letters = "".join(_LETTERS.findall(name))
    parts = ["".join(_LETTERS.findall(part)) for part in (first, last)]
    return name.isascii() and not re.search(r"\d", name) and letters in {"".join(parts), "".join(parts[::-1])}


def births(one: str, other: str) -> Evidence:
    """Return what two dates say, each as YYYY-MM-DD; nothing where one is not known."""
    if not one or not other:
        return Evidence(0)
    if one == other:
        return Evidence.BIRTH
    swapped = one[:4] == other[:4] and one[5:7] == other[8:10] and one[8:10] == other[5:7]
    near = swapped or OSA.distance(one, other, score_cutoff=1) == 1
    return Evidence.BIRTH_NEAR if near else Evidence.BIRTH_DIFFERS


def generations(one: str, other: str) -> bool:
    """Return whether two dates, each as YYYY-MM-DD, may be those of a parent and a child (rule 7.14).

    One wrong digit makes any distance, so dates that are near, or of one day of the year, make no parent.
    """
    apart = abs(int(one[:4]) - int(other[:4])) >= GENERATION
    return apart and one[4:] != other[4:] and births(one, other) == Evidence.BIRTH_DIFFERS
