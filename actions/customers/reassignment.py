"""Moving what belongs to one customer to another, driven by what each reference declares (rules 3.3, 3.4).

Nothing here names a table for its own sake: the columns that refer to a customer say what becomes of them, the models
say which rows are the same. Only what a customer may have one of, and what adds up to a balance, is listed below.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, func, select

from actions.core.base import Context, Refused
from models.account import AccountEntry
from models.address import Address
from models.base import N_, Base, metadata
from models.credit import CreditEntry
from models.customer import Customer
from models.loyalty import LoyaltyEntry
from models.note import Note, NoteKind
from models.personal import policy, references
from models.phone import Phone
from models.saved_card import SavedCard

ONE_EACH: dict[type[Any], tuple[Any, dict[str, Any]]] = {
    Address: (Address.is_primary, {"is_primary": False}),
    Phone: (Phone.is_primary, {"is_primary": False}),
    SavedCard: (SavedCard.is_default, {"is_default": False}),
    Note: (and_(Note.kind == NoteKind.WATCH, Note.done_at.is_(None)), {"kind": NoteKind.NOTE}),
}
"""Of what a customer has one at most: which row it is, and what the other's becomes where the survivor has one."""

BALANCES: dict[str, Any] = {
    "points": (LoyaltyEntry.customer_id, LoyaltyEntry.points),
    "account_balance": (AccountEntry.customer_id, AccountEntry.amount),
    "credit_balance": (CreditEntry.customer_id, CreditEntry.amount),
}
"""Cached balance -> whose entries it adds up, and which figure of them."""


@cache
def moved_columns() -> tuple[Column[Any], ...]:
    """Return the columns that a merge re-points."""
    return tuple(column for column in references(metadata) if policy(column).merge in ("move", "combine"))


@cache
def dropped_columns() -> tuple[Column[Any], ...]:
    """Return the columns by which rows go that are worked out of others and found again."""
    return tuple(column for column in references(metadata) if policy(column).merge == "drop")


@cache
def moved_names() -> frozenset[tuple[str, str]]:
    """Return the same as (table, column)."""
    return frozenset((column.table.name, column.name) for column in moved_columns())


def model_of(table: str) -> type[Any]:
    """Return the model of a table."""
    return next(m.class_ for m in Base.registry.mappers if m.class_.__tablename__ == table)


def refuse_if_in_the_way(ctx: Context, other: Customer) -> None:
    """Refuse while a reference that no merge may touch points at the other record.

    :raises Refused: ``in_the_way``, saying how many of what.
    """
    for column in references(metadata):
        if policy(column).merge != "refuse":
            continue
        wanted = select(func.count()).select_from(column.table).where(column == other.id)
        if count := ctx.session.scalar(wanted) or 0:
            noun = model_of(column.table.name).__plural__.lower()
            raise Refused("in_the_way", N_("%(count)s %(noun)s prevent merging."), count=count, noun=noun)


def move_all(ctx: Context, survivor: Customer, other: Customer) -> None:
    """Re-point everything that refers to the other record, which is merged into the survivor already.

    An equal row of the survivor's stays and the other's is deleted; either way the journal has every row, but for those
    that are found again.
    """
    for column in dropped_columns():
        ctx.session.execute(column.table.delete().where(column == other.id))
    for column in moved_columns():
        model = model_of(column.table.name)
        if policy(column).merge == "combine":
            _combine(ctx, model, column, survivor, other)
        if model in ONE_EACH:
            _give_way(ctx, model, survivor, other)
        ctx.write_set(column, other.id, survivor.id)


def _combine(
    ctx: Context, model: type[Any], column: Column[Any], survivor: Customer, other: Customer
) -> None:
    """Delete rows of the other record that the survivor has too, by the columns that the model calls the same."""
    there = {key_of(row): row for row in _rows(ctx, model, column == survivor.id)}
    marks = []
    for row in _rows(ctx, model, column == other.id):
        if key_of(row)[0] and key_of(row) in there:
            _fill_in(there[key_of(row)], row)
            marks += [(there[key_of(row)], row)] if model in ONE_EACH else []
            str(row)  # what it is called is read while it is still there
            ctx.session.delete(row)
    ctx.session.flush()
    for kept, dropped in marks:
        _take_mark(ctx, model, survivor, kept, dropped)


def _fill_in(kept: Any, dropped: Any) -> None:
    for name in kept.__filled__:
        if getattr(kept, name) is None:
            setattr(kept, name, getattr(dropped, name))
    for name in kept.__either__:
        setattr(kept, name, getattr(kept, name) or getattr(dropped, name))


def _take_mark(ctx: Context, model: type[Any], survivor: Customer, kept: Any, dropped: Any) -> None:
    """Make a row the one of its kind, as the one that it was combined with was, if the survivor has none."""
    the_one, values = ONE_EACH[model]
    was = all(getattr(dropped, name) != value for name, value in values.items())
    if was and not _rows(ctx, model, (model.customer_id == survivor.id) & the_one):
        for name in values:
            setattr(kept, name, getattr(dropped, name))
        ctx.session.flush()


def key_of(row: Any) -> tuple[Any, ...]:
    """Return what two rows of one customer are the same by; nothing comes first where the row has no such thing."""
    return tuple(getattr(row, name) or "" for name in row.__same__)


def _rows(ctx: Context, model: type[Any], clause: ColumnElement[bool]) -> Sequence[Any]:
    return ctx.session.scalars(select(model).where(clause).order_by(model.id)).all()


def _give_way(ctx: Context, model: type[Any], survivor: Customer, other: Customer) -> None:
    """Let the survivor's primary row or watch note stay the one there is; the other's moves as one among many."""
    the_one, values = ONE_EACH[model]
    if not _rows(ctx, model, (model.customer_id == survivor.id) & the_one):
        return
    for row in _rows(ctx, model, (model.customer_id == other.id) & the_one):
        for name, value in values.items():
            setattr(row, name, value)
        row.customer_id = survivor.id
        if model is Note:
            ctx.warn(N_("A second watch note becomes a plain note: %(note)s"), note=str(row))
    ctx.session.flush()
