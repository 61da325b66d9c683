"""Telling customers before their points expire: one mail a customer, once for each lot (rule 1.10).

A customer who wants no such mail, is switched off, or has no address that it goes to (rule 14.9) is not told, and
nothing is noted of it: should that change while there is still time, they are told then.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from babel.dates import format_date
from babel.numbers import format_decimal
from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session

from actions.core.base import Context, Refused
from actions.core.eligibility import MAY_BUY
from actions.core.languages import locale_for
from actions.core.mail_templates import Paper
from actions.core.recipients import reaches_somebody
from actions.ledgers.loyalty import unspent
from models.base import N_
from models.customer import Customer
from models.days import last_day
from models.loyalty import LoyaltyExpiryNotice, LoyaltyLot
from models.shop import Shop

NO_ADDRESS = "no_address", N_("No valid email address.")


class Soon(NamedTuple):
    """The instants between which a lot expires so soon that its customer is told: after, and until."""

    after: dt.datetime
    until: dt.datetime


class Count(NamedTuple):
    """Whom there is to tell: how many points, of how many customers."""

    points: int
    customers: int


def soon(now: dt.datetime, shop: Shop) -> Soon | None:
    """Return what expires soon by the shop's setting; None where nobody is to be warned."""
    days = shop.points_warning_days
    return None if days is None else Soon(now, now + dt.timedelta(days=days))


def to_tell(span: Soon) -> ColumnElement[bool]:
    """Return the condition of a lot whose customer is to be told of it."""
    told = exists().where(LoyaltyExpiryNotice.lot_id == LoyaltyLot.id)
    reached = exists().where(
        Customer.id == LoyaltyLot.customer_id,
        MAY_BUY.clause(),
        Customer.expiry_notices,
        reaches_somebody(Paper.NOTICE),
    )
    near = and_(LoyaltyLot.expires_at > span.after, LoyaltyLot.expires_at <= span.until)
    return and_(unspent(), near, ~told, reached)


def count(session: Session, span: Soon) -> Count:
    """Count in one statement what :func:`next_customers` would give, one after the other."""
    counted = select(
        func.coalesce(func.sum(LoyaltyLot.unspent), 0), func.count(LoyaltyLot.customer_id.distinct())
    )
    points, customers = session.execute(counted.where(to_tell(span))).one()
    return Count(int(points), customers)


def next_customers(session: Session, span: Soon, most: int, besides: Select[Any]) -> list[int]:
    """Return the next customers to tell, whose points expire first.

    :param most: lots that are looked at. :param besides: yields the ids of customers that are passed over.
    """
    wanted = select(LoyaltyLot.customer_id).where(to_tell(span), LoyaltyLot.customer_id.not_in(besides))
    first = wanted.order_by(LoyaltyLot.expires_at, LoyaltyLot.id).limit(most)
    return list(dict.fromkeys(session.scalars(first)))


def lots_to_tell(session: Session, span: Soon, ids: Sequence[int]) -> dict[int, list[LoyaltyLot]]:
    """Return customer id -> the lots to tell them of, soonest first."""
    wanted = select(LoyaltyLot).where(to_tell(span), LoyaltyLot.customer_id.in_(ids))
    found: dict[int, list[LoyaltyLot]] = defaultdict(list)
    for lot in session.scalars(wanted.order_by(LoyaltyLot.expires_at, LoyaltyLot.id)):
        found[lot.customer_id].append(lot)
    return found


def tell(ctx: Context, customer: Customer, lots: Sequence[LoyaltyLot]) -> None:
    """Write to a locked customer of lots that expire soon. :raises Refused: ``no_address`` that mail can go to."""
    written = ctx.mail("points_expiring", customer, **_said(lots, customer.language, ctx.shop))
    if not written:
        raise Refused(*NO_ADDRESS)
    for lot in lots:
        ctx.session.add(LoyaltyExpiryNotice(lot_id=lot.id, mail_id=written[0].id, created_at=ctx.now))
    ctx.session.flush()


def _said(lots: Sequence[LoyaltyLot], language: str | None, shop: Shop) -> Mapping[str, Any]:
    """Return what the letter asks for: the sum, the first of the last days, and each day where there are several."""
    spoken = locale_for(language, shop)
    days: dict[dt.date, int] = defaultdict(int)
    for lot in lots:
        if lot.expires_at is not None:
            days[last_day(lot.expires_at, shop.zone)] += lot.unspent
    lines = [
        f"{format_date(day, 'long', locale=spoken)}: {format_decimal(points, locale=spoken)}"
        for day, points in sorted(days.items())
    ]
    return {
        "points": format_decimal(sum(days.values()), locale=spoken),
        "until": format_date(min(days), "long", locale=spoken),
        "days": "\n".join(lines) if len(lines) > 1 else "",
    }
