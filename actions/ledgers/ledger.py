"""What the three ledgers share: the stamp on every row, the amounts and dates they take, and what each refuses.

A ledger row is written under the lock of its customer, and the balance cached on the customer moves in the
same transaction, so two people never spend the same unit (rules 1.3, 1.7, 2.4).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from actions.core.base import Context, Refused
from actions.core.outcome_groups import OutcomeGroup, refused
from models.account import AccountEntry, Invoice
from models.base import N_, Invalid
from models.credit import CreditEntry
from models.customer import Customer
from models.loyalty import LoyaltyEntry
from models.normalise import trimmed
from models.order import Order
from models.tasting import TastingEntry
from models.validate import code as code_check

MOST_MONEY = 99_999_999_999
"""Nine digits before the point and two after it, in minor units (rule 2.3)."""

FIRST_DAY = dt.date(1990, 1, 1)
LedgerEntry = LoyaltyEntry | AccountEntry | CreditEntry
Reversible = LedgerEntry | TastingEntry

IS_REVERSAL = "is_reversal", N_("This entry is itself a reversal. Make a new entry instead.")
ALREADY_REVERSED = "already_reversed", N_("This entry has already been reversed.")
OTHER_CURRENCY = (
    "other_currency",
    N_("This entry is in %(old)s, but the account is now in %(new)s."),
)


def ledger_columns(ctx: Context, customer: Customer, comment: str, key: str | None = None) -> dict[str, Any]:
    """Return the columns every ledger row has: whose, by whom, when, why and in which changeset."""
    ctx.set_subject(customer)
    return {
        "customer_id": customer.id,
        "changeset_id": ctx.changeset_id,
        "created_at": ctx.now,
        "actor_id": ctx.actor.id,
        "actor_name": ctx.actor.name,
        "comment": comment,
        "key": key,
    }


def order_number(order_ref: Any) -> str | None:
    """Return an order's number as it is stored, None where none was typed. :raises Invalid: it is no number."""
    if order_ref is None or order_ref == "":
        return None
    if not isinstance(order_ref, str):
        raise Invalid({"order_ref": N_("Enter an order number.")})
    found: str | None = code_check("order_ref", trimmed(order_ref))
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
        raise Invalid(
            {field: N_("Enter an amount above zero, with up to nine digits before the decimal point.")}
        )
    return value


def signed(field: str, value: Any, most: int) -> int:
    """Return a whole number other than zero, ``most`` at most either way. :raises Invalid: anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or value == 0 or abs(value) > most:
        raise Invalid(
            {
                field: N_(
                    "Enter a number other than zero that is not too large. Use a negative number to deduct."
                )
            }
        )
    return value


def day(field: str, value: Any, latest: dt.date) -> dt.date:
    """Return a date between 1990 and ``latest``. :raises Invalid: anything else."""
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime) or not FIRST_DAY <= value <= latest:
        raise Invalid({field: N_("Enter a date that is not too far back and not in the future.")})
    return value


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


def reversed_before(model: type[Reversible]) -> list[OutcomeGroup]:
    """Return what :func:`refuse_second_reversal` refuses."""
    reversal = aliased(model)
    again = exists().where(reversal.reverses_id == model.id)
    return [refused(model.kind == "reversal", *IS_REVERSAL), refused(again, *ALREADY_REVERSED)]


def in_other_currency(model: type[AccountEntry | CreditEntry | Invoice]) -> OutcomeGroup:
    """Return what :func:`refuse_other_currency` refuses."""
    kept = select(Customer.currency).where(Customer.id == model.customer_id).scalar_subquery()
    return refused(model.currency != kept, *OTHER_CURRENCY)
