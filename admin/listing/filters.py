"""Filters and saved views as a person sees them: chips, choices and tabs."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from typing import Any

from babel.numbers import format_decimal
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import Select

from admin.layout import formatters
from admin.listing.query import ListQuery, conditions_of
from admin.screen_spec.column_info import OPERATORS, Condition, Field, label_of
from admin.screen_spec.registry import screen_over
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Chip, FilterChoice, ViewTab
from models import figures
from web.request import now, shop, zone

DAYS = ("datetime", "last_day")
"""Kinds of instants that are asked for by a day."""
_KINDS = {**dict.fromkeys(DAYS, "date"), "percent": "number"}
"""Kind of a column -> that of what a filter by it is typed into, where that is another."""


def chips(screen: ScreenSpec, query: ListQuery, base: str, embedded: bool) -> list[Chip]:
    shown = [c for c in query.conditions if not (embedded and c.field.name in screen.tab_filters)]
    return [
        Chip(
            screen.get_column_name(c.field.name),
            c.field.word(c.operator),
            _condition_words(screen, c),
            query.url(base, conditions=query.without(c)),
        )
        for c in shown
    ]


def _condition_words(screen: ScreenSpec, condition: Condition) -> Any:
    value = condition.value
    if condition.operator == "empty":
        return _("yes") if value else _("no")
    if condition.operator == "in":
        return ", ".join(_named(screen, condition.field, member) for member in value)
    if condition.field.kind == "choice" or condition.field.name in screen.column_choices:
        return _named(screen, condition.field, value)
    if condition.field.kind == "lookup":
        row = screen_over(condition.field.target).get_one(value)
        return str(row) if row is not None else f"#{value}"
    if condition.field.kind in DAYS:
        return formatters.day(_date_of(condition.raw), shop())
    if condition.field.kind == "money":
        if value.currency is not None:
            return figures.amount(value.amount, value.currency, shop().locale)
        return format_decimal(
            value.amount, "#,##0.00#", locale=shop().locale
        )  # of whatever currency a row is in
    return formatters.show(condition.field.kind, value, shop=shop(), now=now())


def _named(screen: ScreenSpec, field: Field, value: Any) -> str:
    """Return what people call one of the values of a column."""
    label = screen.choice_label(field.name, value)
    if label is not None:
        return str(label)
    return label_of(value) if isinstance(value, enum.Enum) else str(value)


def _date_of(raw: str) -> dt.date:
    return dt.date.fromisoformat(raw)


def choices(screen: ScreenSpec) -> list[FilterChoice]:
    """Return what the filter builder offers; it is the same at every request in one language."""
    language = str(get_locale())
    if language not in screen.filter_choices:
        listed = (f for f in screen.filters.values() if f.name in screen.offered_filters)
        screen.filter_choices[language] = [choice(screen, field) for field in listed]
    gone = screen.withheld
    return [f for f in screen.filter_choices[language] if f.name not in gone]


def choice(screen: ScreenSpec, field: Field) -> FilterChoice:
    choices: list[tuple[str, Any]] = []
    if field.choices is not None:
        choices = [(str(member.value), _named(screen, field, member)) for member in field.choices]
    elif field.name in screen.column_choices and field.kind != "boolean":
        choices = [(str(value), str(label)) for value, label in screen.column_choices[field.name]]
    kind: Any = "choice" if choices else _KINDS.get(field.kind, field.kind)
    lookup = screen.lookup_url(field.name)() if field.kind == "lookup" else None
    compares = [
        operator for operator in OPERATORS[field.kind] if not choices or operator in OPERATORS["choice"]
    ]
    words = [(operator, str(field.word(operator))) for operator in compares]
    return FilterChoice(field.name, screen.get_column_name(field.name), kind, words, choices, lookup)


def counted_views(screen: ScreenSpec) -> dict[str, Select[Any]]:
    """Return the statement of each saved view whose tab says how many rows it has."""
    found = {}
    for view in (v for v in screen.permitted_views if v.counted):
        statement = screen.base_select(many=True)
        for condition in conditions_of(view.where, screen.filters, zone()):
            statement = statement.where(screen.clause(condition))
        found[view.slug] = statement
    return found


def view_tabs(screen: ScreenSpec, query: ListQuery, base: str, counts: Mapping[str, int]) -> list[ViewTab]:
    """Return the saved views as tabs; ``counts`` says how many rows those have that were counted."""
    views = screen.permitted_views
    if not views:
        return []
    current = query.view or views[0].slug
    blank = ListQuery(extra=query.extra)
    return [
        ViewTab(
            v.label,
            blank.url(base, view=v.slug),
            v.slug == current,
            counts.get(v.slug),
        )
        for v in views
    ]
