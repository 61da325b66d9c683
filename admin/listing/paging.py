"""From a parsed list query to rows: conditions, keyset paging and counting in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import CTE, BigInteger, Select, and_, false, func, literal, not_, null, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from admin.listing.cursors import opened, sealed
from admin.listing.order import FOUND, Found, Past, in_order, ordered, with_groups
from admin.listing.query import ListQuery
from admin.screen_spec.column_info import Condition, Field
from admin.screen_spec.sorting import Key
from models import currencies
from models.search import matches
from web.arguments import NO_PLACE, NoPlace
from web.request import shop

COUNT_CAP = 10_000
Span = tuple[int | None, int | None]


def condition_clause(condition: Condition) -> Any:
    """Return the WHERE clause of one filter; text compares however it is spelt (rule 7.2)."""
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
            return matches(column, "contains", value)
        case "starts":
            return matches(column, "starts", value)
        case "in":
            return column.in_(value)
        case "ne":
            return or_(column.is_(None), not_(_same(condition.field, value)))
        case "ge":
            return column >= value
        case "le":
            return column < value if condition.field.kind in {"datetime", "last_day"} else column <= value
        case _:
            return _same(condition.field, value)


def _amount_clause(condition: Condition) -> Any:
    """Return the clause of an amount in major units, read with the places of the currency that each row is in.

    A row that names none is in the shop's. An amount that names a currency is looked for in that one. Around the clause
    stands the widest span of minor units that it can mean, which an index answers.
    """
    column = condition.field.column
    currency = getattr(column.class_, "currency", None)
    named = condition.value.currency
    if not isinstance(currency, InstrumentedAttribute):
        fits = _within(column, _span(condition, currencies.places(shop().currency)))
        return fits if named in (None, shop().currency) else false()
    if named is not None:
        return and_(currency == named, _within(column, _span(condition, currencies.places(named))))
    usual = _span(condition, currencies.USUAL)
    unusual = {codes: _span(condition, places) for places, codes in currencies.unusual().items()}
    if set(unusual.values()) == {usual}:
        return _within(column, usual)
    lows, highs = zip(usual, *unusual.values(), strict=True)
    widest = (None if None in lows else min(lows), None if None in highs else max(highs))
    exact = [and_(currency.in_(sorted(codes)), _within(column, span)) for codes, span in unusual.items()]
    others = currency.not_in(sorted(frozenset().union(*unusual)))  # listed or not: no row is out of reach
    return and_(_within(column, widest), or_(and_(others, _within(column, usual)), *exact))


def _span(condition: Condition, places: int) -> Span:
    """Return the least and the most minor units that an amount means in a currency; an end may be open."""
    amount: Decimal = condition.value.amount.scaleb(places)
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
    return matches(field.column, "is", value) if field.kind == "text" else field.column == value


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page, and the cursors of the pages on either side, where there are any."""

    rows: Sequence[Any]
    next: str | None
    previous: str | None
    count: int | None = None
    """How many rows match, no further than one past the cap, where a search has counted them on the way."""


