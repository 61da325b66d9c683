"""Taking a merge back (rule 3.8): what nobody touched since goes home, and a person decides of the rest.

The ledgers go first, while the database still knows the one as merged into the other, and every cached balance is
added up again. Then come the other rows, the survivor's own fields and what
had given way, and last the tombstones live again.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from actions.core.base import Context, Outcome, Refused, action
from actions.core.merge_summary import MergeSummary, SheetLine
from actions.customers.primary_flag import MARK, repair
from actions.customers.reassignment import model_of
from actions.merging import chains, choices, ledgers_apart, merge, since
from actions.merging.parting import BATCH, LEDGERS, Ids, Move, Parting, read, without
from actions.undo import undo
from actions.undo.steps import take as take_steps
from models.base import N_, metadata
from models.customer import Customer
from models.journal import Change, Changeset
from models.merge import Merge


@action("merge.unmerge", Merge, label=N_("Unmerge"))
def unmerge(ctx: Context, merge: Merge, *, take: Sequence[str] = ()) -> Outcome:
    """Part what a merge put together (rule 3.8). Records that went in one merge come back together.

    :param take: whose a row is that was changed or added since, where it is not as proposed: ``note_45:12`` for the
        note 45 of record 12.
    :raises Invalid: ``take`` chooses what there is not. :raises Refused: as :func:`actions.undo.undo.undo` does for
        a merge, ``erased``, ``parted``, or ``in_the_way`` where another record took a unique value since.
    """
    changeset = ctx.session.get_one(Changeset, merge.changeset_id)
    undo.begin(ctx, changeset)
    parting, summary = _part(ctx, changeset, take)
    names = ", ".join(summary.records[loser] for loser in parting.losers)
    values = {"others": names, "survivor": summary.records[parting.holder]}
    return Outcome(
        N_("%(others)s and %(survivor)s are separate records again."), merge, values, sheet=summary
    )


def _undone(ctx: Context, changeset: Changeset) -> int:
    """Undo a merge as proposed; return how many records live again."""
    parting, _summary = _part(ctx, changeset, ())
    return len(parting.losers)


undo.UNDOERS["customer.merge"] = undo.Whole(_undone, lambda shop: shop.unmerge_days)


def _part(ctx: Context, changeset: Changeset, take: Sequence[str]) -> tuple[Parting, MergeSummary]:
    parting = read(ctx, changeset)
    group = [ctx.session.get_one(Customer, i) for i in (parting.holder, *parting.losers)]
    names = {row.id: f"{row} #{row.id}" for row in group}
    before = merge.figures(ctx, group[:1])
    for loser in parting.losers:
        ledgers_apart.send_home(ctx, parting, loser)
    undecided = since.find(ctx, parting)
    owners = since.decide(undecided, choices.chosen(take, group))
    stays = {(one.row.__tablename__, one.row.id) for one in undecided if owners[one.field] == parting.holder}
    _clear_primaries(ctx, parting, stays)
    again = chains.combined_since(ctx, parting)
    for move, ids in parting.plain.items():
        if move.table not in LEDGERS:
            _rows_back(ctx, parting, move, {row for row in ids if (move.table, row) not in stays | again})
    since.hand_over(ctx, undecided, owners, parting.holder)
    _fields_back(ctx, parting, stays)
    chains.given_way_since(ctx, parting)
    _revive(ctx, parting)
    repair(ctx, {*parting.losers, parting.survivor, parting.holder})
    _mark_undone(ctx, changeset)
    lines = _lines(before, merge.figures(ctx, group), group)
    return parting, MergeSummary(names, lines, since.questions(undecided, owners), columns="parted")


def _lines(before: merge.Figures, after: merge.Figures, group: Sequence[Customer]) -> tuple[SheetLine, ...]:
    """Return what the holder had, and what it and each other have now that they are parted."""
    columns = [before[group[0].id], *(after[row.id] for row in group)]
    return merge.lines(columns, (group[0].currency, *(row.currency for row in group)))


def _mark_undone(ctx: Context, changeset: Changeset) -> None:
    for row in ctx.session.scalars(select(Merge).where(Merge.changeset_id == changeset.id)):
        row.undone_by_id = ctx.changeset_id
    ctx.session.flush()


# -- rows -------------------------------------------------------------------------------------------------


def _rows_back(ctx: Context, parting: Parting, move: Move, ids: Ids) -> None:
    """Send rows home in a few statements; say how many are elsewhere by now, and so stay there."""
    column, wanted, went = metadata.tables[move.table].c[move.column], sorted(ids), 0
    for start in range(0, len(wanted), BATCH):
        went += ctx.write_set(column, move.holder, move.home, wanted[start : start + BATCH])
    elsewhere = len(wanted) - went
    if elsewhere and (elsewhere := elsewhere - chains.home_already(ctx, parting, column, wanted)):
        noun = model_of(move.table).__plural__.lower()
        ctx.warn(
            N_("%(count)s %(noun)s have moved or been deleted since the merge and are not undone."),
            count=elsewhere,
            noun=noun,
        )


def _clear_primaries(ctx: Context, parting: Parting, stays: set[tuple[str, int]]) -> None:
    """Take primary marks given since off rows that go home, where another of their owner's gets its own mark back."""
    for model, name in MARK.items():
        table = model.__tablename__
        mine = [c for c in parting.changes if c.table_name == table and (table, c.row_id) not in stays]
        for loser in parting.losers:
            going = [c for c in mine if (c.before or {}).get("customer_id") == loser]
            if not any((c.before or {}).get(name) for c in going):
                continue
            there = model.id.in_([c.row_id for c in going]) & (model.customer_id == parting.holder)
            for row in ctx.session.scalars(select(model).where(there, getattr(model, name))):
                setattr(row, name, False)
            ctx.session.flush()


# -- values -----------------------------------------------------------------------------------------------


def _fields_back(ctx: Context, parting: Parting, stays: set[tuple[str, int]]) -> None:
    """Put back the survivor's own fields, rows that had given way, and rows that were combined away."""
    rest = [c for c in parting.rest if (c.table_name, c.row_id) not in stays]
    if parting.later:
        chains.fields_back(ctx, parting, rest)
        rest = [c for c in rest if (c.table_name, c.row_id) != ("customer", parting.survivor)]
    apart = chains.gone_home(ctx, parting, rest)
    changes = [
        _without_currency(ctx, parting.followed(change))
        for change in rest
        if (change.table_name, change.row_id) not in apart
    ]
    take_steps(ctx, undo.row_steps(ctx, changes))


def _without_currency(ctx: Context, change: Change) -> Change:
    """Return the change, less a currency that the survivor's account holds money in by now, and its limit."""
    if change.table_name != "customer" or "currency" not in (change.before or {}):
        return change
    customer = ctx.session.get_one(Customer, change.row_id)
    if not (customer.account_balance or customer.credit_balance):
        return change
    ctx.warn(N_("%(record)s keeps its currency because it has a balance."), record=str(customer))
    return without(change, {"currency", "credit_limit"})


def _revive(ctx: Context, parting: Parting) -> None:
    """Let the tombstones live again. :raises Refused: ``in_the_way``; then nothing of the undo happens."""
    for loser_id in parting.losers:
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
