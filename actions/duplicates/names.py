"""How near two names or dates of birth are (rule 7.5). Names are search keys (rule 7.2): folded, without accents."""

from __future__ import annotations

import re

from rapidfuzz.distance import OSA

from actions.duplicates.short_forms import SHORT_FORMS
from models.evidence import Evidence

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
ONE_ERROR_FROM, TWO_ERRORS_FROM = 4, 8
"""So many letters take one typing error, or two, and are still likely meant to be the same."""

_CALLED: dict[str, set[str]] = {}
for _line in SHORT_FORMS.split(",\n"):
    _whole, *_short = _line.split()
    for _name in _short:
        _CALLED.setdefault(_name, set()).add(_whole)
        _CALLED.setdefault(_whole, set()).add(_whole)


def compare(first: tuple[str, str], second: tuple[str, str]) -> Evidence:
    """Return what two records' (first name, surname) say; nothing about a name that either lacks."""
    (one, one_last), (other, other_last) = first, second
    if one != one_last and one and one_last and (one, one_last) == (other_last, other):
        return Evidence.SWAPPED
    return _surnames(one_last, other_last) | _first_names(one, other)


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


def nearly(one: str, other: str) -> bool:
    """Return whether two texts are one but for typing errors: letters missing, added, wrong, or two swapped."""
    longest = max(len(one), len(other))
    most = (longest >= ONE_ERROR_FROM) + (longest >= TWO_ERRORS_FROM)
    return most > 0 and OSA.distance(one, other, score_cutoff=most) <= most


def births(one: str, other: str) -> Evidence:
    """Return what two dates say, each as YYYY-MM-DD; nothing where one is not known."""
    if not one or not other:
        return Evidence(0)
    if one == other:
        return Evidence.BIRTH
    swapped = one[:4] == other[:4] and one[5:7] == other[8:10] and one[8:10] == other[5:7]
    wrong = sum(a != b for a, b in zip(one, other, strict=True))
    return Evidence.BIRTH_NEAR if swapped or wrong == 1 else Evidence.BIRTH_DIFFERS
