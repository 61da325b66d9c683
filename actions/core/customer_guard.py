"""The guard of every action on a customer or what belongs to one: they are locked first, then refused or let pass."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists

from actions.core.base import Context, Missing
from actions.core.eligibility import EVERY_LIVE, Eligible
from actions.core.outcome_groups import OutcomeGroup, refused
from models.base import N_, Base, Invalid
from models.customer import Customer


def live_customer(ctx: Context, customer_id: Any, field: str = "customer") -> Customer:
    """Return the customer locked for update: the first lock of every action on what belongs to one.

    :raises Invalid: there is no such customer. :raises Refused: ``merged`` or ``erased``.
    """
    customer = locked_customer(ctx, customer_id, field)
    refuse_unless_live(customer)
    return customer


def eligible_customer(ctx: Context, customer_id: Any, field: str = "customer") -> Customer:
    """Return the customer an action is about, locked: one of those that it is for (rule 11.8).

    :raises Invalid: there is no such customer. :raises Refused: why the action is not for this one.
    """
    customer = locked_customer(ctx, customer_id, field)
    ctx.customers.check(customer)
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
    EVERY_LIVE.check(customer)


def not_live(model: type[Base]) -> list[OutcomeGroup]:
    """Return what :func:`refuse_unless_live` refuses of customers, or of what belongs to them."""
    if model is Customer:
        return not_for(EVERY_LIVE)
    owner = model.__table__.c.get("customer_id")
    if owner is None:
        return []
    theirs = exists().where(Customer.id == owner)
    return [refused(theirs.where(clause), *why) for clause, why in EVERY_LIVE.reasons()]


def not_for(eligible: Eligible) -> list[OutcomeGroup]:
    """Return the customers that an action is not for (rule 11.8)."""
    return [refused(clause, *why) for clause, why in eligible.reasons()]
