"""The mail before points expire, each morning (rule 1.10)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.core.base import Context
from actions.ledgers import expiry_notices
from actions.ledgers.expiry_notices import Soon
from jobs.base import JobPreview, attempt, job
from models.base import N_
from models.customer import Customer
from models.run import Run, RunItem
from models.shop import load_shop

CHUNK = 200
"""Lots whose customers are written to in one transaction."""


def customers_to_tell(session: Session, as_of: dt.datetime) -> JobPreview:
    """Count whom the coming run would write to."""
    span = expiry_notices.soon(as_of, load_shop(session))
    if span is None:
        return JobPreview(0, N_("Points expiry notices are off in the settings."), {})
    there = expiry_notices.count(session, span)
    said = {
        0: N_("No customers to notify of points that expire soon."),
        1: N_("One customer will be notified that %(points)s points expire soon."),
    }
    many = N_("%(customers)s customers will be notified that %(points)s points expire soon.")
    values = {"points": there.points, "customers": there.customers}
    return JobPreview(there.customers, said.get(there.customers, many), values)


@job(
    "loyalty.send_expiry_notices",
    cron="0 9 * * *",
    label=N_("Send points expiry notices"),
    preview=customers_to_tell,
    about="customer",
    mails=True,
)
def warn_customers(ctx: Context, run: Run, as_of: dt.datetime) -> int:
    """Write to the next customers whose points expire soon; those who cannot be reached are named in the run."""
    span = expiry_notices.soon(as_of, ctx.shop)
    if span is None:
        return 0
    span = Soon(max(span.after, ctx.now), span.until)  # of what has expired in the meantime nobody is told
    passed_over = select(RunItem.row_id).where(RunItem.run_id == run.id)
    while ids := expiry_notices.next_customers(ctx.session, span, CHUNK, passed_over):
        refused = run.refused
        done = _tell(ctx, run, span, ids)
        if done or run.refused == refused:
            return done
    return 0


def _tell(ctx: Context, run: Run, span: Soon, ids: Sequence[int]) -> int:
    """Lock the customers, look again, and write; return how many were written to."""
    customers = ctx.lock(Customer, ids)
    lots = expiry_notices.lots_to_tell(ctx.session, span, ids)
    return sum(
        attempt(ctx, run, customer.id, partial(expiry_notices.tell, ctx, customer, lots[customer.id]))
        for customer in customers
        if lots[customer.id]
    )
