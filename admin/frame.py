"""The frame around every signed-in page: the menu with what this person may use, and who they are."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from admin.context import allowed, clientele, now, person, session, viewing, zone
from admin.pages import Frame, MenuEntry, MenuSection
from models.note import Note, NoteKind

SECTIONS = ("", _l("Records"), _l("Operations"), _l("Settings"))
SECTION_NAMES = ("", "Records", "Operations", "Settings")
MOST_COUNTED = 99


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
    home = MenuEntry(_("Today"), url_for("admin.index"), "home", active == "home")
    found = []
    counts = _counts()
    for label, section in zip(SECTIONS, SECTION_NAMES, strict=True):
        entries = [home] if not section else []
        for screen in clientele().screens.values():
            if type(screen).menu == section and allowed("list", screen.resource):
                count, words = counts.get(screen.resource, (None, ""))
                entries.append(
                    MenuEntry(
                        screen.heading,
                        screen.url_to("index_view"),
                        screen.icon,
                        active == screen.resource,
                        count,
                        words,
                    )
                )
        if entries:
            found.append(MenuSection(label, entries))
    return found


def _counts() -> dict[str, tuple[int | None, str]]:
    """Return the live figures of the menu; one statement for all of them."""
    if not allowed("list", "note"):
        return {}
    today = now().astimezone(zone()).date()
    due = (
        clientele().screens["note"].base_select().with_only_columns(Note.id)
        .where(Note.kind == NoteKind.TASK, Note.done_at.is_(None), Note.due_on <= today)
        .limit(MOST_COUNTED)
        .subquery()
    )  # fmt: skip
    tasks = session().scalar(select(func.count()).select_from(due)) or 0
    return {"note": (tasks, _("due"))} if tasks else {}
