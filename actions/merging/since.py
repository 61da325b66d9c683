"""Whose are the rows that were changed or added since a merge: a person decides, when it is undone (rule 3.12).

What came from a record that went and was changed since is proposed to go home with it, what was added since to stay
with the survivor, unless it hangs on what goes home or was written to the address of the record that went.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, or_, select

from actions.core.base import Context
from actions.core.merge_summary import MergeChoice
from actions.core.texts import number_text
from actions.customers.primary_flag import MARK
from actions.customers.reassignment import model_of, moved_columns
from actions.merging import ledgers_since
from actions.merging.parting import BATCH, LEDGERS, Ids, Parting
from models.base import N_, Invalid
from models.customer import Customer
from models.journal import Change
from models.mail import Mail
from models.order import Order

MOST = 200
"""Rows that a person is asked about; of what is beyond, the proposals hold."""
SYSTEM_MADE = frozenset({"customer_id", "version", "updated_at", "created_at", "id", *MARK.values()})
"""Fields of a row that change without anybody having worked on it."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """A row that somebody changed or added since, whom it may belong to, and to whom it goes unless they say otherwise.

    :param came: whether it came with the merge and was changed since; else it was added since.
    """

    row: Any
    came: bool
    owners: tuple[int, ...]
    proposed: int
    figure: str = ""
    """What it is in points or money, where it is an entry of a ledger."""

    @property
    def field(self) -> str:
        """What a choice calls it, such as ``note_45``."""
        return f"{self.row.__tablename__}_{self.row.id}"


def owned() -> list[type[Any]]:
    """Return the models of which a row is a customer's, and which are no ledger."""
    return [
        model_of(column.table.name)
        for column in moved_columns()
        if column.name == "customer_id" and column.table.name not in LEDGERS
    ]


def find(ctx: Context, parting: Parting) -> list[Undecided]:
    """Return the rows to be decided, those that came first."""
    found = [*_changed(ctx, parting), *_added(ctx, parting), *_entered(ctx, parting)]
    return found[:MOST]


# -- what came and was changed ----------------------------------------------------------------------------


def _changed(ctx: Context, parting: Parting) -> Iterator[Undecided]:
    for model in owned():
        table = model.__tablename__
        homes = {row: home for (name, row), home in parting.came.items() if name == table}
        touched = _worked_on(ctx, table, set(homes), parting.changeset.id)
        for row in _held(ctx, model, touched, parting.holder):
            yield Undecided(row, True, (parting.holder, homes[row.id]), homes[row.id])


def _worked_on(ctx: Context, table: str, ids: Ids, merged: int) -> Ids:
    """Return the rows of which somebody changed more than whose they are."""
    found: Ids = set()
    for part in _batches(ids):
        mine = Change.table_name == table, Change.row_id.in_(part), Change.changeset_id > merged
        for change in ctx.session.scalars(select(Change).where(*mine)):
            if {*(change.before or {}), *(change.after or {})} - SYSTEM_MADE:
                found.add(change.row_id)
    return found


def _batches(ids: Ids) -> Iterator[list[int]]:
    numbers = sorted(ids)
    for start in range(0, len(numbers), BATCH):
        yield numbers[start : start + BATCH]


def _held(ctx: Context, model: type[Any], ids: Ids, holder: int) -> Iterator[Any]:
    """Yield the rows among some that the holder has."""
    for part in _batches(ids):
        there = select(model).where(model.id.in_(part), model.customer_id == holder).order_by(model.id)
        yield from ctx.session.scalars(there).unique()


# -- what was added ---------------------------------------------------------------------------------------


def _added(ctx: Context, parting: Parting) -> Iterator[Undecided]:
    new = _created(ctx, parting)
    for model in owned():
        if model is Mail:
            yield from _mails(ctx, parting)
        elif model is Order:
            _say_orders_stay(ctx, parting, new.get(model.__tablename__, set()))
        else:
            for row in _held(ctx, model, new.get(model.__tablename__, set()), parting.holder):
                yield Undecided(row, False, (parting.holder, *parting.losers), _proposed(parting, row))


def _entered(ctx: Context, parting: Parting) -> Iterator[Undecided]:
    owners = parting.holder, *parting.losers
    for entry, figure in ledgers_since.find(ctx, parting, MOST):
        yield Undecided(entry, False, owners, parting.holder, figure)


