"""What can be clicked on a list and its rows: only what exists and what the person asking may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _

from admin.declare import RowAction
from admin.pages import Link
from admin.query import ListQuery

if TYPE_CHECKING:
    from admin.base import Screen


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
        Link(
            _(a.action.label),
            screen.url_to("act_view", verb=a.action.verb, id=row.id),
            a.icon,
            drawer=True,
            danger=a.action.danger,
        )
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


def tools(screen: Screen, query: ListQuery) -> list[Link]:
    given = {c.field.name: c.raw for c in query.conditions if c.operator == "eq" and c.field.kind == "lookup"}
    found = [
        Link(_(a.action.label), _act_url(screen, a, given), a.icon, drawer=True)
        for a in screen.row_actions
        if not a.action.targeted and screen.can(a.action.verb)
    ]
    if screen.can("export"):
        found.append(Link(_("Export"), query.url(screen.url_to("export", export_type="csv")), "download"))
    return found


def _act_url(screen: Screen, declared: RowAction, given: dict[str, str]) -> str:
    known = {k: v for k, v in given.items() if k in declared.action.parameters}
    return screen.url_to("act_view", verb=declared.action.verb, **known)


def bulk(screen: Screen, query: ListQuery) -> list[Link]:
    found = []
    if screen.can("export"):
        found.append(
            Link(_("Export selected"), query.url(screen.url_to("export", export_type="csv")), "download")
        )
    if screen.can("delete"):
        found.append(
            Link(
                _("Delete…"),
                screen.url_to("bulk_delete_view"),
                "trash",
                post=True,
                danger=True,
                confirm=_("Delete the selected %(things)s?", things=_(screen.plural).lower()),
            )
        )
    return found
