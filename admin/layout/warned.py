"""What an action says of other records, to users who may see these: in words and as links (rules 7.11 and 10.14)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from flask_babel import gettext as _
from markupsafe import Markup, escape

from actions.core.base import Warned
from admin.screen_spec.registry import registry
from web.messages import fill


def _told(warnings: Iterable[Warned]) -> list[Warned]:
    return [w for w in warnings if w.see is None or may_see(w.see)]


def texts(warnings: Iterable[Warned]) -> list[str]:
    """Return the sentences as plain text."""
    return [fill(w.message, w.values) for w in _told(warnings)]


def linked(warnings: Iterable[Warned]) -> list[str]:
    """Return the sentences for a page, what they name leading to its record."""
    return [_linked(w) if w.see is not None else fill(w.message, w.values) for w in _told(warnings)]


def _linked(warned: Warned) -> Markup:
    """Print what the sentence calls the record as a link: the value named like its resource."""
    assert warned.see is not None
    resource, row_id = warned.see
    url = registry().screens[resource].row_url("details_view", row_id)
    link = Markup('<a href="{}">{}</a>').format(url, warned.values[resource])
    values: dict[str, Any] = {**warned.values, resource: link}
    return escape(_(warned.message)) % values


def ways(warnings: Iterable[Warned]) -> list[tuple[str, str]]:
    """Return (what it is called, address) of each record that the sentences name, for a message in plain text."""
    screens = registry().screens
    seen = [(w.values[w.see[0]], w.see) for w in _told(warnings) if w.see is not None]
    return [
        (f"{name} #{row_id}", screens[resource].row_url("details_view", row_id))
        for name, (resource, row_id) in seen
    ]


def with_way(text: str, see: tuple[str, int] | None) -> str:
    """Return a sentence with the way to a record, if the person asking may see it."""
    if not may_see(see):
        return text
    resource, row_id = cast("tuple[str, int]", see)
    url = registry().screens[resource].row_url("details_view", row_id)
    return Markup('{} <a href="{}">{}</a>').format(text, url, _("Open"))


def may_see(see: tuple[str, int] | None) -> bool:
    """Return whether there is a record to go on to and the person asking may open it."""
    return see is not None and see[0] in registry().screens and registry().screens[see[0]].can("show")


def named(warnings: Iterable[Warned], resource: str) -> list[int]:
    """Return the ids of the records of one kind that are warned of."""
    return [w.see[1] for w in _told(warnings) if w.see is not None and w.see[0] == resource]