def _say_orders_stay(ctx: Context, parting: Parting, ids: Ids) -> None:
    """Say that orders stay: each has points and money of its own, and moves by an action of its own."""
    if stay := sum(1 for _order in _held(ctx, Order, ids, parting.holder)):
        ctx.warn(
            N_(
                "Orders placed since the merge stay with %(record)s: %(count)s. Each can be moved to another customer, "
                "with its points and invoices."
            ),
            count=number_text(ctx, stay),
            record=str(ctx.session.get_one(Customer, parting.holder)),
        )


def _created(ctx: Context, parting: Parting) -> dict[str, Ids]:
    """Return table -> rows that were made for the survivor, or for the record that it went into, since the merge."""
    spans = [(parting.survivor, parting.changeset.id)]
    spans += [(merge.survivor_id, merge.changeset_id) for merge in parting.later]
    made = or_(*(and_(Change.customer_id == who, Change.changeset_id > since) for who, since in spans))
    tables = [model.__tablename__ for model in owned()]
    rows = select(Change.table_name, Change.row_id).where(
        made, Change.before.is_(None), Change.after.is_not(None), Change.table_name.in_(tables)
    )
    found: dict[str, Ids] = {}
    for table, row_id in ctx.session.execute(rows.order_by(Change.id.desc()).limit(MOST)):
        found.setdefault(table, set()).add(row_id)
    return found


def _proposed(parting: Parting, row: Any) -> int:
    """Return whose a row seems to be: that of the record which the rows it refers to go back to."""
    for column in row.__table__.columns:
        for key in column.foreign_keys:
            table, value = key.column.table.name, getattr(row, column.name)
            for loser in parting.losers if value is not None and table != "customer" else ():
                if value in parting.moved(table, loser):
                    return loser
    return parting.holder


def _mails(ctx: Context, parting: Parting) -> Iterator[Undecided]:
    """Yield mails that went to the address of a record that went, which is not that of the survivor."""
    keys = {row.email_key: row.id for row in _customers(ctx, parting.losers) if row.email_key}
    mine = next(iter(_customers(ctx, (parting.holder,)))).email_key
    wanted = select(Mail).where(
        Mail.customer_id == parting.holder,
        Mail.recipient_key.in_(set(keys) - {mine}),
        Mail.changeset_id > parting.changeset.id,
    )
    for mail in ctx.session.scalars(wanted.order_by(Mail.id.desc()).limit(MOST)):
        home = keys[mail.recipient_key]
        yield Undecided(mail, False, (parting.holder, home), home)


def _customers(ctx: Context, ids: Sequence[int]) -> list[Customer]:
    return [ctx.session.get_one(Customer, i) for i in ids]


# -- deciding ---------------------------------------------------------------------------------------------


def decide(undecided: Sequence[Undecided], taken: Mapping[str, int]) -> dict[str, int]:
    """Return field -> to whom each row goes, by what a person chose and else as proposed.

    :raises Invalid: ``take`` names a row that is not to be decided, or somebody whom it cannot go to.
    """
    there = {one.field: one for one in undecided}
    if not all(name in there and owner in there[name].owners for name, owner in taken.items()):
        raise Invalid(
            {"take": N_("The records have changed since you made these choices. Review them again.")}
        )
    return {name: taken.get(name, one.proposed) for name, one in there.items()}


def questions(undecided: Sequence[Undecided], owners: Mapping[str, int]) -> tuple[MergeChoice, ...]:
    """Return what a person is asked, row by row, with whose it is meant to be."""
    return tuple(
        MergeChoice(
            one.field,
            type(one.row),
            "",
            _called(one),
            dict.fromkeys(
                one.owners, N_("Changed since the merge") if one.came else N_("Added since the merge")
            ),
            owners[one.field],
        )
        for one in undecided
    )


def _called(one: Undecided) -> str:
    row = one.row
    name = row.kind.label if one.figure else str(row)
    return ", ".join(filter(None, (f"{type(row).__label__}: {name}", one.figure)))


def hand_over(ctx: Context, undecided: Sequence[Undecided], owners: Mapping[str, int], holder: int) -> None:
    """Give what was added since to whom it was chosen for."""
    for one in undecided:
        owner, row = owners[one.field], one.row
        if one.came or owner == holder:
            continue
        if one.figure:
            ledgers_since.hand_over(ctx, row, holder, owner)
            continue
        if (mark := MARK.get(type(row))) is not None and getattr(row, mark):
            setattr(row, mark, False)
            ctx.session.flush()
        ctx.write_set(type(row).customer_id, holder, owner, [row.id])
        ctx.session.expire(row)
