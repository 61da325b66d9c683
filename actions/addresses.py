"""Addresses: a customer who has any has exactly one primary (rule 12.1)."""

from __future__ import annotations

from actions.base import Context, Outcome, Refused, action
from actions.ledger import live_customer
from actions.owned import owner_of
from actions.primaries import bequeath, claim
from actions.records import before_delete, before_save, save_values
from models.address import Address
from models.base import N_, Invalid


@before_save(Address)
def keep_one_primary(ctx: Context, row: Address, changed: set[str], created: bool) -> None:
    """The first address becomes primary, a new primary takes the place of the old, none is ever un-ticked."""
    owner_of(ctx, row, changed, created)
    if not created and "is_primary" in changed and not row.is_primary:
        raise Invalid(
            {"is_primary": N_("One address is always primary: tick it on another address instead.")}
        )
    if not row.problems(changed):
        claim(ctx, row, always=True)


@before_delete(Address)
def keep_a_primary(ctx: Context, row: Address) -> None:
    """Deleting the primary address makes the oldest remaining one primary."""
    live_customer(ctx, row.customer_id)
    bequeath(ctx, row)


@action("address.make_primary", Address, label=N_("Make primary"))
def make_primary(ctx: Context, address: Address) -> Outcome:
    """Take the primary mark from the customer's other addresses (F40). :raises Refused: ``primary``."""
    if address.is_primary:
        raise Refused("primary", N_("This address is the primary one already."))
    save_values(ctx, address, {"is_primary": True})
    return Outcome(N_("%(address)s is the primary address now."), address, {"address": str(address)})
