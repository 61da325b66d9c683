"""What looks like the number of a payment card, which nothing here may keep (rule 12.5).

That is 13 to 19 digits of whatever script whose last is their check digit (Luhn), alone or among other text, in one
piece or with blanks, dashes or other signs between them.
"""

from __future__ import annotations

import re

_RUNS = re.compile(r"\d(?:[\W_]{0,3}\d){12,}")
_DIGITS = re.compile(r"\d+")
SHORTEST, LONGEST = 13, 19
"""Digits of a card."""


def holds_one(text: str) -> bool:
    """Return whether a text holds what looks like the number of a card."""
    return any(_is_one(_DIGITS.findall(run)) for run in _RUNS.findall(text))


def _is_one(groups: list[str]) -> bool:
    """Return whether some groups that follow each other are a card number; its expiry may well stand beside it."""
    sizes = range(1, min(len(groups), LONGEST) + 1)
    spans = ("".join(groups[start : start + size]) for size in sizes for start in range(len(groups)))
    return any(SHORTEST <= len(span) <= LONGEST and _has_check_digit(span) for span in spans)


def _has_check_digit(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return bool(int(digits)) and sum(sum(divmod(number, 10)) for number in doubled) % 10 == 0
