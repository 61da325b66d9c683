"""The list of every screen: from the query to the page the template prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from babel.numbers import format_decimal
from flask import render_template, request
from flask_babel import gettext as _
from sqlalchemy import Select
from werkzeug.datastructures import MultiDict

from admin import columns, filters, links, masking
from admin.context import clientele, session, shop, zone
from admin.fields import OPERATORS
from admin.frame import frame
from admin.pages import ColumnChoice, Line, ListPage
from admin.query import BadArgument, Condition, Grammar, ListQuery, conditions_of, parse_id
from admin.select import COUNT_CAP, Page, counts_up_to, fetch_page

if TYPE_CHECKING:
    from admin.base import Screen

PAGE_SIZES = (25, 50, 100, 200)
OWN_ARGUMENTS = frozenset({"embed"})
MOST_ON_A_TAB = 999
TICKS = frozenset({"ids", "all", "csrf_token", "confirm"})


def parse(
    screen: Screen, arguments: MultiDict[str, str] | None = None, also: frozenset[str] = OWN_ARGUMENTS
) -> ListQuery:
    """Return the request's list query. :raises BadArgument: it asks for what this list does not offer."""
    grammar = Grammar(
        masking.filters(screen),
        masking.sortable(screen) | {"id"},
        frozenset(v.slug for v in screen.views),
        zone(),
        screen.page_size,
        also,
    )
    return grammar.parse(request.args if arguments is None else arguments)


def matching(screen: Screen, query: ListQuery, *, embedded: bool = False) -> Select[Any]:
    """Return the scoped statement for every row the query matches, unordered."""
    of_one = any(c.operator == "eq" and c.field.name in screen.tab_filters for c in query.conditions)
    statement = screen.base_select(many=not of_one)
    for condition in (*view_conditions(screen, query, embedded=embedded), *query.conditions):
        statement = statement.where(screen.clause(condition))
    return screen.search(statement, query.q) if query.q else statement


def view_conditions(screen: Screen, query: ListQuery, *, embedded: bool = False) -> Sequence[Condition]:
    """Return the conditions of the saved view in force: the one asked for, else the screen's first."""
    if not screen.views or (embedded and query.view is None):
        return ()
    view = next((v for v in screen.views if v.slug == query.view), screen.views[0])
    return conditions_of(view.where, screen.filters, zone())


def show(screen: Screen) -> Any:
    """Answer the list: a whole page, or its body alone to htmx."""
    page = build(screen)
    if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted"):
        return render_template("admin/_list.html", page=page)
    return render_template("admin/list.html", page=page, frame=frame(screen.resource))


def build(screen: Screen) -> ListPage:
    """Return the list page for the request's query."""
    query, embedded = parse(screen), request.args.get("embed") == "1"
    base = screen.url_to("index_view")
    statement = matching(screen, query, embedded=embedded)
    names = columns.chosen_columns(screen, query, embedded)
    keys = screen.sort_keys(query.sort, query.descending)
    whole, loaded = screen.base_select(), screen.eager(names)
    page = fetch_page(session(), statement, whole, keys, screen.identity, query, loaded)
    screen.prepare(page.rows, names)
    count, of_views = _counts(screen, statement, embedded)
    carried = _carried(screen, query, embedded)
    owner = _owner(screen, query) if embedded else None
    return ListPage(
        resource=screen.resource,
        title=screen.heading,
        singular=_(screen.singular),
        headings=[columns.heading(screen, name, carried, base) for name in names],
        lines=_lines(screen, page.rows, names),
        count=count_words(count),
        matching=min(count, COUNT_CAP),
        capped=count > COUNT_CAP,
        url=carried.url(base),
        base_url=base,
        q=query.q,
        searchable=bool(screen.column_searchable_list),
        search_hint=_search_hint(screen),
        chips=filters.chips(screen, carried, base, embedded),
        filters=filters.choices(screen),
        views=[] if embedded else filters.view_tabs(screen, carried, base, of_views),
        columns=[ColumnChoice(n, screen.get_column_name(n), n in names) for n in screen.column_list],
        columns_url=screen.url_to("columns_view"),
        hidden=[(k, v) for k, v in carried.arguments() if k != "q"],
        page_size=query.page_size,
        page_sizes=_page_sizes(screen, query, base, embedded),
        **_turning(page, carried, base),
        **_offers(screen, query, carried, owner),
        empty=str(screen.empty) or _("There are no %(things)s yet.", things=_(screen.plural).lower()),
        embedded=embedded,
        edit_url=screen.url_to("ajax_update") if masking.editable(screen) and screen.can("edit") else None,
        totals=screen.totals(statement) if not embedded else None,
        facts=screen.facts(owner) if owner is not None else (),
    )


