"""Keys that search and duplicate checks compare (RULES 7.2). Every function maps None to ''."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

LONGEST_KEY = 320
"""Length of the Key column type; one character may normalise to eighteen."""

_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_STROKES = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"}
)


def text(value: str | None) -> str:
    """NFKC, casefold, trim, collapse spaces."""
    folded = unicodedata.normalize("NFKC", value or "").casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())[:LONGEST_KEY].rstrip()


def folded(value: str | None) -> str:
    """:func:`text` without Latin, Greek and Cyrillic diacritics; other scripts keep their marks."""
    apart = unicodedata.normalize("NFKD", text(value))
    return text(_MARKS.sub("", apart).translate(_STROKES))


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
    """The postcode without spaces."""
    return compact(value)


def phone(value: str | None, country: str) -> str:
    """The E.164 digits without +, read as a number of ``country`` unless it begins with +.

    A number nobody can dial keeps its bare digits, so that an old one is still found as it was typed.
    """
    try:
        parsed = phonenumbers.parse(value or "", country)
    except phonenumbers.NumberParseException:
        return "".join(str(unicodedata.digit(c)) for c in value or "" if c.isdigit() and c.isdecimal())
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164).lstrip("+")[:LONGEST_KEY]
