"""The columns of a list: which ones a person sees, their headings, and the cells under them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import redirect, request
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import joinedload

from actions.preferences import save_preference
from admin import cells, masking, reveals
from admin.context import channels, clientele, now, person, preference, shop
from admin.pages import Cell, Heading
from admin.query import BadArgument, ListQuery
from models.base import db
from models.masks import Masked
from models.sight import shows

if TYPE_CHECKING:
    from admin.base import Screen


def chosen_columns(screen: Screen, query: ListQuery, embedded: bool) -> list[str]:
    """Return the columns this person sees: their own choice, else the screen's; a tab leaves out its record."""
    chosen = preference(f"columns:{screen.resource}")
    names = [n for n in screen.column_list if (n in chosen if chosen else n not in screen.column_hidden)]
    given = {c.field.name for c in query.conditions if c.operator == "eq"} if embedded else set()
    return [n for n in names if n not in given] or list(screen.column_list)


def choose_columns(screen: Screen) -> Any:
    """Keep the ticked columns for this person, or with ``reset`` the screen's own, and go back to the list."""
    names = [n for n in screen.column_list if n in request.form.getlist("columns")]
    unknown = set(request.form.getlist("columns")) - set(screen.column_list)
    if request.form.get("reset"):
        names = []
    elif unknown or not names:
        raise BadArgument("columns", _("choose at least one of the listed columns"))
    save_preference(db.engine, person().id, f"columns:{screen.resource}", names)
    return redirect(_back(screen))


def _back(screen: Screen) -> str:
    """Return the list's address with the filters it stood under, and no other address."""
    base, wanted = screen.url_to("index_view"), request.form.get("next", "")
    return wanted if wanted.startswith(f"{base}?") and wanted.isprintable() else base


def heading(screen: Screen, name: str, query: ListQuery, base: str) -> Heading:
    field = screen.field(name)
    current, descending = (query.sort, query.descending) if query.sort else screen.default_sort
    active = current == name
    url = (
        query.url(base, sort=name, descending=active and not descending)
        if name in masking.sortable(screen)
        else None
    )
    direction = ("descending" if descending else "ascending") if active else ""
    return Heading(
        name, screen.get_column_name(name), field.end, url, direction,  # type: ignore[arg-type]
        name in masking.editable(screen) and screen.can("edit"), screen.column_descriptions.get(name, ""),
    )  # fmt: skip


def eager_options(screen: Screen, names: Sequence[str]) -> list[Any]:
    """Return joined loads for every listed relation to one row, so that a page costs one statement."""
    return [joinedload(getattr(screen.model, n)) for n in names if screen.field(n).kind == "lookup"]


def format_cell(screen: Screen, row: Any, name: str, *, whole: bool = False) -> Cell:
    """Return one formatted value, linked to the record it names."""
    return formatter(screen, name, whole=whole)(row)


def formatter(screen: Screen, name: str, *, whole: bool = False) -> Callable[[Any], Cell]:
    """Return what formats a column's value of any row: hundreds of them stand on a page, so all else is found once."""
    own = screen.column_formatters.get(name)
    if own is not None:
        return lambda row: _own_cell(own(screen, None, row, name))
    field = screen.field(name)
    if field.kind == "lookup":
        return lambda row: related_cell(getattr(row, name))
    shown = partial(cells.cell, field, shop=shop(), now=now(), whole=whole)
    if field.kind != "computed":
        return shown

    def computed(row: Any) -> Cell:
        value = getattr(row, name)
        if not isinstance(value, (list, tuple)):
            return shown(row)
        return Cell(Markup("<br>").join(str(item) for item in value) if value else cells.nothing())

    return computed


def _own_cell(made: Any) -> Cell:
    if type(made) is Masked:
        return Cell(reveals.control(made))
    return made if isinstance(made, Cell) else Cell(cells.nothing() if made in (None, "") else made)


def related_cell(row: Any) -> Cell:
    """Return a related record's name, as a link for those who may open it; its number where it is out of sight."""
    if row is None:
        return Cell(cells.nothing())
    if not shows(row, channels()):
        return Cell(f"#{row.id}")
    screen = clientele().by_model.get(type(row))
    return Cell(str(row), screen.line_url(row) if screen is not None else None)
