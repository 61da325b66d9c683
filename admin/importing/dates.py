"""Dates as people write them in files: read by the order of day and month that the file, the person or the shop has."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache

from babel import Locale
from babel.dates import get_date_format
from flask_babel import gettext as _

from admin.importing.reading import Reading
from models import normalise

LANGUAGES = ("en", "de", "fr")
"""The languages that this product ships, in which a file may name months, countries and its columns."""
_TIME = r"(?:[T\s]\s*\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?(?:\s*[AaPp][Mm])?(?:Z|[+-]\d{2}:?\d{2})?)?"
_ISO = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_TIME}", re.ASCII)
_DIGITS = re.compile(rf"(\d{{1,2}})([-/.])\s?(\d{{1,2}})\2\s?(\d{{4}}){_TIME}", re.ASCII)
_NAMED = re.compile(rf"(\d{{1,2}})\.?[\s-]+([^\W\d]+)\.?,?[\s-]+(\d{{4}}){_TIME}")
_SHORT_YEAR = re.compile(r"\d{1,2}[-/.\s]+\w+[-/.\s]+\d{2}", re.ASCII)


@cache
def months() -> dict[str, int]:
    """Return folded name -> month, in every language shipped, in full and short."""
    found = {}
    for language in LANGUAGES:
        for width in ("wide", "abbreviated"):
            for number, name in Locale(language).months["format"][width].items():
                found[normalise.folded(name.rstrip("."))] = number
    return found


def shop_is_month_first(locale: str) -> bool:
    """Return whether the shop's region writes the month before the day."""
    pattern = get_date_format("short", locale).pattern
    return pattern.index("M") < pattern.index("d") and not pattern.startswith("y")


def is_asked(reading: Reading | None) -> bool:
    """Return whether some dates of a file can be read in two ways."""
    return reading is not None and bool({"either", "both"} & set(reading.days.values()))


def file_is_month_first(reading: Reading | None, locale: str, saved: bool | None = None) -> bool:
    """Return the order that the other dates of a file have, else the one ``saved`` for its like, else the shop's."""
    known = (
        {order for order in reading.days.values() if order in ("day", "month")}
        if reading is not None
        else set()
    )
    if len(known) == 1:
        return known == {"month"}
    return shop_is_month_first(locale) if saved is None else saved


def month_first(reading: Reading | None, place: int, answer: bool) -> bool:
    """Return whether a column has the month first: what its own dates prove, else the answer."""
    said = reading.days.get(str(place)) if reading is not None else None
    return said == "month" if said in ("day", "month") else answer


def iso(text: str, *, month_first: bool) -> str:
    """Return a date as ISO 8601 has it, without its time of day. :raises ValueError: it is none."""
    text = " ".join(text.split())
    if found := _ISO.fullmatch(text):
        return _day(int(found[1]), int(found[3]), int(found[4]))
    if found := _DIGITS.fullmatch(text):
        first, second = int(found[1]), int(found[3])
        swapped = month_first and found[2] != "."
        return _day(int(found[4]), first if swapped else second, second if swapped else first)
    if (found := _NAMED.fullmatch(text)) and (month := months().get(normalise.folded(found[2]))):
        return _day(int(found[3]), month, int(found[1]))
    if _SHORT_YEAR.fullmatch(text):
        raise ValueError(_("Write the year with four digits, such as 2026-01-31."))
    raise ValueError(_("Enter a date such as 2026-01-31."))


def _day(year: int, month: int, day: int) -> str:
    try:
        return dt.date(year, month, day).isoformat()
    except ValueError:
        raise ValueError(_("This date does not exist. Enter a date such as 2026-01-31.")) from None
