"""How figures are written for people of a language: amounts of money, and days."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_currency, get_currency_precision


def major(minor: int, currency: str) -> Decimal:
    """Return minor units as an amount with as many places as the currency has."""
    return Decimal(minor).scaleb(-get_currency_precision(currency))


def money(minor: int, currency: str, locale: str) -> str:
    """Return an amount of minor units with its currency, such as £12.50."""
    return str(format_currency(major(minor, currency), currency, locale=locale))


def day(value: dt.date, locale: str) -> str:
    """Return a date, such as 3 Sep 2026."""
    return str(format_date(value, "d MMM yyyy", locale=locale))
