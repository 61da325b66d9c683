"""How figures, days and states read to a customer: in words they would use, written as their language does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from babel.dates import format_datetime
from babel.numbers import format_decimal
from flask_babel import gettext as _

from models import figures
from models.account import AccountEntry, AccountKind
from models.base import N_
from models.credit import CreditEntry, CreditKind
from models.loyalty import LoyaltyEntry, LoyaltyKind
from models.order import OrderStatus
from models.phone import Phone
from portal.language import locale
from web.request import shop

STATUS = {
    OrderStatus.UNALLOCATED: N_("Received"),
    OrderStatus.ALLOCATED: N_("Being prepared"),
    OrderStatus.DISPATCHED: N_("Dispatched"),
    OrderStatus.CANCELLED: N_("Cancelled"),
}
KINDS: dict[Any, tuple[str, str]] = {
    LoyaltyKind.EARNED: (N_("Earned"), ""),
    LoyaltyKind.GOODWILL: (N_("Gift from us"), ""),
    LoyaltyKind.ADJUSTMENT: (N_("Given back"), N_("Taken back")),
    LoyaltyKind.REDEEMED: ("", N_("Spent")),
    LoyaltyKind.EXPIRED: ("", N_("Expired")),
    LoyaltyKind.REVERSAL: (N_("Correction"), N_("Correction")),
    CreditKind.GIFT_CARD: (N_("Gift card added"), ""),
    CreditKind.ADJUSTMENT: (N_("Credit added"), N_("Credit removed")),
    CreditKind.REDEEMED: ("", N_("Spent")),
    CreditKind.REVERSAL: (N_("Correction"), N_("Correction")),
    AccountKind.INVOICE: (N_("Invoice"), ""),
    AccountKind.PAYMENT: ("", N_("Payment")),
    AccountKind.REFUND: (N_("Refund"), ""),
    AccountKind.REVERSAL: (N_("Correction"), N_("Correction")),
}
"""Kind of an entry -> what it is called where it adds, and where it takes off."""


def money(minor: int, currency: str) -> str:
    """Return an amount of minor units, such as £12.50."""
    return figures.money(minor, currency, locale())


def movement(figure: int, shown: Callable[[int], str] | None = None) -> str:
    """Return how much came or went, with its sign in front: points, or what ``shown`` prints."""
    sign = "+" if figure > 0 else "−"
    return sign + (shown or number)(abs(figure))


def money_movement(minor: int, currency: str) -> str:
    """Return an amount that came or went, with its sign in front."""
    return movement(minor, lambda amount: money(amount, currency))


def number(value: int) -> str:
    """Return a whole number with its thousands apart."""
    return str(format_decimal(value, locale=locale()))


def day(value: dt.date | dt.datetime) -> str:
    """Return a date, or that of an instant in the shop's time zone."""
    local = value.astimezone(shop().zone).date() if isinstance(value, dt.datetime) else value
    return figures.day(local, locale())


def moment(value: dt.datetime) -> str:
    """Return an instant with its time of day in the shop's time zone."""
    local = value.astimezone(shop().zone)
    return f"{day(value)}, {format_datetime(local, 'HH:mm', locale=locale())}"


def balance(minor: int, currency: str) -> str:
    """Return what a customer owes or has, never by a bare sign (rule 2.2)."""
    if minor == 0:
        return _("You owe nothing")
    amount = money(abs(minor), currency)
    return (
        _("You owe %(amount)s", amount=amount)
        if minor > 0
        else _("You are %(amount)s in credit", amount=amount)
    )


def status(value: OrderStatus) -> str:
    """Return where an order stands."""
    return _(STATUS[value])


def kind(entry: LoyaltyEntry | CreditEntry | AccountEntry) -> str:
    """Return why points or money came or went."""
    adds, takes = KINDS[entry.kind]
    figure = entry.points if isinstance(entry, LoyaltyEntry) else entry.amount
    return _((adds if figure > 0 else takes) or adds or takes)


def phone_number(phone: Phone) -> str:
    """Return a phone number as people write it, with its extension."""
    if not phone.extension:
        return phone.number
    return _("%(number)s ext. %(extension)s", number=phone.number, extension=phone.extension)


def link(text: str | None) -> str:
    """Return an address that a customer may be led to; nothing where a text is none, or not a plain https one."""
    if not text or not text.isascii() or not text.isprintable() or set(text) & set(" \"'<>\\"):
        return ""
    try:
        found = urlsplit(text)
        plain = found.scheme == "https" and found.hostname and "@" not in found.netloc
    except ValueError:
        return ""
    return text if plain else ""


SHOWN = {
    found.__name__: found
    for found in (
        money,
        movement,
        money_movement,
        number,
        day,
        moment,
        balance,
        status,
        kind,
        phone_number,
        link,
    )
}
"""What templates say figures and states with."""
