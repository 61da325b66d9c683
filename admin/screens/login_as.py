"""Log-in-as sessions: who of the staff was logged in as which customer, why, and what they saw and changed (rule 6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from actions.portal import login_as
from actions.portal import login_as_standing as standing
from admin.layout import formatters
from admin.request.context import allowed, person
from admin.screen.base import Screen
from admin.screen_spec.column_info import Field
from admin.screen_spec.declare import NoForm, RowAction, Section, View
from admin.screen_spec.registry import registry
from admin.viewmodels.pages import Badge
from models.login_as import LoginAs
from web.request import now, session, shop

EXCHANGE = "exchange"


def _why(row: LoginAs) -> str | None:
    """Return why it is over, None while it stands, as of this moment and whatever is written down by now."""
    known: dict[int, str | None] = g.setdefault("login_as_causes", {})
    if row.id not in known:
        known |= standing.causes(session(), [row.id], now())
    return known[row.id]


def _may_turn_on(row: LoginAs) -> bool:
    """Return whether it is the own session of the person asking, and they could make changes in it."""
    own = row.staff_id == getattr(person(), "id", None) and allowed(standing.ACT_FOR, "customer")
    return own and row.used_at is not None and not row.may_act and _why(row) is None


def _state(row: LoginAs) -> Badge:
    if _why(row) is not None:
        return (
            Badge(_("Ended"), "secondary") if row.used_at is not None else Badge(_("Not begun"), "secondary")
        )
    if row.used_at is None:
        return Badge(_("Waiting"), "yellow")
    return Badge(_("Logged in, changes on"), "red") if row.may_act else Badge(_("Logged in"), "green")


def _how_text(view: Any, context: Any, row: LoginAs, name: str) -> str:
    why = _why(row)
    return _(why) if why is not None else str(_state(row).label)


def _how(view: Any, context: Any, row: LoginAs, name: str) -> Any:
    return _how_text(view, context, row, name)


def _changes(view: Any, context: Any, row: LoginAs, name: str) -> Any:
    """Lead to what they changed, in Activity."""
    count = _changes_text(view, context, row, name)
    activity = registry().screens["changeset"]
    if not count or not activity.can("list"):
        return formatters.number(count, shop())
    url = activity.url_to(
        "index_view",
        on_behalf_of__eq=row.customer_id,
        actor_name__contains=str(row.member),
        at__ge=_local_day(row.used_at),
        at__le=_local_day(row.ends_at),
    )
    return Markup('<a href="{}">{}</a>').format(url, formatters.number(count, shop()))


def _local_day(moment: dt.datetime | None) -> str:
    return moment.astimezone(shop().zone).date().isoformat() if moment is not None else ""


def _changes_text(view: Any, context: Any, row: LoginAs, name: str) -> int:
    found: int = g.login_as_changes.get(row.id, 0)
    return found


def _pages(view: Any, context: Any, row: LoginAs, name: str) -> Any:
    seen = g.login_as_pages.get(row.id, [])
    at = (formatters.moment(page.at, now(), shop()) for page in seen)
    lines = [Markup("{} {}").format(when, page.page) for when, page in zip(at, seen, strict=True)]
    return Markup("<br>").join(lines) or None


def _pages_text(view: Any, context: Any, row: LoginAs, name: str) -> str:
    return ", ".join(page.page for page in g.login_as_pages.get(row.id, []))


class LoginAsScreen(Screen):
    """Nobody writes one here: it is begun on the customer's record."""

    model = LoginAs
    menu = "Settings"
    icon = "login"
    column_list = (
        "created_at", "member", "customer", "reason", "ticket", "how", "used_at", "ended_at", "changes", "pages",
        "audience", "may_act",
    )  # fmt: skip
    column_hidden = column_list[9:]
    column_figures = ("how", "changes", "pages")
    column_default_sort = ("created_at", True)
    column_searchable_list = ("ticket", "reason")
    column_filters = (
        "member",
        "customer",
        "audience",
        "may_act",
        "created_at",
        "used_at",
        "ended_at",
        "ticket",
    )
    column_labels = {
        "created_at": _l("Asked for"),
        "member": _l("Who"),
        "how": _l("State"),
        "used_at": _l("Begun"),
        "ticket": _l("Ticket number"),
        "audience": _l("Where"),
        "may_act": _l("Changes turned on"),
        "pages": _l("Pages seen"),
    }
    column_formatters = {"how": _how, "changes": _changes, "pages": _pages}
    column_formatters_export = {"how": _how_text, "changes": _changes_text, "pages": _pages_text}
    sections = (Section("", column_list),)
    views = (
        View("open", _l("Not ended"), {"ended_at__empty": "1"}),
        View("all", _l("All")),
    )
    row_actions = (
        RowAction(
            login_as.end_from_office, NoForm, "logout", bulk=False, button=True,
            visible_if=lambda row: _why(row) is None,
        ),
        RowAction(
            login_as.allow_changes, NoForm, "pencil", bulk=False, button=True,
            visible_if=_may_turn_on,
            intro=_l("What you change is recorded with your name and the customer's."),
        ),
    )  # fmt: skip
    empty = _l("Staff who are logged in as a customer are listed here.")

    @cached_property
    def verbs(self) -> tuple[str, ...]:
        """Add the permission of a shop's program to exchange hand-overs (rule 6.14)."""
        return (*super().verbs, EXCHANGE)

    def field(self, name: str) -> Field:
        """Set words to the left, as they are no figures."""
        return Field(name, "computed") if name in ("how", "pages") else super().field(name)

    def prepare(self, rows: Sequence[Any], names: Sequence[str], *, whole: bool = False) -> None:
        """Read how each of the page stands, and what was seen and changed."""
        ids = [row.id for row in rows]
        g.login_as_causes = standing.causes(session(), ids, now())
        g.login_as_pages = login_as.pages(session(), ids) if "pages" in names or whole else {}
        g.login_as_changes = login_as.changes(session(), ids) if "changes" in names or whole else {}

    def badges(self, row: LoginAs) -> Sequence[Badge]:
        """Say how it stands."""
        return (_state(row),)

    def subtitle(self, row: LoginAs) -> Sequence[Any]:
        """Say who was logged in as whom."""
        return (str(row.member), str(row.customer))
