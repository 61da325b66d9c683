"""What a customer's record, and their row in lists, say of records which may be the same (rules 7.7 and 7.15)."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import joinedload

from admin.request.context import allowed
from admin.screen_spec.registry import registry
from admin.viewmodels.pages import Badge, StatusLine
from models.customer import Customer
from models.duplicate import DuplicatePair
from web.request import memo, session

MOST = 3
"""Pairs that are named; the list of duplicates has all of them."""


def lines(row: Customer) -> Sequence[StatusLine]:
    """Name the others of the pairs that a customer is part of, the likeliest first, for those who may see them."""
    if not (row.is_live and allowed("list", "duplicate")):
        return ()
    both = joinedload(DuplicatePair.lower), joinedload(DuplicatePair.higher)
    wanted = (
        registry().screens["duplicate"].base_select().where(of(row.id), DuplicatePair.is_open).options(*both)
    )
    best = DuplicatePair.is_likely.desc(), DuplicatePair.score.desc(), DuplicatePair.id
    pairs = session().scalars(wanted.order_by(*best).limit(MOST)).all()
    return tuple(_line(pair, pair.higher if pair.lower_id == row.id else pair.lower) for pair in pairs)


def of(customer_id: int) -> ColumnElement[bool]:
    """Return the clause for the pairs that a record is part of, as either of the two."""
    return or_(DuplicatePair.lower_id == customer_id, DuplicatePair.higher_id == customer_id)


def prepare(rows: Sequence[Customer]) -> None:
    """Read at once which rows of a page are part of a pair that nobody has decided about."""
    if not (rows and allowed("list", "duplicate")):
        return
    ids = [row.id for row in rows]
    either = or_(DuplicatePair.lower_id.in_(ids), DuplicatePair.higher_id.in_(ids))
    pairs = registry().screens["duplicate"].base_select().where(DuplicatePair.is_open, either)
    for pair in session().execute(pairs.with_only_columns(DuplicatePair.lower_id, DuplicatePair.higher_id)):
        _flagged().update(pair)


def badges(row: Customer) -> list[Badge]:
    """Return the badge of a row that was found to be part of such a pair, which leads to the record's tab."""
    if row.id not in _flagged():
        return []
    url = registry().screens["customer"].url_to("details_view", id=row.id, tab="duplicate")
    return [Badge(_("Possible duplicate"), "orange", "copy", url)]


def _flagged() -> set[int]:
    found: set[int] = memo("possible_duplicates", set)
    return found


def _line(pair: DuplicatePair, other: Customer) -> StatusLine:
    said = _("Likely the same customer as") if pair.is_likely else _("May be the same customer as")
    url = registry().screens["duplicate"].row_url("details_view", pair.id)
    return StatusLine(Markup('{} <a href="{}">{} #{}</a>').format(said, url, other, other.id), "copy")
