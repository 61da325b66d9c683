"""Requests that come again with their key: they answer what they did the first time (rules 1.9 and 7.11)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from sqlalchemy import Table, insert, select

from actions.core.base import Action, Context, Outcome, Warned
from actions.core.row_scope import seen
from models.base import N_, Base, Invalid
from models.customer import Customer
from models.duplicate import DuplicateNotice
from models.journal import Changeset

NOTICES = cast(Table, DuplicateNotice.__table__)


def answered(
    ctx: Context, action: Action, ids: tuple[int, ...], repeats: Callable[[Changeset], bool]
) -> Outcome | None:
    """Return what a request with this key did the first time, or None (rule 1.9)."""
    if ctx.key is None:
        return None
    earlier = ctx.session.scalar(select(Changeset).where(Changeset.key == ctx.key))
    if earlier is None:
        return None
    if not repeats(earlier):
        raise Invalid({"key": N_("This key has already been used for another request.")})
    record = _written_by(ctx, action, earlier.id)
    record_id = getattr(record, "id", ids[0] if len(ids) == 1 else earlier.subject_id)
    warnings = tuple(_recalled(ctx, earlier.id))
    return Outcome(
        N_("Already done."), record, changeset_id=earlier.id, record_id=record_id, warnings=warnings
    )


def remember(ctx: Context) -> None:
    """Keep which customers a request with a key was told of, for when it comes again."""
    named = [w.see[1] for w in ctx.warnings if w.see is not None and w.see[0] == Customer.resource_name()]
    written = ctx.journal.written
    if ctx.key is None or written is None or not named:
        return
    rows = [{"changeset_id": written, "customer_id": customer_id} for customer_id in dict.fromkeys(named)]
    ctx.session.connection().execute(insert(NOTICES), rows)


def _recalled(ctx: Context, changeset_id: int) -> Iterator[Warned]:
    """Yield whom the request was told of, as far as they are still in scope."""
    c = NOTICES.c
    told = select(Customer).join(NOTICES, c.customer_id == Customer.id).where(c.changeset_id == changeset_id)
    said = N_("May be the same customer as %(customer)s #%(id)s.")
    for customer in ctx.session.scalars(told.where(*seen(ctx.session, Customer)).order_by(c.id)).unique():
        values = {"customer": str(customer), "id": customer.id}
        yield Warned(said, values, see=(Customer.resource_name(), customer.id))


def _written_by(ctx: Context, action: Action, changeset_id: int) -> Base | None:
    """Return the ledger row that a changeset wrote, if its action writes one."""
    if "changeset_id" not in action.model.__table__.c:
        return None
    rows = select(action.model).filter_by(changeset_id=changeset_id).order_by(action.model.__table__.c.id)
    return ctx.session.scalars(rows.limit(1)).first()
