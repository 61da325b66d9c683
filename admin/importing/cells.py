"""What a cell of a workbook means: the text that a person sees in it, or why nobody can tell (rule 15.12)."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Literal

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import WINDOWS_EPOCH, from_excel, from_ISO8601

from admin.viewmodels.spreadsheets import DIGITS, as_text

EAST_ASIAN_DATES = frozenset((*range(27, 37), *range(50, 59)))
"""Formats that Excel has built in for dates and times of East Asia, which openpyxl does not know."""
FALSE_LEAP_DAY = 60
"""The 29th of February 1900, which Excel counts and never was."""
MOST_FORMAT = 255
_EXACT = Context(prec=DIGITS)
_TOO_LONG = Decimal(10) ** DIGITS
_TOKENS = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[([^\]]*)\]|(.)', re.DOTALL)
_SHORT = re.compile("0|-?[1-9][0-9]{0,14}", re.ASCII)
_PLAIN = frozenset("-/(): +!^&'~{}<>=$£€")
"""Characters that a format shows without quotation marks."""

Flaw = str
"""Why a cell has no value that anybody could rely on: one of the words below, or ``byte:`` and bytes in hex."""
ERROR, FORMULA, TOO_LONG, NO_DAY, HIDDEN = "error", "formula", "digits", "no day", "hidden"
AS_TEXT = "text"
"""No flaw, but kept among them: a figure that a workbook holds as text, in the signs of its writer (rule 15.17)."""
Row = tuple[int, list[str], dict[int, Flaw]]
"""A row of a file: its line there, the cells as text, and what is wrong with some of them."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a format shows a number: as a moment, a share, a code such as 00000 (``mask``), or plainly."""

    kind: Literal["plain", "moment", "length", "percent", "mask"] = "plain"
    mask: tuple[str, ...] = ()
    """For a code: its characters one by one, "0" for a digit, others as they are written."""


PLAIN = Look()


def look_of(number: int, code: str | None) -> Look:
    """Return how a format shows numbers. :param code: what the workbook says of it; None for a built-in one."""
    if code is None:
        if number in EAST_ASIAN_DATES:
            return Look("moment")
        code = BUILTIN_FORMATS.get(number, "General")
    code = code[:MOST_FORMAT]
    if is_timedelta_format(code):
        return Look("length")
    if is_date_format(code):
        return Look("moment")
    return _figure_look(code)


def _figure_look(code: str) -> Look:
    """Return how the part of a format for positive numbers shows them."""
    shown: list[str] = []
    digits = 0
    tokens = _TOKENS.findall(code.partition(";")[0])
    if any(bare == "%" for _quoted, _escaped, _bracket, bare in tokens):
        return Look("percent")
    for quoted, escaped, bracket, bare in tokens:
        literal = quoted or escaped or (bracket[1:].partition("-")[0] if bracket.startswith("$") else "")
        if bare in ("0", "#"):
            digits += bare == "0"
            shown.append("0" if bare == "0" else "#")
        elif bare and bare not in _PLAIN:
            return PLAIN
        else:
            shown += [f"={character}" for character in literal or bare]
    return Look("mask", tuple(shown)) if digits > 1 else PLAIN


def number_text(text: str, look: Look, epoch: dt.datetime) -> tuple[str, Flaw | None]:
    """Return a stored number as its cell shows it, with what is wrong with it.

    Spreadsheets keep fifteen digits: what is stored beyond comes of binary fractions, and 3.3000000000000003 is 3.3. A
    whole number of more digits has lost its last ones.
    """
    if look is PLAIN and _SHORT.fullmatch(text):
        return text, None
    try:
        value = _EXACT.create_decimal(text.strip())
    except InvalidOperation:
        return text, ERROR
    if not value.is_finite() or value.adjusted() < -100:
        return text, ERROR
    if abs(value) >= _TOO_LONG:
        return (f"{Decimal(text):f}" if value.adjusted() < 40 else text), TOO_LONG
    if look.kind in ("moment", "length"):
        return _moment(value, look, epoch)
    if look.kind == "percent":
        return f"{_plain(value.scaleb(2))}%", None
    if look.kind == "mask" and value == value.to_integral_value() and value >= 0:
        return _masked(str(int(value)), look.mask), None
    return _plain(value), None


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _masked(digits: str, mask: tuple[str, ...]) -> str:
    """Put the digits of a number into the places of a format, from the right; the first takes all that are left."""
    places = sum(part in "0#" for part in mask)
    filled = list(digits.rjust(places, "\0"))
    surplus = len(filled) - places
    made, started = [], False
    for part in mask:
        if part.startswith("="):
            made.append(part[1:])
            continue
        taken = "".join(filled[: 1 + (0 if started else surplus)])
        del filled[: 1 + (0 if started else surplus)]
        started = True
        made.append(taken.replace("\0", "0" if part == "0" else ""))
    return "".join(made).strip()


def _moment(value: Decimal, look: Look, epoch: dt.datetime) -> tuple[str, Flaw | None]:
    if epoch == WINDOWS_EPOCH and int(value) == FALSE_LEAP_DAY:
        return "1900-02-29", NO_DAY
    try:
        found = from_excel(float(value), epoch, timedelta=look.kind == "length")
    except (OverflowError, ValueError):
        return _plain(value), NO_DAY
    if value < 0 and look.kind == "moment":
        return _plain(value), NO_DAY
    return moment_text(found), None


def moment_text(value: dt.datetime | dt.date | dt.time | dt.timedelta) -> str:
    """Return a moment in ISO 8601, a day alone where it is midnight; a length as hours and minutes."""
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return as_text(value.date()) if midnight else value.isoformat(" ", "seconds")
    if isinstance(value, dt.timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}"
    return value.isoformat()


def iso_text(text: str) -> tuple[str, Flaw | None]:
    """Return a moment that a workbook holds as text of ISO 8601."""
    try:
        found = from_ISO8601(text)
    except (ValueError, TypeError):
        return text, NO_DAY
    return ("" if found is None else moment_text(found)), None
