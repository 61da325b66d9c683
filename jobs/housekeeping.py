"""What the house does with what nobody needs any more, and whether its books are in order."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, func, or_, select
from sqlalchemy.orm import Session

from actions.core.base import Context
from actions.execution import rate_limit, session_store
from actions.maintenance.verify import verify
from jobs.base import JobPreview, job, note
from models.access import AttemptBucket, KnownBrowser, StaffLink, StaffSession
from models.base import N_
from models.customer import Customer
from models.importing import ImportFile
from models.portal import PortalBrowser, PortalLink, PortalSession
from models.run import ItemState, Run

log = logging.getLogger(__name__)

CHUNK = 1_000
LINKS_KEPT = dt.timedelta(days=30)
BROWSERS_KEPT = dt.timedelta(days=180)
"""As long as the browser itself keeps what it is known by."""
RUNS_KEPT = dt.timedelta(days=90)
"""How long a run of a job is remembered that found nothing to do."""


def _gone(as_of: dt.datetime) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Yield each table of things with a time, and which of its rows are past it."""
    buckets, files, runs = (cast(Table, model.__table__).c for model in (AttemptBucket, ImportFile, Run))
    past = {
        StaffSession: _ended(StaffSession, as_of),
        PortalSession: _ended(PortalSession, as_of),
        AttemptBucket: buckets.last_at < as_of - rate_limit.KEPT,
        StaffLink: StaffLink.expires_at < as_of - LINKS_KEPT,
        PortalLink: PortalLink.expires_at < as_of - LINKS_KEPT,
        KnownBrowser: KnownBrowser.created_at < as_of - BROWSERS_KEPT,
        PortalBrowser: PortalBrowser.created_at < as_of - BROWSERS_KEPT,
        ImportFile: files.expires_at <= as_of,
        Run: runs.job_id.is_not(None)
        & (runs.done + runs.refused == 0)
        & (runs.finished_at < as_of - RUNS_KEPT),
    }
    for model, clause in past.items():
        yield cast(Table, cast(Any, model).__table__), clause


def _ended(model: type[StaffSession | PortalSession], as_of: dt.datetime) -> ColumnElement[bool]:
    expired = or_(
        model.created_at < as_of - session_store.LONGEST, model.last_seen_at < as_of - session_store.IDLE
    )
    return (model.created_at < as_of - session_store.KEPT) & expired


def things_past(session: Session, as_of: dt.datetime) -> JobPreview:
    """Count what would be thrown away."""
    parts = [
        select(func.count()).select_from(table).where(past).scalar_subquery() for table, past in _gone(as_of)
    ]
    count = sum(session.execute(select(*parts)).one())
    said = N_(
        "%(count)s expired items will be deleted: sessions, links, uploaded files and empty background jobs."
    )
    return JobPreview(count, said if count else N_("Nothing has expired."), {"count": count})


@job("maintenance.purge", cron="30 3 * * *", label=N_("Purge expired data"), preview=things_past)
def tidy(ctx: Context, run: Run, as_of: dt.datetime) -> int:
    """Throw away the next of what nobody needs any more: nothing of it is a fact about the shop."""
    connection = ctx.session.connection()
    for table, past in _gone(as_of):
        ids = connection.scalars(select(table.c.id).where(past).order_by(table.c.id).limit(CHUNK)).all()
        if ids:
            connection.execute(table.delete().where(table.c.id.in_(ids), past))
            return len(ids)
    return 0


def books(session: Session, as_of: dt.datetime) -> JobPreview:
    """Count whose books would be gone through."""
    count = session.scalar(select(func.count()).select_from(Customer)) or 0
    return JobPreview(1, N_("Balances of %(count)s customers will be checked."), {"count": count})


@job("maintenance.verify_ledgers", cron="0 4 * * *", label=N_("Check all balances"), preview=books)
def check(ctx: Context, run: Run, as_of: dt.datetime) -> int:
    """Recompute every balance, lot and cache, and name what is off (rule 1.3). Nothing is corrected by it."""
    if run.done or run.refused:
        return 0
    for found in verify(ctx.session):
        log.error("verify: %s", found)
        note(ctx, run, 0, ItemState.FAILED, found[:2_000])
    return 0 if run.refused else 1
