"""Amounts of money and days, as people of a language write them. How many decimals an amount has is ours to say."""

from __future__ import annotations

import copy
import datetime as dt
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import NumberPattern

from models import currencies


def major(minor: int, currency: str) -> Decimal:
    """Return minor units as an amount with as many places as the currency has."""
    return Decimal(minor).scaleb(-currencies.places(currency))


def money(minor: int, currency: str, locale: str) -> str:
    """Return an amount of minor units with its currency, such as £12.50."""
    return amount(major(minor, currency), currency, locale)


def amount(value: Decimal, currency: str, locale: str) -> str:
    """Return an amount of major units with its currency."""
    pattern = _pattern(locale, currencies.places(currency))
    return str(pattern.apply(value, locale, currency=currency, currency_digits=False))


@cache
def _pattern(locale: str, places: int) -> NumberPattern:
    """Return how people of a locale write money, with so many decimals."""
    made: NumberPattern = copy.copy(Locale.parse(locale).currency_formats["standard"])
    made.frac_prec = (places, places)
    return made


def day(value: dt.date, locale: str) -> str:
    """Return a date with its month in short, in the order and with the stops of the language: 1. Okt. 2026."""
    pattern = Locale.parse(locale).datetime_skeletons["yMMMd"]
    return str(format_date(value, pattern.pattern, locale=locale))
