"""Which changesets are about a record: the questions that the activity line and the Activity list ask the journal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Select,
    String,
    and_,
    cast,
    exists,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import aliased

from admin.request.context import channels
from admin.screen_spec.registry import registry
from models.account import AccountEntry, AccountKind, Invoice
from models.credit import CreditEntry, CreditKind
from models.customer import Customer
from models.journal import Change, Changeset
from models.loyalty import LoyaltyEntry, LoyaltyKind
from models.mail import Mail, MailState
from models.row_scope import wrote_beyond
from models.tasting import TastingEntry, TastingKind
from web.request import session

LEDGERS: tuple[type[Any], ...] = (LoyaltyEntry, AccountEntry, Invoice, CreditEntry, TastingEntry)
TAKEN_BACK: dict[Any, tuple[Any, ...]] = {
    LoyaltyEntry: (LoyaltyKind.REVERSAL, LoyaltyKind.EXPIRED),
    AccountEntry: (AccountKind.REVERSAL,),
    CreditEntry: (CreditKind.REVERSAL,),
    TastingEntry: (TastingKind.REVERSAL,),
}
"""Ledger -> the kinds of its entries that no undo reverses."""
TIES = {
    "ab_user_role": "role_id",
    "ab_user_group": "group_id",
    "ab_group_role": "role_id",
    "ab_permission_view_role": "permission_view_id",
    "staff_channel": "sales_channel_id",
}
"""Tables of which a row does nothing but tie something to a member of staff, a group or a role: by which column."""
OF_STAFF = frozenset({"ab_user", "ab_role", "ab_group"})
"""Records of which the better part lies in rows of :data:`TIES`."""
NAMED = 3
"""How many of the records that a changeset touched a list names."""


def rows_of(row: Any) -> Any:
    """Return the clause for the changes of a changeset that are about a record."""
    if isinstance(row, Customer):
        return Change.customer_id == row.id
    if row.__tablename__ in OF_STAFF:
        return or_(Change.table_name.in_(TIES), and_(*_is(row)))
    return and_(*_is(row))


def _is(row: Any) -> tuple[Any, Any]:
    return Change.table_name == row.__tablename__, Change.row_id == row.id


def newest_changesets(row: Any, most: int) -> Select[Any]:
    """Return the newest changesets that touched a record; for a customer, everything that is theirs too.

    Of a customer's each table is asked for its own newest by itself, so that a long ledger is not gone through for it.
    """
    if isinstance(row, Customer):
        newest = (
            branch.distinct().order_by(branch.selected_columns[0].desc()).limit(most).subquery()
            for branch in _branches(row.id)
        )
        return _newest(union_all(*(select(part.c[0]) for part in newest)), most)
    rows = select(Change.changeset_id).where(*_is(row))
    about = Changeset.subject_table == row.__tablename__, Changeset.subject_id == row.id
    return _newest(rows.union_all(select(Changeset.id).where(*about)), most)


def _newest(touched: Any, most: int) -> Select[Any]:
    found = select(Changeset).where(Changeset.id.in_(touched))
    return found.order_by(Changeset.id.desc()).limit(most)


def staff_changesets(member_id: int | None) -> Any:
    """Return the ids of all changesets that a member of staff made or that are about them, each branch by its index.

    :param member_id: None for those by or about anybody.
    """
    about = select(Changeset.id).where(Changeset.subject_table == "ab_user")
    by = select(Changeset.id).where(Changeset.actor_id.is_not(None))
    if member_id is not None:
        about = about.where(Changeset.subject_id == member_id)
        by = by.where(Changeset.actor_id == literal(member_id, BigInteger))
    return union_all(about, by)


def customer_changesets(customer_id: int | None) -> Any:
    """Return the ids of all changesets about a customer: journalled rows, events, ledger rows; each by its index.

    :param customer_id: None for those about any customer at all.
    """
    return union_all(*_branches(customer_id))


def _branches(customer_id: int | None) -> list[Select[Any]]:
    """Return the statements for the ids of changesets about a customer, one for each table that tells of them."""

    def theirs(column: Any) -> Any:
        return column == customer_id if customer_id is not None else column.is_not(None)

    branches = [select(Change.changeset_id).where(theirs(Change.customer_id))]
    branches.append(
        select(Changeset.id).where(Changeset.subject_table == "customer", theirs(Changeset.subject_id))
    )
    branches += [select(ledger.changeset_id).where(theirs(ledger.customer_id)) for ledger in LEDGERS]
    return branches


@dataclass(frozen=True, slots=True)
class Undoing:
    """Of some changesets: who undid those that stand undone, and which left something that an undo could put back."""

    undone: Mapping[int, str]
    reversible: frozenset[int]


def undoing(changesets: Sequence[Changeset]) -> Undoing:
    """Return how a page's changesets stand with an undo, in one statement."""
    ids = [changeset.id for changeset in changesets]
    if not ids:
        return Undoing({}, frozenset())
    return _undoing(session().execute(_undone(ids)).all())


