"""What a shop reports with a key of its own: points and credit of an order, its payments and invoices (rule 24).

These are the actions of points, credit and accounts once more, said as a shop says them: the customer by any handle,
always about an order, and taken back by the order's number, as a shop does not keep our ids.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, select

from actions.core.base import Context, Outcome, Refused, action
from actions.core.eligibility import EVERY_LIVE, MAY_BUY, MAY_EARN, SETTLED
from actions.core.texts import money_text, number_text, required_text
from actions.customers.customer_reference import resolve_customer
from actions.ledgers import accounts, credit, loyalty, order_totals
from actions.ledgers.ledger import MOST_MONEY, order_columns, order_number, positive, signed
from models.account import AccountEntry, AccountKind, Invoice, Movement, PaymentMethod
from models.base import N_, Invalid
from models.credit import CreditEntry, CreditKind
from models.customer import Customer
from models.loyalty import MOST_POINTS, LoyaltyEntry

NOTHING_TO_CANCEL = (
    "nothing_to_cancel",
    N_("There is nothing left of order %(order)s to cancel for this customer."),
)
CustomerReference = int | str
"""Our id, or a handle (actions/customers/customer_reference.py)."""


def _order(order_ref: Any) -> str:
    """Return the number of the order, which a shop always has. :raises Invalid: none, or no number."""
    found = order_number(order_ref)
    if found is None:
        raise Invalid({"order_ref": N_("Enter an order number.")})
    return found


def _points(value: Any) -> int:
    """Return points above zero. :raises Invalid: anything else."""
    found = signed("points", value, MOST_POINTS)
    if found < 0:
        raise Invalid({"points": N_("Enter a number above zero.")})
    return found


# -- points ---------------------------------------------------------------------------------------------------------


@action("loyalty_entry.earn", LoyaltyEntry, label=N_("Record points earned"), customers=MAY_EARN)
def earn(
    ctx: Context,
    *,
    customer: CustomerReference,
    points: int,
    order_ref: str,
    expires_after_days: int | None = None,
    comment: str | None = None,
) -> Outcome:
    """Record what an order earned: ``points`` > 0, expiring after so many days, None for never (rule 1.5)."""
    amount, order = _points(points), _order(order_ref)
    text = required_text("comment", comment, least=0)
    expires = loyalty.expiry_of(ctx, expires_after_days)
    owner = resolve_customer(ctx, customer)
    entry = loyalty.earn(ctx, owner, amount, comment=text, expires_at=expires, order_ref=order, key=ctx.key)
    values = {"customer": str(owner), "points": number_text(ctx, amount), "order": order}
    return Outcome(N_("%(customer)s earned %(points)s points with order %(order)s."), entry, values)


@action("loyalty_entry.redeem", LoyaltyEntry, label=N_("Record points redeemed"), customers=MAY_BUY)
def redeem(
    ctx: Context, *, customer: CustomerReference, points: int, order_ref: str, comment: str | None = None
) -> Outcome:
    """Record points spent on an order: ``points`` > 0. :raises Refused: ``too_few_points`` (rule 1.7)."""
    amount, order = _points(points), _order(order_ref)
    text = required_text("comment", comment, least=0)
    owner = resolve_customer(ctx, customer)
    entry = loyalty.spend(ctx, owner, amount, comment=text, order_ref=order, key=ctx.key)
    values = {"customer": str(owner), "points": number_text(ctx, amount), "order": order}
    return Outcome(N_("%(customer)s redeemed %(points)s points for order %(order)s."), entry, values)


@action(
    "loyalty_entry.correct_order", LoyaltyEntry, label=N_("Correct points of an order"), customers=EVERY_LIVE
)
def correct_points(
    ctx: Context, *, customer: CustomerReference, points: int, order_ref: str, comment: str | None = None
) -> Outcome:
    """Take back a part of what an order earned, or give back a part of what was redeemed for it: a partial refund.

    :param points: negative takes back, positive gives back. :raises Refused: ``more_than_taken`` or
        ``more_than_earned``, with what is left; ``points_spent``, with the shortfall (rule 1.13).
    """
    amount, order = signed("points", points, MOST_POINTS), _order(order_ref)
    text = required_text("comment", comment, least=0)
    owner = resolve_customer(ctx, customer)
    part = loyalty.give_back_part if amount > 0 else loyalty.take_back_part
    entry = part(ctx, owner, abs(amount), order_ref=order, comment=text, key=ctx.key)
    return Outcome(N_("The points of order %(order)s were corrected."), entry, {"order": order})


@action(
    "loyalty_entry.cancel_order", LoyaltyEntry, label=N_("Cancel points of an order"), customers=EVERY_LIVE
)
def cancel_points(ctx: Context, *, customer: CustomerReference, order_ref: str, reason: str) -> Outcome:
    """Reverse all that an order moved: what it took goes back first, then what it gave goes (rule 1.8).

    :raises Refused: ``nothing_to_cancel``; ``points_spent``: some of what it gave is gone, with the shortfall.
    """
    order, text = _order(order_ref), required_text("reason", reason)
    owner, ctx = resolve_customer(ctx, customer), replace(ctx, key=None)
    to_give = order_totals.to_give_back(ctx.session, LoyaltyEntry, owner.id, order)
    to_take = order_totals.to_take_back(ctx.session, owner.id, order)
    if to_give <= 0 and to_take <= 0:
        raise Refused(*NOTHING_TO_CANCEL, order=order)
    back: list[LoyaltyEntry] = []
    for left, mine, part in (
        (to_give, order_totals.taken, loyalty.give_back_part),
        (to_take, order_totals.earned, loyalty.take_back_part),
    ):
        if left <= 0:
            continue
        if (whole := _uncorrected(ctx, LoyaltyEntry, owner, order, mine)) is not None:
            back += [loyalty.take_back(ctx, owner, entry, text) for entry in whole]
        else:
            back.append(part(ctx, owner, left, order_ref=order, comment=text))
    return Outcome(N_("The points of order %(order)s were cancelled."), back[0], {"order": order})


def _uncorrected(
    ctx: Context, model: Any, owner: Customer, order: str, mine: Callable[[Any], ColumnElement[bool]]
) -> Sequence[Any] | None:
    """Return the entries of an order that can be reversed as they are, newest first; None where parts went back."""
    about = model.customer_id == owner.id, model.order_ref == order, mine(model), order_totals.standing(model)
    found = ctx.session.scalars(select(model).where(*about).order_by(model.id.desc())).all()
    corrected = any(entry.kind == "adjustment" for entry in found)
    return None if corrected else found


# -- gift-card credit -----------------------------------------------------------------------------------------------


@action("credit_entry.redeem", CreditEntry, label=N_("Record credit redeemed"), customers=MAY_BUY)
def redeem_credit(
    ctx: Context, *, customer: CustomerReference, amount: int, order_ref: str, comment: str | None = None
) -> Outcome:
    """Record credit spent on an order: ``amount`` > 0 in minor units. :raises Refused: ``too_little_credit``."""
    figure, order = positive("amount", amount), _order(order_ref)
    text = required_text("comment", comment, least=0)
    owner = resolve_customer(ctx, customer)
    about = order_columns(ctx, owner, order)
    entry = credit.post_credit(ctx, owner, CreditKind.REDEEMED, -figure, text, ctx.key, **about)
    values = {"customer": str(owner), "amount": money_text(ctx, figure, owner.currency), "order": order}
    return Outcome(N_("%(customer)s redeemed credit of %(amount)s for order %(order)s."), entry, values)


@action(
    "credit_entry.correct_order", CreditEntry, label=N_("Correct credit of an order"), customers=EVERY_LIVE
)
def correct_credit(
    ctx: Context, *, customer: CustomerReference, amount: int, order_ref: str, comment: str | None = None
) -> Outcome:
    """Give back a part of the credit an order took (positive), or take more for it: minor units.

    :raises Refused: ``more_than_taken``, with what is left (rule 1.13); ``too_little_credit``.
    """
    change, order = signed("amount", amount, MOST_MONEY), _order(order_ref)
    text = required_text("comment", comment, least=0)
    owner = resolve_customer(ctx, customer)
    entry = _correct_credit(ctx, owner, change, order, text)
    return Outcome(N_("The credit of order %(order)s was corrected."), entry, {"order": order})


@action("credit_entry.cancel_order", CreditEntry, label=N_("Cancel credit of an order"), customers=EVERY_LIVE)
def cancel_credit(ctx: Context, *, customer: CustomerReference, order_ref: str, reason: str) -> Outcome:
    """Give back what is left of the credit an order took. :raises Refused: ``nothing_to_cancel``."""
    order, text = _order(order_ref), required_text("reason", reason)
    owner, ctx = resolve_customer(ctx, customer), replace(ctx, key=None)
    left = order_totals.to_give_back(ctx.session, CreditEntry, owner.id, order)
    if left <= 0:
        raise Refused(*NOTHING_TO_CANCEL, order=order)
    whole = _uncorrected(ctx, CreditEntry, owner, order, order_totals.taken)
    if whole is not None:
        back = [credit.take_back(ctx, owner, entry, text) for entry in whole]
    else:
        back = [_correct_credit(ctx, owner, left, order, text)]
    return Outcome(N_("The credit of order %(order)s was cancelled."), back[0], {"order": order})


def _correct_credit(ctx: Context, owner: Customer, change: int, order: str, text: str) -> CreditEntry:
    """Give back so much of what an order took, or take more for it where it is negative."""
    if change > 0:
        order_totals.refuse_more_than_taken(ctx, CreditEntry, owner, change, order)
    about = order_columns(ctx, owner, order)
    return credit.post_credit(ctx, owner, CreditKind.ADJUSTMENT, change, text, ctx.key, **about)


# -- the account ----------------------------------------------------------------------------------------------------


@action("account_entry.record", AccountEntry, label=N_("Record payment or refund"), customers=EVERY_LIVE)
def record(
    ctx: Context,
    *,
    customer: CustomerReference,
    kind: Movement | str,
    amount: int,
    method: PaymentMethod | str,
    value_date: dt.date | None = None,
    reference: str | None = None,
    comment: str | None = None,
) -> Outcome:
    """Record a payment or a refund that the shop took: ``amount`` > 0 in minor units (rules 2.3, 2.5)."""
    if kind not in set(Movement):
        raise Invalid({"kind": N_("Choose payment or refund.")})
    moved = AccountKind.PAYMENT if kind == Movement.PAYMENT else AccountKind.REFUND
    given = {"method": method, "value_date": value_date, "reference": reference}
    return accounts.move(ctx, moved, lambda: resolve_customer(ctx, customer), amount, comment, **given)


@action("invoice.record", Invoice, label=N_("Record invoice"), customers=SETTLED)
def record_invoice(
    ctx: Context,
    *,
    customer: CustomerReference,
    amount: int,
    order_ref: str | None = None,
    issued_on: dt.date | None = None,
    due_on: dt.date | None = None,
    description: str | None = None,
    number: str | None = None,
) -> Outcome:
    """Raise an invoice on account for an order, as staff would (rule 2.5)."""
    order = order_number(order_ref)
    text = {"description": description, "number": number, "order_ref": order}
    days = {"issued_on": issued_on, "due_on": due_on}
    return accounts.invoice(ctx, lambda: resolve_customer(ctx, customer), amount, days, **text)
