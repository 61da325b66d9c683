"""How long customers have owed what they owe (rule 2.9).

Which invoices are open is stored nowhere: it follows from the balance. As payments settle the oldest invoice first,
what is owed are the newest invoices, as many as make up the balance, the last of them in part.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Select,
    Subquery,
    bindparam,
    case,
    cast,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.orm import Session, aliased

from models.account import AccountEntry, AccountKind, Invoice
from models.customer import Customer

Day = dt.date | Callable[[], dt.date]
"""A day, or for a statement that is kept what tells it whenever it runs."""

AT_ONCE = 500
"""Customers looked at in one statement."""


@dataclass(frozen=True, slots=True)
class Ageing:
    """What one customer owes by how long it is past due, in minor units; none of the figures is below zero.

    ``current`` is not due before today, ``days_30`` is 1 to 30 days past due, ``days_60`` 31 to 60, ``days_90`` 61 to
    90, ``older`` more. ``credit`` is money of theirs that no invoice has used up.
    """

    current: int = 0
    days_30: int = 0
    days_60: int = 0
    days_90: int = 0
    older: int = 0
    credit: int = 0

    @property
    def overdue(self) -> int:
        """What is past due."""
        return self.days_30 + self.days_60 + self.days_90 + self.older

    @property
    def total(self) -> int:
        """What is owed, due or not. Less ``credit`` it is the account balance."""
        return self.current + self.overdue


BUCKETS = tuple(field.name for field in fields(Ageing) if field.name != "credit")


def ageing(session: Session, customer_ids: Sequence[int], on: dt.date) -> dict[int, Ageing]:
    """Return what each of these customers owes by how late it is on a day; who is missing is left out."""
    found: dict[int, Ageing] = {}
    for start in range(0, len(customer_ids), AT_ONCE):
        ids = customer_ids[start : start + AT_ONCE]
        owed = owed_by_age(AccountEntry.customer_id.in_(ids), on).subquery("owed_by_age")
        columns = [func.coalesce(owed.c[name], 0) for name in BUCKETS]
        query = (
            select(Customer.id, Customer.account_balance, *columns)
            .outerjoin(owed, owed.c.customer_id == Customer.id)
            .where(Customer.id.in_(ids))
        )
        for customer_id, balance, *buckets in session.execute(query):
            figures = dict(zip(BUCKETS, buckets, strict=True))
            found[customer_id] = Ageing(**figures, credit=max(0, -balance))
    return found


def owed_by_age(whose: ColumnElement[bool], on: Day) -> Select[Any]:
    """Select (customer_id, one column for each of ``BUCKETS``) of the customers who owe.

    :param whose: a clause on ``AccountEntry.customer_id`` that chooses the customers.
    """
    owed = _open(whose)
    due = func.coalesce(Invoice.due_on, owed.c.value_date)
    left = case((owed.c.amount < owed.c.rest, owed.c.amount), else_=owed.c.rest)
    bucket = _bucket(due, on)
    sums = [
        cast(func.coalesce(func.sum(left).filter(bucket == name), 0), BigInteger).label(name)
        for name in BUCKETS
    ]
    query = select(owed.c.customer_id, *sums).outerjoin(Invoice, Invoice.id == owed.c.invoice_id)
    return query.where(owed.c.rest > 0).group_by(owed.c.customer_id)


def who_is_late(on: dt.date) -> Select[Any]:
    """Select the ids of the customers of whose debt something is past due."""
    owed = owed_by_age(true(), on).subquery("owed_by_age")
    return select(owed.c.customer_id).where(
        sum((owed.c[name] for name in BUCKETS[2:]), owed.c[BUCKETS[1]]) > 0
    )


def bucket_of(name: str, on: Day) -> ColumnElement[int]:
    """Return what the customer of a row owes in one bucket, to sort customers by."""
    owed = owed_by_age(AccountEntry.customer_id == Customer.id, on)
    mine = owed.subquery("owed_by_age")
    return func.coalesce(select(mine.c[name]).scalar_subquery(), 0)


def _open(whose: ColumnElement[bool]) -> Subquery:
    """Return what raised the balance and was not voided, with ``rest``: how much of the balance newer ones leave to it.

    The newest invoices come first. Refunds are taken off payments, so they count only after all invoices; what is in
    a currency that the account had once makes up nothing until all the rest has (rule 2.1).
    """
    reversal, owner = aliased(AccountEntry), aliased(Customer)
    newest_first = (
        AccountEntry.currency != owner.currency,
        AccountEntry.kind == AccountKind.REFUND,
        AccountEntry.value_date.desc(),
        AccountEntry.id.desc(),
    )
    newer = func.sum(AccountEntry.amount).over(
        partition_by=AccountEntry.customer_id, order_by=newest_first, rows=(None, -1)
    )
    rest = owner.account_balance - func.coalesce(cast(newer, BigInteger), 0)
    columns = (
        AccountEntry.customer_id,
        AccountEntry.invoice_id,
        AccountEntry.value_date,
        AccountEntry.amount,
    )
    query = (
        select(*columns, rest.label("rest"))
        .join(owner, owner.id == AccountEntry.customer_id)
        .outerjoin(reversal, reversal.reverses_id == AccountEntry.id)
        .where(whose, owner.account_balance > 0, reversal.id.is_(None))
        .where(AccountEntry.kind.in_([AccountKind.INVOICE, AccountKind.REFUND]))
        .correlate(Customer)
    )
    return query.subquery("owed")


def _bucket(due: ColumnElement[dt.date], on: Day) -> ColumnElement[str]:
    """Return the name of the bucket for what is due on a day."""
    days = zip(BUCKETS, (0, 30, 60, 90), strict=False)
    return case(*((due >= _before(on, late), name) for name, late in days), else_=BUCKETS[-1])


def _before(on: Day, days: int) -> ColumnElement[dt.date]:
    """Return the date so many days before a day."""
    span = dt.timedelta(days=days)
    if isinstance(on, dt.date):
        return literal(on - span, Date)
    return bindparam(None, callable_=lambda: on() - span, type_=Date)
