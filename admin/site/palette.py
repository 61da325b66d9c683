"""The command palette: every screen and every action of the record in view that the person may use, in one list."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden, Unauthorized

from admin.editing.record_page import commands_of
from admin.layout.frame import sections
from admin.listing import row_menu
from admin.listing.query import ListQuery
from admin.request.context import allowed, person
from admin.request.grantable import is_changeable
from admin.screen_spec.column_info import Condition
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Link, Text
from models.customer import Customer
from web.arguments import BadArgument, parse_id

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
    record = _record()
    offered = {command.link.url.partition("?")[0] for group in record for command in group.commands}
    groups = [*record, _places(), _new(offered), _views()]
    return render_template("admin/_palette.html", groups=[group for group in groups if group.commands])


def _record() -> Sequence[CommandGroup]:
    """Return what can be done to the record in view, and its parts.

    :raises BadArgument: half of a record was named. :raises NotFound: it is not there, or not theirs to see.
    """
    unknown = set(request.args) - {"resource", "id"}
    if unknown:
        raise BadArgument(min(unknown), _("this argument does not exist"))
    if not request.args:
        return ()
    screen = registry().screens.get(request.args.get("resource", ""))
    if screen is None:
        raise BadArgument("resource", _("this list does not exist"))
    row_id = parse_id("id", request.args.get("id"))
    if not screen.can("show"):
        raise Forbidden(_("You do not have permission for this."))
    row = screen.get_or_404(row_id)
    done = [Command(link, icon=link.icon) for link in commands_of(screen, row)]
    own = CommandGroup(str(row), [*done, *_made_for(screen, row), *_parts(screen, row)])
    return [own, *_customer(row)]


def _customer(row: Any) -> Iterator[CommandGroup]:
    """Yield what can be made for the customer that the record in view belongs to."""
    screen, customer = registry().by_model[Customer], getattr(row, "customer", None)
    if isinstance(customer, Customer) and (seen := screen.get_one(customer.id)) is not None:
        yield CommandGroup(str(seen), list(_made_for(screen, seen)))


def _made_for(screen: ScreenSpec, row: Any) -> Iterator[Command]:
    """Yield what makes something for a record: the buttons of its tabs, with the record filled in."""
    for tab in screen.tabs if is_changeable(row) else ():
        if not tab.visible_if(row) or not allowed("list", tab.resource):
            continue
        other = registry().screens[tab.resource]
        about = Condition(other.filters[tab.via], "eq", str(row.id), row.id)
        query = ListQuery(conditions=(about,), extra=(("embed", "1"),))
        new = row_menu.new_link(other, query, drawer=True, owner=row)
        for link in (*([new] if new is not None else ()), *row_menu.tools(other, query, row)):
            if link.url.endswith(f"?{tab.via}={row.id}"):
                yield Command(link, link.icon)


def _parts(screen: ScreenSpec, row: Any) -> Iterator[Command]:
    """Yield the record's own page and its tabs."""
    here = screen.row_url("details_view", row.id)
    yield Command(Link(_("Overview"), here), "eye")
    for tab in screen.tabs:
        if tab.visible_if(row) and allowed("list", tab.resource):
            label = tab.label or registry().screens[tab.resource].heading
            icon = registry().screens[tab.resource].icon
            yield Command(Link(label, f"{here}&tab={tab.resource}"), icon)


def _new(offered: Container[str]) -> CommandGroup:
    """Return what makes something, by the lists' own buttons, save what is offered for the record in view."""
    nothing, found = ListQuery(), []
    for screen in registry().screens.values():
        if not screen.is_listed:
            continue
        new = row_menu.new_link(screen, nothing, drawer=False)
        made = [new] if new is not None else []
        found += [
            Command(link, link.icon)
            for link in (*made, *row_menu.tools(screen, nothing))
            if link.url not in offered
        ]
    return CommandGroup(_("Create"), found)


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
        for screen in registry().screens.values()
        if screen.is_listed
        for view in screen.permitted_views[1:]
    ]
    return CommandGroup(_("Saved views"), found)
