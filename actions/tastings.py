"""Free tastings: how many the class gives in a calendar year, less what was used of them (rule 1.11)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from actions.base import Context, Outcome, Refused, action
from actions.census import Bucket
from actions.ledger import (
    live_customer,
    not_live,
    number_text,
    order_columns,
    order_number,
    refuse_second_reversal,
    reversed_before,
    stamp,
    today,
    words,
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


@action("tasting_entry.use", TastingEntry, label=N_("Use a free tasting"))
def use(ctx: Context, *, customer: int, order_ref: str | None = None, comment: str = "") -> Outcome:
    """Note that a customer uses one free tasting of this calendar year, under the customer's lock (rule 1.11).

    :param order_ref: the order or booking it went with, if any.
    :raises Refused: ``no_tastings`` where the class gives none, ``none_left`` where all of them were used.
    """
    order, text = order_number(order_ref), words("comment", comment, 0)
    owner, year = live_customer(ctx, customer), today(ctx).year
    there = tastings(ctx.session, owner, year)
    if not there.allowed:
        raise Refused(
            "no_tastings", N_("%(customer)s is in no class that gives free tastings."), customer=str(owner)
        )
    if not there.left:
        raise Refused(
            "none_left",
            N_("No free tasting is left for %(year)s: %(used)s of %(allowed)s were used."),
            year=year,
            used=number_text(ctx, there.used),
            allowed=number_text(ctx, there.allowed),
        )
    entry = TastingEntry(
        **stamp(ctx, owner, text, ctx.key),
        kind=TastingKind.USED,
        year=year,
        **order_columns(ctx, owner, order),
    )
    ctx.session.add(entry)
    ctx.session.flush()
    values = {"customer": str(owner), "year": year, "left": number_text(ctx, there.left - 1)}
    return Outcome(N_("%(customer)s used a free tasting; %(left)s are left for %(year)s."), entry, values)


def _count_reversals(values: Mapping[str, Any], shop: Shop) -> list[Bucket]:
    words("reason", values["reason"])
    return [*not_live(TastingEntry), *reversed_before(TastingEntry)]


@action("tasting_entry.reverse", TastingEntry, label=N_("Reverse"), census=_count_reversals)
def reverse(ctx: Context, entry: TastingEntry, *, reason: str) -> Outcome:
    """Give a tasting back to the year it was used in, once (rule 1.11)."""
    text = words("reason", reason)
    owner = live_customer(ctx, entry.customer_id)
    refuse_second_reversal(entry)
    back = TastingEntry(
        **stamp(ctx, owner, text, ctx.key),
        kind=TastingKind.REVERSAL,
        year=entry.year,
        reverses_id=entry.id,
    )
    ctx.session.add(back)
    ctx.session.flush()
    values = {"customer": str(owner), "year": entry.year}
    return Outcome(N_("The free tasting of %(year)s was given back to %(customer)s."), back, values)
