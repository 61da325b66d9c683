"""Today: what waits, a few figures that link to their lists. Only what the person asking may see."""

from __future__ import annotations

import datetime as dt
from typing import Any

from babel.dates import format_datetime
from babel.numbers import format_decimal
from flask import redirect, render_template, request, url_for
from flask_admin import AdminIndexView, expose
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import bindparam

from admin.layout import deferred_figures, formatters
from admin.layout.frame import frame
from admin.listing.paging import count_up_to
from admin.reports import ageing
from admin.request.context import allowed, link_base, person, sign_in_url
from admin.screen_spec.registry import registry
from admin.screens.jobs import foresee
from admin.site.backlog import waiting, writing
from admin.viewmodels.pages import Figure, Hit, HomePage
from jobs.base import JOBS, is_overdue, last_runs
from models.choices import Status
from models.customer import Customer
from models.duplicate import DuplicatePair
from models.job import JobRow
from models.mail import Mail, MailState
from models.note import Note, NoteKind
from models.run import Run
from web.request import now, session, shop, today, zone

SHOWN = 6
A_WEEK = dt.timedelta(days=6)
"""For so long a day of the week names the day."""
AWAITING = bindparam(None, Status.PENDING_APPROVAL, type_=Customer.status.type, literal_execute=True)
"""Written into the statement, so that the index of those alone answers it."""
NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
MOST_FAILED = 9_999
HELD_UP = dt.timedelta(minutes=15)
"""For so long a mail may wait before somebody should look why."""


class Home(AdminIndexView):
    """The first page after signing in."""

    def __init__(self) -> None:
        super().__init__(name="Today", url="/admin")
        self.static_folder = None  # Flask-Admin's own pages are not shown, so neither are their files

    def _handle_view(self, name: str, **kwargs: Any) -> Any:
        return None if person() is not None else redirect(sign_in_url(next=request.path))

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        return fn(self, *args, **kwargs)

    @expose("/")
    def index(self) -> str:
        """Show Today, or of it what is owed alone."""
        if deferred_figures.alone("owed"):
            return render_template("admin/_figures.html", figures=_owed())
        name = person().first_name
        page = HomePage(
            _("Hello %(name)s", name=name),
            _figures(),
            [found for found in (_neglected(), _tasks(), _approvals(), _jobs()) if found],
        )
        return render_template("admin/home.html", page=page, frame=frame("home"))


def _figures() -> list[Figure]:
    owed = _owed() if deferred_figures.asked("owed") else _owed_later()
    return [*_customers(), *owed, *_duplicates(), *_failed_mails(), *_mails_held_up()]


def _duplicates() -> list[Figure]:
    """Say how many pairs are likely the same customer, and that nobody has decided about."""
    if not allowed("list", "duplicate"):
        return []
    screen = registry().screens["duplicate"]
    likely = screen.base_select().where(DuplicatePair.is_open, DuplicatePair.is_likely)
    if not (count := count_up_to(session(), likely, DuplicatePair.id, cap=MOST_FAILED)):
        return []
    figure = format_decimal(count, locale=shop().locale)
    return [Figure(_("Likely duplicates"), figure, screen.url_to("index_view", view="likely"), "copy")]


def _mails_held_up() -> list[Figure]:
    """Say that mail cannot go out: no server is set up, or what was tried is still waiting; and why."""
    if not allowed("list", "mail"):
        return []
    screen = registry().screens["mail"]
    if link_base() is not None:
        told = _("No mail server is set up. Emails are kept and not sent.")
        return [Figure(_("Emails"), _("Not sent"), screen.url_to("index_view", view="all"), "mail", told)]
    stuck = Mail.state == MailState.WAITING, Mail.created_at < now() - HELD_UP, Mail.last_error.is_not(None)
    count = count_up_to(session(), screen.base_select().where(*stuck), Mail.id, cap=MOST_FAILED)
    if not count:
        return []
    oldest = session().scalar(screen.base_select().where(*stuck).order_by(Mail.created_at, Mail.id).limit(1))
    figure = format_decimal(count, locale=shop().locale)
    said = oldest.last_error if oldest is not None else None
    why = _(said) if type(said) is str else ""
    return [Figure(_("Emails delayed"), figure, screen.url_to("index_view", view="waiting"), "mail", why)]


def _owed_later() -> list[Figure]:
    """Return what stands in the place of what is owed until it is fetched; without scripts it leads to it."""
    if not allowed("list", "owing"):
        return []
    url = url_for("admin.index", owed=1)
    return [Figure(_("Receivables"), "…", url, "receipt", _("View receivables"), later=url)]


def _neglected() -> Any:
    """Return what waits for a worker that does not come, and whether anything can be saved, for users who see jobs."""
    if not allowed("list", "job"):
        return None
    waits, stuck = waiting(session(), now()), writing()
    hits = [
        _neglect(_("Emails are waiting. Is a worker running?"), waits.mail, "mail"),
        _neglect(_("Background jobs are waiting. Is a worker running?"), waits.runs, "run"),
        _neglect(_("The portal sends no more emails today. Is someone abusing it?"), waits.portal, "mail"),
        _neglect(_("Nothing can be saved. Check the database"), stuck.since, "job"),
    ]
    found = [hit for hit in hits if hit is not None]
    return (
        (_("Needs attention"), registry().screens["job"].url_to("index_view"), found, "") if found else None
    )


