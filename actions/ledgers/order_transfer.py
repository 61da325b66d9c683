"""What an order earned and was invoiced, taken from one customer and entered for another (rules 3.31 to 3.35).

Nothing is re-pointed: statements and histories that either of them has seen stay as they are. The old owner gets the
opposite of each entry that stands, the new owner the same again, so the two together have what they had.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import and_, func, select
from sqlalchemy.orm import joinedload

from actions.core.base import Context, Refused
from actions.core.eligibility import GUEST
from actions.core.texts import money_text, number_text, today
from actions.ledgers import accounts, loyalty, order_totals
from models.account import Invoice
from models.base import N_
from models.choices import Status
from models.credit import CreditEntry, CreditKind
from models.customer import Customer
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyKind, LoyaltyLot

POINTS_USED = (
    "points_used",
    N_(
        "%(customer)s used %(points)s points for order %(order)s. Reverse that first, so that they have them "
        "back, then move the order."
    ),
)
CREDIT_USED = (
    "credit_used",
    N_(
        "%(customer)s used %(amount)s of gift-card credit for order %(order)s. Reverse that first, so that they "
        "have it back, then move the order."
    ),
)
POINTS_SPENT = (
    "points_spent",
    N_(
        "%(customer)s has spent %(spent)s of the %(points)s points that order %(order)s earned. Reverse what "
        "used them, move the order, then redeem again."
    ),
)
OTHER_CURRENCY = (
    "currencies",
    N_("Invoice %(invoice)s is in %(old)s, but the account of %(customer)s is in %(new)s."),
)
STAY = N_(
    "Payments stay with the customer who made them: %(customer)s will be in credit by %(amount)s. Refund it, or void a "
    "payment and add it for the other customer."
)
NEW_NUMBER = N_(
    "Invoice %(invoice)s is voided and raised again, for %(customer)s, with the next number and today's date."
)


@dataclass(frozen=True, slots=True)
class Share:
    """Points of one lot that go to another customer, with what is kept of them: kind, last day and comment."""

    kind: LoyaltyKind
    points: int
    expires_at: dt.datetime | None
    comment: str


# -- what stands in the way -------------------------------------------------------------------------------


def refuse_used(ctx: Context, customer: Customer, order: str) -> None:
    """Refuse while an order has something that its customer paid with: nobody else chose to (rule 3.33).

    :raises Refused: ``points_used`` or ``credit_used``, with the entry to go on to.
    """
    values = {"customer": str(customer), "order": order}
    if (points := order_totals.to_give_back(ctx.session, LoyaltyEntry, customer.id, order)) > 0:
        refused = Refused(*POINTS_USED, points=number_text(ctx, points), **values)
        refused.see = _newest(ctx, LoyaltyEntry, LoyaltyKind.REDEEMED, customer, order)
        raise refused
    if (credit := order_totals.to_give_back(ctx.session, CreditEntry, customer.id, order)) > 0:
        refused = Refused(*CREDIT_USED, amount=money_text(ctx, credit, customer.currency), **values)
        refused.see = _newest(ctx, CreditEntry, CreditKind.REDEEMED, customer, order)
        raise refused


def _newest(
    ctx: Context, model: type[LoyaltyEntry | CreditEntry], kind: str, customer: Customer, order: str
) -> tuple[str, int] | None:
    mine = model.customer_id == customer.id, model.order_ref == order, model.kind == kind
    found = ctx.session.scalar(select(func.max(model.id)).where(*mine, order_totals.standing(model)))
    return None if found is None else (model.__tablename__, found)


# -- points -----------------------------------------------------------------------------------------------


def expire_past(ctx: Context, customer: Customer, order: str) -> None:
    """Expire what is past its date of an order's points, as the night would: it goes to nobody (rule 3.32)."""
    for lot in _lots(ctx, customer, order):
        loyalty.expire_lot(ctx, customer, lot)


def take_points(ctx: Context, customer: Customer, order: str, comment: str) -> list[Share]:
    """Take from a locked customer the points that an order earned, and return them, oldest first.

    :raises Refused: ``points_spent``, with what used them.
    """
    lots = _lots(ctx, customer, order)
    _refuse_spent(ctx, customer, order, lots)
    left = [lot for lot in lots if lot.unspent]
    shares = [Share(lot.entry.kind, lot.unspent, lot.expires_at, lot.entry.comment) for lot in left]
    earned = [lot for lot in left if lot.entry.kind == LoyaltyKind.EARNED]
    for lot in reversed(left):
        if lot.entry.kind != LoyaltyKind.EARNED or _are_whole(earned):
            loyalty.take_back(ctx, customer, lot.entry, comment)
    if not _are_whole(earned):
        points = sum(lot.unspent for lot in earned)
        loyalty.take_back_part(ctx, customer, points, order_ref=order, comment=comment)
    return shares


