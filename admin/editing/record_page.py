"""The record page: header, tabs that load when opened, the overview, and the line of what happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from babel.numbers import format_decimal
from flask import render_template, request
from flask_babel import gettext as _
from sqlalchemy import func, select

from admin.history import activity
from admin.layout import formatters, live
from admin.layout.frame import frame, initials
from admin.listing import row_menu
from admin.request.context import allowed
from admin.request.grantable import is_changeable, why_unchangeable
from admin.screen_spec.column_info import Condition
from admin.screen_spec.declare import Section, Tab
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Badge, Fact, Link, RecordPage, TabLink
from web.arguments import BadArgument
from web.request import session, shop

OVERVIEW = "overview"
ACTIVITY = "activity"


def show(screen: ScreenSpec, row: Any) -> Any:
    """Answer a record's page with the tab asked for."""
    page = build(screen, row)
    if request.headers.get("HX-Request") and request.args.get("part") == "header":
        return render_template("admin/_record_header.html", page=page)
    return render_template("admin/record.html", page=page, frame=frame(screen.resource))


def build(screen: ScreenSpec, row: Any) -> RecordPage:
    """Return the page of one record."""
    lines, told = screen.status_lines(row), live.told(screen, [row])
    return RecordPage(
        resource=screen.resource,
        id=row.id,
        title=str(row),
        initials=initials(row.full_name) if hasattr(row, "full_name") else "",
        subtitle=[part for part in screen.subtitle(row) if part],
        badges=[badge for badge in screen.badges(row) if isinstance(badge, Badge)],
        buttons=_buttons(screen, row),
        menu=_menu(screen, row),
        tabs=_tabs(screen, row),
        sections=overview(screen, row),
        list_url=screen.url_to("index_view"),
        list_title=screen.heading,
        watch=screen.warning(row),
        activity=activity.recent(screen, row),
        activity_url=activity.url_of(screen, row),
        notice=screen.notice(row) or why_unchangeable(row),
        icon=screen.icon,
        status_lines=lines,
        live=told.get("live", False) or any(line.live for line in lines),
        wakes=told.get("wakes"),
        past_url=screen.url_to("past_view") if screen.model.__journal__ else "",
    )


def _buttons(screen: ScreenSpec, row: Any) -> list[Link]:
    own = row_menu.action_links(screen, row, buttons=True)
    return [*screen.buttons(row), *own, *_of_tabs(screen, row), *_edit(screen, row)]


def _edit(screen: ScreenSpec, row: Any) -> list[Link]:
    if not screen.can("edit") or not is_changeable(row):
        return []
    return [Link(_("Edit"), screen.url_to("edit_view", id=row.id), "pencil", primary=True, key="e")]


def _of_tabs(screen: ScreenSpec, row: Any) -> list[Link]:
    """Return what makes a new row of a tab and is declared as a button, with this record filled in."""
    shown = ((tab, registry().screens[tab.resource]) for tab in screen.tabs if tab.visible_if(row))
    made = (row_menu.button_for(other, tab.via, row) for tab, other in shown)
    return [link for link in made if link is not None]


def _menu(screen: ScreenSpec, row: Any) -> list[Link]:
    menu = [*screen.links(row), *row_menu.action_links(screen, row)]
    deletes = screen.can("delete") and is_changeable(row)
    return [*menu, row_menu.delete_link(screen, row)] if deletes else menu


def commands_of(screen: ScreenSpec, row: Any) -> list[Link]:
    """Return everything that the person asking can do to a record itself, as its head and menu offer it."""
    own = row_menu.action_links(screen, row, buttons=True)
    return [*own, *_edit(screen, row), *_menu(screen, row)]


def overview(screen: ScreenSpec, row: Any) -> list[tuple[Any, list[Fact]]]:
    """Return the overview's groups of facts; a group with nothing to show is left out."""
    names = screen.detail_names
    screen.prepare([row], names, whole=True)
    declared = [
        *screen.sections,
        Section(_("Record"), [n for n in names if not any(n in s.names for s in screen.sections)]),
    ]
    groups = [
        (s.label, [_fact(screen, row, n, labelled=not s.whole) for n in s.names if n in names])
        for s in declared
    ]
    return [(label if screen.sections else "", facts) for label, facts in groups if facts]


def _fact(screen: ScreenSpec, row: Any, name: str, *, labelled: bool = True) -> Fact:
    return Fact(screen.get_column_name(name) if labelled else "", screen.cell(row, name, whole=True))


def _tabs(screen: ScreenSpec, row: Any) -> list[TabLink]:
    shown = [
        (t, registry().screens[t.resource])
        for t in screen.tabs
        if t.visible_if(row) and allowed("list", t.resource)
    ]
    if not shown:
        return []
    wanted = request.args.get("tab", OVERVIEW)
    if wanted not in {OVERVIEW, *(t.resource for t, _s in shown)}:
        raise BadArgument("tab", _("this tab does not exist"))
    figures = _figures(screen, row, shown)
    here = screen.url_to("details_view", id=row.id)
    tabs = [TabLink(OVERVIEW, _("Overview"), here, "", wanted == OVERVIEW)]
    for tab, other in shown:
        content = other.url_to("index_view", embed=1, **{f"{tab.via}__eq": row.id})
        label = tab.label or other.heading
        tabs.append(
            TabLink(
                tab.resource,
                label,
                f"{here}&tab={tab.resource}",
                content,
                wanted == tab.resource,
                figures[tab.resource],
            )
        )
    return tabs


def _figures(screen: ScreenSpec, row: Any, shown: Sequence[tuple[Tab, ScreenSpec]]) -> dict[str, Any]:
    """Return each tab's figure; all counts come from one statement."""
    counted = [(t, s) for t, s in shown if t.figure is None]
    columns = [
        select(func.count())
        .select_from(s.base_select().where(_of(s, t.via, row.id)).subquery())
        .scalar_subquery()
        for t, s in counted
    ]
    counts = session().execute(select(*columns)).one() if columns else ()
    figures: dict[str, Any] = {
        t.resource: format_decimal(n, locale=shop().locale) if n else ""
        for (t, _s), n in zip(counted, counts, strict=True)
    }
    return figures | {
        t.resource: _own_figure(screen, row, t.figure) for t, _s in shown if t.figure is not None
    }


def _of(screen: ScreenSpec, via: str, row_id: int) -> Any:
    """Return the clause for the rows of a list that stand on one record's tab."""
    return screen.clause(Condition(screen.filters[via], "eq", str(row_id), row_id))


def _own_figure(screen: ScreenSpec, row: Any, name: str) -> Any:
    """Return a column of the record as its list shows it; "" where that is nothing, or no column is named."""
    shown = screen.cell(row, name).html if name else ""
    return "" if shown == formatters.nothing() else shown
