"""The command palette: every screen and every deed of the record in view that the person may use, in one list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden, Unauthorized

from admin import links
from admin.context import allowed, clientele, person
from admin.frame import sections
from admin.pages import Link, Text
from admin.query import BadArgument, ListQuery, parse_id
from admin.records import deeds

if TYPE_CHECKING:
    from admin.base import Screen

blueprint = Blueprint("palette", __name__, url_prefix="/admin/palette")


@dataclass(frozen=True, slots=True)
class Command:
    """A line of the command palette."""

    link: Link
    icon: str


@dataclass(frozen=True, slots=True)
class CommandGroup:
    """Lines of the command palette that belong together."""

    label: Text
    commands: Sequence[Command]


@blueprint.get("/")
def commands() -> str:
    """Answer what can be gone to and done; with ``resource`` and ``id``, what can be done to that record first."""
    if person() is None:
        raise Unauthorized
    groups = [*_record(), _places(), _new(), _views()]
    return render_template("admin/_palette.html", groups=[group for group in groups if group.commands])


def _record() -> Sequence[CommandGroup]:
    """Return what can be done to the record in view, and its parts.

    :raises BadArgument: half of a record was named. :raises NotFound: it is not there, or not theirs to see.
    """
    unknown = set(request.args) - {"resource", "id"}
    if unknown:
        raise BadArgument(min(unknown), _("there is no such argument"))
    if not request.args:
        return ()
    screen = clientele().screens.get(request.args.get("resource", ""))
    if screen is None:
        raise BadArgument("resource", _("there is no such list"))
    row_id = parse_id("id", request.args.get("id"))
    if not screen.can("show"):
        raise Forbidden(_("Your role does not include this."))
    row = screen.get_or_404(row_id)
    done = [Command(link, icon=link.icon) for link in deeds(screen, row)]
    return [CommandGroup(str(row), [*done, *_parts(screen, row)])]


def _parts(screen: Screen, row: Any) -> Iterator[Command]:
    """Yield the record's own page and its tabs."""
    here = screen.row_url("details_view", row.id)
    yield Command(Link(_("Overview"), here), "eye")
    for tab in screen.tabs:
        if tab.when(row) and allowed("list", tab.resource):
            label = tab.label or clientele().screens[tab.resource].heading
            icon = clientele().screens[tab.resource].icon
            yield Command(Link(label, f"{here}&tab={tab.resource}"), icon)


def _new() -> CommandGroup:
    """Return what makes something, by the lists' own buttons."""
    nothing, found = ListQuery(), []
    for screen in clientele().screens.values():
        if type(screen).menu is None or not allowed("list", screen.resource):
            continue
        new = links.new_link(screen, nothing, drawer=False)
        made = [new] if new is not None else []
        found += [Command(link, link.icon) for link in (*made, *links.tools(screen, nothing))]
    return CommandGroup(_("Make something"), found)


def _places() -> CommandGroup:
    """Return the screens of the menu."""
    menu = [entry for section in sections() for entry in section.entries]
    return CommandGroup(_("Go to"), [Command(Link(entry.label, entry.url), entry.icon) for entry in menu])


def _views() -> CommandGroup:
    """Return the saved views of the lists, save the one that a list opens with anyway."""
    found = [
        Command(
            Link(f"{screen.heading}: {view.label}", screen.url_to("index_view", view=view.slug)), screen.icon
        )
        for screen in clientele().screens.values()
        if type(screen).menu is not None and allowed("list", screen.resource)
        for view in screen.views[1:]
    ]
    return CommandGroup(_("Saved views"), found)
