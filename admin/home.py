"""Today: what waits, a few figures that link to their lists. Only what the person asking may see."""

from __future__ import annotations

import datetime as dt
from typing import Any

from babel.dates import format_datetime
from babel.numbers import format_decimal
from flask import redirect, render_template, request
from flask_admin import AdminIndexView, expose
from flask_babel import gettext as _
from flask_babel import ngettext

from admin import ages, cells
from admin.context import allowed, clientele, now, person, session, shop, sign_in_url, today, zone
from admin.frame import frame
from admin.pages import Figure, Hit, HomePage
from admin.screens.jobs import foresee
from admin.select import count_up_to
from jobs.base import JOBS, is_overdue, last_runs
from models.customer import Customer
from models.job import JobRow
from models.mail import Mail, MailState
from models.note import Note, NoteKind
from models.run import Run

SHOWN = 6
A_WEEK = dt.timedelta(days=6)
"""For so long a day of the week names the day."""
NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
MOST_FAILED = 9_999


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
        """Show Today."""
        name = person().first_name
        page = HomePage(
            _("Hello %(name)s", name=name),
            _figures(),
            [found for found in (_tasks(), _approvals(), _jobs()) if found],
        )
        return render_template("admin/home.html", page=page, frame=frame("home"))


def _figures() -> list[Figure]:
    return [*_customers(), *_owed(), *_failed_mails()]


def _failed_mails() -> list[Figure]:
    """Return the figure of mails that somebody has to look after; none while there are none."""
    if not allowed("list", "mail"):
        return []
    screen = clientele().screens["mail"]
    failed = screen.base_select().where(Mail.state == MailState.FAILED, Mail.resent_at.is_(None))
    count = count_up_to(session(), failed, Mail.id, cap=MOST_FAILED)
    if not count:
        return []
    figure = format_decimal(count, locale=shop().locale)
    return [Figure(_("Emails that failed"), figure, screen.url_to("index_view", view="failed"), "mail")]


def _customers() -> list[Figure]:
    if not allowed("list", "customer"):
        return []
    screen = clientele().screens["customer"]
    customers = count_up_to(session(), screen.base_select(), Customer.id, cap=10_000_000)
    figure = format_decimal(customers, locale=shop().locale)
    return [Figure(_("Customers"), figure, screen.url_to("index_view", view="all"), "users")]


def _owed() -> list[Figure]:
    """Return what is owed and how much of it is overdue: a figure for each currency, the shop's own first."""
    if not allowed("list", "owing"):
        return []
    screen = clientele().screens["owing"]
    found: dict[str, list[ages.Sums]] = {shop().currency: []}
    for sums in ages.sums(session(), screen.base_select().where(Customer.account_balance > 0)):
        found.setdefault(sums.currency, []).append(sums)
    url = screen.url_to("index_view")
    return [
        Figure(
            _("Owed to us"), cells.money(sum(s.owed for s in sums), currency, shop()), url, "receipt",
            _overdue(sums, currency),
        )
        for currency, sums in found.items()
    ]  # fmt: skip


def _overdue(sums: list[ages.Sums], currency: str) -> str:
    late = cells.money(sum(s.by_age.overdue for s in sums), currency, shop())
    count = sum(s.customers for s in sums)
    return ngettext(
        "by %(count)s customer, %(late)s of it overdue",
        "by %(count)s customers, %(late)s of it overdue",
        count,
        count=format_decimal(count, locale=shop().locale),
        late=late,
    )


def _tasks() -> Any:
    if not allowed("list", "note"):
        return None
    screen = clientele().screens["note"]
    query = (
        screen.base_select().add_columns(Customer).join(Customer)
        .where(Note.kind == NoteKind.TASK, Note.done_at.is_(None), Note.due_on <= today())
        .order_by(Note.due_on, Note.id).limit(SHOWN)
    )  # fmt: skip
    hits = [
        Hit(
            str(n),
            f"{c.sort_name} · {cells.day(n.due_on, shop())}",
            screen.line_url(n) or screen.url_to("index_view"),
            "notes",
        )
        for n, c in session().execute(query)
    ]
    return (
        _("Tasks due"),
        screen.url_to("index_view", view="tasks"),
        hits,
        _("No task is due. New ones are made on a customer's Notes tab."),
    )


def _approvals() -> Any:
    if not allowed("list", "customer"):
        return None
    screen = clientele().screens["customer"]
    query = (
        screen.base_select()
        .where(Customer.status == "pending_approval")
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
        _("Waiting for approval"),
        screen.url_to("index_view", view="awaiting"),
        hits,
        _("No trade account is waiting."),
    )


def _jobs() -> Any:
    """Return what the clock will do next, and what it should have done."""
    if not allowed("list", "job"):
        return None
    screen = clientele().screens["job"]
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
    return _("Jobs"), screen.url_to("index_view"), hits, _("No job has been declared.")


def _coming(row: JobRow, last: Run | None) -> str:
    if row.paused:
        return _("Paused")
    if is_overdue(row, last, now(), zone()):
        return _("Overdue: its time has come and nobody has started it")
    declared = JOBS[row.code]
    at = declared.schedule.next(now(), zone())
    if at is None:
        return ""
    day = "EEE HH:mm" if at - now() < A_WEEK else "EEE d MMM HH:mm"
    when = format_datetime(cells.local(at, shop()), day, locale=shop().locale)
    return f"{when} · {foresee(declared, at)}"
