"""The list query: one small language for screens and REST, parsed strictly.

``q`` searches, ``sort`` names a listed column (``-`` in front for descending), ``<column>__<op>`` filters, ``after``
and ``before`` page by a cursor of the last or first row seen (:mod:`admin.listing.cursors`), ``page_size`` goes up to
200, ``view`` names a saved view. Anything unknown or malformed is a 400 that names it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from admin.listing import cursors
from admin.request import typed_numbers
from admin.screen_spec.column_info import OPERATORS, Condition, Field
from models import amounts, days
from models.base import N_
from models.normalise import seen
from web.arguments import NO_PLACE, BadArgument, parse_id

MAX_PAGE_SIZE = 200
MAX_NUMBER = 2**53
CONTROL = ("q", "sort", "view", "after", "before", "page_size")
_INTEGER = re.compile(r"-?\d{1,16}", re.ASCII)
_PERCENT = re.compile(r"\d{1,4}(\.\d{1,2})?", re.ASCII)
PERCENT = amounts.Figure(2, digits=4, signed=False, example="7.5")
_MONEY = re.compile(r"-?\d{1,9}(\.\d{1,3})?", re.ASCII)
"""In major units; some currencies have three places."""


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount in major units: of the currency it names, or of whatever currency a row is in."""

    amount: Decimal
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A parsed list query."""

    conditions: tuple[Condition, ...] = ()
    q: str = ""
    sort: str | None = None
    descending: bool = False
    view: str | None = None
    after: str | None = None
    before: str | None = None
    page_size: int = 50
    extra: tuple[tuple[str, str], ...] = field(default=())

    def arguments(self, **changes: Any) -> list[tuple[str, str]]:
        """Return the query as (name, value) pairs, without paging unless ``changes`` ask for it."""
        new = replace(
            self,
            after=None,
            before=None,
            **{k: v for k, v in changes.items() if k not in ("after", "before")},
        )
        pairs = [("view", new.view)] if new.view else []
        pairs += [("q", new.q)] if new.q else []
        pairs += [(c.argument, c.raw) for c in new.conditions]
        pairs += [("sort", f"-{new.sort}" if new.descending else new.sort)] if new.sort else []
        pairs += [(k, str(changes[k])) for k in ("after", "before") if changes.get(k) is not None]
        return [(k, v) for k, v in (*pairs, *new.extra) if v is not None]

    def url(self, base: str, **changes: Any) -> str:
        """Return the address of the list with ``changes`` made to this query."""
        pairs = self.arguments(**changes)
        return f"{base}?{urlencode(pairs)}" if pairs else base

    def without(self, condition: Condition) -> tuple[Condition, ...]:
        """Return the conditions less one."""
        return tuple(c for c in self.conditions if c is not condition)


WANTED = {
    "text": N_("Enter 200 characters or fewer."),
    "number": N_("Enter a whole number, such as 12."),
    "money": N_("Enter an amount, such as 12.50."),
    "percent": N_("Enter a percentage, such as 7.5."),
    "date": N_("Enter a date, such as 2026-01-31."),
    "datetime": N_("Enter a date, such as 2026-01-31."),
    "choice": N_("Choose an option from the list."),
}
"""What a filter takes, by the kind of its column, in words for people."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a screen lets its list be asked."""

    filters: Mapping[str, Field]
    sortable: frozenset[str]
    views: frozenset[str]
    zone: ZoneInfo
    page_size: int = 50
    also: frozenset[str] = frozenset()
    """Further arguments the caller reads itself."""
    locale: str = ""
    """The locale that people type figures in; programs and addresses of ours have plain ones."""
    label: Callable[[str], str] = str
    """Returns what people call a column."""

    def parse(self, arguments: MultiDict[str, str]) -> ListQuery:
        """Return the parsed query. :raises BadArgument: an argument is unknown, repeated, or its value does not fit."""
        conditions = []
        for name, given in arguments.lists():
            if name in self.also:
                continue
            values = (
                [",".join(given)] if name.endswith("__in") else given
            )  # a form sends several choices one by one
            if len(values) > 1 or any("\x00" in value for value in values):
                raise BadArgument(name, _("give this once, as plain text"))
            if "__" in name:
                condition = self._condition(name, values[0])
                conditions += [condition] if condition else []
            elif name not in CONTROL:
                raise BadArgument(name, _("this argument does not exist"))
        sort, descending = self._sort(arguments.get("sort"))
        return ListQuery(
            conditions=tuple(conditions),
            q=_short("q", arguments.get("q", "")),
            sort=sort,
            descending=descending,
            view=self._view(arguments.get("view")),
            after=_cursor("after", arguments.get("after")),
            before=_cursor("before", arguments.get("before")),
            page_size=self._page_size(arguments.get("page_size")),
        )

    def _condition(self, name: str, raw: str) -> Condition | None:
        column, _sep, operator = name.rpartition("__")
        known = self.filters.get(column)
        if known is None or operator not in OPERATORS.get(known.kind, ()):
            raise BadArgument(name, _("this list cannot be filtered this way"))
        if raw == "":
            return None
        try:
            return Condition(known, operator, raw, self._value(known, operator, raw, name))
        except BadArgument as wrong:
            raise BadArgument(name, wrong.sentence, self._told(known, raw, wrong.sentence)) from None

    def _told(self, known: Field, raw: str, why: str) -> str:
        """Return what is wrong with a filter in words for people: its column, what was typed, and what would do."""
        what = why if why[:1].isupper() else _(WANTED.get(known.kind, WANTED["choice"]))
        column = self.label(known.name)
        return _("%(column)s: “%(value)s” is not valid. %(what)s", column=column, value=raw[:60], what=what)

    def _value(self, known: Field, operator: str, raw: str, name: str) -> Any:
        reader = TYPED.get(known.kind) if self.locale and operator != "empty" else None
        if reader is None:
            return parse_value(known, operator, raw, name, self.zone)
        try:
            return typed_numbers.read(lambda: reader(raw, self.locale))
        except ValueError as error:
            raise BadArgument(name, str(error)) from None
        except BadArgument as error:
            raise BadArgument(name, error.sentence) from None

    def _sort(self, raw: str | None) -> tuple[str | None, bool]:
        if not raw:
            return None, False
        name = raw.removeprefix("-")
        if name not in self.sortable:
            raise BadArgument("sort", _("this list cannot be sorted by this column"))
        return name, raw.startswith("-")

    def _view(self, raw: str | None) -> str | None:
        if raw and raw not in self.views:
            raise BadArgument("view", _("this view does not exist"))
        return raw or None

    def _page_size(self, raw: str | None) -> int:
        if not raw:
            return self.page_size
        if not re.fullmatch(r"\d{1,3}", raw, re.ASCII) or not 1 <= int(raw) <= MAX_PAGE_SIZE:
            raise BadArgument("page_size", _("between 1 and %(most)s", most=MAX_PAGE_SIZE))
        return int(raw)


