"""How long customers have owed what they owe (rule 2.9).

Which invoices are open is stored nowhere: it follows from the balance. As payments settle the oldest invoice first,
what is owed are the newest invoices, as many as make up the balance, the last of them in part.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    ScalarSelect,
    Select,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    not_,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import Session

from models.account import AccountEntry, AccountKind, Invoice
from models.base import metadata
from models.customer import Customer

Day = dt.date | Callable[[], dt.date]
"""A day, or for a statement that is kept what tells it whenever it runs."""

Whose = Callable[[Any], ColumnElement[bool]]
"""Makes a clause of the customer that a statement is about."""

RAISING = AccountKind.INVOICE, AccountKind.REFUND
"""What raises a balance, in the order in which it is owed."""

AT_ONCE = 500
"""Customers looked at in one statement."""

# Statements are made again for each page. Of tables they cost a tenth of what they do of mapped classes, of aliases
# that are kept a half of that.
CUSTOMER, ENTRY = (metadata.tables[model.__tablename__] for model in (Customer, AccountEntry))
OWNER, OPEN, WALKED, NEWEST, REVERSAL, PAID = CUSTOMER.alias(), *(ENTRY.alias() for _n in range(5))
INVOICE = metadata.tables[Invoice.__tablename__].alias()


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


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """An invoice that is not settled: ``left`` of it is still to pay, in minor units of the account's currency."""

    number: str
    due_on: dt.date
    left: int


BUCKETS = tuple(field.name for field in fields(Ageing) if field.name != "credit")


def ageing(session: Session, customer_ids: Sequence[int], on: dt.date) -> dict[int, Ageing]:
    """Return what each of these customers owes by how late it is on a day; who is missing is left out."""
    found: dict[int, Ageing] = {}
    for start in range(0, len(customer_ids), AT_ONCE):
        ids = customer_ids[start : start + AT_ONCE]
        owed = owed_by_age(_among(ids), on).subquery("owed_by_age")
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


def owed_then(session: Session, customer: Customer, balance: int, on: dt.date) -> Ageing:
    """Return what a customer owed at the end of a day by how late it was then.

    :param balance: of the account at the end of that day, in minor units of its currency.
    """
    owed = owed_by_age(lambda owner: owner.id == customer.id, on, balance).subquery("owed_by_age")
    row = session.execute(select(*(owed.c[name] for name in BUCKETS))).first()
    figures = dict(zip(BUCKETS, row or (), strict=False))
    return Ageing(**figures, credit=max(0, -balance))


def _among(ids: Sequence[int]) -> Whose:
    return lambda owner: owner.id.in_(ids)


def owed_by_age(whose: Whose, on: Day, balance: int | None = None) -> Select[Any]:
    """Select (customer_id, one column for each of ``BUCKETS``) of the customers who owe.

    :param whose: chooses the customers. :param balance: what they owed at the end of ``on``, by what counted until
        then; without it, what they owe now.
    """
    owed = _open(whose, on, balance)
    bucket = _bucket(func.coalesce(INVOICE.c.due_on, OPEN.c.value_date), on)
    left = case((OPEN.c.amount < owed.c.rest, OPEN.c.amount), else_=owed.c.rest)
    sums = [
        cast(func.coalesce(func.sum(left).filter(bucket == name), 0), BigInteger).label(name)
        for name in BUCKETS
    ]
    found = owed.outerjoin(OPEN, OPEN.c.id == owed.c.entry_id)
    found = found.outerjoin(INVOICE, INVOICE.c.id == OPEN.c.invoice_id)
    return select(owed.c.customer_id, *sums).select_from(found).group_by(owed.c.customer_id)


def settled_by(session: Session, customer_id: int, balance: int, payment: int) -> list[tuple[str, int, int]]:
    """Return (number, paid, left) of the invoices that a payment settles, the oldest first (rule 2.9).

    :param balance: what is owed before it, in minor units.
    """
    left = {after.number: after.left for after in open_invoices(session, customer_id, balance - payment)}
    open_before = [(found.number, found.left) for found in open_invoices(session, customer_id, balance)]
    parts = [(number, before - left.get(number, 0), left.get(number, 0)) for number, before in open_before]
    return [part for part in parts if part[1] > 0]


