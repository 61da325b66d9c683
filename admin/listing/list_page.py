"""The list of every screen: from the query to the page the template prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from babel.numbers import format_decimal
from flask import render_template, request
from flask_babel import gettext as _
from sqlalchemy import Select, false
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotFound

from admin.layout import deferred_figures, live
from admin.layout.frame import frame
from admin.listing import columns, filters, row_menu, search
from admin.listing.paging import COUNT_CAP, Page, counts_up_to, fetch_page
from admin.listing.query import Grammar, ListQuery, conditions_of
from admin.request import typed_numbers
from admin.request.grantable import is_changeable
from admin.screen_spec.column_info import OPERATORS, Condition
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import ColumnChoice, Line, ListPage
from web.arguments import BadArgument, parse_id
from web.request import session, shop, zone

OWN_ARGUMENTS = frozenset({"embed", "totals"})
MOST_ON_A_TAB = 999
TICKS = frozenset({"ids", "all", "csrf_token", "confirm", "left_out"})


def parse(
    screen: ScreenSpec,
    arguments: MultiDict[str, str] | None = None,
    also: frozenset[str] = OWN_ARGUMENTS,
    *,
    plain: bool = False,
) -> ListQuery:
    """Return the request's list query. :raises BadArgument: it asks for what this list does not offer.

    :param plain: figures are a program's and not typed by a person.
    """
    grammar = Grammar(
        screen.permitted_filters,
        screen.permitted_sorts | {"id"},
        frozenset(v.slug for v in screen.permitted_views),
        zone(),
        screen.page_size,
        also,
        "" if plain else typed_numbers.locale(),
        screen.get_column_name,
    )
    given = request.args if arguments is None else arguments
    if "page_size" in given and not plain and not screen.can_set_page_size:
        raise BadArgument("page_size", _("this argument does not exist"))
    return grammar.parse(given)


def matching(screen: ScreenSpec, query: ListQuery, *, embedded: bool = False) -> Select[Any]:
    """Return the scoped statement for every row the query matches, unordered.

    :raises BadArgument: it searches for less than a word.
    """
    if search.refuses(screen, query.q):
        raise BadArgument("q", str(search.TOO_SHORT))
    of_one = any(c.operator == "eq" and c.field.name in screen.tab_filters for c in query.conditions)
    statement = screen.base_select(many=not of_one)
    conditions = (*view_conditions(screen, query, embedded=embedded), *query.conditions)
    for condition in conditions:
        statement = statement.where(screen.clause(condition))
    if not query.q:
        return statement
    if hasattr(screen.model, "merged_into_id") and all(c.field.name != "merged_into" for c in conditions):
        statement = statement.where(
            screen.model.merged_into_id.is_(None)
        )  # the survivor is found in its place
    return screen.search(statement, query.q)


def _nothing(screen: ScreenSpec) -> Select[Any]:
    return screen.base_select().where(false())


def view_conditions(screen: ScreenSpec, query: ListQuery, *, embedded: bool = False) -> Sequence[Condition]:
    """Return the conditions of the saved view in force: the one asked for, else the screen's first."""
    views = screen.permitted_views
    if not views or (embedded and query.view is None):
        return ()
    view = next((v for v in views if v.slug == query.view), views[0])
    return conditions_of(view.where, screen.filters, zone())


def show(screen: ScreenSpec) -> Any:
    """Answer the list: a whole page, or its body alone to htmx, or its totals."""
    if screen.has_totals and deferred_figures.alone("totals"):
        return render_template("admin/_totals.html", totals=screen.totals(matching(screen, parse(screen))))
    page = build(screen)
    if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted"):
        return render_template("admin/_list.html", page=page)
    return render_template("admin/list.html", page=page, frame=frame(screen.resource))


def build(screen: ScreenSpec) -> ListPage:
    """Return the list page for the request's query."""
    query, embedded = parse(screen), request.args.get("embed") == "1"
    base = screen.url_to("index_view")
    short = str(search.TOO_SHORT) if search.refuses(screen, query.q) else ""
    statement = _nothing(screen) if short else matching(screen, query, embedded=embedded)
    names = columns.chosen_columns(screen, query, embedded)
    keys = screen.sort_keys(query.sort, query.descending)
    page = fetch_page(session(), statement, keys, screen.identity, query, screen.eager(names))
    screen.prepare(page.rows, names)
    count, of_views = _counts(screen, statement, page.count, embedded)
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
        short=short,
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
        edit_url=screen.url_to("ajax_update") if screen.permitted_edits and screen.can("edit") else None,
        **_totals(screen, statement, carried, embedded),
        **live.told(screen, page.rows),
        facts=screen.facts(owner) if owner is not None else (),
    )


def _totals(screen: ScreenSpec, statement: Select[Any], carried: ListQuery, embedded: bool) -> dict[str, Any]:
    """Return the totals where they were asked for, else where to fetch them, by the names a list page has for them."""
    if embedded or not screen.has_totals:
        return {}
    if deferred_figures.asked("totals"):
        return {"totals": screen.totals(statement)}
    asking = replace(carried, extra=(*carried.extra, ("totals", "1")))
    return {"totals_url": asking.url(screen.url_to("index_view"))}