def _offers(screen: Screen, query: ListQuery, carried: ListQuery, owner: Any) -> dict[str, Any]:
    """Return what can be done from a list, by the names a list page has for it; ``owner`` is whose tab it is."""
    beside = screen.tab_links(owner) if owner is not None else ()
    return {
        "new": links.new_link(screen, query, drawer=("embed", "1") in carried.extra),
        "tools": [*links.tools(screen, carried), *beside],
        "exports": links.exports(screen, carried),
        "bulk": links.bulk(screen, carried),
    }


def _page_sizes(screen: Screen, query: ListQuery, base: str, embedded: bool) -> list[tuple[int, str]]:
    return [(n, _carried(screen, replace(query, page_size=n), embedded).url(base)) for n in PAGE_SIZES]


def _counts(screen: Screen, statement: Select[Any], embedded: bool) -> tuple[int, dict[str, int]]:
    """Return how many rows the list has, and how many each saved view whose tab says so."""
    views = {} if embedded else filters.counted_views(screen)
    wanted = [(statement, COUNT_CAP), *((view, MOST_ON_A_TAB) for view in views.values())]
    count, *of_views = counts_up_to(session(), screen.identity, wanted)
    return count, dict(zip(views, of_views, strict=True))


def _turning(page: Page, carried: ListQuery, base: str) -> dict[str, Any]:
    """Return the ways to the pages around one, by the names a list page has for them."""
    rows = page.rows
    return {
        "next_url": carried.url(base, after=rows[-1].id) if page.has_next else None,
        "previous_url": carried.url(base, before=rows[0].id) if page.has_previous and rows else None,
        "first_url": carried.url(base) if carried.after or carried.before else None,
    }


def _owner(screen: Screen, query: ListQuery) -> Any:
    """Return the record that a tab belongs to; None where that is not known, or not theirs to see."""
    owners = [c for c in query.conditions if c.operator == "eq" and c.field.name in screen.tab_filters]
    target = owners[0].field.target if len(owners) == 1 else None
    other = clientele().by_model.get(target) if target is not None else None
    return other.get_one(owners[0].value) if other is not None and other.can("show") else None


def _carried(screen: Screen, query: ListQuery, embedded: bool) -> ListQuery:
    """Return the query with what every link of the list keeps: that it is a tab, and a page size of one's own."""
    extra = [("embed", "1")] if embedded else []
    if query.page_size != screen.page_size:
        extra.append(("page_size", str(query.page_size)))
    return replace(query, extra=tuple(extra))


def count_words(count: int) -> str:
    """Return a count as it is shown: "1,284", or "10,000+" beyond the cap."""
    shown = format_decimal(min(count, COUNT_CAP), locale=shop().locale)
    return f"{shown}+" if count > COUNT_CAP else shown


def _search_hint(screen: Screen) -> str:
    if screen.search_hint:
        return str(screen.search_hint)
    names = [screen.get_column_name(n.removesuffix("_key")).lower() for n in screen.column_searchable_list]
    return _("Searches %(columns)s", columns=", ".join(names)) if names else ""


def _lines(screen: Screen, rows: Sequence[Any], names: Sequence[str]) -> list[Line]:
    shown = [columns.formatter(screen, name) for name in names]
    return [
        Line(
            row.id,
            str(row),
            screen.line_url(row),
            [show(row) for show in shown],
            links.row_menu(screen, row),
        )
        for row in rows
    ]


def _sent() -> MultiDict[str, str]:
    return request.form if request.method == "POST" else request.args


def ticked_query(screen: Screen, only: frozenset[str] | None = None) -> ListQuery:
    """Return the query of the list on which rows were ticked. :raises BadArgument: it is none of this list.

    :param only: the names that belong to the query, where the form holds fields of its own besides.
    """
    sent = _sent().items(multi=True)
    return parse(screen, MultiDict((k, v) for k, v in sent if (k in only if only else k not in TICKS)))


def query_names(screen: Screen) -> frozenset[str]:
    """Return the names of the arguments that say which rows a list shows."""
    filters = (f"{name}__{op}" for name, field in screen.filters.items() for op in OPERATORS[field.kind])
    return frozenset({"q", "view", "embed", *filters})


def ticked(screen: Screen, most: int, only: frozenset[str] | None = None) -> Select[Any]:
    """Return the scoped statement for the ticked rows, or with ``all=1`` for every row the list's query matches.

    :raises BadArgument: nothing, or more than ``most`` rows, are chosen.
    """
    source = _sent()
    if source.get("all") == "1":
        return matching(screen, ticked_query(screen, only), embedded=source.get("embed") == "1")
    ids = [parse_id("ids", value) for value in source.getlist("ids")]
    if not ids or len(ids) > most:
        raise BadArgument("ids", _("choose between 1 and %(most)s rows", most=most))
    return screen.base_select().where(screen.identity.in_(ids))
