"""Points, money and credit that came since a merge, and may be those of a record that went (rule 3.12).

What was spent since is whose it was spent by. An invoice goes with its entry; of points and credit that were used in
the meantime what is left goes, by a pair of new entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import aliased

from actions.core.base import Context
from actions.core.texts import money_text, number_text
from actions.ledgers import credit, loyalty
from actions.ledgers.points_parting import hand_over as hand_over_lot
from actions.merging.ledgers_apart import COMMENT, add_up
from actions.merging.parting import Parting
from models.account import AccountEntry, AccountKind
from models.base import metadata
from models.credit import CreditEntry, CreditKind
from models.customer import Customer
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyKind, LoyaltyLot


def find(ctx: Context, parting: Parting, most: int) -> Iterator[tuple[Any, str]]:
    """Yield (entry, what it is in points or money) of what the holder was given since, the newest first."""
    for entry, lot in ctx.session.execute(_points(parting).limit(most)).all():
        whole = number_text(ctx, entry.points)
        yield entry, whole if lot.unspent == entry.points else f"{number_text(ctx, lot.unspent)} of {whole}"
    for query in (_account(parting), _credit(parting)):
        for entry in ctx.session.scalars(query.limit(most)).unique():
            yield entry, money_text(ctx, entry.amount, entry.currency)


def _since(parting: Parting, model: Any) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of an entry that was written for the holder since the last merge, and not taken back."""
    last = max([parting.changeset.id, *(merge.changeset_id for merge in parting.later)])
    reversal = aliased(model)
    standing = ~exists().where(reversal.reverses_id == model.id)
    return model.customer_id == parting.holder, model.changeset_id > last, standing


def _points(parting: Parting) -> Any:
    given = LoyaltyEntry.kind.in_((LoyaltyKind.EARNED, LoyaltyKind.GOODWILL))
    rows = select(LoyaltyEntry, LoyaltyLot).join(LoyaltyLot, LoyaltyLot.entry_id == LoyaltyEntry.id)
    return rows.where(*_since(parting, LoyaltyEntry), given, loyalty.unspent()).order_by(
        LoyaltyEntry.id.desc()
    )


def _account(parting: Parting) -> Any:
    moved = AccountEntry.kind != AccountKind.REVERSAL
    return select(AccountEntry).where(*_since(parting, AccountEntry), moved).order_by(AccountEntry.id.desc())


def _credit(parting: Parting) -> Any:
    given = CreditEntry.kind.in_((CreditKind.GIFT_CARD, CreditKind.ADJUSTMENT)), CreditEntry.amount > 0
    return select(CreditEntry).where(*_since(parting, CreditEntry), *given).order_by(CreditEntry.id.desc())


def hand_over(ctx: Context, entry: Any, holder: int, home: int) -> None:
    """Give an entry to whom somebody says it belongs; both are locked, and still one merged into the other."""
    if isinstance(entry, LoyaltyEntry):
        _hand_over_points(ctx, entry, holder, home)
    elif isinstance(entry, AccountEntry):
        if entry.kind == AccountKind.INVOICE and entry.invoice_id is not None:
            _move(ctx, "invoice", entry.invoice_id, holder, home)
        _move(ctx, "account_entry", entry.id, holder, home)
    else:
        _hand_over_credit(ctx, entry, holder, home)
    add_up(ctx, holder, home)


def _move(ctx: Context, table: str, row: int, holder: int, home: int) -> None:
    ctx.write_set(metadata.tables[table].c.customer_id, holder, home, [row])


def _hand_over_points(ctx: Context, entry: LoyaltyEntry, holder: int, home: int) -> None:
    lot = ctx.session.scalars(select(LoyaltyLot).where(LoyaltyLot.entry_id == entry.id)).one()
    if ctx.session.scalar(select(exists().where(LoyaltyAllocation.lot_id == lot.id))):
        there, owner = (ctx.session.get_one(Customer, i) for i in (holder, home))
        hand_over_lot(ctx, lot, there, owner, COMMENT)
        return
    _move(ctx, "loyalty_entry", entry.id, holder, home)
    _move(ctx, "loyalty_lot", lot.id, holder, home)


def _hand_over_credit(ctx: Context, entry: CreditEntry, holder: int, home: int) -> None:
    there, owner = (ctx.session.get_one(Customer, i) for i in (holder, home))
    if there.credit_balance >= entry.amount:
        _move(ctx, "credit_entry", entry.id, holder, home)
    elif there.credit_balance and there.currency == owner.currency:
        credit.hand_over(ctx, there, owner, there.credit_balance, COMMENT)