def fetch_page(
    session: Session,
    statement: Select[Any],
    keys: Sequence[Key],
    identity: Any,
    query: ListQuery,
    options: Sequence[Any] = (),
) -> Page:
    """Return one page of entities.

    The page's ids are found first, from an index where there is one, and only then what is shown of them is joined:
    SQLite would otherwise read whole tables for a page of fifty rows.

    :param query: its ``after`` is the cursor of the row that the page follows, ``before`` of the row it precedes
        (:mod:`admin.listing.cursors`). A page before the first starts over.
    :param options: loader options for what is shown.
    :raises NoPlace: a cursor that is none, or of another order.
    """
    keys = with_groups(session, keys)
    statement, order = sized(session, statement, identity), _order(identity, query, keys)
    values = _beside(query, order)
    backwards = query.before is not None
    past = None if values is None else Past(values, session.get_bind().dialect.name, backwards)
    ids, found = in_order(statement, keys, identity, query.page_size + 1, past)
    shown = select(identity.class_, _counted(statement, found), *(key.expression for key in keys))
    shown = shown.where(identity.in_(ids)).options(*options)
    lines = session.execute(ordered(shown, keys, backwards=backwards)).unique().all()
    more, lines = len(lines) > query.page_size, lines[: query.page_size]
    if backwards and not lines:
        return fetch_page(
            session, statement, keys, identity, replace(query, before=None, after=None), options
        )
    if backwards:
        lines = lines[::-1]
    first, last = (lines[0][2:], lines[-1][2:]) if lines else (values, values)
    has_next, has_previous = (True, more) if backwards else (more, values is not None)
    return Page(
        [line[0] for line in lines],
        sealed(order, last) if has_next and last is not None else None,
        sealed(order, first) if has_previous and first is not None else None,
        lines[0][1] if lines else None,
    )


def _order(identity: Any, query: ListQuery, keys: Sequence[Key]) -> str:
    """Return what a cursor is good for: the list, the column it is sorted by, which way, and by how many keys.

    A place among few values is not the value.
    """
    way, places = "-" if query.descending else "", " placed" if keys[0].group else ""
    return f"{identity.class_.__tablename__} {way}{query.sort or ''} {len(keys)}{places}"


def _beside(query: ListQuery, order: str) -> tuple[Any, ...] | None:
    """Return the values of the row that the page lies beside; None for the first page."""
    name, cursor = ("before", query.before) if query.before is not None else ("after", query.after)
    if cursor is None:
        return None
    values = opened(order, cursor)
    if values is None:
        raise NoPlace(name, _(NO_PLACE))
    return values


def sized(session: Session, statement: Select[Any], identity: Any) -> Select[Any]:
    """Return the statement of a search that says which of its ways lead to more rows than are counted.

    Each is asked by its own index, and goes no further than that; of those that do, how many are in the list itself.
    """
    found = statement.get_execution_options().get(FOUND)
    if not isinstance(found, Found):
        return statement
    sizes = _lengths(session, [branch.all.limit(COUNT_CAP + 1) for branch in found.branches])
    wide = [branch for branch, size in zip(found.branches, sizes, strict=True) if size > COUNT_CAP]
    if wide:
        within = [(found.within.where(branch.clause(identity)), COUNT_CAP) for branch in wide]
        sizes = counts_up_to(session, identity, within)
        wide = [branch for branch, size in zip(wide, sizes, strict=True) if size > COUNT_CAP]
    return statement.execution_options(**{FOUND: replace(found, wide=wide)})


def _counted(statement: Select[Any], found: CTE | None) -> Any:
    """Return how many rows a search has found, counting no further than one past the cap; nothing without one."""
    search = statement.get_execution_options().get(FOUND)
    if isinstance(search, Found) and search.wide:
        return literal(COUNT_CAP + 1)
    if found is None:
        return null()
    some = select(found.c.found).limit(COUNT_CAP + 1).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def count_up_to(session: Session, statement: Select[Any], identity: Any, cap: int = COUNT_CAP) -> int:
    """Return how many rows match, counting no further than one past ``cap``."""
    return counts_up_to(session, identity, [(statement, cap)])[0]


def counts_up_to(session: Session, identity: Any, wanted: Sequence[tuple[Select[Any], int]]) -> Sequence[int]:
    """Return how many rows match each statement, counting no further than one past its cap; all by one statement."""
    return _lengths(
        session, [s.with_only_columns(identity).order_by(None).limit(cap + 1) for s, cap in wanted]
    )


def _lengths(session: Session, rows: Sequence[Select[Any]]) -> Sequence[int]:
    """Return how many rows each of several statements finds; all by one statement."""
    counts = [select(func.count()).select_from(one.subquery()).scalar_subquery() for one in rows]
    return tuple(session.execute(select(*counts)).one())
