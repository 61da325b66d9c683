"""Gift-card credit: a ledger whose balance is never below zero (rule 2.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from actions.core.base import Context, Outcome, Refused, action
from actions.core.customer_guard import eligible_customer, live_customer, not_live
from actions.core.eligibility import EVERY_LIVE
from actions.core.outcome_groups import OutcomeGroup, refused
from actions.core.texts import money_text, required_text
from actions.ledgers import order_totals
from actions.ledgers.ledger import (
    MOST_MONEY,
    in_other_currency,
    ledger_columns,
    refuse_other_currency,
    refuse_second_reversal,
    reversed_before,
    signed,
)
from models.base import N_
from models.credit import CreditEntry, CreditKind
from models.customer import Customer
from models.gift_card import GiftCard

TOO_LITTLE_CREDIT = (
    "too_little_credit",
    N_("Not enough credit: %(available)s available, %(wanted)s requested."),
)


def post_credit(
    ctx: Context,
    customer: Customer,
    kind: CreditKind,
    amount: int,
    comment: str,
    key: str | None = None,
    **columns: Any,
) -> CreditEntry:
    """Write one entry for a locked customer and move the cached balance with it.

    :param amount: minor units; positive adds. :raises Refused: ``too_little_credit``, with the figure that
    is there.
    """
    if customer.credit_balance + amount < 0:
        raise Refused(
            *TOO_LITTLE_CREDIT,
            available=money_text(ctx, customer.credit_balance, customer.currency),
            wanted=money_text(ctx, -amount, customer.currency),
        )
    entry = CreditEntry(
        **ledger_columns(ctx, customer, comment, key),
        kind=kind,
        amount=amount,
        currency=customer.currency,
        **columns,
    )
    ctx.session.add(entry)
    customer.credit_balance += amount
    ctx.session.flush()
    return entry


def hand_over(ctx: Context, holder: Customer, home: Customer, amount: int, comment: str) -> None:
    """Give an amount of one locked customer's credit to another, by a pair of entries (rule 3.11)."""
    post_credit(ctx, holder, CreditKind.ADJUSTMENT, -amount, comment)
    post_credit(ctx, home, CreditKind.ADJUSTMENT, amount, comment)


def take_back(ctx: Context, customer: Customer, entry: CreditEntry, reason: str) -> CreditEntry:
    """Reverse one entry of a locked customer. The gift card that it credited can be redeemed again (rule 2.14).

    :raises Refused: it was reversed, is in another currency, the credit was used since, or went back by other ways
        (rule 1.13).
    """
    refuse_second_reversal(entry)
    refuse_other_currency(customer, entry)
    order_totals.refuse_reversal(ctx, customer, entry)
    back = post_credit(
        ctx, customer, CreditKind.REVERSAL, -entry.amount, reason, ctx.key, reverses_id=entry.id
    )
    for card in ctx.session.scalars(select(GiftCard).filter_by(redeemed_entry_id=entry.id).with_for_update()):
        card.redeemed_entry_id = None
    return back


@action("credit_entry.adjust", CreditEntry, label=N_("Adjust credit"), customers=EVERY_LIVE)
def adjust(ctx: Context, *, customer: int, amount: int, comment: str) -> Outcome:
    """Add or take away credit by hand, with a comment. ``amount`` in minor units; negative takes away."""
    change = signed("amount", amount, MOST_MONEY)
    text = required_text("comment", comment)
    owner = eligible_customer(ctx, customer)
    entry = post_credit(ctx, owner, CreditKind.ADJUSTMENT, change, text, ctx.key)
    values = {"customer": str(owner), "amount": money_text(ctx, abs(change), owner.currency)}
    if change > 0:
        return Outcome(N_("Credit added for %(customer)s: %(amount)s."), entry, values)
    return Outcome(N_("Credit deducted from %(customer)s: %(amount)s."), entry, values)


def _count_reversals(values: Mapping[str, Any]) -> list[OutcomeGroup]:
    required_text("reason", values["reason"])
    there = select(Customer.credit_balance).where(Customer.id == CreditEntry.customer_id).scalar_subquery()
    return [
        *not_live(CreditEntry),
        *reversed_before(CreditEntry),
        in_other_currency(CreditEntry),
        *order_totals.count_exceeding(CreditEntry),
        refused(there < CreditEntry.amount, *TOO_LITTLE_CREDIT),
    ]


@action(
    "credit_entry.reverse",
    CreditEntry,
    label=N_("Reverse"),
    bulk_counts=_count_reversals,
    customers=EVERY_LIVE,
)
def reverse(ctx: Context, entry: CreditEntry, *, reason: str) -> Outcome:
    """Undo an entry by its opposite, once; refused where the credit was used since (rules 2.4, 2.7)."""
    text = required_text("reason", reason)
    owner = live_customer(ctx, entry.customer_id)
    done = take_back(ctx, owner, entry, text)
    values = {"customer": str(owner), "amount": money_text(ctx, abs(entry.amount), owner.currency)}
    return Outcome(N_("The entry of %(amount)s was reversed for %(customer)s."), done, values)
