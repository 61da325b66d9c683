"""The frame around every signed-in page: the menu with what this person may use, and who they are."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, cast

from flask import Flask, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import Select, func, select

from admin.request.context import allowed, app_state, held, person, viewing
from admin.screen_spec.registry import registry
from admin.viewmodels.pages import Frame, MenuEntry, MenuSection
from models.duplicate import DuplicatePair
from models.note import Note, NoteKind
from web.request import session, shop, today

SECTIONS = ("", _l("Records"), _l("Operations"), _l("Settings"))
SECTION_NAMES = ("", "Records", "Operations", "Settings")
MOST_COUNTED = 99
MOST_KEPT = 1000
"""Menus and parts of the frame that are kept, as they are printed."""
Menu = list[tuple[Any, list[tuple[str, str, str, str]]]]
"""Sections of the menu: what each is called, and (resource, heading, address, icon) of its screens."""
Counts = dict[str, tuple[int | None, str]]
"""Resource -> a live figure and what it is of."""


def install(app: Flask) -> None:
    """Let templates print a part of the frame that says the same on every page: ``printed("admin/_help.html")``."""
    app.jinja_env.globals["printed"] = printed


def printed(template: str) -> Markup:
    """Return what a template prints that is given nothing: it is printed once for each language and address."""
    return cast(Markup, _kept(("printed", template), lambda: _print(template)))


def _print(template: str, **given: Any) -> Markup:
    return Markup(render_template(template, **given).strip())  # noqa: S704  escaped


def _kept(key: tuple[Hashable, ...], make: Callable[[], Any]) -> Any:
    """Return what was made for a key before, in the same language and below the same address."""
    kept, whole = app_state().menus, (*key, str(get_locale()), request.script_root)
    found = kept.get(whole)
    if found is None:
        found = make()
        if len(kept) >= MOST_KEPT:
            kept.clear()
        kept[whole] = found
    return found


def frame(active: str = "") -> Frame:
    """Return the frame with ``active`` (a resource, or "home") marked in the menu."""
    user = person()
    name, role = user.get_full_name(), viewing()
    return Frame(
        menu=_printed_menu(active),
        person=name,
        initials=initials(name),
        role=role.name if role is not None else ", ".join(sorted(role.name for role in user.roles)),
        search_url=url_for("search.results"),
        viewing=role.name if role is not None else "",
    )


def initials(name: str) -> str:
    """Return up to two capital letters for an avatar."""
    words = [word for word in name.replace(",", " ").split() if word[:1].isalpha()]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()


def sections(active: str = "") -> Sequence[MenuSection]:
    """Return the menu with what the person asking may use."""
    return _sections(active, _counts(), _hidden())


def _printed_menu(active: str) -> Markup:
    """Return the menu printed: once for all who may use the same screens, are on the same, and have as much to do."""
    counts, hidden = _counts(), _hidden()
    told = (tuple(counts.items()), shop().locale) if counts else ()
    key = ("menu", active, told, held(), hidden)
    return cast(
        Markup, _kept(key, lambda: _print("admin/_menu.html", sections=_sections(active, counts, hidden)))
    )


def _sections(active: str, counts: Counts, hidden: frozenset[str]) -> Sequence[MenuSection]:
    return [
        MenuSection(
            label,
            [
                MenuEntry(heading, url, icon, active == name, *counts.get(name, (None, "")))
                for name, heading, url, icon in entries
            ],
        )
        for label, entries in _kept(("screens", held(), hidden), lambda: _build(hidden))
    ]


def _hidden() -> frozenset[str]:
    return frozenset(s.resource for s in registry().screens.values() if not s.is_listed)


def _build(hidden: frozenset[str]) -> Menu:
    found: Menu = []
    for label, section in zip(SECTIONS, SECTION_NAMES, strict=True):
        entries = [] if section else [("home", _("Today"), url_for("admin.index"), "home")]
        entries += [
            (screen.resource, screen.heading, screen.url_to("index_view"), screen.icon)
            for screen in registry().screens.values()
            if type(screen).menu == section and screen.resource not in hidden
        ]
        if entries:
            found.append((label, entries))
    return found


def _counts() -> Counts:
    """Return the live figures of the menu; one statement for all of them."""
    wanted = {name: (rows, word) for name, rows, word in (_tasks(), _duplicates()) if allowed("list", name)}
    if not wanted:
        return {}
    figures = [
        select(func.count()).select_from(rows.subquery()).scalar_subquery() for rows, _word in wanted.values()
    ]
    counts = session().execute(select(*figures)).one()
    return {name: (n, word) for (name, (_rows, word)), n in zip(wanted.items(), counts, strict=True) if n}


def _tasks() -> tuple[str, Select[Any], str]:
    rows = registry().screens["note"].base_select().with_only_columns(Note.id)
    due = Note.kind == NoteKind.TASK, Note.done_at.is_(None), Note.due_on <= today()
    return "note", rows.where(*due).limit(MOST_COUNTED), _("due")


def _duplicates() -> tuple[str, Select[Any], str]:
    rows = registry().screens["duplicate"].base_select().with_only_columns(DuplicatePair.id)
    return (
        "duplicate",
        rows.where(DuplicatePair.is_open, DuplicatePair.is_likely).limit(MOST_COUNTED),
        _("likely"),
    )
