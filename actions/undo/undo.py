"""Undo: a changeset applied backwards, field by field, leaving alone what changed since (rule 9.3).

It is itself a changeset, so that it is in the journal and can be undone in turn. Ledger rows are never deleted: they
are reversed by their own services, which may refuse, because points were spent in the meantime for example.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, Enum, inspect, select
from sqlalchemy.orm import Mapper

from actions.core.base import ACTIONS, Context, Outcome, Refused, action
from actions.core.journal import Place, journalled_columns, snapshot
from actions.customers.primary_flag import ALWAYS_ONE, repair
from actions.customers.reassignment import moved_names
from actions.ledgers import accounts, credit, loyalty, tastings
from actions.ledgers.ledger import Reversible
from actions.mail.mail import take_back
from actions.undo.steps import Step, remove, take
from models.account import AccountEntry, AccountKind
from models.base import N_, Base
from models.credit import CreditEntry
from models.customer import Customer
from models.journal import Change, Changeset
from models.loyalty import LoyaltyEntry, LoyaltyKind
from models.row_scope import beyond
from models.shop import Shop
from models.tasting import TastingEntry
from models.types import Percent, UTCDateTime

CHANGED_SINCE = N_("%(record)s: %(field)s has been changed since and is not undone.")
ROW_CHANGED_SINCE = N_("%(record)s has been changed since and is not undone.")
GONE = N_("%(record)s has been deleted, so its old values cannot be restored.")
ERASED = N_("%(record)s was erased, so its values cannot be restored.")
MERGED = N_("%(record)s was merged into another record and is not undone.")


@dataclass(frozen=True, slots=True)
class Whole:
    """How an action is taken back as a whole, where field by field would not do.

    :param take_back: does it and returns how much went back. :param days: within how many days, by the shop's settings.
    """

    take_back: Callable[[Context, Changeset], int]
    days: Callable[[Shop], int | None]


UNDOERS: dict[str, Whole] = {}
"""Action code -> how it is taken back as a whole."""

KEPT = frozenset({"id", "version", "created_at", "updated_at"})


@action("changeset.undo", Changeset, label=N_("Undo"))
def undo(ctx: Context, changeset: Changeset) -> Outcome:
    """Put back what a changeset changed, where it still holds what the changeset wrote.

    :raises Refused: ``final``, ``already_undone``, ``too_old`` by the shop's setting, ``nothing_to_undo``, or
        ``out_of_scope``: it was about records, too, that the person asking does not see.
    """
    begin(ctx, changeset)
    whole = UNDOERS.get(changeset.action)
    back = whole.take_back(ctx, changeset) if whole is not None else take(ctx, _steps(ctx, changeset))
    partly = bool(ctx.warnings)
    if not take_back(ctx, changeset) + back:
        why = " ".join(warning.text for warning in ctx.warnings)
        raise Refused("nothing_to_undo", N_("This can no longer be undone. %(why)s"), why=why)
    kept = {model.__tablename__ for model in ALWAYS_ONE}
    repair(ctx, {c["customer_id"] for (table, _id), c in ctx.journal.changes.items() if table in kept})
    return Outcome(N_("Undone, except for what has changed since.") if partly else N_("Undone."))


def begin(ctx: Context, changeset: Changeset) -> None:
    """Begin to undo a changeset: what is written from now on is its undo. :raises Refused: as :func:`undo` says."""
    _refuse_unless_undoable(ctx, changeset)
    _refuse_unless_seen(ctx, changeset)
    _say_what_it_is_about(ctx, changeset)


def days_for(shop: Shop, action: str) -> int | None:
    """Return within how many days an action can be undone; None is for ever."""
    whole = UNDOERS.get(action)
    return shop.undo_days if whole is None else whole.days(shop)


def _say_what_it_is_about(ctx: Context, changeset: Changeset) -> None:
    """Write the changeset's header at once, about the same record, whatever the reversals below concern."""
    ctx.journal.subject = None
    ctx.journal.header |= {
        "undoes_id": changeset.id,
        "subject_table": changeset.subject_table,
        "subject_id": changeset.subject_id,
    }
    _ = ctx.changeset_id


def _refuse_unless_undoable(ctx: Context, changeset: Changeset) -> None:
    declared = ACTIONS.get(changeset.action)
    if declared is not None and declared.final:
        raise Refused("final", N_("This cannot be undone."))
    days = days_for(ctx.shop, changeset.action)
    if days is not None and changeset.at < ctx.now - dt.timedelta(days=days):
        raise Refused(
            "too_old", N_("This was more than %(days)s days ago and can no longer be undone."), days=days
        )
    undone = ctx.session.get(Changeset, changeset.undoes_id) if changeset.undoes_id is not None else None
    if undone is not None and undone.action in UNDOERS:
        raise Refused("not_undone", N_("This is itself an undo. Repeat the original action instead."))
    if (last := _standing_undo(ctx, changeset.id)) is not None:
        raise Refused("already_undone", N_("%(who)s has already undone this."), who=last.actor_name)


