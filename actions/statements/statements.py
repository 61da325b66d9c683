"""Statements of account: what moved a customer's account from one day to another, by value date (rule 2.11)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from babel import Locale
from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session, aliased

from actions.core.mail_templates import name_of
from actions.ledgers.ageing import Ageing, owed_then
from actions.ledgers.ledger import day
from models.account import AccountEntry, AccountKind, Invoice
from models.address import Address
from models.base import N_, Invalid
from models.customer import Customer
from models.shop import Shop

MOST_LINES = 2_000
"""Entries of one statement: some fifty pages. A longer time is told in several."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry. ``amount`` and ``balance``, the running one, are minor units; above zero is what the customer owes.

    :param number: of the invoice it belongs to. :param voids: what kind of entry it takes back, where it does.
    """

    value_date: dt.date
    kind: AccountKind
    voids: AccountKind | None
    number: str
    reference: str
    amount: int
    balance: int

    @property
    def debit(self) -> int:
        """What it added to what the customer owes."""
        return max(self.amount, 0)

    @property
    def credit(self) -> int:
        """What it took from what the customer owes."""
        return max(-self.amount, 0)


@dataclass(frozen=True, slots=True)
class Part:
    """The statement in one currency. An account has one, and an earlier one where it was changed (rule 2.1)."""

    currency: str
    opening: int
    lines: tuple[Line, ...] = ()

    @property
    def closing(self) -> int:
        """What the customer owes at the end of the last day."""
        return self.opening + self.debits - self.credits

    @property
    def debits(self) -> int:
        """All that was added."""
        return sum(line.debit for line in self.lines)

    @property
    def credits(self) -> int:
        """All that was taken off."""
        return sum(line.credit for line in self.lines)


@dataclass(frozen=True, slots=True)
class Statement:
    """A customer's account from ``since`` to ``until``, both included. The first part is in the account's currency."""

    customer_id: int
    since: dt.date
    until: dt.date
    parts: tuple[Part, ...]
    owed: Ageing
    """What was owed in the account's currency at the end of the last day, by how late it was."""

    @property
    def currency(self) -> str:
        """The account's own currency."""
        return self.parts[0].currency


def usual_range(today: dt.date) -> tuple[dt.date, dt.date]:
    """Return the days of a statement that nobody chose: the whole last month, and this one until today."""
    last_month = today.replace(day=1) - dt.timedelta(days=1)
    return last_month.replace(day=1), today


def checked_range(since: dt.date | None, until: dt.date | None, today: dt.date) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of a statement; the usual ones where they are None.

    :raises Invalid: ``since`` or ``until`` is no day, lies ahead or too far back, or they are the wrong way round.
    """
    last = day("until", until or today, today)
    first = day("since", since or min(usual_range(today)[0], last), today)
    if last < first:
        raise Invalid({"until": N_("Enter a date on or after the start date.")})
    return first, last


def statement(session: Session, customer: Customer, since: dt.date, until: dt.date) -> Statement:
    """Return a customer's statement. What came before it is one sum, however much it was.

    :raises Invalid: ``since``, where there are more than :data:`MOST_LINES` entries.
    """
    opening = _opening(session, customer.id, since)
    rows = _entries(session, customer.id, since, until)
    currencies = {customer.currency: None, **dict.fromkeys(row.currency for row in rows)}
    currencies |= dict.fromkeys(currency for currency, amount in opening.items() if amount)
    parts = tuple(
        Part(currency, opening.get(currency, 0), _lines(currency, opening.get(currency, 0), rows))
        for currency in currencies
    )
    owed = owed_then(session, customer, parts[0].closing, until)
    return Statement(customer.id, since, until, parts, owed)


def _opening(session: Session, customer_id: int, since: dt.date) -> dict[str, int]:
    """Return currency -> the sum of all entries before a day."""
    total = cast(func.sum(AccountEntry.amount), BigInteger)
    query = (
        select(AccountEntry.currency, total)
        .where(AccountEntry.customer_id == customer_id, AccountEntry.value_date < since)
        .group_by(AccountEntry.currency)
        .order_by(AccountEntry.currency)
    )
    return dict(session.execute(query).all())


def _entries(session: Session, customer_id: int, since: dt.date, until: dt.date) -> Sequence[Any]:
    """:raises Invalid: ``since``, they are too many."""
    taken_back = aliased(AccountEntry)
    query = (
        select(
            AccountEntry.value_date, AccountEntry.kind, AccountEntry.currency, AccountEntry.amount,
            func.coalesce(AccountEntry.reference, taken_back.reference, "").label("reference"),
            func.coalesce(Invoice.number, "").label("number"), taken_back.kind.label("voids"),
        )
        .outerjoin(Invoice, Invoice.id == AccountEntry.invoice_id)
        .outerjoin(taken_back, taken_back.id == AccountEntry.reverses_id)
        .where(AccountEntry.customer_id == customer_id, AccountEntry.value_date.between(since, until))
        .order_by(AccountEntry.value_date, AccountEntry.id)
        .limit(MOST_LINES + 1)
    )  # fmt: skip
    rows = session.execute(query).all()
    if len(rows) > MOST_LINES:
        raise Invalid(
            {"since": N_("There are more than 2,000 entries in this period. Choose a later start date.")}
        )
    return rows


def _lines(currency: str, opening: int, rows: Sequence[Any]) -> tuple[Line, ...]:
    found, balance = [], opening
    for row in rows:
        if row.currency != currency:
            continue
        balance += row.amount
        found.append(
            Line(row.value_date, row.kind, row.voids, row.number, row.reference, row.amount, balance)
        )
    return tuple(found)


# -- whom it is for -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who a statement is for and where they are, a line each."""

    names: Sequence[str]
    lines: Sequence[str] = ()

    def __iter__(self) -> Iterator[str]:
        return chain(self.names, self.lines)


def addressee(session: Session, customer: Customer, shop: Shop, locale: str) -> Addressee:
    """Return what stands over a statement: who it is for, and where bills go, or else the primary address.

    In a session that only reads its lines are masked as anywhere. A country that is not the shop's is named.
    """
    names = [name for name in dict.fromkeys((name_of(customer), customer.company_name)) if name]
    query = select(Address).where(Address.customer_id == customer.id)
    first = (Address.is_billing.desc(), Address.is_primary.desc(), Address.id)
    address = session.scalars(query.order_by(*first).limit(1)).first()
    lines = _lines_of(address, shop, locale) if address is not None else []
    return Addressee(names, [line for line in lines if line not in names])


def _lines_of(address: Address, shop: Shop, locale: str) -> list[str]:
    *lines, country = address.lines
    if country == shop.country:
        return lines
    return [*lines, str(Locale.parse(locale).territories.get(country, country))]
