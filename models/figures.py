"""Amounts of money and days: how many places a currency has, and how people of a language write them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from functools import cache

from babel.dates import format_date
from babel.numbers import format_currency, get_currency_precision

from models.places import currencies


def major(minor: int, currency: str) -> Decimal:
    """Return minor units as an amount with as many places as the currency has."""
    return Decimal(minor).scaleb(-get_currency_precision(currency))


@cache
def currencies_by_places() -> Mapping[int, frozenset[str]]:
    """Return how many decimal places there are, each with the ISO codes of the currencies that have as many."""
    found: dict[int, set[str]] = {}
    for code in currencies():
        found.setdefault(get_currency_precision(code), set()).add(code)
    return {places: frozenset(codes) for places, codes in found.items()}


def money(minor: int, currency: str, locale: str) -> str:
    """Return an amount of minor units with its currency, such as £12.50."""
    return str(format_currency(major(minor, currency), currency, locale=locale))


def day(value: dt.date, locale: str) -> str:
    """Return a date, such as 3 Sep 2026."""
    return str(format_date(value, "d MMM yyyy", locale=locale))
