"""Words that nobody outside this project uses, and what to write instead: one list for all that people read."""

import re
from collections.abc import Mapping
from functools import cache

CONCEPTS = {
    r"deeds?": "action, change",
    r"doors?": "channel",
    r"census(?:es)?": "count",
    r"laps(?:e|es|ed|ing)": "expire, expiry",
    r"(?:in|out of|within|whose|by|of) sight|sights?": "access, scope",
}
"""Former words for what has a name in the glossary, which tests and tools keep clear of, too: a regular expression -> what
to write instead."""
EVERYWHERE = {
    **CONCEPTS,
    r"anew": "again",
    r"who(?:m|so)?ever": "the person who, anyone who",
    r"for who": "for people who",
    r"how many it were|it were": "the number of",
    r"mend(?:s|ed|ing)?": "fix",
}
"""The words that names, docstrings and comments keep clear of, too: a regular expression -> what to write instead."""
INSTEAD = {
    **EVERYWHERE,
    r"second[ -](?:step|factor)s?": "two-factor authentication",
    r"going on": "in progress, running",
    r"blanks": "spaces",
    r"by hand": "manually",
    r"meanwhile": "in the meantime, or nothing",
    r"likewise": "also",
    r"besides": "also, as well as",
    r"thrown? away": "delete, purge",
    r"the clock (?:does|did|leaves)": "the job, the schedule",
    r"no good any more": "expired",
    r"want of permission": "permission denied",
    r"yours to see": "have access to",
    r"present password": "current password",
    r"of the list": "from the list",
    r"empty (?:means|goes|takes|makes)": "leave blank for",
    r"customers owing|owing money": "balance due, receivables",
    r"enclosures?": "attachment",
}
"""A word or phrase as a regular expression -> what to write instead."""


def found(text: str, words: Mapping[str, str] = INSTEAD) -> list[str]:
    """Return each word of a list that a text uses, with what to write instead."""
    advice = list(words.values())
    return [
        f"“{match[0]}”: write {advice[int(str(match.lastgroup)[1:])]}"
        for match in _pattern(tuple(words)).finditer(text)
    ]


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?P<w{n}>\b(?:{each})\b)" for n, each in enumerate(words)), re.IGNORECASE)
