"""Checks of a declaration before it serves anybody: every column it names must exist, and be of use where it stands.

Each failure is a TypeError that names the screen, what it declares, and the name that is wrong.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import inspect as inspect_model

from actions.duplicates import typed
from admin.listing.query import MAX_PAGE_SIZE, conditions_of
from admin.screen.views import PERMISSION_OF, WORKED_OUT
from admin.screen_spec.registry import Registry
from admin.screen_spec.spec import ScreenSpec
from models.personal import policy
from web.arguments import BadArgument

MAPS = (
    "column_labels", "column_descriptions", "column_formatters", "column_formatters_export",
    "column_formatters_detail", "column_choices", "column_sort_expressions", "column_amounts", "column_words",
    "column_beside",
)  # fmt: skip
"""Declarations that say something of columns."""
LISTS = (
    "column_list", "form_columns", "column_filters", "column_searchable_list", "column_details_list",
    "column_details_exclude_list", "column_export_exclude_list", "column_customers",
)  # fmt: skip
"""Declarations that list columns."""
FORM_MAPS = ("form_args", "form_widget_args", "form_overrides")
NAMED = frozenset({"text", "number", "choice", "boolean"})
"""Kinds of columns whose values ``column_choices`` can name."""
FIELD_ARGUMENTS = frozenset(
    {"label", "description", "validators", "default", "filters", "render_kw", "widget"}
)
"""What ``form_args`` may say of every field."""


def fail(screen: ScreenSpec, where: str, what: str) -> TypeError:
    """Return the error that a declaration ends with."""
    return TypeError(f"{type(screen).__name__}.{where}: {what}")


def check_exclusions(screen: ScreenSpec) -> None:
    """Hold what leaves columns out to columns that would be there. :raises TypeError: it names another."""
    _among(screen, "column_exclude_list", screen.column_exclude_list or (), "column_list", screen.column_list)
    left_out = screen.form_excluded_columns or ()
    _among(screen, "form_excluded_columns", left_out, "form_columns", screen.form_columns)
    _among(screen, "column_hidden", screen.column_hidden, "column_list", screen.column_list)


def check(screen: ScreenSpec) -> None:
    """Hold a declaration to its model. :raises TypeError: something in it is wrong."""
    for where in LISTS:
        _known(screen, where, getattr(screen, where) or ())
    for where in MAPS:
        _known(screen, where, getattr(screen, where) or {})
    for where in FORM_MAPS:
        _among(screen, where, getattr(screen, where) or {}, "form_columns", type(screen).form_columns)
    for where in ("column_editable_list", "column_bulk_list", "alike"):
        _among(screen, where, getattr(screen, where), "form_columns", screen.form_columns)
    for name, parts in screen.column_beside.items():
        _known(screen, f"column_beside[{name}]", parts)
    for section in screen.sections:
        _known(screen, f"sections[{section.label}]", section.names)
    for tab in (tab for tab in screen.tabs if isinstance(tab.figure, str) and tab.figure):
        _known(screen, f"tabs[{tab.resource}]", [tab.figure])
    if screen.alike and screen.model not in typed.FACTS:
        raise fail(screen, "alike", f"say in FACTS of {typed.__name__} what {screen.model.__name__} tells")
    _check_figures(screen)
    _check_related(screen)
    _check_form(screen)
    _check_choices(screen)
    _check_sorting(screen)
    _check_sizes(screen)
    _check_views(screen)
    _check_addresses(screen)


def check_together(registry: Registry) -> None:
    """Hold the tabs of all screens to each other. :raises TypeError: one leads nowhere."""
    for screen in registry.screens.values():
        for tab in screen.tabs:
            other = registry.screens.get(tab.resource)
            if other is None:
                raise fail(screen, "tabs", f"there is no screen {tab.resource}")
            if tab.via not in other.filters:
                raise fail(screen, "tabs", f"{type(other).__name__} cannot be narrowed by {tab.via}")


def _known(screen: ScreenSpec, where: str, names: Iterable[Any]) -> None:
    for name in names:
        if not isinstance(name, str):
            raise fail(screen, where, f"{name!r} is no name of a column")
        try:
            screen.field(name)
        except AttributeError:
            known = (*screen.column_figures, *screen.model.__mapper__.all_orm_descriptors.keys())
            raise fail(screen, where, f"there is no column {name}.{_close(name, known)}") from None
        if inspect.isroutine(getattr(screen.model, name, None)):
            raise fail(screen, where, f"{name} is a method and no column")


def _among(screen: ScreenSpec, where: str, names: Iterable[Any], of: str, there: Iterable[str]) -> None:
    wanted = list(there)
    for name in names:
        if name not in wanted:
            raise fail(screen, where, f"{name} is not in {of}.{_close(str(name), wanted)}")


def _close(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), 1)
    return f" Is it {close[0]}?" if close else ""


def _check_figures(screen: ScreenSpec) -> None:
    for name in set(screen.column_figures) - set(screen.column_amounts):
        if name not in screen.column_formatters or name not in screen.column_formatters_export:
            raise fail(screen, "column_figures", f"{name} needs a formatter for lists and one for files")


def _check_related(screen: ScreenSpec) -> None:
    for rows in screen.related_rows:
        where, relations = f"related_rows[{rows.name}]", inspect_model(screen.model).relationships
        for name in {rows.relation, rows.shown} - set(relations.keys()):
            raise fail(screen, where, f"there is no relation {name}.{_close(name, relations.keys())}")
        target = rows.target(screen.model)
        named = (*rows.columns, *rows.headings, *filter(None, (rows.only, rows.by)))
        for name in named:
            if name not in inspect_model(target).column_attrs:
                raise fail(screen, where, f"{target.__name__} has no column {name}")
        if not rows.only and not target.__same__:
            raise fail(screen, where, f"say in only or in {target.__name__}.__same__ which row is meant")


def _check_form(screen: ScreenSpec) -> None:
    for name in screen.form_columns:
        field = screen.field(name)
        if field.kind != "computed" and policy(field.column.property.columns[0]).written_by != "form":
            raise fail(screen, "form_columns", f"{name} is never written by a form")
    for name, given in screen.form_args.items():
        for unknown in sorted(set(given) - FIELD_ARGUMENTS):
            raise fail(
                screen, "form_args", f"{name} takes {', '.join(sorted(FIELD_ARGUMENTS))}, not {unknown}"
            )


def _check_choices(screen: ScreenSpec) -> None:
    for name in screen.column_choices:
        if screen.field(name).kind not in NAMED:
            raise fail(screen, "column_choices", f"{name} is no column of single values")
        if name in {**screen.column_formatters, **screen.column_formatters_export}:
            raise fail(screen, "column_choices", f"{name} has a formatter, too: say it in one of the two")


def _check_sorting(screen: ScreenSpec) -> None:
    for one in screen.column_sortable_list or ():
        name = one if isinstance(one, str) else one[0]
        _known(screen, "column_sortable_list", [name])
        if not screen.sort_paths(name):
            raise fail(
                screen,
                "column_sortable_list",
                f"{name} is worked out: say in column_sort_expressions by what",
            )
    for name in {*screen.column_sort_expressions, *screen.own_sorts}:
        _check_paths(screen, name)
    default = screen.column_default_sort
    if default is not None:
        _check_default(screen, default)


def _check_paths(screen: ScreenSpec, name: str) -> None:
    for path in (path for path in screen.sort_paths(name) if isinstance(path, str)):
        head, _dot, rest = path.partition(".")
        _known(screen, f"the order of {name}", [head])
        if rest and not hasattr(screen.field(head).target, rest):
            raise fail(screen, f"the order of {name}", f"there is no {path}")


def _check_default(screen: ScreenSpec, default: Any) -> None:
    name, *descending = (default,) if isinstance(default, str) else default
    if len(descending) > 1 or not all(isinstance(one, bool) for one in descending):
        raise fail(screen, "column_default_sort", "it is a column, or (column, whether descending)")
    _known(screen, "column_default_sort", [name])
    if name != "id" and not screen.sort_paths(name):
        raise fail(
            screen, "column_default_sort", f"{name} is worked out: say in column_sort_expressions by what"
        )


def _check_sizes(screen: ScreenSpec) -> None:
    for size in (screen.page_size, *screen.page_size_options):
        if not isinstance(size, int) or not 1 <= size <= MAX_PAGE_SIZE:
            raise fail(screen, "page_size", f"{size!r} is not between 1 and {MAX_PAGE_SIZE}")


def _check_addresses(screen: ScreenSpec) -> None:
    """Hold every address of a screen to a permission: without one it would be an error at the first click."""
    for _url, name, _methods in type(screen)._urls:  # type: ignore[attr-defined]
        if name not in PERMISSION_OF | WORKED_OUT:
            raise fail(screen, name, "say in PERMISSION_OF (admin/screen/views.py) which permission it needs")


def _check_views(screen: ScreenSpec) -> None:
    for view in screen.views:
        try:
            conditions_of(view.where, screen.filters, ZoneInfo("UTC"))
        except BadArgument as wrong:
            raise fail(screen, f"views[{view.slug}]", f"{wrong.field}: {wrong.sentence}") from None
