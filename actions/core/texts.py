"""Text of an action: a reason as it is typed, and figures and dates as people of the shop write them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from babel.numbers import format_decimal

from actions.core.base import Context
from models import figures
from models.base import N_, Invalid
from models.normalise import trimmed

SHORTEST_COMMENT = 3


def required_text(field: str, value: Any, least: int = SHORTEST_COMMENT) -> str:
    """Return a trimmed comment or reason.

    :raises Invalid: it has fewer than ``least`` characters; 0 makes it optional.
    """
    text = trimmed(value)
    if len(text) < least or not isinstance(value, str | None):
        raise Invalid({field: N_("Enter a reason of at least 3 characters.") if least else N_("Enter text.")})
    return text


def today(ctx: Context) -> dt.date:
    """Return the shop's local date at the moment of the action."""
    return ctx.now.astimezone(ctx.shop.zone).date()


def money_text(ctx: Context, amount: int, currency: str) -> str:
    """Return minor units as people of the shop write them, such as £12.50."""
    return figures.money(amount, currency, ctx.shop.locale)


def number_text(ctx: Context, number: int) -> str:
    """Return a whole number as people of the shop write it, such as 1,250."""
    return str(format_decimal(number, locale=ctx.shop.locale))


def day_text(ctx: Context, value: dt.date) -> str:
    """Return a date as people of the shop write it, such as 3 Sep 2026."""
    return figures.day(value, ctx.shop.locale)


def now_text(ctx: Context) -> str:
    """Return the moment of the action as people of the shop write it, such as 3 Sep 2026, 14:05."""
    local = ctx.now.astimezone(ctx.shop.zone)
    return f"{day_text(ctx, local.date())}, {local:%H:%M}"
