"""Duplicates: everybody is compared with everybody else once a week; in between, those who have changed (rule 7.6)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.core.base import Context
from actions.duplicates import checking, crowds
from jobs.base import JobPreview, job
from models.base import N_
from models.run import Run


def customers(session: Session, as_of: dt.datetime) -> JobPreview:
    """Count the customers that the coming run would compare."""
    waiting = session.scalar(select(func.count()).select_from(checking.CHECKS)) or 0
    live = session.scalar(select(func.count()).where(*checking.LIVE)) or 0
    said = N_("%(customers)s customers will be compared with each other.")
    return JobPreview(live + waiting, said, {"customers": live})


@job("duplicate.flag", cron="45 3 * * 0", label=N_("Flag duplicates"), preview=customers, about="duplicate")
def flag_duplicates(ctx: Context, run: Run, as_of: dt.datetime) -> int:
    """Have everybody looked at again, and look at the next few, until nobody is left."""
    connection = ctx.session.connection()
    if run.done == 0:
        checking.check_everybody(connection)
        crowds.follow_all(connection, ctx.now)
    return checking.take_some(connection, ctx.now)
