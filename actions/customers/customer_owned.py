"""Rows that belong to a customer: they stay with it, and change only under its lock and while it is live."""

from __future__ import annotations

from typing import Any

from actions.core.base import Context
from actions.core.customer_guard import live_customer
from actions.execution.records import before_delete, before_save
from models.address import Address
from models.base import N_, Base, Invalid, Record
from models.customer import Customer
from models.note import Note
from models.personal import policy
from models.phone import Phone


def owner_of(ctx: Context, row: Any, changed: set[str], created: bool) -> Customer:
    """Return the row's customer, locked.

    :raises Invalid: no customer, or another one than before.
    :raises Refused: ``merged`` or ``erased`` (rules 3.6, 4.4).
    """
    if not created and changed & {"customer", "customer_id"}:
        raise Invalid({"customer": N_("This stays with its customer. Add it again for the other customer.")})
    return live_customer(ctx, row.customer_id)


OWN_RULES: frozenset[type[Base]] = frozenset({Address, Note, Phone})
"""What belongs to a customer and is held to it by a hook of its own, which also says more."""


def owned() -> list[type[Base]]:
    """Return the models of rows that a form gives to a customer and that have no hook of their own for it."""
    found = (mapper.class_ for mapper in Base.registry.mappers if mapper.class_ not in OWN_RULES)
    return [model for model in found if issubclass(model, Record) and _is_given(model.__table__.c)]


def _is_given(columns: Any) -> bool:
    return "customer_id" in columns and policy(columns.customer_id).written_by == "form"


def save_owned(ctx: Context, row: Any, changed: set[str], created: bool) -> None:
    """Hold a row to the live customer that it belongs to, if to any."""
    if row.customer_id is not None or not _may_be_nobodys(type(row)):
        owner_of(ctx, row, changed, created)


def delete_owned(ctx: Context, row: Any) -> None:
    """Keep what belongs to a merged or erased record."""
    if row.customer_id is not None:
        live_customer(ctx, row.customer_id)


def _may_be_nobodys(model: Any) -> bool:
    return bool(model.__table__.c.customer_id.nullable)


for _model in owned():
    before_save(_model)(save_owned)
    before_delete(_model)(delete_owned)
