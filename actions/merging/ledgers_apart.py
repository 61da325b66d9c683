"""The ledgers of records that are parted: what was theirs goes home, what was spent of it since stays (rule 3.11).

Entries hang together: a redemption with the lots that it took from, a reversal with what it reverses, a correction with
its order, an entry with its invoice. What hangs together with nothing but what came, and with what merely followed from
it since (a reversal, an expiry, a correction), goes home whole. Where the survivor spent of it, the entries stay where
they were spent, and what is left of them goes home by a pair of new entries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from actions.core.base import Context
from actions.core.texts import money_text, number_text
from actions.customers.reassignment import BALANCES, model_of
from actions.ledgers import credit, loyalty
from actions.ledgers.points_parting import hand_over
from actions.merging.merge import ledger_sums
from actions.merging.parting import BATCH, Ids, Parting
from models.account import AccountEntry, AccountKind
from models.base import N_, metadata
from models.credit import CreditEntry, CreditKind
from models.customer import Customer
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyKind, LoyaltyLot
from models.tasting import TastingEntry, TastingKind

FOLLOWING: dict[Any, tuple[Any, ...]] = {
    LoyaltyEntry: (LoyaltyKind.REVERSAL, LoyaltyKind.EXPIRED, LoyaltyKind.ADJUSTMENT),
    AccountEntry: tuple(AccountKind),
    CreditEntry: (CreditKind.REVERSAL, CreditKind.ADJUSTMENT),
    TastingEntry: (TastingKind.REVERSAL,),
}
"""Ledger -> the kinds of entries which only follow from another that they hang together with."""
COMMENT = N_("Left over when a merge was undone.")
Pairs = set[tuple[int, int]]


def send_home(ctx: Context, parting: Parting, loser: int) -> None:
    """Send the entries of one of the records that went home, and add up the balances of both."""
    spent = _points(ctx, parting, loser)
    _account(ctx, parting, loser)
    used = _credit(ctx, parting, loser)
    _apart(ctx, parting, loser, TastingEntry, _reversals(ctx, TastingEntry, parting, loser))
    add_up(ctx, parting.holder, loser)
    _rest_of_points(ctx, parting, loser, spent)
    _rest_of_credit(ctx, parting, loser, used)


# -- what hangs together ----------------------------------------------------------------------------------


def _closure(pairs: Iterable[tuple[int, int]], begin: Ids) -> Ids:
    """Return the rows that hang together, by whatever chain of pairs, with the first."""
    beside: dict[int, Ids] = defaultdict(set)
    for one, other in pairs:
        beside[one].add(other)
        beside[other].add(one)
    reached: Ids = set()
    waiting = [row for row in beside if row in begin]
    while waiting:
        row = waiting.pop()
        if row not in reached:
            reached.add(row)
            waiting += beside[row]
    return reached


def _parted(ctx: Context, model: Any, pairs: Pairs, moved: Ids, parting: Parting) -> tuple[Ids, Ids, Ids]:
    """Return (those of the rows that came which stay, what followed from them since and stays, what goes along)."""
    strange = _rows(pairs) - moved
    since = model.changeset_id > parting.changeset.id, model.kind.in_(FOLLOWING[model])
    following = _ids(ctx, model.id, model.id, strange, model.customer_id == parting.holder, *since)
    held = _closure(pairs, strange - following)
    return held & moved, held & following, following - held


def _ids(ctx: Context, wanted: Any, column: Any, among: Ids, *clauses: Any) -> Ids:
    """Return a column of the rows of which another is among some ids, a few hundred of these a statement."""
    found: Ids = set()
    numbers = sorted(among)
    for start in range(0, len(numbers), BATCH):
        part = column.in_(numbers[start : start + BATCH])
        found |= set(ctx.session.scalars(select(wanted).where(part, *clauses)))
    return found


def _touching(ctx: Context, query: Any, one: Any, other: Any, ids: Ids) -> Pairs:
    """Return the (row, row) pairs of a query of which either is among the ids."""
    found: Pairs = set()
    wanted = sorted(ids)
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        rows = ctx.session.execute(query.where(or_(one.in_(part), other.in_(part))))
        found |= {(row[0], row[1]) for row in rows if row[0] is not None and row[1] is not None}
    return found


def _reversals(ctx: Context, model: Any, parting: Parting, loser: int) -> Pairs:
    moved = parting.moved(model.__tablename__, loser)
    return _touching(ctx, select(model.id, model.reverses_id), model.id, model.reverses_id, moved)


def _reversed_since(ctx: Context, model: Any, pairs: Pairs) -> Pairs:
    """Return (reversal, entry) of entries that only go along, such as a correction of an order that came."""
    query, reverses = select(model.id, model.reverses_id), model.reverses_id
    return _touching(ctx, query, reverses, reverses, {row for row in _rows(pairs) if row > 0})


def _rows(pairs: Pairs) -> Ids:
    return {row for pair in pairs for row in pair}


def _of_one_order(ctx: Context, model: Any, moved: Ids, merged: int) -> Pairs:
    """Return (correction, entry) of one order: what was given back of it, and all it is reckoned by (rule 1.13)."""
    entry = aliased(model)
    same = entry.customer_id == model.customer_id, entry.order_ref == model.order_ref, entry.id != model.id
    query = select(model.id, entry.id).join(entry, and_(*same)).where(model.kind == "adjustment")
    since = _touching(ctx, query.where(model.changeset_id > merged), entry.id, entry.id, moved)
    return since | {pair for pair in _touching(ctx, query, model.id, model.id, moved) if pair[1] in moved}


def _with_their_order(ctx: Context, corrections: Ids) -> Pairs:
    """Return (correction, entry) of credit that was given back for an order that both records had a part in."""
    entry = aliased(CreditEntry)
    same = entry.customer_id == CreditEntry.customer_id, entry.order_ref == CreditEntry.order_ref
    query = select(CreditEntry.id, entry.id).join(entry, and_(*same, entry.id != CreditEntry.id))
    corrected = query.where(CreditEntry.kind == CreditKind.ADJUSTMENT)
    return _touching(ctx, corrected, CreditEntry.id, CreditEntry.id, corrections)


def _apart(ctx: Context, parting: Parting, loser: int, model: Any, pairs: Pairs) -> Ids:
    """Send the entries of one ledger home that may go; return those that came and stay."""
    moved = parting.moved(model.__tablename__, loser)
    kept, _held, follow = _parted(ctx, model, pairs, moved, parting)
    _home(ctx, parting, loser, model.__tablename__, moved - kept | follow)
    return kept


def _home(ctx: Context, parting: Parting, loser: int, table: str, ids: Ids) -> None:
    column, wanted = metadata.tables[table].c.customer_id, sorted(ids)
    for start in range(0, len(wanted), BATCH):
        ctx.write_set(column, parting.holder, loser, wanted[start : start + BATCH])


def add_up(ctx: Context, *ids: int) -> None:
    """Set every cached balance to what the entries say (rules 1.3, 2.2, 2.7)."""
    for customer_id in ids:
        customer, sums = ctx.session.get_one(Customer, customer_id), ledger_sums(ctx, [customer_id])
        for name in BALANCES:
            setattr(customer, name, sums[name])
    ctx.session.flush()


# -- points -----------------------------------------------------------------------------------------------


def _points(ctx: Context, parting: Parting, loser: int) -> Ids:
    """Send points home with their lots; return the entries that stay, because the survivor spent of their lots."""
    moved = parting.moved("loyalty_entry", loser)
    taker, lot = LoyaltyAllocation.entry_id, LoyaltyLot.entry_id
    pairs = _touching(ctx, select(taker, lot).join(LoyaltyAllocation.lot), taker, lot, moved)
    pairs |= _reversals(ctx, LoyaltyEntry, parting, loser)
    pairs |= _of_one_order(ctx, LoyaltyEntry, moved, parting.changeset.id)
    others = _rows(pairs) - moved  # what a correction took of the survivor's own lots binds it there
    pairs |= _touching(ctx, select(taker, lot).join(LoyaltyAllocation.lot), taker, taker, others)
    kept = _apart(ctx, parting, loser, LoyaltyEntry, pairs)
    staying = _ids(ctx, LoyaltyLot.id, LoyaltyLot.entry_id, kept)
    _home(ctx, parting, loser, "loyalty_lot", parting.moved("loyalty_lot", loser) - staying)
    return kept


def _rest_of_points(ctx: Context, parting: Parting, loser: int, kept: Ids) -> None:
    """Give what is left of lots that stay to whom they belong, as lots of the same date; say how much was spent."""
    holder, home = (ctx.session.get_one(Customer, i) for i in (parting.holder, loser))
    mine = LoyaltyLot.entry_id.in_(sorted(kept)), LoyaltyLot.customer_id == holder.id
    spent = _spent(ctx, kept, mine)
    left = select(LoyaltyLot).where(*mine, loyalty.unspent()).order_by(LoyaltyLot.id)
    for lot in ctx.session.scalars(left).all():
        hand_over(ctx, lot, holder, home, COMMENT)
    if spent > 0:
        ctx.warn(
            N_("%(points)s of the points of %(record)s have been spent since the merge, and stay spent."),
            points=number_text(ctx, spent),
            record=str(home),
        )


def _spent(ctx: Context, kept: Ids, mine: Sequence[Any]) -> int:
    """Return how many points of lots that stay were taken by what stays too, but did not come with them."""
    taken = select(func.coalesce(func.sum(LoyaltyAllocation.points), 0)).join(LoyaltyAllocation.lot)
    return int(ctx.session.scalar(taken.where(*mine, LoyaltyAllocation.entry_id.not_in(sorted(kept)))) or 0)


# -- money ------------------------------------------------------------------------------------------------


def _account(ctx: Context, parting: Parting, loser: int) -> None:
    """Send invoices and account entries home, and with them what was paid, voided or reversed of them since.

    Invoices stand as negative numbers among the entries, so that one search goes through both.
    """
    entries, invoices = parting.moved("account_entry", loser), parting.moved("invoice", loser)
    pairs = _reversals(ctx, AccountEntry, parting, loser)
    billed = select(AccountEntry.id, AccountEntry.invoice_id)
    for one in (entries, invoices):
        column = AccountEntry.id if one is entries else AccountEntry.invoice_id
        pairs |= {(entry, -invoice) for entry, invoice in _touching(ctx, billed, column, column, one)}
    pairs |= _reversed_since(ctx, AccountEntry, pairs)
    came = entries | {-invoice for invoice in invoices}
    kept, _held, follow = _parted(ctx, AccountEntry, pairs, came, parting)
    going = came - kept | follow
    _home(ctx, parting, loser, "invoice", {-row for row in going if row < 0})
    _home(ctx, parting, loser, "account_entry", {row for row in going if row > 0})
    if kept:
        _say(ctx, parting, "account_entry", len(kept))


def _credit(ctx: Context, parting: Parting, loser: int) -> Ids:
    """Send credit home; return what stays: all of it, where the survivor used too much of it since."""
    moved = parting.moved("credit_entry", loser)
    pairs = _reversals(ctx, CreditEntry, parting, loser)
    pairs |= _of_one_order(ctx, CreditEntry, moved, parting.changeset.id)
    pairs |= _with_their_order(ctx, _rows(pairs) - moved)
    pairs |= _reversed_since(ctx, CreditEntry, pairs)
    kept, held, follow = _parted(ctx, CreditEntry, pairs, moved, parting)
    going = moved - kept | follow
    theirs = select(CreditEntry.id, CreditEntry.amount).where(CreditEntry.customer_id == parting.holder)
    amounts = {row[0]: row[1] for row in ctx.session.execute(theirs)}
    home = sum(amount for row, amount in amounts.items() if row in going)
    if not 0 <= home <= sum(amounts.values()):
        return moved | held | follow
    _home(ctx, parting, loser, "credit_entry", going)
    return kept | held


def _rest_of_credit(ctx: Context, parting: Parting, loser: int, kept: Ids) -> None:
    """Give what is left of credit that stays to whom it belongs, and say how much was used since."""
    holder, home = (ctx.session.get_one(Customer, i) for i in (parting.holder, loser))
    total = _sum_of_credit(ctx, kept)
    if total <= 0:
        return
    left = min(total, holder.credit_balance)
    if left and home.currency == holder.currency:
        credit.hand_over(ctx, holder, home, left, COMMENT)
    if total > left:
        ctx.warn(
            N_("%(amount)s of the credit of %(record)s has been used since the merge, and stays used."),
            amount=money_text(ctx, total - left, holder.currency),
            record=str(home),
        )


def _sum_of_credit(ctx: Context, entries: Ids) -> int:
    """Return what entries add up to; no more goes back of an order than it took of the record that went."""
    figure = func.sum(CreditEntry.amount)
    mine = CreditEntry.id.in_(sorted(entries))
    sums = ctx.session.execute(
        select(CreditEntry.order_ref, figure).where(mine).group_by(CreditEntry.order_ref)
    )
    return sum(int(amount) if order is None else min(int(amount), 0) for order, amount in sums)


def _say(ctx: Context, parting: Parting, table: str, count: int) -> None:
    ctx.warn(
        N_("%(count)s %(noun)s stay with %(record)s because they have been used or reversed since."),
        count=number_text(ctx, count),
        noun=model_of(table).__plural__.lower(),
        record=str(ctx.session.get_one(Customer, parting.holder)),
    )