def _refuse_unless_seen(ctx: Context, changeset: Changeset) -> None:
    if ctx.channels is not None and ctx.session.scalar(beyond(changeset.id, ctx.channels)):
        raise Refused(
            "out_of_scope",
            N_("You cannot undo this because it includes records you do not have access to."),
        )


def _standing_undo(ctx: Context, changeset_id: int) -> Changeset | None:
    """Return the undo of a changeset that was not itself undone since."""
    query = select(Changeset).where(Changeset.undoes_id == changeset_id).order_by(Changeset.id.desc())
    for found in ctx.session.scalars(query):
        if _standing_undo(ctx, found.id) is None:
            return found
    return None


def _steps(ctx: Context, changeset: Changeset) -> list[Step]:
    changes = list(ctx.session.scalars(select(Change).where(Change.changeset_id == changeset.id)))
    _lock_customers(ctx, changes)
    changes = _follow_merges(ctx, changes)
    return [*row_steps(ctx, changes), *_reversals(ctx, changeset)]


def _lock_customers(ctx: Context, changes: list[Change]) -> None:
    """Lock the customers the changes are filed under, and those they were merged into since."""
    ids = {change.customer_id for change in changes if change.customer_id is not None}
    if ids:
        there = select(Customer.id, Customer.merged_into_id).where(Customer.id.in_(ids))
        pairs = ctx.session.execute(there).all()
        ctx.lock(Customer, sorted({i for pair in pairs for i in pair if i is not None}))


def _follow_merges(ctx: Context, changes: list[Change]) -> list[Change]:
    """Return the changes with the survivor in place of customers merged away since: rows go back there (rule 3.3)."""
    columns = moved_names() - {("customer", "merged_into_id")}
    named = {
        value
        for change in changes
        for name, value in [*(change.before or {}).items(), *(change.after or {}).items()]
        if (change.table_name, name) in columns
    }
    wanted = select(Customer.id, Customer.merged_into_id).where(
        Customer.id.in_(named - {None}), Customer.merged_into_id.is_not(None)
    )
    gone = {row[0]: row[1] for row in ctx.session.execute(wanted)}

    def led(change: Change, values: dict[str, Any] | None) -> dict[str, Any] | None:
        if values is None:
            return None
        return {n: gone.get(v, v) if (change.table_name, n) in columns else v for n, v in values.items()}

    return (
        [
            Change(
                table_name=change.table_name,
                row_id=change.row_id,
                customer_id=change.customer_id,
                before=led(change, change.before),
                after=led(change, change.after),
            )
            for change in changes
        ]
        if gone
        else changes
    )


def row_steps(ctx: Context, changes: Sequence[Change]) -> list[Step]:
    """Return how each row goes back; one that does not is left out, with a warning."""
    rows = _rows(ctx, changes)
    steps = (_row_step(ctx, change, rows.get((change.table_name, change.row_id))) for change in changes)
    return [step for step in steps if step is not None]


