"""What the three ledgers share: the locked customer, the stamp on every row, and what is refused everywhere.

A ledger row is written under the lock of its customer, and the balance cached on the customer moves in the
same transaction, so two people never spend the same unit (rules 1.3, 1.7, 2.4).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from babel.numbers import format_decimal
from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from actions.base import Context, Missing, Refused
from actions.census import Bucket, refused
from models import figures
from models.account import AccountEntry, Invoice
from models.base import N_, Base, Invalid
from models.credit import CreditEntry
from models.customer import Customer
from models.loyalty import LoyaltyEntry
from models.order import Order
from models.tasting import TastingEntry
from models.validate import code as code_check

MOST_MONEY = 99_999_999_999
"""Nine digits before the point and two after it, in minor units (rule 2.3)."""

SHORTEST_COMMENT = 3
FIRST_DAY = dt.date(1990, 1, 1)
LedgerEntry = LoyaltyEntry | AccountEntry | CreditEntry
Reversible = LedgerEntry | TastingEntry

MERGED = "merged", N_("This record was merged into another one. Work on that one instead.")
ERASED = "erased", N_("The personal data of this customer was erased; the record stays as it is.")
IS_REVERSAL = "is_reversal", N_("This entry is a reversal itself. Make a new entry instead.")
ALREADY_REVERSED = "already_reversed", N_("This entry was already reversed.")
OTHER_CURRENCY = (
    "other_currency",
    N_("This entry is in %(old)s, but the account is kept in %(new)s now."),
)


def live_customer(ctx: Context, customer_id: Any, field: str = "customer") -> Customer:
    """Return the customer locked for update: the first lock of every deed on what belongs to one.

    :raises Invalid: there is no such customer. :raises Refused: ``merged`` or ``erased``.
    """
    customer = locked_customer(ctx, customer_id, field)
    refuse_unless_live(customer)
    return customer


def locked_customer(ctx: Context, customer_id: Any, field: str) -> Customer:
    """Return the customer locked for update, in whatever state. :raises Invalid: there is no such customer."""
    sentence = {field: N_("Choose a customer.")}
    if not isinstance(customer_id, int) or isinstance(customer_id, bool) or not 0 < customer_id < 2**63:
        raise Invalid(sentence)
    try:
        with ctx.session.no_autoflush:
            return ctx.lock_one(Customer, customer_id)
    except Missing:
        raise Invalid(sentence) from None


def refuse_unless_live(customer: Customer) -> None:
    """Refuse any change of a record that was merged away or erased (rules 3.6, 4.4)."""
    if customer.merged_into_id is not None:
        raise Refused(*MERGED)
    if customer.anonymised_at is not None:
        raise Refused(*ERASED)


def not_live(model: type[Base]) -> list[Bucket]:
    """Return what :func:`refuse_unless_live` refuses of customers, or of what belongs to them."""
    merged, erased = Customer.merged_into_id.is_not(None), Customer.anonymised_at.is_not(None)
    if model is Customer:
        return [refused(merged, *MERGED), refused(erased, *ERASED)]
    owner = model.__table__.c.get("customer_id")
    if owner is None:
        return []
    theirs = exists().where(Customer.id == owner)
    return [refused(theirs.where(merged), *MERGED), refused(theirs.where(erased), *ERASED)]


def stamp(ctx: Context, customer: Customer, comment: str, key: str | None = None) -> dict[str, Any]:
    """Return the columns every ledger row has: whose, by whom, when, why and in which changeset."""
    ctx.concerns(customer)
    return {
        "customer_id": customer.id,
        "changeset_id": ctx.changeset_id,
        "created_at": ctx.now,
        "actor_id": ctx.actor.id,
        "actor_name": ctx.actor.name,
        "comment": comment,
        "key": key,
    }


def words(field: str, value: Any, least: int = SHORTEST_COMMENT) -> str:
    """Return a trimmed comment or reason.

    :raises Invalid: it has fewer than ``least`` characters; 0 makes it optional.
    """
    text = value.strip() if isinstance(value, str) else ""
    if len(text) < least or not isinstance(value, str | None):
        raise Invalid({field: N_("Say why, in at least 3 characters.") if least else N_("Enter text.")})
    return text


def order_number(order_ref: Any) -> str | None:
    """Return an order's number as it is stored, None where none was typed. :raises Invalid: it is no number."""
    if order_ref is None or order_ref == "":
        return None
    if not isinstance(order_ref, str):
        raise Invalid({"order_ref": N_("Enter an order number.")})
    found: str | None = code_check("order_ref", order_ref.strip())
    return found


