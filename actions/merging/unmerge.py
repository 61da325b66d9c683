"""Taking a merge back (rule 3.8): every row and value that nobody touched since goes home, the rest is said.

The ledgers go first, while the database still knows the one as merged into the other. Then the survivor's own fields
and what had given way, then the tombstones come to life, and last every cached balance is added up again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from actions.core.base import Context, Refused
from actions.core.texts import number_text
from actions.customers.primary_flag import MARK, repair
from actions.customers.reassignment import BALANCES, model_of, moved_names
from actions.merging.merge import ledger_sums
from actions.undo.steps import take
from actions.undo.undo import UNDOERS, row_steps
from models.account import AccountEntry
from models.base import N_, metadata
from models.credit import CreditEntry
from models.customer import Customer
from models.journal import Change, Changeset
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyLot
from models.tasting import TastingEntry

BATCH = 500
LEDGERS = ("loyalty_entry", "loyalty_lot", "account_entry", "invoice", "credit_entry", "tasting_entry")
Ids = set[int]


def unmerge(ctx: Context, changeset: Changeset) -> int:
    """Undo a merge; return how many records live again.

    :raises Refused: ``erased``, ``merged_on``, or ``in_the_way`` where another record took a unique value since.
    """
    changes = list(ctx.session.scalars(select(Change).where(Change.changeset_id == changeset.id)))
    losers = _lock(ctx, changes)
    survivors = _check(ctx, losers)
    plain = [change for change in changes if _is_plain(change)]
    homes = _homes(plain)
    for loser, survivor in losers.items():
        _ledgers_back(ctx, survivor, loser, homes, changeset.id)
    _clear_primaries(ctx, losers, changes)
    for (table, column, old, new), ids in homes.items():
        if table not in LEDGERS:
            _rows_back(ctx, metadata.tables[table].c[column], new, old, ids)
    _fields_back(ctx, changes)
    _revive(ctx, losers)
    repair(ctx, {*losers, *survivors})
    return len(losers)


UNDOERS["customer.merge"] = unmerge


# -- what was merged --------------------------------------------------------------------------------------


def _is_tombstone(change: Change) -> bool:
    """Whether a change is that of a record that was merged away by this very action."""
    before, after = change.before or {}, change.after or {}
    return (
        change.table_name == "customer"
        and bool(after.get("merged_into_id"))
        and not before.get("merged_into_id")
    )


def _is_plain(change: Change) -> bool:
    """Whether all that happened to a row is that one reference was re-pointed."""
    fields = (change.before or {}).keys() & (change.after or {}).keys() - {"version"}
    alone = len(fields) == 1 and set(change.before or {}) == set(change.after or {})
    return alone and (change.table_name, *fields) in moved_names() and not _is_tombstone(change)


def _lock(ctx: Context, changes: Sequence[Change]) -> dict[int, int]:
    """Lock every customer concerned, in id order; return tombstone -> survivor."""
    losers = {c.row_id: int((c.after or {})["merged_into_id"]) for c in changes if _is_tombstone(c)}
    ids = {*losers, *losers.values(), *(c.row_id for c in changes if c.table_name == "customer")}
    ctx.lock(Customer, sorted(ids))
    return losers


def _check(ctx: Context, losers: dict[int, int]) -> Ids:
    """Refuse to part what has gone further since: erased, or merged into somebody else."""
    for loser_id, survivor_id in losers.items():
        loser = ctx.session.get_one(Customer, loser_id)
        survivor = ctx.session.get_one(Customer, survivor_id)
        for row in (loser, survivor):
            if row.anonymised_at is not None:
                raise Refused(
                    "erased", N_("%(record)s was erased, so its values cannot be restored."), record=str(row)
                )
        if loser.merged_into_id != survivor_id or survivor.merged_into_id is not None:
            raise Refused(
                "merged_on",
                N_("%(record)s has since been merged into another record. Undo that merge first."),
                record=str(survivor),
            )
    return set(losers.values())


Home = tuple[str, str, int, int]
"""Table, column, whom the rows belonged to, and whom they went to."""


def _homes(plain: Iterable[Change]) -> dict[Home, Ids]:
    found: dict[Home, Ids] = defaultdict(set)
    for change in plain:
        before, after = change.before or {}, change.after or {}
        column = next(name for name in after if name != "version")
        found[change.table_name, column, before[column], after[column]].add(change.row_id)
    return found


def _rows_back(ctx: Context, column: Any, holder: int, home: int, ids: Ids) -> None:
    """Send rows home in a few statements; say how many went elsewhere since, and so stay there."""
    wanted, went = sorted(ids), 0
    for start in range(0, len(wanted), BATCH):
        went += ctx.write_set(column, holder, home, wanted[start : start + BATCH])
    if went < len(wanted):
        noun = model_of(column.table.name).__plural__.lower()
        ctx.warn(
            N_("%(count)s %(noun)s have moved since the merge and are not undone."),
            count=len(wanted) - went,
            noun=noun,
        )


# -- ledgers ----------------------------------------------------------------------------------------------


def _ledgers_back(ctx: Context, survivor: int, loser: int, homes: dict[Home, Ids], merged: int) -> None:
    """Send the loser's entries home, except those bound up with what the survivor did since; add up all caches.

    :param merged: the changeset of the merge.
    """

    def moved(table: str) -> Ids:
        return homes.get((table, "customer_id", loser, survivor), set())

    kept = _kept_points(ctx, moved("loyalty_entry"), merged)
    lots = _ids(ctx, LoyaltyLot, LoyaltyLot.entry_id.in_(kept), moved("loyalty_lot")) if kept else set()
    invoices, entries = _kept_invoices(ctx, moved("invoice"), moved("account_entry"))
    credit = _kept_credit(ctx, survivor, moved("credit_entry"), merged)
    used = _kept_reversals(ctx, TastingEntry, moved("tasting_entry"))
    stays = dict(zip(LEDGERS, (kept, lots, entries, invoices, credit, used), strict=True))
    for table in LEDGERS:
        if going := moved(table) - stays[table]:
            _rows_back(ctx, metadata.tables[table].c.customer_id, survivor, loser, going)
    _say_what_stays(ctx, survivor, {table: ids for table, ids in stays.items() if table != "loyalty_lot"})
    _add_up(ctx, survivor, loser)


def _ids(ctx: Context, model: Any, clause: ColumnElement[bool], among: Ids) -> Ids:
    return {i for i in ctx.session.scalars(select(model.id).where(clause)) if i in among}


def _bound(pairs: Iterable[tuple[int, int]], moved: Ids) -> Ids:
    """Return which moved rows hang together, by whatever chain of pairs, with a row that was not moved."""
    beside: dict[int, Ids] = defaultdict(set)
    for one, other in pairs:
        beside[one].add(other)
        beside[other].add(one)
    reached: Ids = set()
    waiting = [row for row in beside if row not in moved]
    while waiting:
        row = waiting.pop()
        if row not in reached:
            reached.add(row)
            waiting += beside[row]
    return reached & moved


def _kept_points(ctx: Context, moved: Ids, merged: int) -> Ids:
    """Return the entries that stay: their lots were spent by the survivor since, or what they took was given back."""
    entry, lot = LoyaltyAllocation.entry_id, LoyaltyLot.entry_id
    spent = select(entry, lot).join(LoyaltyAllocation.lot)
    pairs = _touching(ctx, spent, entry, lot, moved)
    reverses = select(LoyaltyEntry.id, LoyaltyEntry.reverses_id)
    pairs |= _touching(ctx, reverses, LoyaltyEntry.id, LoyaltyEntry.reverses_id, moved)
    return _bound(pairs | _corrected(ctx, LoyaltyEntry, moved, merged), moved)


def _corrected(ctx: Context, model: Any, moved: Ids, merged: int) -> set[tuple[int, int]]:
    """Return (correction, entry) of one order: what was given back of it, and all it is reckoned by (rule 1.13)."""
    entry = aliased(model)
    same = entry.customer_id == model.customer_id, entry.order_ref == model.order_ref, entry.id != model.id
    query = select(model.id, entry.id).join(entry, and_(*same)).where(model.kind == "adjustment")
    since = _touching(ctx, query.where(model.changeset_id > merged), entry.id, entry.id, moved)
    return since | {pair for pair in _touching(ctx, query, model.id, model.id, moved) if pair[1] in moved}


def _kept_invoices(ctx: Context, invoices: Ids, entries: Ids) -> tuple[Ids, Ids]:
    """Return the invoices and account entries that stay, because they were voided since.

    Invoices stand as negative numbers among the entries, so that one search goes through both.
    """
    reverses = select(AccountEntry.id, AccountEntry.reverses_id)
    pairs = _touching(ctx, reverses, AccountEntry.id, AccountEntry.reverses_id, entries)
    billed = select(AccountEntry.id, AccountEntry.invoice_id)
    for one in (entries, invoices):
        column = AccountEntry.id if one is entries else AccountEntry.invoice_id
        pairs |= {(entry, -invoice) for entry, invoice in _touching(ctx, billed, column, column, one)}
    kept = _bound(pairs, entries | {-invoice for invoice in invoices})
    return {-row for row in kept if row < 0}, {row for row in kept if row > 0}


def _touching(ctx: Context, query: Any, one: Any, other: Any, ids: Ids) -> set[tuple[int, int]]:
    """Return the (row, row) pairs of a query of which either is among the ids."""
    found: set[tuple[int, int]] = set()
    wanted = sorted(ids)
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        rows = ctx.session.execute(query.where(or_(one.in_(part), other.in_(part))))
        found |= {(row[0], row[1]) for row in rows if row[0] is not None and row[1] is not None}
    return found


def _kept_credit(ctx: Context, survivor: int, moved: Ids, merged: int) -> Ids:
    """Return the credit that stays: reversed or corrected since, or all where the survivor has used some of it."""
    query = select(CreditEntry.id, CreditEntry.reverses_id)
    pairs = _touching(ctx, query, CreditEntry.id, CreditEntry.reverses_id, moved)
    kept = _bound(pairs | _corrected(ctx, CreditEntry, moved, merged), moved)
    rows = ctx.session.execute(
        select(CreditEntry.id, CreditEntry.amount).where(CreditEntry.customer_id == survivor)
    )
    amounts = {row[0]: row[1] for row in rows}
    home = sum(amount for row, amount in amounts.items() if row in moved - kept)
    return kept if 0 <= home <= sum(amounts.values()) else moved


def _kept_reversals(ctx: Context, model: Any, moved: Ids) -> Ids:
    """Return the rows that stay because they were reversed since."""
    pairs = _touching(ctx, select(model.id, model.reverses_id), model.id, model.reverses_id, moved)
    return _bound(pairs, moved)


def _say_what_stays(ctx: Context, survivor: int, stays: dict[str, Ids]) -> None:
    record = str(ctx.session.get_one(Customer, survivor))
    for table, ids in stays.items():
        if ids:
            ctx.warn(
                N_("%(count)s %(noun)s stay with %(record)s because they have been used or reversed since."),
                count=number_text(ctx, len(ids)),
                noun=model_of(table).__plural__.lower(),
                record=record,
            )


def _add_up(ctx: Context, *ids: int) -> None:
    """Set every cached balance to what the entries say (rules 1.3, 2.2, 2.7)."""
    for customer_id in ids:
        customer, sums = ctx.session.get_one(Customer, customer_id), ledger_sums(ctx, [customer_id])
        for name in BALANCES:
            setattr(customer, name, sums[name])
    ctx.session.flush()


# -- everything else --------------------------------------------------------------------------------------


def _clear_primaries(ctx: Context, losers: dict[int, int], changes: Sequence[Change]) -> None:
    """Take primary marks given since off rows that go home, where another of their owner's gets its own mark back."""
    for model, name in MARK.items():
        mine = [c for c in changes if c.table_name == model.__tablename__]
        for loser, survivor in losers.items():
            going = [c for c in mine if (c.before or {}).get("customer_id") == loser]
            if not any((c.before or {}).get(name) for c in going):
                continue
            there = model.id.in_([c.row_id for c in going]) & (model.customer_id == survivor)
            for row in ctx.session.scalars(select(model).where(there, getattr(model, name))):
                setattr(row, name, False)
            ctx.session.flush()


