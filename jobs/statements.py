"""Statements: what the first of the month sends to those who owe overdue money (rule 2.12)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, Subquery, and_, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from actions.core.base import Context, Refused
from actions.core.mail_templates import Paper
from actions.core.recipients import reaches_somebody
from actions.core.texts import money_text, today
from actions.ledgers.ageing import BUCKETS, owed_by_age
from actions.statements.sending import remind, sendable_to
from actions.statements.statements import statement, usual_range
from jobs.base import JobPreview, attempt, job, note
from models.base import N_
from models.customer import Customer
from models.mail import Mail
from models.run import ItemState, Run, RunItem
from models.shop import Shop, load_shop

CODE = "customer.remind"
CHUNK = 20
"""Customers in one transaction: each gets a PDF, and SQLite lets nobody else write in the meantime."""
LOOKED_AT = 500
"""Customers who owe anything, looked at in one statement for what is overdue."""
OFF = N_("No reminders are sent: statement reminders are off in the settings.")
EXTERNAL = N_("No reminders are sent: an accounting package keeps the balances of this shop.")
NOTHING = N_("No overdue customers.")
PREVIEW = N_(
    "%(count)s customers will be sent a reminder. %(without)s overdue customers have no email address."
)
PAID = "paid", N_("Nothing is overdue any more.")
REMINDED = "reminded", N_("This month's reminder has already been created.")
SENT = N_("Reminder for %(amount)s saved in the email log.")


def reminders_due(session: Session, as_of: dt.datetime) -> JobPreview:
    """Count who would be sent a reminder, and who cannot be."""
    shop = load_shop(session)
    if (silent := _silent(shop)) is not None:
        return JobPreview(0, silent, {})
    due = _overdue(select(Customer.id).where(_candidates(shop, as_of)), shop, as_of)
    mailed = reaches_somebody(Paper.STATEMENT)
    query = select(func.count().filter(mailed), func.count().filter(~mailed)).where(
        Customer.id == due.c.customer_id
    )
    count, without = session.execute(query).one()
    values = {"count": count, "without": without}
    return JobPreview(count + without, PREVIEW, values) if count + without else JobPreview(0, NOTHING, {})


@job(CODE, cron="0 8 1 * *", label=N_("Send reminders with statements"), preview=reminders_due, mails=True)
def send_reminders(ctx: Context, run: Run, as_of: dt.datetime) -> int:
    """Remind the next customers who owe overdue money: each once in a month, whatever becomes of the run."""
    if _silent(ctx.shop) is not None:
        return 0
    after = _last(ctx.session, run)
    while looked_at := _next(ctx.session, ctx.shop, as_of, after):
        late = _late(ctx.session, ctx.shop, as_of, looked_at)
        sent = sum(_remind(ctx, run, as_of, customer_id) for customer_id in late)
        if sent:
            return sent
        after = (late if len(late) == CHUNK else looked_at)[-1]
    return 0


# -- who ----------------------------------------------------------------------------------------------------------


def _silent(shop: Shop) -> str | None:
    """Return why nobody is reminded, where that is so."""
    if shop.external_accounting:
        return EXTERNAL
    return None if shop.statement_reminders else OFF


def _key(shop: Shop, as_of: dt.datetime) -> str:
    """Return how the keys of a month's reminders begin; the customer's id makes one whole."""
    return f"{CODE}:{as_of.astimezone(shop.zone):%Y-%m}:"


def _candidates(shop: Shop, as_of: dt.datetime) -> ColumnElement[bool]:
    """Return who owes anything and was not reminded in the month yet."""
    key = literal(_key(shop, as_of)) + cast(Customer.id, String)
    return and_(
        Customer.account_balance > 0,
        Customer.merged_into_id.is_(None),
        Customer.anonymised_at.is_(None),
        ~select(Mail.id).where(Mail.key == key).exists(),
    )


def _overdue(ids: Any, shop: Shop, as_of: dt.datetime) -> Subquery:
    """Return those, of some ids, of whose debt some has been overdue for as long as the setting says."""
    day = as_of.astimezone(shop.zone).date() - dt.timedelta(days=shop.statement_reminder_days - 1)
    owed = owed_by_age(lambda owner: owner.id.in_(ids), day).subquery("owed_by_age")
    late = or_(*(owed.c[name] > 0 for name in BUCKETS[1:]))
    return select(owed.c.customer_id).where(late).subquery("overdue")


def _last(session: Session, run: Run) -> int:
    """Return the highest id of the customers a run has dealt with; it goes by id."""
    newest = select(RunItem.row_id).where(RunItem.run_id == run.id).order_by(RunItem.position.desc()).limit(1)
    return session.scalar(newest) or 0


def _next(session: Session, shop: Shop, as_of: dt.datetime, after: int) -> Sequence[int]:
    query = select(Customer.id).where(_candidates(shop, as_of), Customer.id > after)
    return session.scalars(query.order_by(Customer.id).limit(LOOKED_AT)).all()


def _late(session: Session, shop: Shop, as_of: dt.datetime, ids: Sequence[int]) -> Sequence[int]:
    due = _overdue(ids, shop, as_of)
    return session.scalars(select(due.c.customer_id).order_by(due.c.customer_id).limit(CHUNK)).all()


# -- the action -----------------------------------------------------------------------------------------------------


def _remind(ctx: Context, run: Run, as_of: dt.datetime, customer_id: int) -> bool:
    """Remind one customer, and note what became of it."""
    said: list[str] = []
    done = attempt(ctx, run, customer_id, lambda: said.append(_write(ctx, as_of, customer_id)))
    if done:
        note(ctx, run, customer_id, ItemState.DONE, said[0])
    return done


def _write(ctx: Context, as_of: dt.datetime, customer_id: int) -> str:
    """Write the reminder; return what is said of it.

    The statement is of today, so that who has paid since the slot is not reminded.

    :raises Refused: as :func:`sendable_to`; ``paid``, or ``reminded``. :raises Invalid: there are too many entries.
    """
    customer, key = ctx.lock_one(Customer, customer_id), f"{_key(ctx.shop, as_of)}{customer_id}"
    if ctx.session.scalar(select(Mail.id).where(Mail.key == key)) is not None:
        raise Refused(*REMINDED)
    sendable_to(ctx, customer)
    found = statement(ctx.session, customer, *usual_range(today(ctx)))
    if not found.owed.overdue:
        raise Refused(*PAID)
    remind(ctx, customer, found, key)
    return SENT % {"amount": money_text(ctx, found.owed.overdue, found.currency)}
