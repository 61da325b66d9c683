"""What can be clicked on a list and its rows: only what exists and what the person asking may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import get_template_attribute
from flask_babel import gettext as _
from markupsafe import Markup, escape

from admin.listing.query import ListQuery
from admin.request.grantable import is_changeable
from admin.screen_spec.declare import RowAction, everybody
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Link, list_id
from admin.viewmodels.spreadsheets import KINDS
from web.request import memo

ROW, NAME = "\ue000", "\ue001"
"""Stand for a row's id and its name in a menu line that is printed once for all rows of a list."""

Offer = tuple[Callable[[Any], bool], Callable[[Any], Link]]
"""Whether a row has a line in its menu, and the line."""


class _AnyRow:
    """A row before it is known which."""

    id = ROW

    def __str__(self) -> str:
        return NAME


def row_menu(screen: ScreenSpec, row: Any) -> Markup:
    """Return what can be done with one row of a list by the person asking, printed.

    Hundreds of lines stand on a page and differ by the row alone, so each is printed once and filled in for every row.
    """
    lines = memo(("menu", screen.resource), lambda: _printed(screen))
    shown = "".join(line for offered, line in lines if offered(row)).replace(ROW, str(row.id))
    shown += "".join(_row_link(screen, link) for link in screen.menu_links(row))
    return Markup(shown.replace(NAME, str(escape(str(row)))) if NAME in shown else shown)  # noqa: S704  escaped


def _printed(screen: ScreenSpec) -> list[tuple[Callable[[Any], bool], str]]:
    return [(offered, _row_link(screen, make(_AnyRow()))) for offered, make in _offers(screen)]


def _row_link(screen: ScreenSpec, link: Link) -> str:
    show = memo("row_link", lambda: get_template_attribute("admin/_macros.html", "row_link"))
    return str(show(link, list_id(screen.resource)))


def _offers(screen: ScreenSpec) -> list[Offer]:
    offers: list[Offer] = []
    if screen.can("show"):
        offers.append((everybody, lambda row: Link(_("Open"), screen.row_url("details_view", row.id), "eye")))
    if screen.can("edit"):
        url = screen.row_url
        offers.append(
            (is_changeable, lambda row: Link(_("Edit"), url("edit_view", row.id), "pencil", drawer=True))
        )
    offers += [
        (a.offered, _action_maker(screen, a))
        for a in screen.actions()
        if a.action.targeted and a.menu and screen.can(a.action.verb)
    ]
    if screen.can("delete"):
        offers.append((is_changeable, lambda row: delete_link(screen, row)))
    return offers


def _action_maker(screen: ScreenSpec, declared: RowAction) -> Callable[[Any], Link]:
    action, base = declared.action, screen.url_to("act_view", verb=declared.action.verb)
    label = _(action.label)
    drawer, at_once = not (declared.full_page or declared.at_once), declared.at_once
    return lambda row: Link(
        label, f"{base}?id={row.id}", declared.icon, drawer=drawer, danger=action.danger, post=at_once,
        key=declared.key,
    )  # fmt: skip


def action_links(screen: ScreenSpec, row: Any, *, buttons: bool = False) -> list[Link]:
    """Return the declared actions that make sense on a row and that the person asking may run.

    :param buttons: those of a record's head; all others stand in its menu.
    """
    wanted = (
        a
        for a in screen.actions()
        if a.action.targeted and a.menu and a.button == buttons and screen.can(a.action.verb)
    )
    return [_action_maker(screen, a)(row) for a in wanted if a.offered(row)]


def delete_link(screen: ScreenSpec, row: Any) -> Link:
    """Return the link that deletes a row after asking."""
    label, url = memo(("delete", screen.resource), lambda: (_("Delete"), screen.url_to("delete_view")))
    ask = _("Delete %(record)s?", record=str(row))
    return Link(label, url, "trash", post=True, danger=True, confirm=ask, fields=(("id", str(row.id)),))


def new_link(screen: ScreenSpec, query: ListQuery, *, drawer: bool, owner: Any = None) -> Link | None:
    """Return the list's "New" button, with the record it stands on filled in: that of ``owner``, where it is known."""
    given = {c.field.name: c.raw for c in query.conditions if c.operator == "eq" and c.field.kind == "lookup"}
    declared = screen.new_action
    if declared is not None and screen.can(declared.action.verb) and declared.suits(owner):
        return Link(
            _(declared.action.label),
            _act_url(screen, declared, given),
            "plus",
            drawer=True,
            primary=True,
            key="n",
        )
    if not screen.can("add"):
        return None
    url = screen.url_to("create_view", **{k: v for k, v in given.items() if k in screen.form_columns})
    return Link(
        _("New %(thing)s", thing=_(screen.singular).lower()),
        url,
        "plus",
        drawer=drawer,
        primary=True,
        key="n",
    )


def button_for(screen: ScreenSpec, via: str, owner: Any) -> Link | None:
    """Return the button on a record that makes a row of its own in another list; None where none is declared.

    :param via: the relation of the new row to the record.
    """
    declared = screen.new_action
    offered = declared is not None and declared.button and screen.can(declared.action.verb)
    if not offered or declared is None or not declared.suits(owner) or not is_changeable(owner):
        return None
    url = _act_url(screen, declared, {via: str(owner.id)})
    return Link(_(declared.action.label), url, declared.icon or screen.icon, drawer=True)


def tools(screen: ScreenSpec, query: ListQuery, owner: Any = None) -> list[Link]:
    """Return the declared actions that make something, besides "New", and the import."""
    given = {c.field.name: c.raw for c in query.conditions if c.operator == "eq" and c.field.kind == "lookup"}
    found = [
        Link(_(a.action.label), _act_url(screen, a, given), a.icon, drawer=True)
        for a in screen.row_actions
        if not a.action.targeted and a.menu and screen.can(a.action.verb) and a.suits(owner)
    ]
    if screen.can("import") and ("embed", "1") not in query.extra:
        found.append(Link(_("Import"), screen.url_to("import_view"), "upload"))
    return found


def exports(screen: ScreenSpec, query: ListQuery) -> list[Link]:
    """Return the kinds of file that the list, as it is shown, can be had as."""
    if not screen.can("export"):
        return []
    return [
        Link(str(kind.label), query.url(screen.url_to("export", export_type=name)), "download")
        for name, kind in KINDS.items()
    ]


def _act_url(screen: ScreenSpec, declared: RowAction, given: dict[str, str]) -> str:
    known = {k: v for k, v in given.items() if k in declared.action.parameters}
    return screen.url_to("act_view", verb=declared.action.verb, **known)


def bulk(screen: ScreenSpec, query: ListQuery) -> list[Link]:
    """Return what can be done with ticked rows: declared actions first, then a file of them, then deleting."""
    found = [
        Link(
            _("%(action)s…", action=a.together.label if a.together else _(a.action.label)),
            screen.url_to("act_view", verb=a.action.verb),
            a.icon,
            drawer=True,
            post=True,
            danger=a.action.danger,
        )
        for a in screen.actions()
        if a.action.targeted and (a.bulk or a.together) and screen.can(a.action.verb) and a.available()
    ]
    found += [
        replace(link, label=_("Export selected as %(kind)s", kind=link.label))
        for link in exports(screen, query)
    ]
    if screen.can("delete"):
        ask = _("Delete the selected %(things)s?", things=_(screen.plural).lower())
        url = screen.url_to("bulk_delete_view")
        found.append(Link(_("Delete…"), url, "trash", post=True, danger=True, confirm=ask))
    return found
