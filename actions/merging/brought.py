"""What a merge brings to the survivor, in words: "2 orders, 1 note, 3 addresses (1 combined), 640 points"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from babel.numbers import format_decimal
from sqlalchemy import JSON, Select, and_, false, func, literal, or_, select, type_coerce, union_all
from sqlalchemy.orm import Session

from actions.core.journal import Journal
from actions.customers.reassignment import model_of, moved_names
from models.journal import Change
from models.loyalty import LoyaltyEntry

POINTS = "loyalty_entry", "loyalty_lot", "loyalty_expiry_notice"
"""Tables of which it is not rows that are counted, but points."""
NOT_MOVED = "customer", "merged_into_id"
"""A record that was merged earlier follows, and is no row of anybody's."""
FIRST = "sales_order", "note", "address", "phone"
"""What is said first; the rest comes by its name."""
NOUNS = {
    "customer": ("sub-customer", "sub-customers"),
    "credit_entry": ("credit entry", "credit entries"),
    "tasting_entry": ("free tasting", "free tastings"),
}
"""What rows are called where that is not what their screen is: customers that move are those an agent looks after."""


@dataclass(slots=True)
class Brought:
    """What moved: how many rows of each table, how many of these the survivor had already, and how many points."""

    moved: Counter[str] = field(default_factory=Counter)
    combined: Counter[str] = field(default_factory=Counter)
    points: int = 0
    gone: list[int] = field(default_factory=list)
    """The records that were merged away, where it is read from the journal."""


def of_journal(journal: Journal, points: int) -> Brought:
    """Return what a merge that is at work has moved so far. :param points: of the records that go."""
    found = Brought(points=points)
    for part in journal.sets:
        found.moved[part.table] += part.count if (part.table, part.column) in _counted() else 0
    for (table, _row_id), change in journal.changes.items():
        before, after = change["before"] or {}, change["after"]
        names = before if after is None else _differing(before, after)
        if any((table, name) in _counted() for name in names):
            (found.moved if after is not None else found.combined)[table] += 1
    return found


def _counted() -> frozenset[tuple[str, str]]:
    return moved_names() - {NOT_MOVED}


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[str]:
    return (name for name in before if name in after and before[name] and after[name] != before[name])


def of_changesets(session: Session, ids: Sequence[int], seen: Sequence[Any] = ()) -> dict[int, Brought]:
    """Return changeset of a merge -> what it moved, in one statement.

    :param seen: conditions of the changes by which records were merged away that are told of.
    """
    found = {changeset_id: Brought() for changeset_id in ids}
    if not found:
        return found
    parts = _counts(), _points(), _gone().where(*seen)
    told = union_all(*(part.where(Change.changeset_id.in_(ids)) for part in parts))
    for changeset_id, what, table, combined, figure in session.execute(told):
        brought = found[changeset_id]
        if what == "gone":
            brought.gone.append(figure)
        elif what == "points":
            brought.points = int(figure)
        else:
            (brought.combined if combined else brought.moved)[table] += figure
    return found


def _counts() -> Select[Any]:
    """Return the statement for how many rows of which table went, and how many of these were combined."""
    by: tuple[Any, ...] = (Change.changeset_id, Change.table_name, Change.after.is_(None))
    columns: tuple[Any, ...] = (by[0], literal("rows"), *by[1:], func.count())
    return select(*columns).where(or_(*_went())).group_by(*by)


def _points() -> Select[Any]:
    theirs = and_(Change.table_name == "loyalty_entry", Change.row_id == LoyaltyEntry.id)
    columns: tuple[Any, ...] = (Change.changeset_id, literal("points"), literal(""), false())
    points: Select[Any] = select(*columns, func.sum(LoyaltyEntry.points)).join(LoyaltyEntry, theirs)
    return points.group_by(Change.changeset_id)


def _gone() -> Select[Any]:
    """Return the statement for the records that were merged away."""
    before, after = _values("merged_into_id")
    merged = Change.table_name == "customer", before.is_(None), after.is_not(None)
    columns: tuple[Any, ...] = (Change.changeset_id, literal("gone"), literal(""), false(), Change.row_id)
    return select(*columns).where(*merged)


def _values(name: str) -> tuple[Any, Any]:
    """Return a field as it was before a change and after."""
    before, after = (type_coerce(values, JSON)[name].as_integer() for values in (Change.before, Change.after))
    return before, after


def _went() -> Iterator[Any]:
    """Yield the conditions of changes by which a row went to another customer, or was combined with one of theirs."""
    for table, name in sorted(_counted()):
        before, after = _values(name)
        went = before.is_not(None) & (Change.after.is_(None) | (before != after))
        yield (Change.table_name == table) & went


def in_words(brought: Brought, locale: str) -> str:
    """Return what moved in one line; "" where nothing did."""
    return ", ".join(_parts(brought, locale))


def _parts(brought: Brought, locale: str) -> Iterator[str]:
    there = {*+brought.moved, *brought.combined} - {*POINTS}
    for table in sorted(there, key=lambda table: (_place(table), table)):
        combined = brought.combined[table]
        count = brought.moved[table] + combined
        aside = f" ({format_decimal(combined, locale=locale)} combined)" if combined else ""
        yield f"{format_decimal(count, locale=locale)} {_noun(table, count)}{aside}"
    if brought.points:
        yield f"{format_decimal(brought.points, locale=locale)} {'point' if brought.points == 1 else 'points'}"


def _place(table: str) -> int:
    return FIRST.index(table) if table in FIRST else len(FIRST)


def _noun(table: str, count: int) -> str:
    if table in NOUNS:
        return NOUNS[table][count != 1]
    model = model_of(table)
    label: str = model.__label__ if count == 1 else model.__plural__
    return label if label[:2].isupper() else label.lower()
