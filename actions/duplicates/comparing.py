"""What two records have had, side by side, for the person who decides whether they are one customer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.address import Address
from models.base import N_
from models.note import Note
from models.order import Order

COUNTED: tuple[tuple[str, Any], ...] = (
    (N_("Orders"), Order),
    (N_("Notes"), Note),
    (N_("Addresses"), Address),
)


def counts(session: Session, ids: Sequence[int]) -> Iterator[tuple[str, dict[int, int]]]:
    """Yield (what it is, customer id -> how many) of what belongs to some customers."""
    for label, model in COUNTED:
        found = (
            select(model.customer_id, func.count())
            .where(model.customer_id.in_(ids))
            .group_by(model.customer_id)
        )
        there = {row[0]: row[1] for row in session.execute(found)}
        yield label, {row_id: there.get(row_id, 0) for row_id in ids}
