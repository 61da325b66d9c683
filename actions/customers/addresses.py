"""Addresses: a customer who has any has exactly one primary (rule 12.1), and edits their own in the portal (6.7)."""

from __future__ import annotations

from sqlalchemy import func, select

from actions.core.base import Context, Outcome, Portal, Refused, action
from actions.core.customer_guard import live_customer
from actions.core.eligibility import EVERY_LIVE
from actions.customers.customer_owned import owner_of
from actions.customers.primary_flag import bequeath, claim
from actions.execution.portal_rows import open_in_portal
from actions.execution.records import before_delete, before_save, save_values
from models.address import Address
from models.base import N_, Invalid

MOST_IN_PORTAL = 50
"""Addresses up to which customers add to theirs."""
TOO_MANY = "too_many_addresses", N_("You can have up to 50 addresses. Delete one that you no longer use.")
PAPERS_GO_THERE = (
    "papers_go_there",
    N_("We send invoices or other papers to this address. Contact us before you delete it."),
)
open_in_portal(
    Address,
    ("label", "recipient", "company", "line1", "line2", "town", "county", "postcode", "country", "is_delivery"),
)  # fmt: skip


@before_save(Address)
def keep_one_primary(ctx: Context, row: Address, changed: set[str], created: bool) -> None:
    """The first address becomes primary, a new primary takes the place of the old, none is ever un-ticked."""
    owner_of(ctx, row, changed, created)
    if created and ctx.actor.customer_id is not None:
        _refuse_too_many(ctx, row)
    if not created and "is_primary" in changed and not row.is_primary:
        raise Invalid(
            {"is_primary": N_("One address must be primary. Make another address primary instead.")}
        )
    if not row.problems(changed):
        claim(ctx, row, always=True)


def _refuse_too_many(ctx: Context, row: Address) -> None:
    theirs = select(func.count()).where(Address.customer_id == row.customer_id)
    with ctx.session.no_autoflush:
        if ctx.session.scalars(theirs).one() >= MOST_IN_PORTAL:
            raise Refused(*TOO_MANY)


@before_delete(Address)
def keep_a_primary(ctx: Context, row: Address) -> None:
    """Deleting the primary address makes the oldest remaining one primary.

    :raises Refused: ``papers_go_there``, in the portal: where copies of papers go is for staff to say.
    """
    live_customer(ctx, row.customer_id)
    if ctx.actor.customer_id is not None and (row.is_billing or row.is_admin):
        raise Refused(*PAPERS_GO_THERE)
    bequeath(ctx, row)


@action(
    "address.make_primary",
    Address,
    label=N_("Make primary"),
    customers=EVERY_LIVE,
    portal=Portal.LOGGED_IN_AS,
)
def make_primary(ctx: Context, address: Address) -> Outcome:
    """Take the primary mark from the customer's other addresses (feature 40). :raises Refused: ``primary``."""
    if address.is_primary:
        raise Refused("primary", N_("This address is already the primary one."))
    save_values(ctx, address, {"is_primary": True})
    return Outcome(N_("%(address)s is now the primary address."), address, {"address": str(address)})
