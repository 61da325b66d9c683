"""Keys that search and duplicate checks compare (rule 7.2). Every function maps None to ''."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

import phonenumbers

RELEASE = f"3, phonenumbers {phonenumbers.__version__}"
"""What keys depend on: the number of these rules, raised with each change of them, and the data of phone numbers."""

LONGEST_KEY = 320
"""Length of the Key column type; one character may normalise to eighteen."""

_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_STROKES = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"}
)


# One sign for what keyboards, phones and word processors write in many ways.
_APOSTROPHES = "\u2018\u2019\u201a\u201b\u02bb\u02bc\u02b9\u2032\u00b4\u0060\u055a\ua78c\uff07"
_ALIKE = re.compile(f"(?P<quote>[{_APOSTROPHES}])|(?P<and>\\s*&\\s*)")
_DASH = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u058a\u05be\u2e3a\u2e3b\u301c\ufe58\ufe63\uff0d"
_DASHES = re.compile(f"[{_DASH}]")
ONE_WAY = f"{_APOSTROPHES}{_DASH}\u03c2", "'" * len(_APOSTROPHES) + "-" * len(_DASH) + "\u03c3"
"""What a database translates, letter by letter, where a column is compared that has no key: the last is the Greek s."""
VARIANT = re.compile(f"[{_APOSTROPHES}'{_DASH}\\-\u03c2\u03c3\u03a3]")
"""A character that is written in one of several ways."""
_APART = re.compile("(?s:.)[\u0300-\u036f\u3099\u309a\u1161-\u11ff]+")
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0]"
)
_ALONE = re.compile("[\u115f\u1160\u200c\u200d\u2800\ufe00-\ufe0f\U000e0000-\U000e01ef]")
"""Characters that show nothing by themselves, only with others: joiners, selectors of a look, parts of a flag."""
_SIGN = re.compile(r"^[a-z]{1,3}-(?=\d)")
_JOINERS = re.compile("[\u200c\u200d]")


def seen(value: str) -> str:
    """The text without characters that nobody sees: zero-width blanks, soft hyphens, direction marks, a BOM.

    Joiners stay where there is something to join: Persian and Indian names are written with them. A letter and the
    accent after it become one character, as far as there is one: nobody sees the difference.
    """
    if value.isascii():
        return value
    bare = _UNSEEN.sub("", value)
    if not _ALONE.sub("", bare).strip():
        return _ALONE.sub("", bare)
    return _APART.sub(lambda found: unicodedata.normalize("NFC", found[0]), bare)


def trimmed(value: Any) -> str:
    """What somebody typed, without characters that nobody sees and blanks around it; '' for what is no text."""
    return seen(value).strip() if isinstance(value, str) else ""


def dashed(value: str) -> str:
    """The text with each dash a plain one."""
    return _DASHES.sub("-", value)


def typed(value: str) -> str:
    """A code as a keyboard has it: without unseen characters, wide letters narrow, dashes plain, spaces collapsed."""
    return " ".join(dashed(unicodedata.normalize("NFKC", seen(value))).split())


def text(value: str | None) -> str:
    """NFKC, casefold, without unseen characters, trimmed, spaces collapsed, each dash a plain one."""
    if value is None or value.isascii():  # most are, and need no table of Unicode
        return " ".join((value or "").casefold().split())[:LONGEST_KEY].rstrip()
    bare = _JOINERS.sub("", seen(value))
    folded = unicodedata.normalize("NFKC", bare).casefold()
    return " ".join(dashed(unicodedata.normalize("NFKC", folded)).split())[:LONGEST_KEY].rstrip()


def folded(value: str | None) -> str:
    """:func:`text` of a name: apostrophes are ', & is "and", and Latin, Greek and Cyrillic letters lose their marks.

    Other scripts keep theirs.
    """
    alike = _ALIKE.sub(lambda found: "'" if found["quote"] else " and ", text(_plain_quotes(value)))
    if alike.isascii():
        return text(alike)
    apart = unicodedata.normalize("NFKD", text(alike))
    return text(_MARKS.sub("", apart).translate(_STROKES))


def _plain_quotes(value: str | None) -> str:
    """Take the quotes first: NFKC would make a space and a mark of some."""
    return re.sub(f"[{_APOSTROPHES}]", "'", value or "")


def surname(value: str | None) -> str:
    """The surname with its diacritics folded: "Müller" and "MULLER " are equal, "Mueller" is another name."""
    return folded(value)


def email(value: str | None) -> str:
    """The whole address; dots and +tags count, because for most providers they do."""
    return text(value)


def compact(value: str | None) -> str:
    """:func:`text` without any space."""
    return text(text(value).replace(" ", ""))


def postcode(value: str | None) -> str:
    """The postcode without spaces and dashes, and without its country's sign: 100-0001 is 1000001, LV-1010 is 1010."""
    return text(_SIGN.sub("", compact(value)).replace("-", ""))


@lru_cache(1024)  # a save asks several times of one number, and reading it is what takes longest
def dialled(value: str | None, country: str) -> phonenumbers.PhoneNumber | None:
    """Return a number as it is dialled from ``country``, unless it begins with +; None for what nobody can dial."""
    try:
        return phonenumbers.parse(value or "", country)
    except phonenumbers.NumberParseException:
        return None


def phone(value: str | None, country: str) -> str:
    """The E.164 digits without +, read as a number of ``country`` unless it begins with +.

    A number nobody can dial keeps its bare digits, so that an old one is still found as it was typed.
    """
    parsed = dialled(value, country)
    if parsed is None:
        return "".join(str(unicodedata.digit(c)) for c in value or "" if c.isdigit() and c.isdecimal())
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164).lstrip("+")[:LONGEST_KEY]
