"""A list in its order: which index holds it, or which parts each have one, and where a page of it begins.

Where no single index holds an order, the list is read in parts that each walk one: the entries of a short list one by
one, the rows that have a value and those that have none, what is found by each word that very many rows are found by.
The first rows of each part are put in order; they are a page or so, whatever the size of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    CTE,
    Select,
    and_,
    bindparam,
    case,
    false,
    literal,
    or_,
    select,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.orm import Session

from admin.screen_spec.sorting import Key
from models.dialect import nulls_first
from models.search import Branch, either, set_aside

MOST_GROUPS = 100
"""So many entries a list may have for what refers to it to be sorted entry by entry."""
FOUND = "clientele_found"
"""Execution option of a statement for what a search finds: True, or a :class:`Found`; see :func:`in_order`."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search finds, way by way, and the list that it is looked for in.

    ``wide`` are the ways that lead to more rows than are counted; the others are gone through to the end.
    """

    within: Select[Any]
    branches: Sequence[Branch]
    wide: Sequence[Branch] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a list's rows, and what puts those in order."""

    rows: Select[Any]
    keys: Sequence[Key]


@dataclass(frozen=True, slots=True)
class Past:
    """The row that a page comes after, or before: its values of the keys of the order."""

    values: Sequence[Any]
    dialect: str
    backwards: bool

    def clause(self, keys: Sequence[Key]) -> Any:
        """Return the clause for the rows of the page, of the keys as they are called where it stands."""
        return beyond(keys, self.values, self.dialect, backwards=self.backwards)

    def of_rest(self, keys: Sequence[Key]) -> Any:
        """Return that for rows that have the first key in common with it."""
        return beyond(keys[1:], self.values[1:], self.dialect, backwards=self.backwards)

    def before_empties(self, key: Key) -> bool:
        """Return whether the rows without a value come after those with one, on the way that the page lies."""
        return nulls_first(self.dialect) == (key.descending != self.backwards)


def in_order(
    statement: Select[Any],
    keys: Sequence[Key],
    identity: Any,
    limit: int,
    past: Past | None = None,
) -> tuple[Select[Any], CTE | None]:
    """Select the first ids of a statement in the keys' order; return with them all that was searched out, if it was.

    What a search finds (:data:`FOUND`) is worked out first, and then put in order; what very many rows are found by is
    not, but the list is walked until there are enough of them.

    :param past: the row that they come after, or before.
    """
    backwards = past is not None and past.backwards
    found = statement.get_execution_options().get(FOUND)
    wanted = statement.with_only_columns(identity)
    if isinstance(found, Found) and found.wide:
        parts = _of_branches(found, keys, identity, past)
        return _first_of(parts, union, keys, identity, limit, backwards), None
    if found:
        return _searched(wanted, keys, identity, limit, past)
    if parts := _parts(wanted, keys, past):
        return _first_of(parts, union_all, keys, identity, limit, backwards), None
    wanted = wanted if past is None else wanted.where(past.clause(keys))
    return ordered(wanted, keys, backwards=backwards).limit(limit), None


def _searched(
    wanted: Select[Any], keys: Sequence[Key], identity: Any, limit: int, past: Past | None
) -> tuple[Select[Any], CTE]:
    """Select the first ids of all that was found, which is set aside before it is put in order."""
    named = [key.expression.label(f"key_{n}") for n, key in enumerate(keys)]
    found = set_aside(joined(wanted, keys).with_only_columns(identity.label("found"), *named).order_by(None))
    keys = [
        replace(k, expression=found.c[f"key_{n}"], via=None, group=None, filled=None)
        for n, k in enumerate(keys)
    ]
    ids = select(found.c.found) if past is None else select(found.c.found).where(past.clause(keys))
    return ordered(ids, keys, backwards=past is not None and past.backwards).limit(limit), found


def _first_of(
    parts: Sequence[Part], unite: Any, keys: Sequence[Key], identity: Any, limit: int, backwards: bool
) -> Select[Any]:
    """Select the first ids of several parts together: the first of each, put in order.

    :param unite: ``union`` where a row may be in several parts, otherwise ``union_all``.
    """
    columns = [key.expression.label(f"key_{n}") for n, key in enumerate(keys)]
    firsts = []
    for part in parts:
        first = ordered(part.rows, part.keys, backwards=backwards).limit(limit)
        firsts.append(select(first.with_only_columns(identity.label("found"), *columns).subquery()))
    every = unite(*firsts).subquery()
    keys = [replace(k, expression=every.c[f"key_{n}"], via=None) for n, k in enumerate(keys)]
    return ordered(select(every.c.found), keys, backwards=backwards).limit(limit)


def _parts(wanted: Select[Any], keys: Sequence[Key], past: Past | None) -> list[Part]:
    """Return the parts that a list is read in for an order; none where it is read as a whole."""
    if keys[0].group:
        return _of_groups(wanted, keys, past)
    return [] if keys[0].filled is None else _of_halves(wanted, keys, past)


def _of_groups(wanted: Select[Any], keys: Sequence[Key], past: Past | None) -> list[Part]:
    """Return the rows of each value in turn: each walks the index of the column, where all would be sorted."""
    (reference, values), backwards = keys[0].group, past is not None and past.backwards
    nullable = reference.property.columns[0].nullable
    parts = []
    for place, value in enumerate((*values, None) if nullable else values):
        mine = wanted.where(reference.is_(None) if value is None else _is(reference, value))
        if past is not None and place == past.values[0]:
            mine = mine.where(past.of_rest(keys))
        elif past is not None and (place < past.values[0]) == (keys[0].descending == backwards):
            continue
        parts.append(Part(mine, keys[1:]))
    return parts


