"""Which changesets are about a record: the questions that the activity line and the Activity list ask the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Select, and_, exists, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from admin.context import session
from models.account import AccountEntry, Invoice
from models.credit import CreditEntry
from models.customer import Customer
from models.journal import Change, Changeset
from models.loyalty import LoyaltyEntry
from models.tasting import TastingEntry

LEDGERS: tuple[type[Any], ...] = (LoyaltyEntry, AccountEntry, Invoice, CreditEntry, TastingEntry)
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


def undone_by(changesets: Sequence[Changeset]) -> dict[int, str]:
    """Return changeset id -> who undid it, for those that stand undone."""
    later = aliased(Changeset)
    standing = ~exists().where(later.undoes_id == Changeset.id)
    wanted = select(Changeset.undoes_id, Changeset.actor_name).where(
        Changeset.undoes_id.in_([c.id for c in changesets]), standing
    )
    return {row[0]: row[1] for row in session().execute(wanted) if row[0] is not None}