def _rows(ctx: Context, changes: Sequence[Change]) -> dict[Place, Any]:
    """Return the rows that the changes are about, locked table by table."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for change in changes:
        if change.before is not None or change.after is not None:
            wanted[change.table_name].add(change.row_id)
    found: dict[Place, Any] = {}
    for table, ids in sorted(wanted.items()):
        if (mapper := _mapper_of(table)) is not None:
            there = ctx.lock_there(mapper.class_, ids)
            found |= {(table, row_id): row for row_id, row in there.items()}
    return found


def _row_step(ctx: Context, change: Change, row: Any) -> Step | None:
    mapper = _mapper_of(change.table_name)
    if mapper is None:
        ctx.warn(GONE, record=f"{change.table_name} #{change.row_id}")
        return None
    model = mapper.class_
    if change.before is None and change.after is None:
        ctx.warn(ERASED, record=_name(model, change))
        return None
    if change.after is None:
        return _revert_delete(ctx, model, row, change)
    if row is None:
        if change.before is not None:
            ctx.warn(GONE, record=_name(model, change))
        return None
    if _closed(ctx, row, change):
        ctx.warn(ERASED if row.anonymised_at else MERGED, record=str(row))
        return None
    return _revert_create(ctx, row, change) if change.before is None else _revert_update(ctx, row, change)


def _closed(ctx: Context, row: Base, change: Change) -> bool:
    """Whether a customer is out of reach: erased for good, or merged away by a later change than this one."""
    if not isinstance(row, Customer):
        return False
    merged = row.merged_into_id is not None and "merged_into_id" not in (change.before or {})
    return row.anonymised_at is not None or merged


def _name(model: type[Base], change: Change) -> str:
    return f"{model.__label__} #{change.row_id}"


def _mapper_of(table: str) -> Mapper[Any] | None:
    return next((m for m in Base.registry.mappers if m.class_.__tablename__ == table), None)


def _revert_delete(ctx: Context, model: type[Base], row: Base | None, change: Change) -> Step | None:
    """A deleted row comes back under its old id."""
    if row is not None:
        return None
    kept = {k: v for k, v in (change.before or {}).items() if _readable(model, k, v)}
    values = {name: stored_value(model, name, value) for name, value in kept.items()}

    def take() -> None:
        ctx.session.add(model(**{k: v for k, v in values.items() if k not in ("version", "updated_at")}))

    return Step(_name(model, change), 1, take, change.table_name)


def _revert_create(ctx: Context, row: Base, change: Change) -> Step | None:
    """A created row goes, if nobody has changed it since and nothing refers to it."""
    now, then = snapshot(row), change.after or {}
    different = {name for name in {*now, *then} - KEPT if now.get(name) != then.get(name)}
    if not all(_still(row, name, change) for name in different):
        ctx.warn(ROW_CHANGED_SINCE, record=str(row))
        return None
    return Step(str(row), 2, lambda: remove(ctx, row), change.table_name, row)


def _readable(model: type[Base], name: str, value: Any) -> bool:
    """Whether a value means something today: an earlier release had other fields and other words."""
    try:
        stored_value(model, name, value)
    except (KeyError, ValueError, TypeError):
        return False
    return True


def _still(row: Base, name: str, change: Change) -> bool:
    """Whether a field holds what the changeset wrote."""
    written = (change.after or {}).get(name)
    if not _readable(type(row), name, written):
        return False
    return bool(getattr(row, name) == stored_value(type(row), name, written))


def _revert_update(ctx: Context, row: Base, change: Change) -> Step | None:
    """A changed row gets its former values where it still holds the ones it was given."""
    back = _values_back(ctx, row, change)
    if not back:
        return None

    def take() -> None:
        for name, value in back.items():
            setattr(row, name, value)

    leads = any(not value for value in back.values() if isinstance(value, bool))
    return Step(str(row), 3 if "merged_into_id" in back else 0 if leads else 1, take, change.table_name)


def put_back(ctx: Context, row: Base, change: Change) -> None:
    """Give a row its former values where it still holds those that a change gave it, and warn of the others."""
    for name, value in _values_back(ctx, row, change).items():
        setattr(row, name, value)


def _values_back(ctx: Context, row: Base, change: Change) -> dict[str, Any]:
    """Return the values that a row gets back; what was changed since is named and left out."""
    known, back = set(journalled_columns(row)), {}
    for name, before in (change.before or {}).items():
        if name in KEPT or name not in known:
            continue
        readable = _readable(type(row), name, before)
        if readable and _still(row, name, change):
            back[name] = stored_value(type(row), name, before)
        elif not (readable and getattr(row, name) == stored_value(type(row), name, before)):
            ctx.warn(CHANGED_SINCE, record=str(row), field=name.removesuffix("_id").replace("_", " "))
    return back


def stored_value(model: type[Base], name: str, value: Any) -> Any:
    """Return the Python value of a column from its form in the journal."""
    if value is None:
        return None
    kind = inspect(model).columns[name].type
    if isinstance(kind, Enum):
        return kind.enum_class(value) if kind.enum_class is not None else value
    if isinstance(kind, Percent):
        return Decimal(value)
    if isinstance(kind, UTCDateTime):
        return dt.datetime.fromisoformat(value)
    return dt.date.fromisoformat(value) if isinstance(kind, Date) else value


# -- ledgers ----------------------------------------------------------------------------------------------


def _reversals(ctx: Context, changeset: Changeset) -> Iterator[Step]:
    """Yield a step for each ledger row the changeset wrote: it is reversed, never deleted."""
    reason = f"Undo of #{changeset.id}"
    ctx = replace(ctx, key=None)  # one key names one ledger row, and there may be several
    for model, reverse in REVERSERS.items():
        rows = select(model).where(model.changeset_id == changeset.id).order_by(model.id.desc())
        for entry in ctx.session.scalars(rows).unique():
            if not (isinstance(entry, LoyaltyEntry) and entry.kind == LoyaltyKind.EXPIRED):
                yield Step(str(entry), 1, _reversal(ctx, reverse, entry, reason))


def _reversal(
    ctx: Context, reverse: Callable[..., Any], entry: Reversible, reason: str
) -> Callable[[], None]:
    def take() -> None:
        reverse(ctx, entry, reason=reason)

    return take


def _void(ctx: Context, entry: AccountEntry, *, reason: str) -> None:
    if entry.kind == AccountKind.INVOICE and entry.invoice is not None:
        accounts.void_invoice(ctx, entry.invoice, reason=reason)
    else:
        accounts.void(ctx, entry, reason=reason)


REVERSERS: dict[Any, Callable[..., Any]] = {
    LoyaltyEntry: loyalty.reverse,
    AccountEntry: _void,
    CreditEntry: credit.reverse,
    TastingEntry: tastings.reverse,
}