def _is(reference: Any, value: Any) -> Any:
    """Return the clause for a value, which is written into the statement: a planner knows how many rows each has."""
    return reference == bindparam(None, value, type_=reference.type, literal_execute=True)


def _of_halves(wanted: Select[Any], keys: Sequence[Key], past: Past | None) -> list[Part]:
    """Return the rows that have a value, and those that have none: no index begins a page among both."""
    (first, *rest), filled = keys, keys[0].filled
    with_value, order = wanted.where(filled.is_not(None)), [replace(first, nullable=False), *rest]
    empty = wanted.where(filled.is_(None))
    if past is None:
        return [Part(with_value, order), Part(empty, rest)]
    if past.values[0] is None:
        beyond_them = [] if past.before_empties(first) else [Part(with_value, order)]
        return [Part(empty.where(past.of_rest(keys)), rest), *beyond_them]
    beyond_them = [Part(empty, rest)] if past.before_empties(first) else []
    return [Part(with_value.where(past.clause(order)), order), *beyond_them]


def _of_branches(found: Found, keys: Sequence[Key], identity: Any, past: Past | None) -> list[Part]:
    """Return what each way of a search finds: of a wide one, by walking the list; of all others, what they found."""
    within = found.within.with_only_columns(identity)
    within = within if past is None else within.where(past.clause(keys))
    few = [branch.all for branch in found.branches if not any(branch is one for one in found.wide)]
    parts = [Part(within.where(identity.in_(either(few))), keys)] if few else []
    return [*parts, *(Part(within.where(_by(branch, keys[0], identity)), keys) for branch in found.wide)]


def _by(branch: Branch, first: Key, identity: Any) -> Any:
    """Return the clause for what one way finds: a range of the order itself, where that is what it looks at."""
    looked_at = getattr(branch.column, "property", None)
    if looked_at is not None and looked_at is getattr(first.expression, "property", None):
        return branch.test(first.expression)
    return branch.walked(identity)


def with_groups(session: Session, keys: Sequence[Key]) -> list[Key]:
    """Return keys of which one that stands for one of few values says at which place that is."""
    return [key if key.group is None else _placed(session, key) for key in keys]


def _placed(session: Session, key: Key) -> Key:
    reference, few = key.group
    values = few if isinstance(few, tuple) else _entries(session, few)
    if not 0 < len(values) <= MOST_GROUPS:
        return replace(key, group=None)
    places = {literal(value, reference.type): place for place, value in enumerate(values)}
    place = case(places, value=reference, else_=len(values))
    return replace(key, expression=place, nullable=False, group=(reference, values), filled=None)


def _entries(session: Session, label: Any) -> Sequence[int]:
    """Return the ids of a short list in the order of its labels."""
    return session.scalars(
        select(label.class_.id).order_by(label, label.class_.id).limit(MOST_GROUPS + 1)
    ).all()


def joined(statement: Select[Any], keys: Sequence[Key]) -> Select[Any]:
    """Return the statement with what its keys are columns of."""
    ways = {id(key.via): key.via for key in keys if key.via is not None}
    for target, clause in ways.values():
        statement = statement.join(target, clause)
    return statement


def ordered(statement: Select[Any], keys: Sequence[Key], *, backwards: bool = False) -> Select[Any]:
    """Return the statement in the keys' order, or the reverse of it."""
    return joined(statement, keys).order_by(
        *(k.expression.desc() if k.descending != backwards else k.expression.asc() for k in keys)
    )


def beyond(keys: Sequence[Key], values: Sequence[Any], dialect: str, *, backwards: bool = False) -> Any:
    """Return the clause for rows that come after (or before) the one with these key values.

    A row-value comparison where no key can be empty, which both databases answer from an index; otherwise the long form
    that knows where each database puts empty values.
    """
    clause: Any
    ways = {k.descending for k in keys}
    if len(ways) == 1 and not any(k.nullable for k in keys):
        left = tuple_(*(k.expression for k in keys))
        right = tuple_(*(literal(v, k.expression.type) for k, v in zip(keys, values, strict=True)))
        before = ways.pop() != backwards
        clause = left < right if before else left > right
        start = _start(keys, values)
        return (
            clause
            if start is None
            else and_(start[0] <= start[1] if before else start[0] >= start[1], clause)
        )
    clause = false()
    for key, value in reversed(list(zip(keys, values, strict=True))):
        clause = or_(
            _past(key, value, dialect, backwards),
            and_(key.expression.is_not_distinct_from(literal(value, key.expression.type)), clause),
        )
    return clause


def _start(keys: Sequence[Key], values: Sequence[Any]) -> tuple[Any, Any] | None:
    """Return the keys of the table that is joined and their values: no index answers a comparison over two tables."""
    first = [
        (k.expression, literal(v, k.expression.type)) for k, v in zip(keys, values, strict=True) if k.via
    ]
    return (tuple_(*(e for e, _v in first)), tuple_(*(v for _e, v in first))) if first else None


def _past(key: Key, value: Any, dialect: str, backwards: bool) -> Any:
    descending = key.descending != backwards
    empties_last = nulls_first(dialect) == descending
    if value is None:
        return false() if empties_last else key.expression.is_not(None)
    bound = literal(value, key.expression.type)  # a bare True or False is no value that could be more or less
    further = key.expression < bound if descending else key.expression > bound
    return or_(further, key.expression.is_(None)) if empties_last and key.nullable else further
