"""How a value looks: one formatter a kind, used by lists, records, conflicts and the activity line alike."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any, cast
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_decimal
from flask_babel import gettext as _
from markupsafe import Markup, escape

from admin.privacy import reveals
from admin.screen_spec.column_info import Field, Kind, label_of
from admin.viewmodels.pages import Badge, Cell
from models import figures
from models.customer import BALANCE
from models.days import last_day
from models.masks import Masked
from models.presentation import Presentation, presentation
from models.shop import Shop
from web.request import memo

NOTHING = Markup('<span class="text-secondary" aria-label="{}">–</span>')
COLOURS = {
    "registered": "green", "in_store": "azure", "pending_approval": "yellow", "guest": "secondary",
    "dispatched": "green", "allocated": "azure", "unallocated": "yellow", "cancelled": "secondary",
    "watch": "red", "task": "azure", "note": "secondary",
    "earned": "green", "goodwill": "green", "redeemed": "secondary", "expired": "yellow", "reversal": "orange",
    "payment": "green", "invoice": "azure", "refund": "orange",
    "queued": "secondary", "running": "azure", "done": "green", "with_errors": "yellow", "refused": "orange",
    "failed": "red", "waiting": "azure", "sent": "green", "withheld": "yellow", "withdrawn": "secondary",
}  # fmt: skip
"""The colour of a choice's badge, by its stored value; a choice that is not here is plain text."""


def nothing() -> Markup:
    """Return the dash that stands for an empty value, said aloud as "empty"."""
    return cast(Markup, memo("nothing", lambda: NOTHING.format(_("empty"))))


def money(minor: int, currency: str, shop: Shop) -> str:
    """Return an amount of minor units with its currency, never with a bare sign in front of a balance."""
    return figures.money(minor, currency, shop.locale)


def balance(minor: int, currency: str, shop: Shop) -> Markup:
    """Return an account balance in words (rule 2.2): positive is "owes", negative "in credit"."""
    return with_word(minor, balance_word(minor), currency, shop)


def with_word(minor: int, word: str, currency: str, shop: Shop) -> Markup:
    """Return an amount with the word that says what its sign means; a dash for nothing."""
    if minor == 0:
        return nothing()
    return Markup('<span class="text-secondary">{}</span> {}').format(word, money(abs(minor), currency, shop))


def balance_word(minor: int) -> str:
    """Return what the sign of an account balance means, as files say it beside the figure (rule 2.2)."""
    return sign_word(presentation(BALANCE), minor)


def sign_word(says: Presentation, minor: int) -> str:
    """Return what the sign of an amount means, by what its column says of itself; "" of nothing."""
    return _(says.plus if minor > 0 else says.minus) if minor else ""


def number(value: int, shop: Shop) -> str:
    """Return a whole number with its thousands apart; Babel is not asked about those that have none."""
    return str(value) if 0 <= value < 1000 else format_decimal(value, locale=shop.locale)


def signed(figure: int, shop: Shop) -> Markup:
    """Return a movement with its sign, green or red as well."""
    colour, sign = ("text-green", "+") if figure > 0 else ("text-red", "−")
    return Markup('<span class="{}">{}{}</span>').format(colour, sign, number(abs(figure), shop))


def expiring(points: int, shop: Shop) -> Markup | str:
    """Return points about to expire, in a warning colour where there are any."""
    return Markup('<span class="text-orange">{}</span>').format(number(points, shop)) if points else "0"


def with_link_to_action(value: Any, url: str, words: str) -> Markup:
    """Return a figure over a tab, and after it the link that opens an action about it in the drawer."""
    return Markup('{} <a class="fact-action" href="{}" data-drawer>{}</a>').format(value, url, words)


def signed_money(minor: int, currency: str, shop: Shop) -> Markup:
    """Return a movement of money with its sign."""
    sign = "+" if minor > 0 else "−"
    return Markup("{}{}").format(sign, money(abs(minor), currency, shop))


def local(at: dt.datetime, shop: Shop) -> dt.datetime:
    """Return an instant in the shop's time zone."""
    return at.astimezone(ZoneInfo(shop.time_zone))