def _cursor(name: str, raw: str | None) -> str | None:
    if raw and not re.fullmatch(cursors.SHAPE, raw):
        raise BadArgument(name, _(NO_PLACE))
    return raw or None


def _short(name: str, raw: str) -> str:
    if len(raw) > 200:
        raise BadArgument(name, _("at most 200 characters"))
    return seen(raw).strip()


def parse_value(known: Field, operator: str, raw: str, name: str, zone: ZoneInfo) -> Any:
    """Return the Python value of a filter. :raises BadArgument: it does not fit the column."""
    if operator == "empty":
        return _boolean(name, raw)
    if operator == "in":
        return [_choice(known, name, part) for part in raw.split(",")]
    if known.kind == "choice":
        return _choice(known, name, raw)
    if known.kind == "datetime":
        return _day_bound(name, raw, operator, zone)
    if known.kind == "last_day":
        return (
            _day_bound(name, raw, operator, zone) + days.A_MOMENT
        )  # what ends as a day begins was good before it
    return READERS.get(known.kind, _short)(name, raw)


def _boolean(name: str, raw: str) -> bool:
    if raw not in ("0", "1", "true", "false"):
        raise BadArgument(name, _("1 for yes or 0 for no"))
    return raw in ("1", "true")


def _choice(known: Field, name: str, raw: str) -> Any:
    try:
        return known.choices(raw)  # type: ignore[misc]
    except ValueError:
        raise BadArgument(name, _("not one of the choices")) from None


def _number(name: str, raw: str) -> int:
    if not _INTEGER.fullmatch(raw) or abs(int(raw)) > MAX_NUMBER:
        raise BadArgument(name, _("a whole number"))
    return int(raw)


def _money(name: str, raw: str) -> Sum:
    if not _MONEY.fullmatch(raw):
        raise BadArgument(name, _("an amount such as 12.50"))
    return Sum(Decimal(raw))


def _percent(name: str, raw: str) -> Decimal:
    if not _PERCENT.fullmatch(raw) or Decimal(raw) > 1000:
        raise BadArgument(name, _("a percentage such as 7.5"))
    return Decimal(raw)


def _date(name: str, raw: str) -> dt.date:
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", raw, re.ASCII):
            raise ValueError
        value = dt.date.fromisoformat(raw)
    except ValueError:
        raise BadArgument(name, _("a date such as 2026-01-31")) from None
    if not 1000 <= value.year <= 9998:
        raise BadArgument(name, _("a date such as 2026-01-31"))
    return value


def _day_bound(name: str, raw: str, operator: str, zone: ZoneInfo) -> dt.datetime:
    """Return the instant a day begins, or for "until" the next day does, in the shop's zone."""
    day = _date(name, raw)
    if operator == "le":
        day += dt.timedelta(days=1)
    return days.begins(day, zone)


READERS: dict[str, Callable[[str, str], Any]] = {
    "number": _number,
    "money": _money,
    "percent": _percent,
    "date": _date,
    "boolean": _boolean,
    "lookup": parse_id,
}


def _typed_number(text: str, locale: str) -> int:
    return _number("", str(amounts.whole(text, locale, digits=16)))


def _typed_percent(text: str, locale: str) -> Decimal:
    return _percent("", f"{amounts.percentage(text, locale, PERCENT):f}")


TYPED: dict[str, Callable[[str, str], Any]] = {
    "number": _typed_number,
    "money": lambda text, locale: Sum(*amounts.amount_of_any(text, locale)),
    "percent": _typed_percent,
}
"""How figures are read that people type (rule 2.3)."""


def conditions_of(
    declared: Mapping[str, str], filters: Mapping[str, Field], zone: ZoneInfo
) -> Sequence[Condition]:
    """Return the conditions of a saved view's declaration, ``{"status__eq": "registered"}``."""
    grammar = Grammar(filters, frozenset(), frozenset(), zone)
    return grammar.parse(MultiDict(declared)).conditions
