"""Lists that staff maintain: a row in use keeps what others rely on (rule 10.3)."""

from __future__ import annotations

from sqlalchemy import exists, inspect, select

from actions.base import Context, Refused
from actions.records import before_delete, before_save
from models.attribute import AttributeDefinition, AttributeValue
from models.base import N_, Invalid
from models.lookups import SalesChannel

DEFAULT_CHANNEL = N_(
    "New customers get this sales channel by default: choose another one in the settings first."
)


@before_save(SalesChannel)
def keep_default_channel(ctx: Context, row: SalesChannel, changed: set[str], created: bool) -> None:
    """The channel that new customers get stays, under its code and switched on."""
    if created or not changed & {"code", "is_active"}:
        return
    before = inspect(row).attrs.code.history
    old = before.deleted[0] if before.deleted else row.code
    if old != ctx.shop.default_sales_channel:
        return
    if row.code != old:
        raise Invalid({"code": DEFAULT_CHANNEL})
    if not row.is_active:
        raise Invalid({"is_active": DEFAULT_CHANNEL})


@before_delete(SalesChannel)
def refuse_default_channel(ctx: Context, row: SalesChannel) -> None:
    """The channel that new customers get is not deleted. :raises Refused: ``default_channel``."""
    if row.code == ctx.shop.default_sales_channel:
        raise Refused("default_channel", DEFAULT_CHANNEL)


@before_save(AttributeDefinition)
def keep_kind(ctx: Context, row: AttributeDefinition, changed: set[str], created: bool) -> None:
    """An attribute that customers have values of keeps its kind, or those values would be wrong."""
    if created or "kind" not in changed:
        return
    with ctx.session.no_autoflush:
        used = ctx.session.scalar(select(exists().where(AttributeValue.definition_id == row.id)))
    if used:
        raise Invalid(
            {"kind": N_("Customers already have values of this attribute: make a new attribute instead.")}
        )
