"""How late what is owed is, in words: the same on the Account tab, in lists and in files (rule 2.9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import BigInteger, Select, cast, func, select
from sqlalchemy.orm import Session

from actions.ledgers.ageing import BUCKETS, Ageing, owed_by_age
from admin.layout import formatters
from models.choices import AccountType
from models.customer import Customer
from web.request import shop, today

WORDS = {
    "current": _l("Not due yet"),
    "days_30": _l("1–30 days late"),
    "days_60": _l("31–60 days late"),
    "days_90": _l("61–90 days late"),
    "older": _l("Over 90 days late"),
}
"""Bucket -> its name. Lateness is said in words, never by colour alone."""

LATE = BUCKETS[1:]
_LINE = Markup("<li>{} <strong>{}</strong></li>")


def figure(minor: int, currency: str, name: str) -> Markup | str:
    """Return an amount, in a warning colour where it is that of a bucket that is late; a dash where it is nothing."""
    if not minor:
        return formatters.nothing()
    shown = formatters.money(minor, currency, shop())
    return shown if name not in LATE else Markup('<span class="late">{}</span>').format(shown)


@dataclass(frozen=True, slots=True)
class Sums:
    """What customers of one type owe in one currency, in minor units, and what those in credit have."""

    account_type: AccountType
    currency: str
    customers: int
    owed: int
    in_credit: int
    by_age: Ageing


def sums(session: Session, statement: Select[Any]) -> list[Sums]:
    """Add up over the customers of a statement; amounts of different currencies never (rule 2.10)."""
    named = Customer.id, Customer.account_type, Customer.currency, Customer.account_balance
    who = statement.with_only_columns(*named).order_by(None).cte("listed")
    ids = select(who.c.id).where(who.c.account_balance > 0)
    owed = owed_by_age(lambda owner: owner.id.in_(ids), today()).subquery("owed_by_age")
    balance, columns = who.c.account_balance, (who.c.account_type, who.c.currency)
    figures = [func.sum(balance).filter(balance > 0), -func.sum(balance).filter(balance < 0)]
    figures += [func.sum(owed.c[name]) for name in BUCKETS]
    whole = [cast(func.coalesce(figure, 0), BigInteger) for figure in figures]
    query = select(*columns, func.count(), *whole).outerjoin_from(who, owed, owed.c.customer_id == who.c.id)
    query = query.group_by(*columns).order_by(who.c.currency, who.c.account_type)
    return [
        Sums(kind, currency, customers, owing, credit, Ageing(*late))
        for kind, currency, customers, owing, credit, *late in session.execute(query)
    ]


def strip(owed: Ageing, currency: str) -> Markup | str:
    """Return all buckets beside each other; a sentence where nothing is owed."""
    if not owed.total:
        return _("Nothing is owed.")
    lines = [_LINE.format(word, figure(getattr(owed, name), currency, name)) for name, word in WORDS.items()]
    return Markup('<ul class="ages">{}</ul>').format(Markup("").join(lines))
