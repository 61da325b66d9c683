"""Whether two texts are one but for typing errors (rule 7.5)."""

from __future__ import annotations

from rapidfuzz.distance import OSA, JaroWinkler

ONE_ERROR_FROM, TWO_ERRORS_FROM = 4, 8
"""So many letters take one typing error, or two, and are still likely meant to be the same."""
BEGINS_ALIKE = 0.88
"""From which Jaro-Winkler similarity texts that begin alike are near, however many letters differ in the rest."""


def nearly(one: str, other: str) -> bool:
    """Return whether two texts are one but for typing errors: letters missing, added, wrong, or two swapped.

    Of three letters, two that are swapped alone: Tim is not Tom.
    """
    if one == other:
        return bool(one)
    longest = max(len(one), len(other))
    if longest < ONE_ERROR_FROM:
        return (
            longest == ONE_ERROR_FROM - 1 and sorted(one) == sorted(other) and OSA.distance(one, other) == 1
        )
    most = 1 + (longest >= TWO_ERRORS_FROM)
    if OSA.distance(one, other, score_cutoff=most) <= most:
        return True
    return min(len(one), len(other)) > ONE_ERROR_FROM and JaroWinkler.similarity(one, other) >= BEGINS_ALIKE


def emails(one: str, other: str) -> bool:
    """Return whether two addresses of one provider are one but for typing errors; a digit that differs is none."""
    (name, _, domain), (other_name, _, other_domain) = one.partition("@"), other.partition("@")
    digits = [letter for letter in name if letter.isdigit()]
    if domain != other_domain or digits != [letter for letter in other_name if letter.isdigit()]:
        return False
    return (
        min(len(name), len(other_name)) > ONE_ERROR_FROM
        and OSA.distance(name, other_name, score_cutoff=1) <= 1
    )
