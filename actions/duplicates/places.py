"""How near the addresses of two records are (rule 7.5). All texts are search keys (rule 7.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from rapidfuzz.distance import OSA

from actions.duplicates.nearness import nearly
from models.evidence import Evidence, Scoring

USUAL = Scoring()
ABOUT = Evidence.POSTCODE | Evidence.POSTCODE_NEAR | Evidence.STREET | Evidence.STREET_NEAR | Evidence.TOWN
"""What addresses can say for two records."""
SHORTEST_POSTCODE = 4
"""Characters of a postcode one of which may be a typing error."""
_NUMBER = re.compile(r"[a-z]?\d[\w/-]*")
_WORDS = re.compile(r"[^\W\d]{2,}")


class Place(NamedTuple):
    """What an address is found by; '' where it says nothing."""

    postcode: str
    street: str
    town: str


def at(postcodes: Iterable[str]) -> frozenset[Place]:
    """Return the places of which nothing is known but the postcode."""
    return frozenset(Place(postcode, "", "") for postcode in postcodes)


def compare(ones: Iterable[Place], others: Iterable[Place], scoring: Scoring = USUAL) -> Evidence:
    """Return what those of all addresses say that are most alike; nothing where either has none.

    An equal postcode comes before whatever else is near, as with the surname it always flags (rule 7.5).
    """
    found = [_compared(one, other) for one, other in product(ones, others)]
    return max(found, key=lambda bits: (bits & Evidence.POSTCODE, scoring.score(bits)), default=Evidence(0))


def _compared(one: Place, other: Place) -> Evidence:
    where = _postcodes(one.postcode, other.postcode)
    if not where & Evidence.POSTCODE:  # that says where it is
        where |= _towns(one.town, other.town)
    if where:
        return where | _streets(one.street, other.street)
    return Evidence.ADDRESS_DIFFERS if any(one) and any(other) else where


def _postcodes(one: str, other: str) -> Evidence:
    if not one or not other:
        return Evidence(0)
    if one == other:
        return Evidence.POSTCODE
    long = min(len(one), len(other)) >= SHORTEST_POSTCODE
    near = long and OSA.distance(one, other, score_cutoff=1) == 1
    return Evidence.POSTCODE_NEAR if near else Evidence(0)


def _towns(one: str, other: str) -> Evidence:
    same = one and other and (one == other or nearly(one, other))
    return Evidence.TOWN if same else Evidence(0)


def _streets(one: str, other: str) -> Evidence:
    if not one or not other:
        return Evidence(0)
    if one == other:
        return Evidence.STREET
    (number, words), (other_number, other_words) = _parts(one), _parts(other)
    if number and other_number and number != other_number:
        return Evidence(0)
    near = _alike(words, other_words) if words and other_words else number == other_number
    return Evidence.STREET_NEAR if near else Evidence(0)


def _alike(words: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Return whether two streets may be one: the longest words are, or the letters but for typing errors."""
    return nearly(max(words, key=len), max(others, key=len)) or nearly("".join(words), "".join(others))


@lru_cache(4096)
def _parts(street: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the numbers of a street and its words."""
    return frozenset(_NUMBER.findall(street)), tuple(_WORDS.findall(street))
