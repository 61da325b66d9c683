"""Jobs: what the clock does and when, what became of it, and doing or leaving out one by hand (rule 8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from admin.history import previews
from admin.layout import formatters
from admin.screen.base import Screen
from admin.screen_spec.column_info import Field
from admin.screen_spec.declaration import Live
from admin.screen_spec.declare import NoForm, RowAction, Tab
from admin.screen_spec.registry import registry
from admin.screens import runs
from admin.viewmodels.pages import Badge, Cell
from jobs import base
from models.job import JobRow
from models.run import Run
from web.request import memo, now, session, shop, zone


def state(row: JobRow, last: Run | None) -> Sequence[Badge]:
    """Return the badge of a job that is not as it should be."""
    if row.paused:
        return (Badge(_("Paused"), "yellow", "player-pause"),)
    overdue = base.is_overdue(row, last, now(), zone())
    return (Badge(_("Overdue"), "red", "alert-triangle"),) if overdue else ()


def _last_run(row: JobRow) -> Run | None:
    """Return the last run of the one job that a page is about."""
    return memo(("last_run", row.id), lambda: base.last_runs(session(), [row.id]).get(row.id))


def _name(view: Any, context: Any, row: JobRow, name: str) -> Cell:
    return Cell(_(row.label), view.line_url(row), badges=state(row, g.last_runs.get(row.id)))


def in_words(schedule: Any) -> str:
    """Return when a schedule is due: in words where it is every day or month, else as it is declared."""
    minute, hour, *days = str(schedule).split()
    if not (minute.isdigit() and hour.isdigit() and days[1:] == ["*"] * 2):
        return str(schedule)
    time = f"{int(hour):02}:{int(minute):02}"
    if days[0].isdigit():
        return _("on day %(day)s of each month at %(time)s", day=days[0], time=time)
    return _("every day at %(time)s", time=time) if days[0] == "*" else str(schedule)


def _schedule(view: Any, context: Any, row: JobRow, name: str) -> str:
    declared = base.JOBS.get(row.code)
    return in_words(declared.schedule) if declared is not None else ""


def _next(view: Any, context: Any, row: JobRow, name: str) -> Any:
    coming = _coming(row)
    return formatters.moment(coming, now(), shop()) if coming is not None else None


def _next_text(view: Any, context: Any, row: JobRow, name: str) -> Any:
    return _coming(row)


def _coming(row: JobRow) -> dt.datetime | None:
    declared = base.JOBS.get(row.code)
    return declared.schedule.next(now(), zone()) if declared is not None and not row.paused else None


def _last(view: Any, context: Any, row: JobRow, name: str) -> Any:
    run: Run | None = g.last_runs.get(row.id)
    if run is None:
        return None
    when = formatters.moment(run.finished_at or run.created_at, now(), shop())
    badge = formatters.badge(Badge(_(run.state.label), formatters.COLOURS.get(run.state.value, "secondary")))
    return _to_run(run, Markup("{} {}").format(badge, when))


def _to_run(run: Run, words: Any) -> Any:
    screen = registry().screens["run"]
    if not screen.can("show"):
        return words
    return Markup('<a href="{}">{}</a>').format(screen.row_url("details_view", run.id), words)


def _foreseen(view: Any, context: Any, row: JobRow, name: str) -> str:
    """Return what the job would do if started now (rule 8.4)."""
    declared = base.JOBS.get(row.code)
    return foresee(declared, now()) if declared is not None else ""


def foresee(declared: base.Job, as_of: dt.datetime) -> str:
    """Return what a job would do as of an instant, in words."""
    foreseen = declared.preview(session(), as_of)
    figures = {name: formatters.number(value, shop()) for name, value in foreseen.values.items()}
    mails = declared.mails and foreseen.size
    return " ".join([_(foreseen.sentence, **figures), *(previews.unsent() if mails else ())])


def _last_text(view: Any, context: Any, row: JobRow, name: str) -> str:
    run: Run | None = g.last_runs.get(row.id)
    return _(run.state.label) if run is not None else ""


class JobScreen(Screen):
    """What the clock does. Each job is declared in the program; here it is watched, started and paused."""

    model = JobRow
    menu = "Operations"
    icon = "clock"
    column_list = ("code", "schedule", "next", "last", "paused")
    column_details_list = ("schedule", "next", "foreseen", "last", "paused")
    column_figures = ("schedule", "next", "last", "foreseen")
    column_formatters = {
        "code": _name, "schedule": _schedule, "next": _next, "last": _last, "foreseen": _foreseen,
    }  # fmt: skip
    column_formatters_export = {
        "schedule": _schedule,
        "next": _next_text,
        "last": _last_text,
        "foreseen": _foreseen,
    }
    column_default_sort = ("code", False)
    column_searchable_list = ("code",)
    column_filters = ("code", "paused")
    column_labels = {
        "code": _l("Job"),
        "schedule": _l("When"),
        "last": _l("Last result"),
        "foreseen": _l("If it ran now"),
    }
    can_create = can_edit = can_delete = False
    tabs = (Tab("run", _l("History"), via="job"),)
    row_actions = (
        RowAction(
            base.run_now, NoForm, "player-play", bulk=False, button=True,
            intro=_l("Runs the job now. It will also run at its usual time."),
        ),
        RowAction(base.pause, NoForm, "player-pause", bulk=False, visible_if=lambda row: not row.paused),
        RowAction(base.resume, NoForm, "player-play", bulk=False, visible_if=lambda row: row.paused),
    )  # fmt: skip
    empty = _l("There are no scheduled jobs.")

    def field(self, name: str) -> Field:
        """Set times to the left, as they are no figures."""
        return Field(name, "computed") if name in self.column_figures else super().field(name)

    def prepare(self, rows: Sequence[Any], names: Sequence[str], *, whole: bool = False) -> None:
        """Read the last run of each job of the page, in one statement."""
        g.last_runs = base.last_runs(session(), [row.id for row in rows])

    def badges(self, row: JobRow) -> Sequence[Badge]:
        """Say that the clock leaves it out, or that there is none."""
        return state(row, _last_run(row))

    def live(self, row: JobRow) -> Live:
        """A job that is going on is watched, and any other looked at when its time comes."""
        known: dict[int, Run] | None = g.get("last_runs")
        run = _last_run(row) if known is None else known.get(row.id)
        return (run is not None and run.is_open) or _coming(row) or False

    def notice(self, row: JobRow) -> Any:
        """Say how far it is, or what to do about a job that is overdue."""
        run = _last_run(row)
        if run is not None and run.is_open:
            return _to_run(run, _("Running: %(far)s", far=runs.how_far(run)))
        overdue = base.is_overdue(row, _last_run(row), now(), zone())
        return _("This job is overdue and has not started. Is `flask scheduler` running?") if overdue else ""

    def subtitle(self, row: JobRow) -> Sequence[Any]:
        """Say when it is due, and what the command line calls it."""
        return (_schedule(self, None, row, ""), row.code)