def _fields_back(ctx: Context, changes: Sequence[Change]) -> None:
    """Put back the survivor's own fields, rows that had given way, and rows that were combined away."""
    rest = [c for c in changes if not _is_plain(c) and not _is_tombstone(c)]
    take(ctx, row_steps(ctx, [_without_currency(ctx, change) for change in rest]))


def _without_currency(ctx: Context, change: Change) -> Change:
    """Return the change, less a currency that the survivor's account holds money in by now, and its limit."""
    if change.table_name != "customer" or "currency" not in (change.before or {}):
        return change
    customer = ctx.session.get_one(Customer, change.row_id)
    if not (customer.account_balance or customer.credit_balance):
        return change
    ctx.warn(N_("%(record)s keeps its currency because it has a balance."), record=str(customer))
    kept = {"currency", "credit_limit"}
    before, after = (
        {n: v for n, v in (values or {}).items() if n not in kept} for values in (change.before, change.after)
    )
    return Change(table_name="customer", row_id=change.row_id, before=before, after=after)


def _revive(ctx: Context, losers: dict[int, int]) -> None:
    """Let the tombstones live again. :raises Refused: ``in_the_way``; then nothing of the undo happens."""
    for loser_id in losers:
        loser = ctx.session.get_one(Customer, loser_id)
        name, loser.merged_into_id = str(loser), None
        try:
            ctx.session.flush()
        except IntegrityError:
            raise Refused(
                "in_the_way",
                N_("Another record now uses the email, card or account code of %(record)s. Change it first."),
                record=name,
            ) from None
