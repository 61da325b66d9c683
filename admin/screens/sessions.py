"""Sessions: everybody their own, and everybody's for those who manage them (rule 16.8)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select

from actions.core.base import Actor
from actions.staff import sessions, sign_out
from admin.request.context import allowed
from admin.screen.base import Screen
from admin.screen_spec.declare import NoForm, RowAction, Section, View
from admin.viewmodels.pages import Badge
from models.access import StaffSession
from web import user_agent
from web.request import now

MANAGE = "manage"


def _agent(view: Any, context: Any, row: StaffSession, name: str) -> str:
    return user_agent.words(row.agent)


def _why(view: Any, context: Any, row: StaffSession, name: str) -> str:
    return _(row.ended_because) if row.ended_because else ""


class SessionScreen(Screen):
    """Who is signed in, from where and since when. Nobody but their holder knows what opens them."""

    model = StaffSession
    menu = "Settings"
    icon = "login"
    column_list = (
        "member", "channel", "agent", "address", "created_at", "last_seen_at", "ended_at", "ended_because",
    )  # fmt: skip
    column_default_sort = ("last_seen_at", True)
    column_searchable_list = ("address", "agent")
    search_hint = _l("IP address or browser")
    column_filters = ("member", "channel", "address", "created_at", "last_seen_at", "ended_at")
    column_labels = {
        "member": _l("Who"),
        "agent": _l("Browser"),
        "address": _l("IP address"),
        "created_at": _l("Signed in"),
        "ended_because": _l("Reason ended"),
    }
    column_formatters = {"agent": _agent, "ended_because": _why}
    column_formatters_export = column_formatters
    sections = (Section("", column_list),)
    views = (
        View("open", _l("Active"), {"ended_at__empty": "1"}),
        View("ended", _l("Ended"), {"ended_at__empty": "0"}),
        View("all", _l("All")),
    )
    row_actions = (
        RowAction(
            sign_out.end, NoForm, "logout", bulk=False, button=True, visible_if=lambda row: row.ended_at is None
        ),
    )  # fmt: skip
    empty = _l("No recent sessions.")

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
        return (Badge(_("Expired"), "secondary"),)
