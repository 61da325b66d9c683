"""Sessions: everybody their own, and everybody's for those who manage them (rule 16.8)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select

from actions import sessions, staff_sessions
from actions.base import Actor
from admin import agents
from admin.base import Screen
from admin.context import allowed, now
from admin.declare import NoForm, RowAction, Section, View
from admin.pages import Badge
from models.access import StaffSession

MANAGE = "manage"


def _agent(view: Any, context: Any, row: StaffSession, name: str) -> str:
    return agents.words(row.agent)


def _why(view: Any, context: Any, row: StaffSession, name: str) -> str:
    return _(row.ended_because) if row.ended_because else ""


class SessionScreen(Screen):
    """Who is signed in, from where and since when. Nobody but their holder knows what opens them."""

    model = StaffSession
    menu = "Settings"
    icon = "login"
    column_list = (
        "member", "door", "agent", "address", "created_at", "last_seen_at", "ended_at", "ended_because",
    )  # fmt: skip
    column_default_sort = ("last_seen_at", True)
    column_searchable_list = ("address", "agent")
    search_hint = _l("Address or browser")
    column_filters = ("member", "door", "address", "created_at", "last_seen_at", "ended_at")
    column_labels = {
        "member": _l("Who"), "door": _l("By"), "agent": _l("With"), "address": _l("From"),
        "created_at": _l("Signed in"), "last_seen_at": _l("Last seen"),
        "ended_at": _l("Ended"), "ended_because": _l("Why"),
    }  # fmt: skip
    column_formatters = {"agent": _agent, "ended_because": _why}
    column_formatters_export = column_formatters
    sections = (Section("", column_list),)
    column_details_list = column_list
    views = (
        View("open", _l("Not ended"), {"ended_at__empty": "1"}),
        View("ended", _l("Ended"), {"ended_at__empty": "0"}),
        View("all", _l("All")),
    )
    row_actions = (
        RowAction(
            staff_sessions.end, NoForm, "logout", bulk=False, button=True, when=lambda row: row.ended_at is None
        ),
    )  # fmt: skip
    empty = _l("Nobody has signed in lately.")

    @cached_property
    def verbs(self) -> tuple[str, ...]:
        """Add the permission to see and end what is not one's own."""
        return (*super().verbs, MANAGE)

    def scope(self, statement: Select[Any], actor: Actor) -> Select[Any]:
        """Show people their own sessions, and holders of "manage" all of them."""
        return (
            statement if allowed(MANAGE, self.resource) else statement.where(StaffSession.user_id == actor.id)
        )

    def badges(self, row: StaffSession) -> Sequence[Badge]:
        """Say how it stands."""
        if row.ended_at is not None:
            return (Badge(_("Ended"), "secondary"),)
        if sessions.is_good(row, now()):
            return (Badge(_("Signed in"), "green"),)
        return (Badge(_("Lapsed"), "secondary"),)
