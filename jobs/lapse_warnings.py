"""The mail before points lapse, each morning (rule 1.10)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions import lapse_warnings
from actions.base import Context
from actions.lapse_warnings import Soon
from jobs.base import Foreseen, attempt, job
from models.base import N_
from models.customer import Customer
from models.run import Run, RunItem
from models.shop import load_shop

CHUNK = 200
"""Lots whose customers are written to in one transaction."""


def customers_to_tell(session: Session, as_of: dt.datetime) -> Foreseen:
    """Count whom the coming run would write to."""
    span = lapse_warnings.soon(as_of, load_shop(session))
    if span is None:
        return Foreseen(0, N_("The shop's settings say that nobody is warned."), {})
    there = lapse_warnings.count(session, span)
    said = {
        0: N_("Nobody is to be told of points that lapse soon."),
        1: N_("One customer will be told that %(points)s points lapse soon."),
    }
    many = N_("%(customers)s customers will be told that %(points)s points lapse soon.")
    values = {"points": there.points, "customers": there.customers}
    return Foreseen(there.customers, said.get(there.customers, many), values)


@job(
    "loyalty.warn",
    cron="0 9 * * *",
    label=N_("Warn before points lapse"),
    preview=customers_to_tell,
    about="customer",
)
def warn_customers(ctx: Context, run: Run, as_of: dt.datetime) -> int:
    """Write to the next customers whose points lapse soon; those who cannot be reached are named in the run."""
    span = lapse_warnings.soon(as_of, ctx.shop)
    if span is None:
        return 0
    span = Soon(max(span.after, ctx.now), span.until)  # of what has lapsed meanwhile nobody is told
    passed_over = select(RunItem.row_id).where(RunItem.run_id == run.id)
    while ids := lapse_warnings.next_customers(ctx.session, span, CHUNK, passed_over):
        refused = run.refused
        done = _tell(ctx, run, span, ids)
        if done or run.refused == refused:
            return done
    return 0


def _tell(ctx: Context, run: Run, span: Soon, ids: Sequence[int]) -> int:
    """Lock the customers, look again, and write; return how many were written to."""
    customers = ctx.lock(Customer, ids)
    lots = lapse_warnings.lots_to_tell(ctx.session, span, ids)
    return sum(
        attempt(ctx, run, customer.id, partial(lapse_warnings.tell, ctx, customer, lots[customer.id]))
        for customer in customers
        if lots[customer.id]
    )