def _undone(ids: Sequence[int]) -> CompoundSelect[Any]:
    """Return the statement for the people who undid each, and (without a name) for what left something to undo."""
    later = aliased(Changeset)
    standing = Changeset.undoes_id.in_(ids), ~exists().where(later.undoes_id == Changeset.id)
    undone = select(Changeset.undoes_id, Changeset.actor_name).where(*standing)
    return union_all(undone, _reversible(ids))


def _undoing(rows: Sequence[Any]) -> Undoing:
    return Undoing(
        {row[0]: row[1] for row in rows if row[1] is not None},
        frozenset(row[0] for row in rows if row[1] is None),
    )


def _reversible(ids: Sequence[int]) -> Select[Any]:
    """Return the statement for the changesets that left a row, an entry that is no reversal, or a mail that waits.

    Nothing of it may be of a customer who is out of scope of the person asking.
    """
    left: list[Select[Any]] = [select(Change.changeset_id).where(Change.changeset_id.in_(ids))]
    for ledger, kinds in TAKEN_BACK.items():
        stands = ledger.kind.not_in(kinds)
        left.append(select(ledger.changeset_id).where(ledger.changeset_id.in_(ids), stands))
    waits = Mail.state.in_((MailState.WAITING, MailState.WITHHELD))
    left.append(select(Mail.changeset_id).where(Mail.changeset_id.in_(ids), waits))
    columns: tuple[Any, ...] = (Changeset.id, cast(null(), String))
    wanted: Select[Any] = select(*columns).where(Changeset.id.in_(union(*left)))
    mine = channels()
    return wanted if mine is None else wanted.where(not_(wrote_beyond(Changeset.id, mine)))


Row = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Touched:
    """Whose records a changeset touched, by table and id: some of them, how many in all, and how many before these."""

    rows: Sequence[Row]
    count: int
    before: int = 0


def touched(
    changesets: Sequence[Changeset], most: int = NAMED, before: int = 0
) -> tuple[dict[int, Touched], Undoing]:
    """Return whom each of a page's changesets touched, customers where it was theirs, and how they stand with an undo.

    It is one statement.

    :param before: how many of each are passed over.
    """
    if not changesets:
        return {}, Undoing({}, frozenset())
    ids = [changeset.id for changeset in changesets]
    undone = _undone(ids).subquery()
    nothing = cast(null(), BigInteger)
    both = union_all(_ranked(ids, most, before), select(undone.c[0], undone.c[1], nothing, nothing, nothing))
    read = session().execute(both).all()
    rows = sorted((row for row in read if row.place is not None), key=lambda row: row.place)
    return _touched(rows, before), _undoing([row for row in read if row.place is None])


def _ranked(ids: Sequence[int], most: int, before: int) -> Select[Any]:
    """Return the statement for some of whom each touched, with how many there are in all and the place among them."""
    whose = _whose(ids).subquery()
    place = func.row_number().over(partition_by=whose.c[0], order_by=(whose.c[1], whose.c[2]))
    count = func.count().over(partition_by=whose.c[0])
    ranked = select(*whose.c, count.label("count"), place.label("place")).subquery()
    return select(ranked).where(ranked.c.place.between(before + 1, before + most))


def _touched(found: Sequence[Any], before: int) -> dict[int, Touched]:
    rows: dict[int, list[Row]] = defaultdict(list)
    counts: dict[int, int] = {}
    for changeset_id, table, row_id, in_all, _place in found:
        rows[changeset_id].append((table, row_id))
        counts[changeset_id] = in_all
    return {changeset_id: Touched(rows[changeset_id], counts[changeset_id], before) for changeset_id in rows}


def _whose(ids: Sequence[int]) -> Any:
    """Return (changeset, table, id) of every record touched: a customer for what is theirs, else the row itself."""
    customer = literal("customer")
    tables: tuple[type[Any], ...] = (Change, *LEDGERS)
    theirs = [
        select(table.changeset_id, customer, table.customer_id).where(
            table.changeset_id.in_(ids), table.customer_id.is_not(None)
        )
        for table in tables
    ]
    named = [table for table in registry().by_table if table not in TIES]
    others = select(Change.changeset_id, Change.table_name, Change.row_id).where(
        Change.changeset_id.in_(ids), Change.customer_id.is_(None), Change.table_name.in_(named)
    )
    return union(*theirs, others)
