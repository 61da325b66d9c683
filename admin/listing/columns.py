"""The columns of a list: which ones a person sees, their headings, and the cells under them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from flask import redirect, request
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import joinedload

from actions.staff.preferences import save_preference
from admin.layout import formatters
from admin.listing.query import ListQuery
from admin.privacy import reveals
from admin.request.context import channels, person, preference
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Cell, Heading
from models.base import Base, db
from models.masks import Masked
from models.row_scope import shows
from web.arguments import BadArgument
from web.request import now, shop

TIGHT_KINDS = frozenset({"date", "datetime", "choice", "boolean"})
TIGHT = frozenset(
    {"primary_phone", "primary_address", "postcode", "number", "schedule", "invoice", "order", "order_ref"}
)
"""Columns of short values that lose by being wrapped, as longer ones beside them do not."""


def chosen_columns(screen: ScreenSpec, query: ListQuery, embedded: bool) -> list[str]:
    """Return the columns this person sees: their own choice, else the screen's; a tab leaves out its record."""
    chosen = preference(f"columns:{screen.resource}")
    names = [n for n in screen.column_list if (n in chosen if chosen else n not in screen.column_hidden)]
    given = {c.field.name for c in query.conditions if c.operator == "eq"} if embedded else set()
    return [n for n in names if n not in given] or list(screen.column_list)


def choose_columns(screen: ScreenSpec) -> Any:
    """Keep the ticked columns for this person, or with ``reset`` the screen's own, and go back to the list."""
    names = [n for n in screen.column_list if n in request.form.getlist("columns")]
    unknown = set(request.form.getlist("columns")) - set(screen.column_list)
    if request.form.get("reset"):
        names = []
    elif unknown or not names:
        raise BadArgument("columns", _("choose at least one of the listed columns"))
    save_preference(db.engine, person().id, f"columns:{screen.resource}", names)
    return redirect(_back(screen))


def _back(screen: ScreenSpec) -> str:
    """Return the list's address with the filters it stood under, and no other address."""
    base, wanted = screen.url_to("index_view"), request.form.get("next", "")
    return wanted if wanted.startswith(f"{base}?") and wanted.isprintable() else base


def heading(screen: ScreenSpec, name: str, query: ListQuery, base: str) -> Heading:
    field = screen.field(name)
    current, descending = (query.sort, query.descending) if query.sort else screen.default_sort
    active = current == name
    url = (
        query.url(base, sort=name, descending=active and not descending)
        if name in screen.permitted_sorts
        else None
    )
    direction = ("descending" if descending else "ascending") if active else ""
    return Heading(
        name, screen.get_column_name(name), field.end, url, direction,  # type: ignore[arg-type]
        name in screen.permitted_edits and screen.can("edit"), screen.column_descriptions.get(name, ""),
        field.kind in TIGHT_KINDS or name in TIGHT, name in screen.column_hidden,
    )  # fmt: skip


def eager_options(screen: ScreenSpec, names: Sequence[str]) -> list[Any]:
    """Return joined loads for every listed relation to one row, so that a page costs one statement."""
    joined = [joinedload(getattr(screen.model, n)) for n in names if screen.field(n).kind == "lookup"]
    return joined + [
        _part_of(screen, name, part) for name in names if (part := screen.field(name).says.shown_by)
    ]


def _part_of(screen: ScreenSpec, name: str, part: str) -> Any:
    """Return the load of what a list shows of another row and no more of it: a page has hundreds of such rows."""
    relation = getattr(screen.model, name)
    return joinedload(relation).load_only(getattr(relation.property.mapper.class_, part))


def format_cell(screen: ScreenSpec, row: Any, name: str, *, whole: bool = False) -> Cell:
    """Return one formatted value, linked to the record it names."""
    return formatter(screen, name, whole=whole)(row)


def formatter(screen: ScreenSpec, name: str, *, whole: bool = False) -> Callable[[Any], Cell]:
    """Return what formats a column's value of any row: hundreds of them stand on a page, so all else is found once."""
    own = _declared(screen, name, whole=whole)
    if own is not None:
        return lambda row: _own_cell(own(screen, None, row, name))
    shown = _plain(screen, name, whole=whole)
    if name in screen.column_choices:
        return lambda row: _chosen(screen, row, name, shown)
    types = screen.column_type_formatters_detail if whole else screen.column_type_formatters
    return (lambda row: _of_type(screen, types, row, name, shown)) if types else shown


def _declared(screen: ScreenSpec, name: str, *, whole: bool) -> Any:
    """Return a column's own formatter: on a record's page the one for there, and of a figure the only one it has."""
    of_page = screen.column_formatters_detail if whole else None
    if of_page is None or (name in screen.column_figures and name not in of_page):
        return screen.column_formatters.get(name)
    return of_page.get(name)


def _plain(screen: ScreenSpec, name: str, *, whole: bool) -> Callable[[Any], Cell]:
    field = screen.field(name)
    if field.kind == "lookup":
        return lambda row: related_cell(getattr(row, name))
    if name in screen.column_amounts:
        return lambda row: Cell(_amount(screen, row, name))
    shown = partial(formatters.cell, field, shop=shop(), now=now(), whole=whole)
    if field.kind != "computed":
        return shown

    def computed(row: Any) -> Cell:
        value = field.read(row)
        if not isinstance(value, (list, tuple)):
            return shown(row)
        return Cell(Markup("<br>").join(str(item) for item in value) if value else formatters.nothing())

    return computed


def _amount(screen: ScreenSpec, row: Any, name: str) -> Any:
    """Return an amount that the list works out, in the row's currency, and in words where its sign means something."""
    minor, currency = int(screen.column_amounts[name](row)), formatters.currency_of(row, shop())
    words = screen.column_words.get(name)
    if words is None:
        return formatters.money(minor, currency, shop())
    return formatters.with_word(minor, words(minor), currency, shop())


def _chosen(screen: ScreenSpec, row: Any, name: str, shown: Callable[[Any], Cell]) -> Cell:
    """Return what ``column_choices`` calls a value; one that it does not name as it would be shown without."""
    label = screen.choice_label(name, getattr(row, name))
    return shown(row) if label is None else Cell(str(label))


def _of_type(
    screen: ScreenSpec, types: Mapping[type, Any], row: Any, name: str, shown: Callable[[Any], Cell]
) -> Cell:
    """Return a value by the formatter of its type. No formatter is given what is masked or out of the row scope."""
    value = getattr(row, name)
    if type(value) is Masked or (isinstance(value, Base) and not shows(value, channels())):
        return shown(row)
    made = next((make for kind, make in types.items() if isinstance(value, kind)), None)
    return shown(row) if made is None else _own_cell(made(screen, value, name))


def _own_cell(made: Any) -> Cell:
    if type(made) is Masked:
        return Cell(reveals.control(made))
    return made if isinstance(made, Cell) else Cell(formatters.nothing() if made in (None, "") else made)


def related_cell(row: Any) -> Cell:
    """Return a related record's name, as a link for those who may open it; its number where it is out of scope."""
    if row is None:
        return Cell(formatters.nothing())
    if not shows(row, channels()):
        return Cell(f"#{row.id}")
    screen = registry().by_model.get(type(row))
    return Cell(str(row), screen.line_url(row) if screen is not None else None)
