"""Runs: long work, how far it is, what became of each row, and taking the whole of it back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from babel.dates import format_timedelta
from babel.numbers import format_decimal
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import select

from actions.core.base import ACTIONS
from actions.runs import runs
from admin.history import activity, previews, undo_offer
from admin.layout import formatters
from admin.screen.base import Screen
from admin.screen_spec.declare import NoForm, RowAction, Tab, View
from admin.screen_spec.registry import registry
from admin.viewmodels.pages import Badge
from models.journal import Changeset
from models.mail import Mail, MailState
from models.run import Run, RunItem, RunState
from web.request import now, session, shop


def _what(view: Any, context: Any, row: Run, name: str) -> str:
    return activity.action_label(row.action)


def _gone(row: Run) -> str:
    gone = row.done + row.refused
    return _(
        "%(gone)s of %(total)s",
        gone=formatters.number(gone, shop()),
        total=formatters.number(row.size, shop()),
    )


def how_far(row: Run) -> str:
    """Return how much of a run is done, how fast it goes and how long it still takes."""
    return ", ".join(part for part in (_gone(row), pace(row)) if part)


def _progress(view: Any, context: Any, row: Run, name: str) -> Any:
    gone, words = row.done + row.refused, _gone(row)
    bar = Markup('<progress class="run-progress" value="{}" max="{}">{}</progress> {}')
    return bar.format(gone, row.size or 1, words, words)


def pace(row: Run) -> str:
    """Return how fast a run goes and how long it still takes, as far as can be told; "" for one that does not go on."""
    gone = row.done + row.refused
    if row.state != RunState.RUNNING or row.started_at is None or not 0 < gone < row.size:
        return ""
    taken = max((now() - row.started_at).total_seconds(), 1.0)
    rate = gone / taken
    left = format_timedelta(dt.timedelta(seconds=(row.size - gone) / rate), locale=shop().locale)
    figure = format_decimal(round(rate, 0 if rate >= 10 else 1), locale=shop().locale)
    return _("%(rate)s a second, about %(time)s left", rate=figure, time=left)


def _progress_figure(view: Any, context: Any, row: Run, name: str) -> int:
    return row.done + row.refused


def _may_go_back(row: Run) -> bool:
    declared = ACTIONS.get(row.action)
    by_itself = row.action in runs.LABELS or (declared is not None and declared.final)
    return not row.is_open and row.done > 0 and not by_itself


def _has_written(row: Run) -> bool:
    """Return whether a run has written emails that wait, or were kept as nothing could be sent."""
    written = (
        select(Mail.id)
        .join(Changeset, Mail.changeset_id == Changeset.id)
        .where(Changeset.run_id == row.id, Mail.state.in_((MailState.WAITING, MailState.WITHHELD)))
    )
    return bool(session().scalar(select(written.exists())))


class RunScreen(Screen):
    """Actions on more rows than one transaction should hold, processed in the background (rule 8)."""

    model = Run
    menu = "Operations"
    icon = "bolt"
    column_list = (
        "action",
        "state",
        "progress",
        "done",
        "refused",
        "actor_name",
        "created_at",
        "finished_at",
        "reason",
    )
    column_hidden = ("done", "reason")
    column_figures = ("progress",)
    column_default_sort = ("id", True)
    column_filters = ("action", "state", "actor_name", "created_at")
    column_labels = {
        "action": _l("What"),
        "actor_name": _l("Who"),
        "created_at": _l("Started"),
        "refused": _l("Not done"),
    }
    column_formatters = {"action": _what, "progress": _progress}
    column_formatters_export = {"action": _what, "progress": _progress_figure}
    column_beside: ClassVar[Mapping[str, Sequence[str]]] = {"progress": ("size",)}
    views = (
        View("all", _l("All")),
        View("open", _l("In progress"), {"state__in": "queued,running"}, counted=True),
    )
    tabs = (Tab("run_item", via="run"),)
    row_actions = (
        RowAction(runs.cancel, NoForm, "x", visible_if=lambda row: row.is_open, bulk=False, button=True),
        RowAction(
            runs.undo_all, NoForm, "arrow-back-up", visible_if=_may_go_back,
            permitted_if=undo_offer.may_undo, bulk=False, button=True,
        ),
    )  # fmt: skip
    empty = _l(
        "Actions on more than 500 records run here in the background. You can follow, stop and undo them."
    )

    def badges(self, row: Run) -> list[Badge]:
        """Say how it stands."""
        return [Badge(_(row.state.label), formatters.COLOURS.get(row.state.value, "secondary"))]

    def subtitle(self, row: Run) -> list[Any]:
        """Say what it does, how far it is, and for whom."""
        far = _progress(self, None, row, "")
        return [_what(self, None, row, ""), far, pace(row), row.actor_name, row.reason]

    def notice(self, row: Run) -> Any:
        """Say why the product stopped it, and that what it has written went nowhere."""
        told = [_(row.stopped_because)] if row.stopped_because else []
        unsent = previews.unsent()
        return " ".join([*told, *(unsent if unsent and _has_written(row) else ())])

    def live(self, row: Run) -> bool:
        """A run that is going on is watched."""
        return row.is_open


def _record(view: Any, context: Any, row: RunItem, name: str) -> Any:
    if not row.row_id:  # a row of a file that became no record
        return None
    resource = runs.ABOUT.get(row.run.action) or row.run.action.partition(".")[0]
    screen = registry().screens.get(resource)
    if screen is None:
        return f"#{row.row_id}"
    label = f"{_(screen.singular)} #{row.row_id}"
    if not screen.can("show"):
        return label
    return Markup('<a href="{}">{}</a>').format(screen.row_url("details_view", row.row_id), label)


def _record_number(view: Any, context: Any, row: RunItem, name: str) -> int | None:
    return row.row_id or None


class RunItemScreen(Screen):
    """What became of each row of a run."""

    model = RunItem
    menu = None
    icon = "checklist"
    column_list = ("position", "row_id", "state", "message", "run")
    column_default_sort = "id"
    column_filters = ("run", "state", "row_id")
    column_labels = {"run": _l("Background job"), "row_id": _l("Record"), "position": _l("No.")}
    column_formatters = {"row_id": _record}
    column_formatters_export = {"row_id": _record_number}
    empty = _l("The result for each record of a background job is listed here.")
