"""Reading figures as people of a locale write them: whatever the product prints can be typed (rule 2.3).

Strict by locale, so that no figure is ever taken for one a hundred times larger. Where a text reads in another
convention only, the refusal says what was probably meant. Programs do not come here: they send plain figures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.numbers import get_currency_symbol, get_decimal_symbol, get_group_symbol

from models import currencies, normalise
from models.base import N_

PLAIN = "en"
"""The locale of files: figures as our own exports write them, grouped by commas if at all."""

MOST_DIGITS = 9
"""Before the decimal sign (rule 2.3)."""

SUCH_AS = N_("Enter a number such as %(example)s.")
GUESS = N_("Did you mean %(guess)s?")

MOST_PART = 30
THREES = frozenset({(3, 3)})
_SPACES = " \u00a0\u2007\u2009\u202f"
_APOSTROPHES = "'\u2019"
_MINUS = "-\u2212"
_ELSEWHERE = ((".", ","), (",", "."), (",", " "), (".", " "), (".", "'"), (",", "'"))
"""How others write: (decimal sign, sign between groups)."""


class Unreadable(ValueError):
    """A text is no such figure: a sentence, whose %(name)s places ``values`` fill, and what was probably meant."""

    def __init__(self, message: str, guess: str = "", **values: str) -> None:
        super().__init__(message % values + (f" {GUESS % {'guess': guess}}" if guess else ""))
        self.message, self.guess, self.values = message, guess, values


@dataclass(frozen=True, slots=True)
class Figure:
    """What is to be read: at most so many digits before and after the decimal sign."""

    places: int
    digits: int = MOST_DIGITS
    signed: bool = True
    example: str = "12.50"

    def shown(self, locale: str) -> str:
        """Return the example as people of a locale write it."""
        return localised(self.example, locale)


def amount(text: str, currency: str, locale: str, *, signed: bool = False) -> int:
    """Return the minor units of an amount, with or without the currency's own sign or code.

    :raises Unreadable: it is no amount, has more decimals than the currency, or names another currency.
    """
    places = currencies.places(currency)
    bare, named = _without_currency(normalise.trimmed(text), locale, currency)
    if named is not None and named != currency:
        raise Unreadable(
            N_("Enter the amount in %(currency)s, not in %(other)s."), currency=currency, other=named
        )
    kind = Figure(places, signed=signed, example=_example(places))
    try:
        return int(figure(bare, kind, locale).scaleb(places))
    except _TooFine as fine:
        told = N_("%(currency)s has fewer decimals than this.")
        raise Unreadable(told, fine.guess, currency=currency) from None


def amount_of_any(text: str, locale: str) -> tuple[Decimal, str | None]:
    """Return an amount in major units and the currency it names, None where it names none.

    :raises Unreadable: it is no amount, or has more decimals than that currency, or than any.
    """
    bare, named = _without_currency(normalise.trimmed(text), locale, None)
    places = currencies.MOST if named is None else currencies.places(named)
    try:
        return figure(bare, Figure(places), locale), named
    except _TooFine as fine:
        raise Unreadable(N_("This has more decimals than the currency."), fine.guess) from None


def whole(text: str, locale: str, *, digits: int = 15) -> int:
    """Return a whole number, grouped or not. :raises Unreadable: it is none."""
    sentence, kind = N_("Enter a whole number, such as 12."), Figure(0, digits, example="12")
    try:
        return int(figure(text, kind, locale, sentence))
    except _TooFine as fine:
        raise Unreadable(sentence, fine.guess) from None


def percentage(text: str, locale: str, kind: Figure) -> Decimal:
    """Return a decimal, with or without a percent sign. :raises Unreadable: it is none."""
    bare = normalise.trimmed(text).removesuffix("%").rstrip()
    try:
        return figure(bare, kind, locale)
    except _TooFine as fine:
        raise Unreadable(SUCH_AS, fine.guess, example=kind.shown(locale)) from None


class _TooFine(Exception):
    """A figure reads well and has too many decimals; ``guess`` is what may have been meant instead."""

    def __init__(self, guess: str) -> None:
        self.guess = guess


def figure(text: str, kind: Figure, locale: str, sentence: str = SUCH_AS) -> Decimal:
    """Return the decimal that a text stands for in a locale.

    :raises Unreadable: it stands for none, with what was probably meant. :raises _TooFine: it has too many decimals.
    """
    sign, digits = _signed(normalise.trimmed(text))
    if sign and not kind.signed:
        told = N_("Enter the amount without a plus or minus sign, such as %(example)s.")
        raise Unreadable(told, example=kind.shown(locale))
    found = _read(digits, *_signs(locale), kind, _groups(locale))
    if found is None or -_exponent(found) > kind.places:
        guess = _guess(sign, digits, kind, locale)
        if found is not None:
            raise _TooFine(guess)
        raise Unreadable(sentence, guess, example=kind.shown(locale))
    return -found if sign == "-" else found


def reads(digits: str, locale: str) -> bool:
    """Return whether digits, with or without signs between them, stand for a figure in a locale."""
    return _pattern(*_signs(locale), _groups(locale)).fullmatch(digits) is not None


def same_signs(one: str, other: str) -> bool:
    """Return whether figures are written alike in two locales; one blank or apostrophe passes for another."""
    (point, group), (their_point, their_group) = _signs(one), _signs(other)
    alike = (_SPACES, _APOSTROPHES, group)
    return point == their_point and any(group in signs and their_group in signs for signs in alike)


def localised(plain: str, locale: str) -> str:
    """Return plain digits with a point as people of a locale type them: with their decimal sign, without groups."""
    return plain.replace(".", _signs(locale)[0])


def typed(minor: int, currency: str, locale: str) -> str:
    """Return how a person types so many minor units."""
    return localised(f"{Decimal(minor).scaleb(-currencies.places(currency)):f}", locale)


# -- the parts of a figure ----------------------------------------------------------------------------------------


def _signed(text: str) -> tuple[str, str]:
    """Return ("-", "+" or "", the rest). A sign stands in front, or behind as some locales print it."""
    for sign, characters in (("-", _MINUS), ("+", "+")):
        if text[:1] and text[0] in characters:
            return sign, text[1:].lstrip(_SPACES)
        if text[-1:] and text[-1] in characters:
            return sign, text[:-1].rstrip(_SPACES)
    return "", text


@cache
def _signs(locale: str) -> tuple[str, str]:
    """Return the decimal sign of a locale and the one between groups."""
    known = Locale.parse(locale)
    return normalise.seen(get_decimal_symbol(known)), normalise.seen(get_group_symbol(known))


@cache
def _groups(locale: str) -> frozenset[tuple[int, int]]:
    """Return how many digits the last group of a figure has and the ones before it: in India three, and then two."""
    known = Locale.parse(locale)
    patterns = known.currency_formats["standard"], known.decimal_formats[None]
    return THREES | {(int(pattern.grouping[0]), int(pattern.grouping[1])) for pattern in patterns}


def _read(
    text: str, point: str, group: str, kind: Figure, groups: frozenset[tuple[int, int]] = THREES
) -> Decimal | None:
    """Return the decimal, with all its places, that a text stands for by these two signs; None where it does not."""
    found = _pattern(point, group, groups).fullmatch(text)
    if found is None:
        return None
    digits = re.sub("[^0-9]", "", found["whole"])
    if (
        len(digits.lstrip("0")) > kind.digits
        or len(digits) > 2 * kind.digits
        or len(found["part"] or "") > 30
    ):
        return None
    return Decimal(f"{digits}.{found['part']}" if found["part"] else digits)


@cache
def _pattern(point: str, group: str, groups: frozenset[tuple[int, int]]) -> re.Pattern[str]:
    """Return how figures are written: without groups, in groups of three, or in those of the locale.

    No group begins with a zero: 0.500 is half of one to somebody.
    """
    between = next((kind for kind in (_SPACES, _APOSTROPHES) if group in kind), group)
    sign = f"[{re.escape(between)}]"
    wholes = "|".join(
        rf"[1-9][0-9]{{0,{size - 1}}}(?:{sign}[0-9]{{{size}}})*{sign}[0-9]{{{end}}}"
        for end, size in sorted(groups)
    )
    return re.compile(rf"(?P<whole>{wholes}|[0-9]+)(?:{re.escape(point)}(?P<part>[0-9]+))?")


def _exponent(value: Decimal) -> int:
    return int(value.as_tuple().exponent)


# -- what was probably meant --------------------------------------------------------------------------------------


def _guess(sign: str, digits: str, kind: Figure, locale: str) -> str:
    """Return what a text stands for by the signs of others, as it is typed in a locale; all that it can."""
    point, own = _signs(locale)
    found = []
    for theirs in _ELSEWHERE:
        value = _read(digits, *theirs, kind)
        if theirs != (point, own) and value is not None and -_exponent(value) <= kind.places:
            found.append(f"{value:.{kind.places}f}")
    minus = "-" if sign == "-" else ""
    return " / ".join(f"{minus}{_grouped(value, locale)}" for value in dict.fromkeys(found))


def _grouped(plain: str, locale: str) -> str:
    point, group = _signs(locale)
    whole_part, dot, part = plain.partition(".")
    return f"{int(whole_part):,}".replace(",", group) + (point + part if dot else "")


# -- currencies ---------------------------------------------------------------------------------------------------


def _without_currency(text: str, locale: str, own: str | None) -> tuple[str, str | None]:
    """Return a text without the currency it names in front or behind, and which that is."""
    sign, rest = _signed(text)
    if rest[:1].isdigit() and rest[-1:].isdigit():  # no currency's name has a digit at either end
        return text, None
    for name, code in _names(locale, own):
        if (inner := _cut(rest, name)) is not None:
            return sign + inner, code
    return text, None


def _cut(text: str, name: str) -> str | None:
    """Return a text without a currency's name in front or behind, None where it has none."""
    length = len(name)
    front, behind = text[:length], text[-length:]
    goes_on = name[-1].isalpha() and text[length : length + 1].isalpha()  # KR is not K with an R behind
    if front.casefold() == name and not goes_on:
        return text[length:].lstrip(_SPACES)
    return text[:-length].rstrip(_SPACES) if behind.casefold() == name else None


@cache
def _names(locale: str, own: str | None) -> tuple[tuple[str, str], ...]:
    """Return (sign or code, currency), longest first. A sign that several have is the own currency's, or nobody's."""
    known: dict[str, set[str]] = {}
    for code in currencies.KNOWN | ({own} if own else set()):
        for name in (code, get_currency_symbol(code, locale), get_currency_symbol(code, PLAIN)):
            known.setdefault(normalise.trimmed(name).casefold(), set()).add(code)
    found = {name: codes for name, codes in known.items() if name}
    settled = {
        name: own if own in codes else min(codes)
        for name, codes in found.items()
        if own in codes or len(codes) == 1
    }
    return tuple(sorted(((n, str(c)) for n, c in settled.items()), key=lambda pair: (-len(pair[0]), pair)))


@cache
def _example(places: int) -> str:
    return "12.50" if places == 2 else "1250" if places == 0 else f"12.{'5'.ljust(places, '0')}"
