"""How late what is owed is, in words: the same on the Account tab, in lists and in files (rule 2.9)."""

from __future__ import annotations

import datetime as dt

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from actions.ageing import Ageing
from admin import cells
from admin.context import now, shop, zone

WORDS = {
    "current": _l("Not due yet"),
    "days_30": _l("1–30 days late"),
    "days_60": _l("31–60 days late"),
    "days_90": _l("61–90 days late"),
    "older": _l("Over 90 days late"),
}
"""Bucket -> its name. Lateness is said in words, never by colour alone."""

_LINE = Markup("<li>{} <strong>{}</strong></li>")


def today() -> dt.date:
    """Return the shop's local date."""
    return now().astimezone(zone()).date()


def figure(minor: int, currency: str, name: str) -> Markup | str:
    """Return what of a bucket is owed, in a warning colour where it is late; a dash where it is nothing."""
    if not minor:
        return cells.nothing()
    shown = cells.money(minor, currency, shop())
    return shown if name == "current" else Markup('<span class="late">{}</span>').format(shown)


def strip(owed: Ageing, currency: str) -> Markup | str:
    """Return all buckets beside each other; a sentence where nothing is owed."""
    if not owed.total:
        return _("Nothing is owed.")
    lines = [_LINE.format(word, figure(getattr(owed, name), currency, name)) for name, word in WORDS.items()]
    return Markup('<ul class="ages">{}</ul>').format(Markup("").join(lines))