def _neglect(title: str, since: dt.datetime | None, resource: str) -> Hit | None:
    if since is None:
        return None
    when = format_datetime(formatters.local(since, shop()), "EEE d MMM HH:mm", locale=shop().locale)
    screen = registry().screens[resource if allowed("list", resource) else "job"]
    return Hit(title, _("since %(when)s", when=when), screen.url_to("index_view"), "alert-triangle")


def _failed_mails() -> list[Figure]:
    """Return the figure of mails that somebody has to look after; none while there are none."""
    if not allowed("list", "mail"):
        return []
    screen = registry().screens["mail"]
    failed = screen.base_select().where(Mail.state == MailState.FAILED, Mail.resent_at.is_(None))
    count = count_up_to(session(), failed, Mail.id, cap=MOST_FAILED)
    if not count:
        return []
    figure = format_decimal(count, locale=shop().locale)
    return [Figure(_("Emails that failed"), figure, screen.url_to("index_view", view="failed"), "mail")]


def _customers() -> list[Figure]:
    if not allowed("list", "customer"):
        return []
    screen = registry().screens["customer"]
    customers = count_up_to(session(), screen.base_select(), Customer.id, cap=10_000_000)
    figure = format_decimal(customers, locale=shop().locale)
    return [Figure(_("Customers"), figure, screen.url_to("index_view", view="all"), "users")]


def _owed() -> list[Figure]:
    """Return what is owed and how much of it is overdue: a figure for each currency, the shop's own first."""
    if not allowed("list", "owing"):
        return []
    screen = registry().screens["owing"]
    debtors = screen.base_select().where(Customer.account_balance > 0)
    worked, url = (
        deferred_figures.worked_out("owed", lambda own: ageing.sums(own, debtors)),
        screen.url_to("index_view"),
    )
    if worked.value is None:
        return [Figure(_("Receivables"), "–", url, "receipt", worked.said)]
    found: dict[str, list[ageing.Sums]] = {shop().currency: []}
    for sums in worked.value:
        found.setdefault(sums.currency, []).append(sums)
    return [
        Figure(
            _("Receivables"), formatters.money(sum(s.owed for s in sums), currency, shop()), url, "receipt",
            f"{_overdue(sums, currency)} · {worked.said}",
        )
        for currency, sums in found.items()
    ]  # fmt: skip


def _overdue(sums: list[ageing.Sums], currency: str) -> str:
    late = formatters.money(sum(s.by_age.overdue for s in sums), currency, shop())
    count = sum(s.customers for s in sums)
    return ngettext(
        "from %(count)s customer, %(late)s overdue",
        "from %(count)s customers, %(late)s overdue",
        count,
        count=format_decimal(count, locale=shop().locale),
        late=late,
    )


def _tasks() -> Any:
    if not allowed("list", "note"):
        return None
    screen = registry().screens["note"]
    query = (
        screen.base_select().add_columns(Customer).join(Customer)
        .where(Note.kind == NoteKind.TASK, Note.done_at.is_(None), Note.due_on <= today())
        .order_by(Note.due_on, Note.id).limit(SHOWN)
    )  # fmt: skip
    hits = [
        Hit(
            str(n),
            f"{c.sort_name} · {formatters.day(n.due_on, shop())}",
            screen.line_url(n) or screen.url_to("index_view"),
            "notes",
        )
        for n, c in session().execute(query)
    ]
    return (
        _("Tasks due"),
        screen.url_to("index_view", view="tasks"),
        hits,
        _("No tasks due. Add tasks on a customer's Notes tab."),
    )


def _approvals() -> Any:
    if not allowed("list", "customer"):
        return None
    screen = registry().screens["customer"]
    query = (
        screen.base_select()
        .where(Customer.status == AWAITING)
        .order_by(Customer.created_at, Customer.id)
        .limit(SHOWN)
    )
    rows = session().scalars(query)
    hits = [
        Hit(
            c.sort_name,
            " · ".join(p for p in (c.company_name, c.email) if p),
            screen.line_url(c) or "",
            "user",
        )
        for c in rows
    ]
    return (
        _("Awaiting approval"),
        screen.url_to("index_view", view="awaiting"),
        hits,
        _("No trade accounts are awaiting approval."),
    )


def _jobs() -> Any:
    """Return what the clock will do next, and what it should have done."""
    if not allowed("list", "job"):
        return None
    screen = registry().screens["job"]
    rows = sorted(
        session().scalars(screen.base_select().where(JobRow.code.in_(list(JOBS)))),
        key=lambda row: (JOBS[row.code].schedule.next(now(), zone()) or NEVER, row.code),
    )
    last = last_runs(session(), [row.id for row in rows])
    hits = [
        Hit(
            _(row.label),
            _coming(row, last.get(row.id)),
            screen.line_url(row) or screen.url_to("index_view"),
            "clock",
        )
        for row in rows
    ]
    return _("Scheduled jobs"), screen.url_to("index_view"), hits, _("There are no scheduled jobs.")


def _coming(row: JobRow, last: Run | None) -> str:
    if row.paused:
        return _("Paused")
    if is_overdue(row, last, now(), zone()):
        return _("Overdue: it has not started at its time")
    declared = JOBS[row.code]
    at = declared.schedule.next(now(), zone())
    if at is None:
        return ""
    day = "EEE HH:mm" if at - now() < A_WEEK else "EEE d MMM HH:mm"
    when = format_datetime(formatters.local(at, shop()), day, locale=shop().locale)
    return f"{when} · {foresee(declared, at)}"