def open_invoices(
    session: Session, customer_id: int, balance: int, limit: int | None = None
) -> list[OpenInvoice]:
    """Return what is open of a customer's invoices, the oldest first.

    :param balance: what the customer owes, in minor units. :param limit: at most so many.
    """
    owed = _open(lambda owner: owner.id == customer_id, dt.date.max, balance)
    left = case((OPEN.c.amount < owed.c.rest, OPEN.c.amount), else_=owed.c.rest)
    found = owed.join(OPEN, OPEN.c.id == owed.c.entry_id).join(INVOICE, INVOICE.c.id == OPEN.c.invoice_id)
    columns = INVOICE.c.number, INVOICE.c.due_on, left
    rows = select(*columns).select_from(found).where(OPEN.c.kind == AccountKind.INVOICE)
    in_turn = rows.order_by(OPEN.c.value_date, OPEN.c.id).limit(limit)
    return [OpenInvoice(row[0], row[1], int(row[2])) for row in session.execute(in_turn)]


def who_is_late(on: dt.date) -> Select[Any]:
    """Select the ids of the customers of whose debt something is past due."""
    owed = owed_by_age(lambda owner: true(), on).subquery("owed_by_age")
    return select(owed.c.customer_id).where(
        sum((owed.c[name] for name in BUCKETS[2:]), owed.c[BUCKETS[1]]) > 0
    )


def bucket_of(name: str, on: Day) -> ColumnElement[int]:
    """Return what the customer of a row owes in one bucket, to sort customers by."""
    mine = owed_by_age(lambda owner: owner.id == Customer.id, on).subquery("owed_by_age")
    return func.coalesce(select(mine.c[name]).scalar_subquery(), 0)


def last_payment() -> ScalarSelect[dt.date]:
    """Return the value date of the newest payment, not voided, of the customer of a row."""
    newest = _newest(Customer.id, Customer.currency, AccountKind.PAYMENT)
    return select(PAID.c.value_date).where(PAID.c.id == newest).scalar_subquery()


def _open(whose: Whose, on: Day, balance: int | None) -> CTE:
    """Walk back from the newest invoice of each customer who owes, as far as the balance goes.

    Each row has ``entry_id`` and ``rest``, how much of the balance newer ones leave to it. Refunds are taken off
    payments, so they come after all invoices. Only an account that held another currency when a merge was undone may
    owe more than its entries explain; such a rest has no entry, and no date.
    """
    owed = OWNER.c.account_balance if balance is None else literal(balance, BigInteger)
    newest = partial(_newest, until=None if balance is None else _before(on, 0))
    begin = select(
        OWNER.c.id.label("customer_id"),
        OWNER.c.currency.label("currency"),
        owed.label("rest"),
        func.coalesce(*(newest(OWNER.c.id, OWNER.c.currency, kind) for kind in RAISING)).label("entry_id"),
    )
    walk = begin.where(owed > 0, whose(OWNER.c)).correlate(CUSTOMER).cte("owed", recursive=True, nesting=True)
    at = walk.c.customer_id, walk.c.currency
    then = func.coalesce(
        newest(*at, WALKED.c.kind, before=WALKED.c),
        case((WALKED.c.kind == AccountKind.INVOICE, newest(*at, AccountKind.REFUND))),
    )
    further = select(*at, walk.c.rest - WALKED.c.amount, then).select_from(
        walk.join(WALKED, WALKED.c.id == walk.c.entry_id)
    )
    return walk.union_all(further.where(WALKED.c.amount < walk.c.rest))


def _newest(
    customer: Any, currency: Any, kind: Any, before: Any = None, until: ColumnElement[dt.date] | None = None
) -> ScalarSelect[int]:
    """Return the id of a customer's newest entry of a kind that was not voided.

    :param before: an entry that it is older than. :param until: only what counted by that day is known, voids as well.
    """
    known = [found.c.value_date <= until for found in (NEWEST, REVERSAL) if until is not None]
    voided = select(REVERSAL.c.id).where(REVERSAL.c.reverses_id == NEWEST.c.id, *known[1:]).correlate(NEWEST)
    query = select(NEWEST.c.id).where(
        NEWEST.c.customer_id == customer,
        NEWEST.c.currency == currency,
        NEWEST.c.kind == kind,
        not_(exists(voided)),
        *known[:1],
    )
    if before is not None:
        query = query.where(tuple_(NEWEST.c.value_date, NEWEST.c.id) < tuple_(before.value_date, before.id))
    newest = query.order_by(NEWEST.c.value_date.desc(), NEWEST.c.id.desc()).limit(1)
    return newest.correlate_except(NEWEST).scalar_subquery()


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
