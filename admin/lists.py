"""The list of every screen: from the query to the page the template prints."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from babel.numbers import format_decimal
from flask import Response, make_response, redirect, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import Select
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import MultiDict

from actions.preferences import save_preference
from admin import cells
from admin.context import clientele, now, person, preference, session, shop, zone
from admin.fields import OPERATORS, Field, label_of
from admin.frame import frame
from admin.pages import Cell, Chip, ColumnChoice, FilterChoice, Heading, Line, Link, ListPage, ViewTab
from admin.query import BadArgument, Condition, Grammar, ListQuery, conditions_of, parse_id
from admin.select import COUNT_CAP, count_up_to, fetch_page, ordered
from models.base import db

if TYPE_CHECKING:
    from admin.base import Screen

PAGE_SIZES = (25, 50, 100, 200)
OWN_ARGUMENTS = frozenset({"embed"})


def parse(screen: Screen, arguments: MultiDict[str, str] | None = None, also: frozenset[str] = OWN_ARGUMENTS) -> ListQuery:
    """Return the request's list query. :raises BadArgument: it asks for what this list does not offer."""
    grammar = Grammar(
        screen.filters, screen.sortable | {"id"}, frozenset(v.slug for v in screen.views), zone(), screen.page_size, also
    )
    return grammar.parse(request.args if arguments is None else arguments)


def matching(screen: Screen, query: ListQuery, *, embedded: bool = False) -> Select[Any]:
    """Return the scoped statement for every row the query matches, unordered."""
    statement = screen.base_select()
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
    names = chosen_columns(screen, query, embedded)
    keys = screen.sort_keys(query.sort, query.descending)
    page = fetch_page(
        session(), statement.options(*screen.eager(names)), keys, screen.identity, query.page_size, query.after, query.before
    )
    count = count_up_to(session(), statement, screen.identity)
    carried = _with_embed(query, embedded)
    return ListPage(
        resource=screen.resource,
        title=_(screen.plural),
        singular=_(screen.singular),
        headings=[_heading(screen, name, carried, base) for name in names],
        lines=[_line(screen, row, names) for row in page.rows],
        count=_count_words(count),
        matching=min(count, COUNT_CAP),
        capped=count > COUNT_CAP,
        url=carried.url(base),
        base_url=base,
        q=query.q,
        searchable=bool(screen.column_searchable_list),
        search_hint=_search_hint(screen),
        chips=_chips(screen, carried, base, embedded),
        filters=[_filter_choice(screen, f) for f in screen.filters.values() if f.name in screen.column_filters],
        views=[] if embedded else _view_tabs(screen, query, base),
        columns=[ColumnChoice(n, screen.get_column_name(n), n in names) for n in screen.column_list],
        columns_url=screen.url_to("columns_view"),
        hidden=[(k, v) for k, v in carried.arguments() if k != "q"],
        page_size=query.page_size,
        page_sizes=[(n, carried.url(base, extra=(*carried.extra, ("page_size", str(n))))) for n in PAGE_SIZES],
        next_url=carried.url(base, after=page.rows[-1].id, **_size(query, screen)) if page.has_next else None,
        previous_url=carried.url(base, before=page.rows[0].id, **_size(query, screen)) if page.has_previous and page.rows else None,
        first_url=carried.url(base, **_size(query, screen)) if query.after or query.before else None,
        new=new_link(screen, query, drawer=embedded),
        tools=_tools(screen, carried),
        bulk=_bulk(screen, carried),
        empty=str(screen.empty) or _("There are no %(things)s yet.", things=_(screen.plural).lower()),
        embedded=embedded,
        edit_url=screen.url_to("ajax_update") if screen.column_editable_list and screen.can("edit") else None,
    )


def _with_embed(query: ListQuery, embedded: bool) -> ListQuery:
    return replace(query, extra=(("embed", "1"),)) if embedded else query


def _size(query: ListQuery, screen: Screen) -> dict[str, Any]:
    extra = tuple(query.extra)
    if request.args.get("embed") == "1":
        extra = (("embed", "1"),)
    if query.page_size != screen.page_size:
        extra = (*extra, ("page_size", str(query.page_size)))
    return {"extra": extra}


def _count_words(count: int) -> str:
    shown = format_decimal(min(count, COUNT_CAP), locale=shop().locale)
    return f"{shown}+" if count > COUNT_CAP else shown


def _search_hint(screen: Screen) -> str:
    names = [screen.get_column_name(n.removesuffix("_key")).lower() for n in screen.column_searchable_list]
    return _("Searches %(columns)s", columns=", ".join(names)) if names else ""


# -- columns -------------------------------------------------------------------------------------------------------


def chosen_columns(screen: Screen, query: ListQuery, embedded: bool) -> list[str]:
    """Return the columns this person sees: their own choice, else the screen's; a tab leaves out its record."""
    chosen = preference(f"columns:{screen.resource}")
    names = [n for n in screen.column_list if (n in chosen if chosen else n not in screen.column_hidden)]
    given = {c.field.name for c in query.conditions if c.operator == "eq"} if embedded else set()
    return [n for n in names if n not in given] or list(screen.column_list)


