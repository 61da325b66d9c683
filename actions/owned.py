"""Rows that belong to a customer: they stay with it, and change only under its lock and while it is live."""

from __future__ import annotations

from typing import Any

from actions.base import Context
from actions.ledger import live_customer
from actions.records import before_delete, before_save
from models.attribute import AttributeValue
from models.base import N_, Invalid
from models.customer import Customer
from models.order import ExternalId


def owner_of(ctx: Context, row: Any, changed: set[str], created: bool) -> Customer:
    """Return the row's customer, locked.

    :raises Invalid: no customer, or another one than before.
    :raises Refused: ``merged`` or ``erased`` (rules 3.6, 4.4).
    """
    if not created and changed & {"customer", "customer_id"}:
        raise Invalid({"customer": N_("This stays with its customer: add it anew to the other one.")})
    return live_customer(ctx, row.customer_id)


@before_save(AttributeValue)
def save_attribute(ctx: Context, row: AttributeValue, changed: set[str], created: bool) -> None:
    """An attribute belongs to one live customer."""
    owner_of(ctx, row, changed, created)


@before_save(ExternalId)
def save_external_id(ctx: Context, row: ExternalId, changed: set[str], created: bool) -> None:
    """An id of another system belongs to one live customer, if to any."""
    if row.customer_id is not None:
        owner_of(ctx, row, changed, created)


@before_delete(AttributeValue)
@before_delete(ExternalId)
def delete_owned(ctx: Context, row: AttributeValue | ExternalId) -> None:
    """Nothing of a merged or erased record is deleted by hand."""
    if row.customer_id is not None:
        live_customer(ctx, row.customer_id)
