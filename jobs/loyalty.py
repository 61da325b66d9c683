"""Points: what the night does with them (rule 1.6)."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from actions.core.base import Context
from actions.ledgers.expiry import count_due, expire_lots, next_due
from jobs.base import JobPreview, job, note
from models.base import N_
from models.loyalty import LoyaltyLot
from models.run import WENT_WRONG, ItemState, Run, RunItem

log = logging.getLogger(__name__)

CHUNK = 5_000


def points_due(session: Session, as_of: dt.datetime) -> JobPreview:
    """Count what the coming run would expire."""
    due = count_due(session, as_of)
    said = {0: N_("No points will expire."), 1: N_("%(points)s points of one customer will expire.")}
    many = N_("%(points)s points of %(customers)s customers will expire.")
    values = {"points": due.points, "customers": due.customers}
    return JobPreview(due.lots, said.get(due.customers, many), values)


@job(
    "loyalty.expire", cron="15 2 * * *", label=N_("Expire points"), preview=points_due, about="loyalty_entry"
)
def expire_points(ctx: Context, run: Run, as_of: dt.datetime) -> int:
    """Expire the next lots whose date has come by ``as_of``; a missed night is made good by the next.

    Where none of the next few could be expired, or somebody else has just done so, those behind them are looked at: 0
    is only returned when nothing is left.
    """
    named = RunItem.row_id == LoyaltyLot.entry_id
    poisoned = select(LoyaltyLot.id).join(RunItem, named).where(RunItem.run_id == run.id)
    while ids := next_due(ctx.session, as_of, CHUNK, poisoned):
        if done := _expire(ctx, run, ids):
            return done
    return 0


def _expire(ctx: Context, run: Run, ids: Sequence[int]) -> int:
    """Expire some lots; where they cannot all be, by bisection, until those that cannot stand by themselves (rule 8.3);
    a lot is named by the entry that gave it."""
    try:
        with ctx.journal.attempt(ctx.session):
            return expire_lots(ctx, ids)
    except OperationalError:
        raise
    except DBAPIError:
        if len(ids) == 1:
            log.exception("run %s, lot %s", run.id, ids[0])
            note(ctx, run, ctx.session.get_one(LoyaltyLot, ids[0]).entry_id, ItemState.FAILED, WENT_WRONG)
            return 0
    middle = len(ids) // 2
    return _expire(ctx, run, ids[:middle]) + _expire(ctx, run, ids[middle:])
