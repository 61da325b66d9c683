"""Phones: at most one of a customer's is primary (rule 12.2), and customers edit their own in the portal (rule 6.7)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, inspect, select

from actions.core.base import Context, Refused
from actions.core.customer_guard import live_customer
from actions.customers.customer_owned import owner_of
from actions.customers.primary_flag import bequeath, claim, hand_over
from actions.execution.portal_rows import open_in_portal
from actions.execution.records import before_delete, before_save, record_actions
from models.base import N_, Invalid
from models.customer import Customer
from models.phone import Phone

MOST_IN_PORTAL = 20
"""Phones up to which customers add to theirs."""
TOO_MANY = "too_many_phones", N_("You can have up to 20 phone numbers. Remove one that you no longer use.")
open_in_portal(Phone, ("kind", "number", "extension", "country", "is_primary"))
ADD, EDIT, REMOVE = record_actions(Phone)


@before_save(Phone)
def keep_one_primary(ctx: Context, row: Phone, changed: set[str], created: bool) -> None:
    """The first phone becomes primary, a new primary takes the place of the old; having none is allowed."""
    owner_of(ctx, row, changed, created)
    if created and ctx.actor.customer_id is not None:
        _refuse_too_many(ctx, row)
    if not row.problems(changed) and (created or row.is_primary):
        claim(ctx, row, always=False)


def _refuse_too_many(ctx: Context, row: Phone) -> None:
    theirs = select(func.count()).where(Phone.customer_id == row.customer_id)
    with ctx.session.no_autoflush:
        if ctx.session.scalars(theirs).one() >= MOST_IN_PORTAL:
            raise Refused(*TOO_MANY)


@before_delete(Phone)
def keep_a_primary(ctx: Context, row: Phone) -> None:
    """Deleting the primary phone makes the oldest remaining one primary."""
    live_customer(ctx, row.customer_id)
    bequeath(ctx, row)


@before_save(Customer, row_only=True)
def keep_one_among(ctx: Context, row: Customer, changed: set[str], created: bool) -> None:
    """The same for the phones that are edited in the customer's own form."""
    if "phones" not in changed:
        return
    with ctx.session.no_autoflush:
        history = inspect(row).attrs.phones.history
        first = not history.unchanged and not history.deleted
        orphaned = any(_was_primary(phone) for phone in history.deleted)
        winner = _winner(row.phones, needed=first or orphaned)
        losers = [p for p in (*row.phones, *history.deleted) if _was_primary(p) and p is not winner]
        for phone in row.phones:
            phone.is_primary = phone is winner
    if winner is not None and losers:
        hand_over(ctx, losers, [winner])


def _winner(phones: Sequence[Phone], *, needed: bool) -> Phone | None:
    """Return the phone to be primary: of two ticked the one ticked just now; the first if ``needed``."""
    ticked = [phone for phone in phones if phone.is_primary]
    if len(ticked) > 1:
        ticked = [phone for phone in ticked if not _was_primary(phone)]
    if len(ticked) > 1:
        raise Invalid({"phones": N_("Only one phone can be primary.")})
    if not ticked and needed and phones:
        return phones[0]
    return ticked[0] if ticked else None


def _was_primary(phone: Phone) -> bool:
    """Whether the database has this phone as the primary one."""
    if phone.id is None:
        return False
    before = inspect(phone).attrs.is_primary.history
    return bool(before.deleted[0] if before.deleted else phone.is_primary)