def choose_columns(screen: Screen) -> Any:
    """Keep the ticked columns for this person and go back to the list."""
    names = [n for n in screen.column_list if n in request.form.getlist("columns")]
    unknown = set(request.form.getlist("columns")) - set(screen.column_list)
    if unknown or not names:
        raise BadArgument("columns", _("choose at least one of the listed columns"))
    save_preference(db.engine, person().id, f"columns:{screen.resource}", names)
    return redirect(_back(screen))


def _back(screen: Screen) -> str:
    query = request.form.get("query", "")
    return f"{screen.url_to('index_view')}?{query}" if query and query.isprintable() and len(query) < 2000 else screen.url_to("index_view")


def _heading(screen: Screen, name: str, query: ListQuery, base: str) -> Heading:
    field = screen.field(name)
    current, descending = (query.sort, query.descending) if query.sort else screen.default_sort
    active = current == name
    url = query.url(base, sort=name, descending=active and not descending) if name in screen.sortable else None
    direction = ("descending" if descending else "ascending") if active else ""
    return Heading(
        name, screen.get_column_name(name), field.end, url, direction,  # type: ignore[arg-type]
        name in screen.column_editable_list and screen.can("edit"), screen.column_descriptions.get(name, ""),
    )  # fmt: skip


# -- rows ----------------------------------------------------------------------------------------------------------


def _line(screen: Screen, row: Any, names: Sequence[str]) -> Line:
    return Line(row.id, str(row), screen.line_url(row), [screen.cell(row, n) for n in names], row_menu(screen, row))


def row_menu(screen: Screen, row: Any) -> list[Link]:
    """Return what can be done with one row by the person asking."""
    menu = []
    if screen.can("show"):
        menu.append(Link(_("Open"), screen.url_to("details_view", id=row.id), "eye"))
    if screen.can("edit"):
        menu.append(Link(_("Edit"), screen.url_to("edit_view", id=row.id), "pencil", drawer=True))
    menu += action_links(screen, row)
    if screen.can("delete"):
        menu.append(delete_link(screen, row))
    return menu


def action_links(screen: Screen, row: Any) -> list[Link]:
    """Return the declared actions that make sense on a row and that the person asking may run."""
    return [
        Link(_(a.action.label), screen.url_to("act_view", verb=a.action.verb, id=row.id), a.icon, drawer=True, danger=a.action.danger)
        for a in screen.row_actions
        if a.action.targeted and screen.can(a.action.verb) and a.when(row)
    ]


def delete_link(screen: Screen, row: Any) -> Link:
    """Return the link that deletes a row after asking."""
    return Link(
        _("Delete"), screen.url_to("delete_view"), "trash", post=True, danger=True,
        confirm=_("Delete %(record)s?", record=str(row)),
        fields=(("id", str(row.id)),),
    )  # fmt: skip


def new_link(screen: Screen, query: ListQuery, *, drawer: bool) -> Link | None:
    """Return the list's "New" button, with the record it stands on filled in."""
    given = {c.field.name: c.raw for c in query.conditions if c.operator == "eq" and c.field.kind == "lookup"}
    if screen.new_action is not None and screen.can(screen.new_action.action.verb):
        declared = screen.new_action
        return Link(_(declared.action.label), _act_url(screen, declared, given), "plus", drawer=True, primary=True, key="n")
    if not screen.can("add"):
        return None
    url = screen.url_to("create_view", **{k: v for k, v in given.items() if k in screen.form_columns})
    return Link(_("New %(thing)s", thing=_(screen.singular).lower()), url, "plus", drawer=drawer, primary=True, key="n")


def _tools(screen: Screen, query: ListQuery) -> list[Link]:
    given = {c.field.name: c.raw for c in query.conditions if c.operator == "eq" and c.field.kind == "lookup"}
    found = [
        Link(_(a.action.label), _act_url(screen, a, given), a.icon, drawer=True)
        for a in screen.row_actions
        if not a.action.targeted and screen.can(a.action.verb)
    ]
    if screen.can("export"):
        found.append(Link(_("Export"), query.url(screen.url_to("export", export_type="csv")), "download"))
    return found


def _act_url(screen: Screen, declared: Any, given: dict[str, str]) -> str:
    known = {k: v for k, v in given.items() if k in declared.action.parameters}
    return screen.url_to("act_view", verb=declared.action.verb, **known)


def _bulk(screen: Screen, query: ListQuery) -> list[Link]:
    found = []
    if screen.can("export"):
        found.append(Link(_("Export selected"), query.url(screen.url_to("export", export_type="csv")), "download"))
    if screen.can("delete"):
        found.append(
            Link(
                _("Delete…"), screen.url_to("bulk_delete_view"), "trash", post=True, danger=True,
                confirm=_("Delete the selected %(things)s?", things=_(screen.plural).lower()),
            )  # fmt: skip
        )
    return found


def eager_options(screen: Screen, names: Sequence[str]) -> list[Any]:
    """Return joined loads for every listed relation to one row, so that a page costs one statement."""
    return [joinedload(getattr(screen.model, n)) for n in names if screen.field(n).kind == "lookup"]


