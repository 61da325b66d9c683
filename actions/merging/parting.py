"""What is parted when a merge is undone: who went, who holds what was theirs by now, and what the merge did (rule 3.8).

Between a merge and its undo the survivor may itself have gone into another record. What was merged then stands with the
last of that chain, the *holder*, and from there it goes home.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import select

from actions.core.base import Context, Refused
from actions.customers.reassignment import moved_names
from models.base import N_
from models.customer import Customer
from models.journal import Change, Changeset
from models.merge import Merge

BATCH = 500
LEDGERS = ("loyalty_entry", "loyalty_lot", "account_entry", "invoice", "credit_entry", "tasting_entry")
Ids = set[int]


@dataclass(frozen=True, slots=True)
class Move:
    """Rows of one table of which one reference was re-pointed: to whom it led before the merge, and to whom by now."""

    table: str
    column: str
    home: int
    holder: int


@dataclass(frozen=True)
class Parting:
    """A merge that is being undone.

    :param losers: ids of the records that went. :param holder: the live record that has what was theirs.
    :param later: the merges by which the survivor went on to the holder, the first of them first.
    """

    changeset: Changeset
    changes: Sequence[Change]
    losers: tuple[int, ...]
    survivor: int
    holder: int
    later: tuple[Merge, ...]

    @property
    def heads(self) -> dict[int, int]:
        """Return each record of the chain -> the holder."""
        return {self.survivor: self.holder} | {merge.survivor_id: self.holder for merge in self.later}

    @cached_property
    def plain(self) -> Mapping[Move, Ids]:
        """Return the rows of which nothing but one reference was re-pointed."""
        found: dict[Move, Ids] = defaultdict(set)
        for change in self.changes:
            if is_plain(change):
                before, after = change.before or {}, change.after or {}
                column = next(name for name in after if name != "version")
                held = self.heads.get(after[column], after[column])
                found[Move(change.table_name, column, before[column], held)].add(change.row_id)
        return found

    @property
    def rest(self) -> Sequence[Change]:
        """Return what else the merge changed: fields, rows that gave way, rows that were combined."""
        return [c for c in self.changes if not is_plain(c) and not _is_tombstone(c)]

    @cached_property
    def came(self) -> Mapping[tuple[str, int], int]:
        """Return (table, row) -> the record that went of which it came, for what has an owner and may change."""
        return {
            (change.table_name, change.row_id): home
            for change in self.changes
            if change.before and change.after and (home := change.before.get("customer_id")) in self.losers
        }

    def moved(self, table: str, loser: int) -> Ids:
        """Return the rows of a table that came from one of the records that went."""
        return self.plain.get(Move(table, "customer_id", loser, self.holder), set())

    def followed(self, change: Change) -> Change:
        """Return a change as if it had been made on the holder, where the survivor has gone on since."""
        if not self.later or change.after is None:
            return change
        columns = moved_names()
        after = {
            name: self.heads.get(value, value) if (change.table_name, name) in columns else value
            for name, value in change.after.items()
        }
        return copy(change, after=after)


def copy(change: Change, **values: Any) -> Change:
    """Return a change with some of its values replaced, which no session knows."""
    names = ("table_name", "row_id", "customer_id", "before", "after")
    return Change(**({name: getattr(change, name) for name in names} | values))


def _is_tombstone(change: Change) -> bool:
    """Whether a change is that of a record that was merged away by this very action."""
    before, after = change.before or {}, change.after or {}
    return (
        change.table_name == "customer"
        and bool(after.get("merged_into_id"))
        and not before.get("merged_into_id")
    )


def is_plain(change: Change) -> bool:
    """Whether all that happened to a row is that one reference was re-pointed."""
    fields = (change.before or {}).keys() & (change.after or {}).keys() - {"version"}
    alone = len(fields) == 1 and set(change.before or {}) == set(change.after or {})
    return alone and (change.table_name, *fields) in moved_names() and not _is_tombstone(change)


def read(ctx: Context, changeset: Changeset) -> Parting:
    """Return what a merge did and how it stands by now, every customer concerned locked in id order.

    :raises Refused: ``erased``, or ``parted``: a record has been taken out of it by other ways.
    """
    changes = list(ctx.session.scalars(select(Change).where(Change.changeset_id == changeset.id)))
    went = {c.row_id: int((c.after or {})["merged_into_id"]) for c in changes if _is_tombstone(c)}
    survivor = next(iter(went.values()))
    later = _later(ctx, survivor)
    chain = [merge.survivor_id for merge in later]
    ctx.lock(Customer, [*went, survivor, *chain, *(c.row_id for c in changes if c.table_name == "customer")])
    if _later(ctx, survivor) != later:
        raise Refused("moved", N_("These records have just moved to another customer. Try again."))
    found = Parting(changeset, changes, tuple(went), survivor, [survivor, *chain][-1], tuple(later))
    _check(ctx, found)
    return found


def _later(ctx: Context, survivor: int) -> list[Merge]:
    """Return the merges that stand by which a record went on, one after the other."""
    found: list[Merge] = []
    while True:
        stands = Merge.undone_by_id.is_(None), Customer.merged_into_id.is_not(None)
        wanted = select(Merge).join(Merge.merged).where(Merge.merged_id == survivor, *stands)
        merge = ctx.session.scalar(wanted.order_by(Merge.id.desc()).limit(1))
        if merge is None:
            return found
        found.append(merge)
        survivor = merge.survivor_id


def _check(ctx: Context, parting: Parting) -> None:
    """Refuse to part what was erased since, or stands apart already."""
    for customer_id in (*parting.losers, parting.survivor, parting.holder):
        row = ctx.session.get_one(Customer, customer_id)
        if row.anonymised_at is not None:
            raise Refused(
                "erased", N_("%(record)s was erased, so its values cannot be restored."), record=str(row)
            )
        if customer_id in parting.losers and row.merged_into_id != parting.holder:
            raise Refused("parted", N_("%(record)s is no longer part of this merge."), record=str(row))


def without(change: Change, names: set[str]) -> Change:
    """Return a change less some of its fields."""
    before, after = (
        {n: v for n, v in (values or {}).items() if n not in names}
        for values in (change.before, change.after)
    )
    return copy(change, before=before, after=after)
