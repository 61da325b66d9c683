"""From a parsed list query to rows: conditions, order and keyset paging in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from babel.numbers import get_currency_precision
from sqlalchemy import BigInteger, Select, and_, false, func, literal, not_, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from admin.context import shop
from admin.fields import Field
from admin.query import Condition, ListQuery
from models.dialect import nulls_first
from models.figures import currencies_by_places

COUNT_CAP = 10_000
Span = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Key:
    """One expression of an order. ``nullable`` decides whether empty values need a place of their own."""

    expression: Any
    descending: bool
    nullable: bool


def condition_clause(condition: Condition) -> Any:
    """Return the WHERE clause of one filter; text compares without regard to case."""
    amount = condition.field.kind == "money" and condition.operator != "empty"
    return _amount_clause(condition) if amount else _clause(condition)


def _clause(condition: Condition) -> Any:
    column, value = condition.field.column, _bound(condition)
    match condition.operator:
        case "empty":
            empty = (
                column.is_(None) if condition.field.kind != "text" else or_(column.is_(None), column == "")
            )
            return empty if value else not_(empty)
        case "contains":
            return column.icontains(value, autoescape=True)
        case "starts":
            return column.istartswith(value, autoescape=True)
        case "in":
            return column.in_(value)
        case "ne":
            return or_(column.is_(None), not_(_same(condition.field, value)))
        case "ge":
            return column >= value
        case "le":
            return column < value if condition.field.kind == "datetime" else column <= value
        case _:
            return _same(condition.field, value)


def _amount_clause(condition: Condition) -> Any:
    """Return the clause of an amount in major units, read with the places of the currency that each row is in.

    A row that names none is in the shop's. Around the clause stands the widest span of minor units that it can mean,
    which an index answers.
    """
    column = condition.field.column
    currency = getattr(column.class_, "currency", None)
    if not isinstance(currency, InstrumentedAttribute):
        return _within(column, _span(condition, get_currency_precision(shop().currency)))
    spans: dict[Span, set[str]] = {}
    for places, codes in currencies_by_places().items():
        spans.setdefault(_span(condition, places), set()).update(codes)
    if len(spans) == 1:
        return _within(column, next(iter(spans)))
    lows, highs = zip(*spans, strict=True)
    widest = (None if None in lows else min(lows), None if None in highs else max(highs))
    exact = (and_(currency.in_(sorted(codes)), _within(column, span)) for span, codes in spans.items())
    return and_(_within(column, widest), or_(*exact))


def _span(condition: Condition, places: int) -> Span:
    """Return the least and the most minor units that an amount means in a currency; an end may be open."""
    amount: Decimal = condition.value.scaleb(places)
    low, high = (int(amount.to_integral_value(way)) for way in (ROUND_CEILING, ROUND_FLOOR))
    return None if condition.operator == "le" else low, None if condition.operator == "ge" else high


def _within(column: Any, span: Span) -> Any:
    low, high = span
    return and_(*(() if low is None else (column >= low,)), *(() if high is None else (column <= high,)))


def _bound(condition: Condition) -> Any:
    """Return the value to compare with; whole numbers wide, as PostgreSQL refuses one that overflows its type."""
    wide = condition.field.kind in ("number", "lookup") and condition.operator != "empty"
    return literal(condition.value, BigInteger) if wide else condition.value


def _same(field: Field, value: Any) -> Any:
    """Return the clause for equality. The database folds both sides: SQLite knows no case beyond ASCII, Python does."""
    if field.kind != "text":
        return field.column == value
    return func.lower(field.column) == func.lower(value)


def ordered(statement: Select[Any], keys: Sequence[Key], *, backwards: bool = False) -> Select[Any]:
    """Return the statement in the keys' order, or the reverse of it."""
    return statement.order_by(
        *(k.expression.desc() if k.descending != backwards else k.expression.asc() for k in keys)
    )