def format_cell(screen: Screen, row: Any, name: str, *, whole: bool = False) -> Cell:
    """Return one formatted value, linked to the record it names."""
    formatter = screen.column_formatters.get(name)
    if formatter is not None:
        made = formatter(screen, None, row, name)
        return made if isinstance(made, Cell) else Cell(cells.nothing() if made in (None, "") else made)
    field = screen.field(name)
    if field.kind == "lookup":
        return related_cell(getattr(row, name))
    if field.kind == "computed" and isinstance(value := getattr(row, name), (list, tuple)):
        return Cell(Markup("<br>").join(str(item) for item in value) if value else cells.nothing())
    return cells.cell(field, row, shop=shop(), now=now(), whole=whole)


def related_cell(row: Any) -> Cell:
    """Return a related record's name, as a link for those who may open it."""
    if row is None:
        return Cell(cells.nothing())
    screen = clientele().by_model.get(type(row))
    return Cell(str(row), screen.line_url(row) if screen is not None else None)


# -- filters and views ---------------------------------------------------------------------------------------------


def _chips(screen: Screen, query: ListQuery, base: str, embedded: bool) -> list[Chip]:
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
    return cells.show(condition.field.kind, value, shop=shop(), now=now())


def _date_of(raw: str) -> dt.date:
    return dt.date.fromisoformat(raw)


def _filter_choice(screen: Screen, field: Field) -> FilterChoice:
    choices: list[tuple[str, Any]] = []
    if field.choices is not None:
        choices = [(str(member.value), label_of(member)) for member in field.choices]
    kind: Any = "date" if field.kind == "datetime" else "number" if field.kind == "percent" else field.kind
    lookup = screen.lookup_url(field.name)() if field.kind == "lookup" else None
    words = [(operator, field.word(operator)) for operator in OPERATORS[field.kind]]
    return FilterChoice(field.name, screen.get_column_name(field.name), kind, words, choices, lookup)


def _view_tabs(screen: Screen, query: ListQuery, base: str) -> list[ViewTab]:
    if not screen.views:
        return []
    current = query.view or screen.views[0].slug
    blank = ListQuery()
    return [
        ViewTab(v.label, blank.url(base, view=v.slug), v.slug == current, _view_count(screen, v) if v.counted else None)
        for v in screen.views
    ]


def _view_count(screen: Screen, view: Any) -> int:
    statement = screen.base_select()
    for condition in conditions_of(view.where, screen.filters, zone()):
        statement = statement.where(screen.clause(condition))
    return count_up_to(session(), statement, screen.identity, cap=999)


# -- look-ups ------------------------------------------------------------------------------------------------------


def lookup_options(screen: Screen, text: str, offset: int, limit: int) -> list[tuple[int, str]]:
    """Return (id, label) pairs in the list's own order, live rows only where the model knows retired ones."""
    statement = screen.base_select()
    if text:
        statement = screen.search(statement, text) if screen.column_searchable_list else statement
    if hasattr(screen.model, "merged_into_id"):
        statement = statement.where(screen.model.merged_into_id.is_(None), screen.model.anonymised_at.is_(None))  # type: ignore[attr-defined]
    elif hasattr(screen.model, "is_active"):
        statement = statement.where(screen.model.is_active)  # type: ignore[attr-defined]
    rows = session().scalars(ordered(statement, screen.sort_keys(None, False)).offset(offset).limit(limit))
    return [(row.id, str(row)) for row in rows]


def lookup(screen: Screen) -> Response:
    """Answer a picker: ``name`` is the relation, ``query`` what was typed, ``offset`` where to go on."""
    name = request.args.get("name", "")
    allowed_names = {*screen.form_columns, *screen.column_filters, *(p for a in screen.actions() for p in a.action.parameters)}
    try:
        field = screen.field(name) if name in allowed_names else None
    except AttributeError:
        field = None
    if field is None or field.kind != "lookup":
        raise BadArgument("name", _("there is no such look-up here"))
    offset = request.args.get("offset", "0")
    if not (offset.isascii() and offset.isdigit() and len(offset) <= 5):
        raise BadArgument("offset", _("a whole number"))
    text = request.args.get("query", "").strip()[:200]
    options = screen.lookup_screen(field)().lookup_options(text, int(offset))
    answer = make_response([[row_id, label] for row_id, label in options])
    return answer


def ticked(screen: Screen, most: int) -> Select[Any]:
    """Return the scoped statement for the ticked rows, or with ``all=1`` for every row the list's query matches.

    :raises BadArgument: nothing, or more than ``most`` rows, are chosen.
    """
    source = request.form if request.method == "POST" else request.args
    if source.get("all") == "1":
        rest = MultiDict((k, v) for k, v in source.items(multi=True) if k not in ("ids", "all", "csrf_token", "confirm"))
        return matching(screen, parse(screen, rest))
    ids = [parse_id("ids", value) for value in source.getlist("ids")]
    if not ids or len(ids) > most:
        raise BadArgument("ids", _("choose between 1 and %(most)s rows", most=most))
    return screen.base_select().where(screen.identity.in_(ids))

