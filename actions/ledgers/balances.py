"""The balance that each entry of a ledger left behind (rule 2.8), reckoned back from the one there is now.

So the newest page of a long ledger looks at next to nothing but itself: what came after the page is added up once, and
then what lies on it, entry by entry.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, func, literal, select
from sqlalchemy.orm import Session

from actions.ledgers.ledger import LedgerEntry
from models.account import AccountEntry
from models.credit import CreditEntry
from models.customer import Customer
from models.loyalty import LoyaltyEntry
from models.types import UTCDateTime

FIGURES: dict[Any, tuple[Any, Any]] = {
    LoyaltyEntry: (LoyaltyEntry.points, Customer.points),
    AccountEntry: (AccountEntry.amount, Customer.account_balance),
    CreditEntry: (CreditEntry.amount, Customer.credit_balance),
}
"""Ledger -> the figure of its entries, and where the sum of a customer's is cached."""
Times = dict[int, list[dt.datetime]]
"""Customer id -> when each of the entries asked about was written."""


def balances_after(
    session: Session, model: type[LedgerEntry], entries: Sequence[LedgerEntry]
) -> dict[int, int]:
    """Return entry id -> the sum of the customer's entries up to it, in (created_at, id) order (rule 2.8)."""
    times: Times = defaultdict(list)
    for entry in entries:
        times[entry.customer_id].append(entry.created_at)
    if not times:
        return {}
    then = _after_the_last(session, model, times)
    since = _since(session, model, times, [entry.id for entry in entries])
    return {entry.id: then[entry.customer_id] - since[entry.id] for entry in entries}


def _bound(times: Times, pick: Callable[[Iterable[dt.datetime]], dt.datetime]) -> ColumnElement[dt.datetime]:
    return case({whose: literal(pick(at), UTCDateTime) for whose, at in times.items()}, value=Customer.id)


def _after_the_last(session: Session, model: Any, times: Times) -> dict[int, int]:
    """Return customer id -> the balance at the end of the instant of the latest of the entries."""
    figure, cached = FIGURES[model]
    later = select(func.coalesce(func.sum(figure), 0)).where(
        model.customer_id == Customer.id, model.created_at > _bound(times, max)
    )
    ends = select(Customer.id, cast(cached - later.scalar_subquery(), BigInteger))
    return {row[0]: row[1] for row in session.execute(ends.where(Customer.id.in_(times)))}


def _since(session: Session, model: Any, times: Times, ids: Sequence[int]) -> dict[int, int]:
    """Return entry id -> the sum of what came after it, up to that instant."""
    figure, _cached = FIGURES[model]
    newest_first = model.created_at.desc(), model.id.desc()
    newer = func.sum(figure).over(partition_by=model.customer_id, order_by=newest_first, rows=(None, -1))
    theirs = model.created_at.between(_bound(times, min), _bound(times, max))
    between = (
        select(model.id, cast(func.coalesce(newer, 0), BigInteger).label("newer"))
        .select_from(Customer)
        .join(model, and_(model.customer_id == Customer.id, theirs))
        .where(Customer.id.in_(times))
        .subquery()
    )
    found = session.execute(select(between.c.id, between.c.newer).where(between.c.id.in_(ids)))
    return {row[0]: row[1] for row in found}