def _offers(screen: ScreenSpec, query: ListQuery, carried: ListQuery, owner: Any) -> dict[str, Any]:
    """Return what can be done from a list, by the names a list page has for it; ``owner`` is whose tab it is."""
    beside = screen.tab_links(owner) if owner is not None else ()
    closed, drawer = owner is not None and not is_changeable(owner), ("embed", "1") in carried.extra
    return {
        "new": None if closed else row_menu.new_link(screen, query, drawer=drawer, owner=owner),
        "tools": [*([] if closed else row_menu.tools(screen, carried, owner)), *beside],
        "exports": row_menu.exports(screen, carried),
        "bulk": row_menu.bulk(screen, carried),
    }


def _page_sizes(screen: ScreenSpec, query: ListQuery, base: str, embedded: bool) -> list[tuple[int, str]]:
    sizes = screen.page_size_options if screen.can_set_page_size else ()
    return [(n, _carried(screen, replace(query, page_size=n), embedded).url(base)) for n in sizes]


def _counts(
    screen: ScreenSpec, statement: Select[Any], count: int | None, embedded: bool
) -> tuple[int, dict[str, int]]:
    """Return how many rows the list has, unless that is known, and how many each saved view whose tab says so."""
    views = {} if embedded else filters.counted_views(screen)
    wanted = [(view, MOST_ON_A_TAB) for view in views.values()]
    if count is None:
        wanted.append((statement, COUNT_CAP))
    found = counts_up_to(session(), screen.identity, wanted) if wanted else ()
    return found[-1] if count is None else count, dict(zip(views, found, strict=False))


def _turning(page: Page, carried: ListQuery, base: str) -> dict[str, Any]:
    """Return the ways to the pages around one, by the names a list page has for them."""
    return {
        "next_url": carried.url(base, after=page.next) if page.next else None,
        "previous_url": carried.url(base, before=page.previous) if page.previous else None,
        "first_url": carried.url(base) if carried.after or carried.before else None,
    }


def _owner(screen: ScreenSpec, query: ListQuery) -> Any:
    """Return the record that a tab belongs to; None where that is not known, or not theirs to see."""
    owners = [c for c in query.conditions if c.operator == "eq" and c.field.name in screen.tab_filters]
    target = owners[0].field.target if len(owners) == 1 else None
    other = registry().by_model.get(target) if target is not None else None
    return other.get_one(owners[0].value) if other is not None and other.can("show") else None


def _carried(screen: ScreenSpec, query: ListQuery, embedded: bool) -> ListQuery:
    """Return the query with what every link of the list keeps: that it is a tab, and a page size of one's own."""
    extra = [("embed", "1")] if embedded else []
    if query.page_size != screen.page_size:
        extra.append(("page_size", str(query.page_size)))
    return replace(query, extra=tuple(extra))


def count_words(count: int) -> str:
    """Return a count as it is shown: "1,284", or "10,000+" beyond the cap."""
    shown = format_decimal(min(count, COUNT_CAP), locale=shop().locale)
    return f"{shown}+" if count > COUNT_CAP else shown


def _search_hint(screen: ScreenSpec) -> str:
    if screen.search_hint:
        return str(screen.search_hint)
    names = [screen.get_column_name(n.removesuffix("_key")).lower() for n in screen.column_searchable_list]
    return _("Searches %(columns)s", columns=", ".join(names)) if names else ""


def _lines(screen: ScreenSpec, rows: Sequence[Any], names: Sequence[str]) -> list[Line]:
    shown = [columns.formatter(screen, name) for name in names]
    return [
        Line(
            row.id,
            str(row),
            screen.line_url(row),
            [show(row) for show in shown],
            row_menu.row_menu(screen, row),
        )
        for row in rows
    ]


def _sent() -> MultiDict[str, str]:
    return request.form if request.method == "POST" else request.args


def ticked_query(screen: ScreenSpec, only: frozenset[str] | None = None) -> ListQuery:
    """Return the query of the list on which rows were ticked. :raises BadArgument: it is none of this list.

    :param only: the names that belong to the query, where the form holds fields of its own besides.
    """
    sent = _sent().items(multi=True)
    return parse(screen, MultiDict((k, v) for k, v in sent if (k in only if only else k not in TICKS)))


def query_names(screen: ScreenSpec) -> frozenset[str]:
    """Return the names of the arguments that say which rows a list shows."""
    filters = (f"{name}__{op}" for name, field in screen.filters.items() for op in OPERATORS[field.kind])
    return frozenset({"q", "view", "embed", *filters})


def ticked(screen: ScreenSpec, most: int, only: frozenset[str] | None = None) -> Select[Any]:
    """Return the scoped statement for the ticked rows, or with ``all=1`` for every row the list's query matches.

    :raises BadArgument: nothing, or more than ``most`` rows, are chosen.
    """
    source = _sent()
    if source.get("all") == "1":
        return matching(screen, ticked_query(screen, only), embedded=source.get("embed") == "1")
    ids = [parse_id("ids", value) for value in source.getlist("ids")]
    if not ids or len(ids) > most:
        raise BadArgument("ids", _("choose from 1 to %(most)s rows", most=most))
    return screen.base_select().where(screen.identity.in_(ids))


def check_all_there(found: int) -> None:
    """Hold ticked rows to being there and in the row scope of the person asking, every one: all are done, or none.

    :param found: how many of them there are. :raises NotFound: one of them is missing, or not theirs to see.
    """
    source = _sent()
    if source.get("all") != "1" and found < len({parse_id("ids", value) for value in source.getlist("ids")}):
        raise NotFound(
            _("One of these records does not exist or you do not have access to it. Nothing was changed.")
        )