def order_columns(ctx: Context, customer: Customer, order_ref: str | None) -> dict[str, Any]:
    """Return the order's columns of a ledger row: its number, and the order if it is this customer's."""
    if not order_ref:
        return {}
    wanted = select(Order.id).where(Order.number == order_ref, Order.customer_id == customer.id)
    return {"order_ref": order_ref, "order_id": ctx.session.scalar(wanted)}


def positive(field: str, value: Any) -> int:
    """Return an amount in minor units above zero (rule 2.3). :raises Invalid: anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MOST_MONEY:
        raise Invalid({field: N_("Enter an amount above zero, with at most nine digits before the point.")})
    return value


def signed(field: str, value: Any, most: int) -> int:
    """Return a whole number other than zero, ``most`` at most either way. :raises Invalid: anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or value == 0 or abs(value) > most:
        raise Invalid(
            {field: N_("Enter a figure other than zero that is not too large; a minus sign takes away.")}
        )
    return value


def today(ctx: Context) -> dt.date:
    """Return the shop's local date at the moment of the deed."""
    return ctx.now.astimezone(ctx.shop.zone).date()


def day(field: str, value: Any, latest: dt.date) -> dt.date:
    """Return a date between 1990 and ``latest``. :raises Invalid: anything else."""
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime) or not FIRST_DAY <= value <= latest:
        raise Invalid({field: N_("Enter a date that is not too far back and not in the future.")})
    return value


def money_text(ctx: Context, amount: int, currency: str) -> str:
    """Return minor units as people of the shop write them, such as £12.50."""
    return figures.money(amount, currency, ctx.shop.locale)


def number_text(ctx: Context, number: int) -> str:
    """Return a whole number as people of the shop write it, such as 1,250."""
    return str(format_decimal(number, locale=ctx.shop.locale))


def day_text(ctx: Context, value: dt.date) -> str:
    """Return a date as people of the shop write it, such as 3 Sep 2026."""
    return figures.day(value, ctx.shop.locale)


def refuse_second_reversal(entry: Reversible) -> None:
    """Refuse to reverse a reversal, or an entry that was reversed already (rules 1.8, 2.4)."""
    if entry.kind == "reversal":
        raise Refused(*IS_REVERSAL)
    if entry.reversed_by is not None:
        raise Refused(*ALREADY_REVERSED)


def refuse_other_currency(customer: Customer, entry: AccountEntry | CreditEntry) -> None:
    """Refuse to reverse an entry from before the account changed its currency (rule 2.1)."""
    if entry.currency != customer.currency:
        raise Refused(*OTHER_CURRENCY, old=entry.currency, new=customer.currency)


def reversed_before(model: type[Reversible]) -> list[Bucket]:
    """Return what :func:`refuse_second_reversal` refuses."""
    reversal = aliased(model)
    again = exists().where(reversal.reverses_id == model.id)
    return [refused(model.kind == "reversal", *IS_REVERSAL), refused(again, *ALREADY_REVERSED)]


def in_other_currency(model: type[AccountEntry | CreditEntry | Invoice]) -> Bucket:
    """Return what :func:`refuse_other_currency` refuses."""
    kept = select(Customer.currency).where(Customer.id == model.customer_id).scalar_subquery()
    return refused(model.currency != kept, *OTHER_CURRENCY)