def moment(at: dt.datetime, now: dt.datetime, shop: Shop) -> Markup:
    """Return "2 h ago" with the exact time on hover; a date once it is more than a week away."""
    exact = format_datetime(local(at, shop), "d MMM yyyy HH:mm", locale=shop.locale)
    away = at - now
    near = abs(away) < dt.timedelta(days=7)
    if abs(away) < dt.timedelta(seconds=1):
        words = _("now")
    elif near:
        words = format_timedelta(away, add_direction=True, format="narrow", locale=shop.locale)
    else:
        words = day(local(at, shop).date(), shop)
    kept_fresh = Markup(" data-relative") if near else ""
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(
        at.isoformat(), exact, kept_fresh, words
    )


def day(value: dt.date, shop: Shop) -> str:
    """Return a date such as "3 Sep 2026"."""
    return figures.day(value, shop.locale)


def choice(value: enum.Enum) -> Markup | str:
    """Return a choice as its badge, or plain where it has no colour."""
    return cast(Markup, memo(("choice", type(value), value), lambda: _choice(value)))


def _choice(value: enum.Enum) -> Markup | str:
    colour = COLOURS.get(value.value)
    return badge(Badge(label_of(value), colour)) if colour else label_of(value)


def badge(value: Badge) -> Markup:
    """Return a soft badge: a word, never colour alone."""
    return Markup('<span class="badge soft soft-{}">{}</span>').format(value.colour, value.label)


def email(address: str | None) -> Markup | str:
    """Return an email address that, where it has to wrap, does so before the @."""
    name, at, host = (address or "").partition("@")
    return (
        Markup("{}<wbr>{}{}").format(name, at, host) if at and type(address) is not Masked else address or ""
    )


def shorten(text: str, most: int = 80) -> Markup:
    """Return one line of a text, the whole of it on hover and focus."""
    flat = " ".join(text.split())
    if len(flat) <= most:
        return escape(flat)
    return Markup('<span title="{}">{}…</span>').format(text, flat[: most - 1].rstrip())


def currency_of(row: Any, shop: Shop) -> str:
    """Return the currency a row's amounts are in: its own, its customer's, or the shop's."""
    return getattr(row, "currency", None) or shop.currency


def show(  # noqa: PLR0911  one return a kind reads best
    kind: Kind, value: Any, *, shop: Shop, now: dt.datetime, currency: str = "", whole: bool = False
) -> Markup | str:
    """Return a value formatted by its kind. ``whole`` keeps a long text whole."""
    if value is None or value == "":
        return nothing()
    match kind:
        case "money":
            return money(value, currency or shop.currency, shop)
        case "percent":
            return f"{format_decimal(value, locale=shop.locale)} %"
        case "number":
            return number(value, shop)
        case "date" | "last_day":
            return day(value if kind == "date" else last_day(value, shop.zone), shop)
        case "datetime":
            return moment(value, now, shop)
        case "boolean":
            return _("Yes") if value else _("No")
        case "choice":
            return choice(value)
        case "text":
            return Markup('<span class="text-pre">{}</span>').format(value) if whole else shorten(str(value))
        case _:
            return str(value)


def cell(field: Field, row: Any, *, shop: Shop, now: dt.datetime, whole: bool = False) -> Cell:
    """Return the cell for one field of a row."""
    value = field.read(row)
    if type(value) is Masked:
        return Cell(reveals.control(value))
    currency = currency_of(row, shop)
    if value is not None and (own := _as_it_says(field, value, currency, shop)) is not None:
        return Cell(own)
    return Cell(show(field.kind, value, shop=shop, now=now, currency=currency, whole=whole))


def _as_it_says(field: Field, value: Any, currency: str, shop: Shop) -> Markup | str | None:
    """Return a figure as its column says that it is printed; None where it says nothing, or it is no figure."""
    if field.says.plus:
        return with_word(value, sign_word(field.says, value), currency, shop)
    match field.says.number_style:
        case "movement":
            return signed_money(value, currency, shop) if field.kind == "money" else signed(value, shop)
        case "unless_zero":
            return None if value else nothing()
        case "ungrouped":
            return str(value)
        case "plain":
            return None
