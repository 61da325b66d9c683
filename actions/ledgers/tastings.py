"""Free tastings: how many the class gives in a calendar year, less what was used of them (rule 1.11)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from actions.core.base import Context, Outcome, Refused, action
from actions.core.customer_guard import eligible_customer, live_customer
from actions.core.eligibility import EVERY_LIVE, MAY_BUY
from actions.core.texts import number_text, required_text, today
from actions.ledgers.ledger import (
    ledger_columns,
    order_columns,
    order_number,
    refuse_second_reversal,
)
from models.base import N_
from models.customer import Customer
from models.lookups import CustomerClass
from models.shop import Shop
from models.tasting import TastingEntry, TastingKind


@dataclass(frozen=True, slots=True)
class Tastings:
    """What a customer has of a calendar year: what the class gives, and what was used and not taken back."""

    allowed: int
    used: int

    @property
    def left(self) -> int:
        """What can still be used. A class that gives fewer than were used leaves none, and owes none."""
        return max(0, self.allowed - self.used)


def year_of(now: dt.datetime, shop: Shop) -> int:
    """Return the calendar year it is in the shop."""
    return now.astimezone(shop.zone).year


def tastings(session: Session, customer: Customer, year: int) -> Tastings:
    """Return a customer's free tastings of a year, by the class they are in now; without a class there are none."""
    allowed = session.scalar(
        select(CustomerClass.free_tastings).where(CustomerClass.id == customer.customer_class_id)
    )
    one = case((TastingEntry.kind == TastingKind.USED, 1), else_=-1)
    mine = TastingEntry.customer_id == customer.id, TastingEntry.year == year
    used = session.scalar(select(func.coalesce(func.sum(one), 0)).where(*mine))
    return Tastings(allowed or 0, int(used or 0))


@action("tasting_entry.use", TastingEntry, label=N_("Use a free tasting"), customers=MAY_BUY)
def use(ctx: Context, *, customer: int, order_ref: str | None = None, comment: str = "") -> Outcome:
    """Note that a customer uses one free tasting of this calendar year, under the customer's lock (rule 1.11).

    :param order_ref: the order or booking it went with, if any.
    :raises Refused: ``no_tastings`` where the class gives none, ``none_left`` where all of them were used.
    """
    order, text = order_number(order_ref), required_text("comment", comment, 0)
    owner, year = eligible_customer(ctx, customer), today(ctx).year
    there = tastings(ctx.session, owner, year)
    if not there.allowed:
        raise Refused(
            "no_tastings",
            N_("The class of %(customer)s does not include free tastings."),
            customer=str(owner),
        )
    if not there.left:
        raise Refused(
            "none_left",
            N_("No free tastings left for %(year)s: %(used)s of %(allowed)s used."),
            year=year,
            used=number_text(ctx, there.used),
            allowed=number_text(ctx, there.allowed),
        )
    entry = TastingEntry(
        **ledger_columns(ctx, owner, text, ctx.key),
        kind=TastingKind.USED,
        year=year,
        **order_columns(ctx, owner, order),
    )
    ctx.session.add(entry)
    ctx.session.flush()
    values = {"customer": str(owner), "year": year, "left": number_text(ctx, there.left - 1)}
    return Outcome(N_("%(customer)s used a free tasting. %(left)s left for %(year)s."), entry, values)


@action("tasting_entry.reverse", TastingEntry, label=N_("Reverse"), customers=EVERY_LIVE)
def reverse(ctx: Context, entry: TastingEntry, *, reason: str) -> Outcome:
    """Give a tasting back to the year it was used in, once (rule 1.11)."""
    text = required_text("reason", reason)
    owner = live_customer(ctx, entry.customer_id)
    refuse_second_reversal(entry)
    back = TastingEntry(
        **ledger_columns(ctx, owner, text, ctx.key),
        kind=TastingKind.REVERSAL,
        year=entry.year,
        reverses_id=entry.id,
    )
    ctx.session.add(back)
    ctx.session.flush()
    values = {"customer": str(owner), "year": entry.year}
    return Outcome(N_("The free tasting of %(year)s was given back to %(customer)s."), back, values)
