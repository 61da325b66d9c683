"""The frame around every signed-in page: the menu with what this person may use, and who they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from admin.request.context import allowed, app_state, held, person, viewing
from admin.screen_spec.registry import registry
from admin.viewmodels.pages import Frame, MenuEntry, MenuSection
from models.note import Note, NoteKind
from web.request import session, today

SECTIONS = ("", _l("Records"), _l("Operations"), _l("Settings"))
SECTION_NAMES = ("", "Records", "Operations", "Settings")
MOST_COUNTED = 99
MOST_KEPT = 200
Menu = list[tuple[Any, list[tuple[str, str, str, str]]]]
"""Sections of the menu: what each is called, and (resource, heading, address, icon) of its screens."""


def frame(active: str = "") -> Frame:
    """Return the frame with ``active`` (a resource, or "home") marked in the menu."""
    user = person()
    name, role = user.get_full_name(), viewing()
    return Frame(
        sections=sections(active),
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
    counts = _counts()
    return [
        MenuSection(
            label,
            [
                MenuEntry(heading, url, icon, active == name, *counts.get(name, (None, "")))
                for name, heading, url, icon in entries
            ],
        )
        for label, entries in _menu()
    ]


def _menu() -> Menu:
    """Return the menu but for what changes from page to page: the same for all who may use the same screens."""
    hidden = frozenset(s.resource for s in registry().screens.values() if not s.is_listed)
    kept, key = app_state().menus, (held(), hidden, str(get_locale()), request.script_root)
    if key not in kept:
        if len(kept) >= MOST_KEPT:
            kept.clear()
        kept[key] = _build(hidden)
    return kept[key]


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


def _counts() -> dict[str, tuple[int | None, str]]:
    """Return the live figures of the menu; one statement for all of them."""
    if not allowed("list", "note"):
        return {}
    due = (
        registry().screens["note"].base_select().with_only_columns(Note.id)
        .where(Note.kind == NoteKind.TASK, Note.done_at.is_(None), Note.due_on <= today())
        .limit(MOST_COUNTED)
        .subquery()
    )  # fmt: skip
    tasks = session().scalar(select(func.count()).select_from(due)) or 0
    return {"note": (tasks, _("due"))} if tasks else {}
