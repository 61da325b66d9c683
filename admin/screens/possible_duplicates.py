"""The lines under a customer's head that name records which may be the same customer (rule 7.7)."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import or_
from sqlalchemy.orm import joinedload

from admin.request.context import allowed
from admin.screen_spec.registry import registry
from admin.viewmodels.pages import StatusLine
from models.customer import Customer
from models.duplicate import DuplicatePair
from web.request import session

MOST = 3
"""Pairs that are named; the list of duplicates has all of them."""


def lines(row: Customer) -> Sequence[StatusLine]:
    """Name the others of the pairs that a customer is part of, the likeliest first, for those who may see them."""
    if not (row.is_live and allowed("list", "duplicate")):
        return ()
    mine = or_(DuplicatePair.lower_id == row.id, DuplicatePair.higher_id == row.id)
    both = joinedload(DuplicatePair.lower), joinedload(DuplicatePair.higher)
    wanted = registry().screens["duplicate"].base_select().where(mine, DuplicatePair.is_open).options(*both)
    best = DuplicatePair.is_likely.desc(), DuplicatePair.score.desc(), DuplicatePair.id
    pairs = session().scalars(wanted.order_by(*best).limit(MOST)).all()
    return tuple(_line(pair, pair.higher if pair.lower_id == row.id else pair.lower) for pair in pairs)


def _line(pair: DuplicatePair, other: Customer) -> StatusLine:
    said = _("Likely the same customer as") if pair.is_likely else _("May be the same customer as")
    url = registry().screens["duplicate"].row_url("details_view", pair.id)
    return StatusLine(Markup('{} <a href="{}">{} #{}</a>').format(said, url, other, other.id), "copy")