def _are_whole(lots: Sequence[LoyaltyLot]) -> bool:
    """Whether nothing of the order's points was taken back yet, so that each entry is simply reversed."""
    return all(lot.unspent in (0, lot.points) for lot in lots)


def _lots(ctx: Context, customer: Customer, order: str) -> Sequence[LoyaltyLot]:
    """Return what the points of an order opened, earned or given manually with its number, and still stands."""
    entry = LoyaltyEntry
    mine = entry.customer_id == customer.id, entry.order_ref == order
    gained = entry.kind.in_((LoyaltyKind.EARNED, LoyaltyKind.GOODWILL)), order_totals.standing(entry)
    query = select(LoyaltyLot).join(LoyaltyLot.entry).where(*mine, *gained).order_by(LoyaltyLot.id)
    return ctx.session.scalars(query.options(joinedload(LoyaltyLot.entry))).all()


def _refuse_spent(ctx: Context, customer: Customer, order: str, lots: Sequence[LoyaltyLot]) -> None:
    """Refuse where some of the points were spent: nobody has what somebody else used already (rule 3.32)."""
    entry = LoyaltyEntry
    taken_back = and_(entry.kind == LoyaltyKind.ADJUSTMENT, entry.points < 0)
    by = (
        order_totals.standing(entry),
        entry.kind.not_in((LoyaltyKind.EXPIRED, LoyaltyKind.REVERSAL)),
        ~taken_back,
    )
    ours = LoyaltyAllocation.lot_id.in_([lot.id for lot in lots])
    query = select(func.coalesce(func.sum(LoyaltyAllocation.points), 0), func.max(entry.id))
    spent, last = ctx.session.execute(query.join(LoyaltyAllocation.entry).where(ours, *by)).one()
    if spent > 0:
        figures = {
            "spent": number_text(ctx, spent),
            "points": number_text(ctx, sum(lot.points for lot in lots)),
        }
        refused = Refused(*POINTS_SPENT, customer=str(customer), order=order, **figures)
        refused.see = (entry.__tablename__, last)
        raise refused


def give_points(ctx: Context, customer: Customer, order: str, shares: Sequence[Share]) -> None:
    """Enter points of an order for a locked customer, each until the day that it had before.

    :raises Refused: ``guest``: a guest does not earn points with orders.
    """
    if customer.status == Status.GUEST and any(share.kind == LoyaltyKind.EARNED for share in shares):
        raise Refused(*GUEST)
    for share in shares:
        loyalty.earn(
            ctx,
            customer,
            share.points,
            comment=share.comment,
            kind=share.kind,
            expires_at=share.expires_at,
            order_ref=order,
        )


# -- invoices ---------------------------------------------------------------------------------------------


def invoices(ctx: Context, customer: Customer, order: str) -> Sequence[Invoice]:
    """Return the invoices of an order on a customer's account that were not voided, by id."""
    mine = Invoice.customer_id == customer.id, Invoice.order_ref == order, ~Invoice.voided
    return ctx.session.scalars(select(Invoice).where(*mine).order_by(Invoice.id)).all()


def take_invoices(ctx: Context, customer: Customer, order: str, comment: str) -> Sequence[Invoice]:
    """Void what an order was invoiced on a locked customer's account, and return it (rule 3.34).

    :raises Refused: ``external_accounting``; ``other_currency``.
    """
    found = invoices(ctx, customer, order)
    for invoice in found:
        if invoice.entry is not None:
            accounts.reverse(ctx, customer, invoice.entry, comment)
    if found and customer.account_balance < 0:
        amount = money_text(ctx, -customer.account_balance, customer.currency)
        ctx.warn(STAY, customer=str(customer), amount=amount)
    return found


def give_invoices(ctx: Context, customer: Customer, order: str, voided: Sequence[Invoice]) -> None:
    """Raise invoices again for another customer, by their own terms and limit, and with numbers of their own.

    :raises Refused: ``currencies``, ``pay_on_account_off``, ``credit_limit``.
    """
    for invoice in voided:
        if invoice.currency != customer.currency:
            values = {"invoice": invoice.number, "old": invoice.currency, "new": customer.currency}
            raise Refused(*OTHER_CURRENCY, customer=str(customer), **values)
        days = {"issued_on": max(today(ctx), invoice.issued_on), "due_on": None}
        text = {"description": invoice.comment, "number": None, "order_ref": order}
        accounts.invoice(ctx, lambda: customer, invoice.amount, days, **text)
        ctx.warn(NEW_NUMBER, invoice=invoice.number, customer=str(customer))


def without_key(ctx: Context) -> Context:
    """Return the context without its key: one key names one row of a ledger, and there may be several."""
    return replace(ctx, key=None)
