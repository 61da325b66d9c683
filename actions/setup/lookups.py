"""Lists that staff maintain: a row in use keeps what others rely on (rule 10.3)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Engine, exists, inspect, select
from sqlalchemy.orm import Session

from actions.core.base import SYSTEM, Context, Refused
from actions.execution.records import before_delete, before_save, record_actions
from actions.execution.runner import Call, perform
from models.attribute import AttributeDefinition, AttributeValue
from models.base import N_, Invalid
from models.lookups import SalesChannel
from models.shop import load_shop

DEFAULT_CHANNEL = N_(
    "New customers get this sales channel by default. Choose another one in the settings first."
)


def first_channel(engine: Engine, now: dt.datetime) -> bool:
    """Give a shop without any sales channel the one that new customers get; return whether it had none.

    Every customer needs a channel, so a new shop could not register its first one otherwise. It is made once: two
    commands at the same moment share a key.
    """
    with Session(engine) as session:
        code = load_shop(session).default_sales_channel
        if session.scalar(select(exists(select(SalesChannel.id)))):
            return False
    create, _edit, _delete = record_actions(SalesChannel)
    perform(
        engine, create, Call(SYSTEM, now, key="first-sales-channel"), values={"name": "Website", "code": code}
    )
    return True


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
            {"kind": N_("Customers already have values for this attribute. Create a new attribute instead.")}
        )