def beyond(keys: Sequence[Key], values: Sequence[Any], dialect: str, *, backwards: bool = False) -> Any:
    """Return the clause for rows that come after (or before) the one with these key values.

    A row-value comparison where no key can be empty, which both databases answer from an index; otherwise the long form
    that knows where each database puts empty values.
    """
    ways = {k.descending for k in keys}
    if len(ways) == 1 and not any(k.nullable for k in keys):
        left = tuple_(*(k.expression for k in keys))
        right = tuple_(*(literal(v, k.expression.type) for k, v in zip(keys, values, strict=True)))
        return left < right if ways.pop() != backwards else left > right
    clause: Any = false()
    for key, value in reversed(list(zip(keys, values, strict=True))):
        clause = or_(
            _past(key, value, dialect, backwards),
            and_(key.expression.is_not_distinct_from(literal(value, key.expression.type)), clause),
        )
    return clause


def _past(key: Key, value: Any, dialect: str, backwards: bool) -> Any:
    descending = key.descending != backwards
    empties_last = nulls_first(dialect) == descending
    if value is None:
        return false() if empties_last else key.expression.is_not(None)
    bound = literal(value, key.expression.type)  # a bare True or False is no value that could be more or less
    further = key.expression < bound if descending else key.expression > bound
    return or_(further, key.expression.is_(None)) if empties_last and key.nullable else further


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page and whether there is more on either side."""

    rows: Sequence[Any]
    has_next: bool
    has_previous: bool


def fetch_page(
    session: Session,
    statement: Select[Any],
    within: Select[Any],
    keys: Sequence[Key],
    identity: Any,
    query: ListQuery,
    options: Sequence[Any] = (),
) -> Page:
    """Return one page of entities.

    The page's ids are found first, from an index where there is one, and only then what is shown of them is joined:
    SQLite would otherwise read whole tables for a page of fifty rows.

    :param within: the rows the person may see at all.
    :param query: its ``after`` is the id of the row the page follows, ``before`` of the row it precedes. A row that
        has gone, or is not theirs to see, starts over; so does a page before the first.
    :param options: loader options for what is shown.
    """
    anchor = query.after if query.before is None else query.before
    values = _anchor_values(session, within, keys, identity, anchor) if anchor is not None else None
    backwards = query.before is not None and values is not None
    wanted = statement.with_only_columns(identity)
    if values is not None:
        wanted = wanted.where(beyond(keys, values, session.get_bind().dialect.name, backwards=backwards))
    ids = ordered(wanted, keys, backwards=backwards).limit(query.page_size + 1)
    shown = select(identity.class_).where(identity.in_(ids)).options(*options)
    rows = list(session.scalars(ordered(shown, keys, backwards=backwards)).unique())
    more, rows = len(rows) > query.page_size, rows[: query.page_size]
    if backwards and not rows:
        return fetch_page(
            session, statement, within, keys, identity, replace(query, before=None, after=None), options
        )
    if backwards:
        return Page(rows[::-1], True, more)
    return Page(rows, more, values is not None)


def _anchor_values(
    session: Session, within: Select[Any], keys: Sequence[Key], identity: Any, anchor: int
) -> Sequence[Any] | None:
    wanted = within.with_only_columns(*(k.expression for k in keys)).where(
        identity == literal(anchor, BigInteger)
    )
    row = session.execute(wanted).first()
    return tuple(row) if row is not None else None


def count_up_to(session: Session, statement: Select[Any], identity: Any, cap: int = COUNT_CAP) -> int:
    """Return how many rows match, counting no further than one past ``cap``."""
    return counts_up_to(session, identity, [(statement, cap)])[0]


def counts_up_to(session: Session, identity: Any, wanted: Sequence[tuple[Select[Any], int]]) -> Sequence[int]:
    """Return how many rows match each statement, counting no further than one past its cap; all by one statement."""
    inner = [s.with_only_columns(identity).order_by(None).limit(cap + 1).subquery() for s, cap in wanted]
    counts = [select(func.count()).select_from(rows).scalar_subquery() for rows in inner]
    return tuple(session.execute(select(*counts)).one())
