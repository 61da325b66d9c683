"""What a shop reports with a key of its own: points and credit of an order, its payments and invoices (rule 24).

These are the deeds of actions/loyalty.py, credit.py and accounts.py once more, said as a shop says them: the customer
by any handle, always about an order, and taken back by the order's number, as a shop does not keep our ids.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from actions import accounts, credit, loyalty
from actions.base import Context, Outcome, Refused, action
from actions.handles import whom
from actions.ledger import (
    MOST_MONEY,
    money_text,
    number_text,
    order_columns,
    order_number,
    positive,
    signed,
    words,
)
from models.account import AccountEntry, AccountKind, Invoice, Movement, PaymentMethod
from models.base import N_, Invalid
from models.credit import CreditEntry, CreditKind
from models.customer import Customer
from models.loyalty import MOST_POINTS, LoyaltyEntry, LoyaltyKind

NOTHING_TO_CANCEL = (
    "nothing_to_cancel",
    N_("Nothing of order %(order)s is left to take back for this customer."),
)
OF_AN_ORDER = ("earned", "redeemed", "adjustment")
"""Kinds of entries that a cancelled order takes back; what staff gave out of goodwill stays."""
Handle = int | str
"""Our id, or a handle (actions/handles.py)."""


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
        raise Invalid({"points": N_("Enter a figure above zero.")})
    return found


# -- points ---------------------------------------------------------------------------------------------------------


@action("loyalty_entry.earn", LoyaltyEntry, label=N_("Record points earned"))
def earn(
    ctx: Context,
    *,
    customer: Handle,
    points: int,
    order_ref: str,
    expires_after_days: int | None = None,
    comment: str | None = None,
) -> Outcome:
    """Record what an order earned: ``points`` > 0, lapsing after so many days, None for never (rule 1.5)."""
    amount, order = _points(points), _order(order_ref)
    text = words("comment", comment, least=0)
    lapses = loyalty.lapses_at(ctx, expires_after_days)
    owner = whom(ctx, customer)
    entry = loyalty.earn(ctx, owner, amount, comment=text, expires_at=lapses, order_ref=order, key=ctx.key)
    values = {"customer": str(owner), "points": number_text(ctx, amount), "order": order}
    return Outcome(N_("%(customer)s earned %(points)s points with order %(order)s."), entry, values)


@action("loyalty_entry.redeem", LoyaltyEntry, label=N_("Record points redeemed"))
def redeem(
    ctx: Context, *, customer: Handle, points: int, order_ref: str, comment: str | None = None
) -> Outcome:
    """Record points spent on an order: ``points`` > 0. :raises Refused: ``too_few_points`` (rule 1.7)."""
    amount, order = _points(points), _order(order_ref)
    text = words("comment", comment, least=0)
    owner = whom(ctx, customer)
    entry = loyalty.spend(ctx, owner, amount, comment=text, order_ref=order, key=ctx.key)
    values = {"customer": str(owner), "points": number_text(ctx, amount), "order": order}
    return Outcome(N_("%(customer)s redeemed %(points)s points for order %(order)s."), entry, values)


@action("loyalty_entry.correct_order", LoyaltyEntry, label=N_("Correct points of an order"))
def correct_points(
    ctx: Context, *, customer: Handle, points: int, order_ref: str, comment: str | None = None
) -> Outcome:
    """Take back a part of what an order earned, or give back a part of what was redeemed for it: a partial refund.

    :param points: negative takes back, positive gives; these lapse by the shop's own setting.
    """
    amount, order = signed("points", points, MOST_POINTS), _order(order_ref)
    text = words("comment", comment, least=0)
    given: dict[str, Any] = {
        "comment": text,
        "kind": LoyaltyKind.ADJUSTMENT,
        "order_ref": order,
        "key": ctx.key,
    }
    lapses = loyalty.lapses_at(ctx, ctx.shop.points_expire_after_days)
    owner = whom(ctx, customer)
    if amount > 0:
        entry = loyalty.earn(ctx, owner, amount, expires_at=lapses, **given)
    else:
        entry = loyalty.spend(ctx, owner, -amount, **given)
    return Outcome(N_("The points of order %(order)s were corrected."), entry, {"order": order})


@action("loyalty_entry.cancel_order", LoyaltyEntry, label=N_("Cancel points of an order"))
def cancel_points(ctx: Context, *, customer: Handle, order_ref: str, reason: str) -> Outcome:
    """Reverse all that an order moved: what it took goes back first, then what it gave goes (rule 1.8).

    :raises Refused: ``nothing_to_cancel``; ``points_spent``: some of what it gave is gone, with the shortfall.
    """
    order, text = _order(order_ref), words("reason", reason)
    owner = whom(ctx, customer)
    back = [
        (loyalty.take_back if entry.points > 0 else loyalty.give_back)(
            replace(ctx, key=None), owner, entry, text
        )
        for entry in _standing(ctx, LoyaltyEntry, owner, order, LoyaltyEntry.points)
    ]
    return Outcome(N_("The points of order %(order)s were taken back."), back[0], {"order": order})


def _standing(ctx: Context, model: Any, owner: Customer, order: str, figure: Any) -> Sequence[Any]:
    """Return the entries of a customer's order that were not reversed, what took something first, newest first.

    :raises Refused: ``nothing_to_cancel``.
    """
    mine = model.customer_id == owner.id, model.order_ref == order, model.kind.in_(OF_AN_ORDER)
    wanted = select(model).where(*mine, ~model.reversed_by.has()).order_by(figure > 0, model.id.desc())
    found = ctx.session.scalars(wanted).all()
    if not found:
        raise Refused(*NOTHING_TO_CANCEL, order=order)
    return found


# -- gift-card credit -----------------------------------------------------------------------------------------------


@action("credit_entry.redeem", CreditEntry, label=N_("Record credit redeemed"))
def redeem_credit(
    ctx: Context, *, customer: Handle, amount: int, order_ref: str, comment: str | None = None
) -> Outcome:
    """Record credit spent on an order: ``amount`` > 0 in minor units. :raises Refused: ``too_little_credit``."""
    figure, order = positive("amount", amount), _order(order_ref)
    text = words("comment", comment, least=0)
    owner = whom(ctx, customer)
    about = order_columns(ctx, owner, order)
    entry = credit.post_credit(ctx, owner, CreditKind.REDEEMED, -figure, text, ctx.key, **about)
    values = {"customer": str(owner), "amount": money_text(ctx, figure, owner.currency), "order": order}
    return Outcome(N_("%(customer)s redeemed credit of %(amount)s for order %(order)s."), entry, values)


@action("credit_entry.correct_order", CreditEntry, label=N_("Correct credit of an order"))
def correct_credit(
    ctx: Context, *, customer: Handle, amount: int, order_ref: str, comment: str | None = None
) -> Outcome:
    """Give back a part of the credit an order took (positive), or take more for it: minor units."""
    change, order = signed("amount", amount, MOST_MONEY), _order(order_ref)
    text = words("comment", comment, least=0)
    owner = whom(ctx, customer)
    about = order_columns(ctx, owner, order)
    entry = credit.post_credit(ctx, owner, CreditKind.ADJUSTMENT, change, text, ctx.key, **about)
    return Outcome(N_("The credit of order %(order)s was corrected."), entry, {"order": order})


@action("credit_entry.cancel_order", CreditEntry, label=N_("Cancel credit of an order"))
def cancel_credit(ctx: Context, *, customer: Handle, order_ref: str, reason: str) -> Outcome:
    """Give back all the credit an order took. :raises Refused: ``nothing_to_cancel``, ``too_little_credit``."""
    order, text = _order(order_ref), words("reason", reason)
    owner = whom(ctx, customer)
    back = [
        credit.take_back(replace(ctx, key=None), owner, entry, text)
        for entry in _standing(ctx, CreditEntry, owner, order, CreditEntry.amount)
    ]
    return Outcome(N_("The credit of order %(order)s was given back."), back[0], {"order": order})


# -- the account ----------------------------------------------------------------------------------------------------


@action("account_entry.record", AccountEntry, label=N_("Record payment or refund"))
def record(
    ctx: Context,
    *,
    customer: Handle,
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
    return accounts.move(ctx, moved, lambda: whom(ctx, customer), amount, comment, **given)


@action("invoice.record", Invoice, label=N_("Record invoice"))
def record_invoice(
    ctx: Context,
    *,
    customer: Handle,
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
    return accounts.invoice(ctx, lambda: whom(ctx, customer), amount, days, **text)
