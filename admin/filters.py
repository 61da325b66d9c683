"""Filters and saved views as a person sees them: chips, choices and tabs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from babel.numbers import format_decimal
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import Select

from admin import cells, masking
from admin.context import now, shop, zone
from admin.fields import OPERATORS, Field, label_of
from admin.pages import Chip, FilterChoice, ViewTab
from admin.query import Condition, ListQuery, conditions_of

if TYPE_CHECKING:
    from admin.base import Screen


def chips(screen: Screen, query: ListQuery, base: str, embedded: bool) -> list[Chip]:
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


def _condition_words(screen: Screen, condition: Condition) -> Any:
    value = condition.value
    if condition.operator == "empty":
        return _("yes") if value else _("no")
    if condition.operator == "in":
        return ", ".join(label_of(member) for member in value)
    if condition.field.kind == "choice":
        return label_of(value)
    if condition.field.kind == "lookup":
        row = screen.lookup_screen(condition.field)().get_one(value)
        return str(row) if row is not None else f"#{value}"
    if condition.field.kind == "datetime":
        return cells.day(_date_of(condition.raw), shop())
    if condition.field.kind == "money":
        return format_decimal(value, "#,##0.00#", locale=shop().locale)  # of whatever currency a row is in
    return cells.show(condition.field.kind, value, shop=shop(), now=now())


def _date_of(raw: str) -> dt.date:
    return dt.date.fromisoformat(raw)


def choices(screen: Screen) -> list[FilterChoice]:
    """Return what the filter builder offers; it is the same at every request in one language."""
    language = str(get_locale())
    if language not in screen.filter_choices:
        listed = (f for f in screen.filters.values() if f.name in screen.column_filters)
        screen.filter_choices[language] = [choice(screen, field) for field in listed]
    gone = masking.withheld(screen)
    return [f for f in screen.filter_choices[language] if f.name not in gone]


def choice(screen: Screen, field: Field) -> FilterChoice:
    choices: list[tuple[str, Any]] = []
    if field.choices is not None:
        choices = [(str(member.value), label_of(member)) for member in field.choices]
    kind: Any = "date" if field.kind == "datetime" else "number" if field.kind == "percent" else field.kind
    lookup = screen.lookup_url(field.name)() if field.kind == "lookup" else None
    words = [(operator, str(field.word(operator))) for operator in OPERATORS[field.kind]]
    return FilterChoice(field.name, screen.get_column_name(field.name), kind, words, choices, lookup)


def counted_views(screen: Screen) -> dict[str, Select[Any]]:
    """Return the statement of each saved view whose tab says how many rows it has."""
    found = {}
    for view in (v for v in screen.views if v.counted):
        statement = screen.base_select(many=True)
        for condition in conditions_of(view.where, screen.filters, zone()):
            statement = statement.where(screen.clause(condition))
        found[view.slug] = statement
    return found


def view_tabs(screen: Screen, query: ListQuery, base: str, counts: Mapping[str, int]) -> list[ViewTab]:
    """Return the saved views as tabs; ``counts`` says how many rows those have that were counted."""
    if not screen.views:
        return []
    current = query.view or screen.views[0].slug
    blank = ListQuery(extra=query.extra)
    return [
        ViewTab(
            v.label,
            blank.url(base, view=v.slug),
            v.slug == current,
            counts.get(v.slug),
        )
        for v in screen.views
    ]
