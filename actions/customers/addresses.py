"""Addresses: a customer who has any has exactly one primary (rule 12.1)."""

from __future__ import annotations

from actions.core.base import Context, Outcome, Refused, action
from actions.core.customer_guard import live_customer
from actions.core.eligibility import EVERY_LIVE
from actions.customers.customer_owned import owner_of
from actions.customers.primary_flag import bequeath, claim
from actions.execution.records import before_delete, before_save, save_values
from models.address import Address
from models.base import N_, Invalid


@before_save(Address)
def keep_one_primary(ctx: Context, row: Address, changed: set[str], created: bool) -> None:
    """The first address becomes primary, a new primary takes the place of the old, none is ever un-ticked."""
    owner_of(ctx, row, changed, created)
    if not created and "is_primary" in changed and not row.is_primary:
        raise Invalid(
            {"is_primary": N_("One address must be primary. Make another address primary instead.")}
        )
    if not row.problems(changed):
        claim(ctx, row, always=True)


@before_delete(Address)
def keep_a_primary(ctx: Context, row: Address) -> None:
    """Deleting the primary address makes the oldest remaining one primary."""
    live_customer(ctx, row.customer_id)
    bequeath(ctx, row)


@action("address.make_primary", Address, label=N_("Make primary"), customers=EVERY_LIVE)
def make_primary(ctx: Context, address: Address) -> Outcome:
    """Take the primary mark from the customer's other addresses (feature 40). :raises Refused: ``primary``."""
    if address.is_primary:
        raise Refused("primary", N_("This address is already the primary one."))
    save_values(ctx, address, {"is_primary": True})
    return Outcome(N_("%(address)s is now the primary address."), address, {"address": str(address)})
