"""Loyalty cards: which card is whose, mostly set by a scanner that types and presses Enter (rules 11.6, 11.7)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select

from actions.core.base import Context, Outcome, action
from actions.core.customer_guard import refuse_unless_live
from actions.core.eligibility import EVERY_LIVE
from actions.core.row_scope import seen
from actions.execution.records import save_values
from models import normalise, validate
from models.base import N_, Invalid
from models.customer import Customer

HAS_IT = N_(
    "%(holder)s (number %(id)s) already has this card. Scan it into the search box to open that customer."
)
TAKEN = N_("Another customer already has this card.")


def live() -> ColumnElement[bool]:
    """Return the condition of a customer neither merged away nor erased."""
    return and_(Customer.merged_into_id.is_(None), Customer.anonymised_at.is_(None))


def read(text: Any) -> str | None:
    """Return a card's number as it is stored, whatever spaces and line ends a scanner added; None for none.

    :raises Invalid: it is no code, or too long for one.
    """
    if text is not None and not isinstance(text, str):
        raise Invalid({"loyalty_code": N_("Scan the card or type its number.")})
    code: str | None = validate.code("loyalty_code", normalise.trimmed(text) or None)
    return code


def holder(code: str) -> Select[Any]:
    """Return the statement for the live customer who has a card."""
    return select(Customer).where(Customer.loyalty_code == code, live())


def former_holders(code: str) -> Select[Any]:
    """Return the statement for whom records that had a card were merged into (rule 3.6)."""
    gone = select(Customer.merged_into_id).where(
        Customer.loyalty_code == code, Customer.merged_into_id.is_not(None)
    )
    return select(Customer).where(Customer.id.in_(gone), live())


@action("customer.set_loyalty_card", Customer, label=N_("Change card"), customers=EVERY_LIVE)
def set_loyalty_card(ctx: Context, customer: Customer, *, loyalty_code: str | None = None) -> Outcome:
    """Give a customer another loyalty card, or take the one they have away (feature 75).

    :param loyalty_code: the number as scanned or typed; nothing takes the card away.
    :raises Invalid: somebody else has the card, by name where that is somebody the actor sees.
    """
    refuse_unless_live(customer)
    code = read(loyalty_code)
    if code is not None and code != customer.loyalty_code:
        _refuse_if_taken(ctx, customer, code)
    save_values(ctx, customer, {"loyalty_code": code})
    values = {"customer": str(customer), "card": code or ""}
    if code is None:
        return Outcome(N_("Loyalty card of %(customer)s removed."), customer, values)
    return Outcome(N_("Loyalty card of %(customer)s changed to %(card)s."), customer, values)


def _refuse_if_taken(ctx: Context, customer: Customer, code: str) -> None:
    with ctx.session.no_autoflush:
        there = holder(code).where(Customer.id != customer.id)
        if ctx.session.scalar(there) is None:
            return
        other = ctx.session.scalar(there.where(*seen(ctx.session, Customer)))
    if other is None:
        raise Invalid({"loyalty_code": TAKEN})
    taken = Invalid({"loyalty_code": validate.say(HAS_IT, holder=str(other), id=other.id)})
    taken.see = Customer.resource_name(), other.id
    raise taken
