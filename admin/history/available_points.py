"""Points past their date are nowhere shown as there, whether or not the night has expired them (rule 1.4).

The balance cached on a customer is the ledger's and holds them until the job has run. So a request's session, which
only reads, takes them off each customer as it is loaded: records, lists, files, the API and the search show what is
available without knowing. A list filtered or sorted by points asks the database the same while there are any such.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import has_request_context
from sqlalchemy import event
from sqlalchemy.orm import Session, object_session
from sqlalchemy.orm.attributes import set_committed_value

from actions.ledgers import points_breakdown
from models.customer import Customer
from models.dialect import WRITE
from web.request import now, session

PAST = "points past their date"
"""Where a session that reads keeps them."""


def past(reading: Session | None = None) -> dict[int, int]:
    """Return customer id -> points past their date, as of this request; none for what can write."""
    reading = session() if reading is None else reading
    found: dict[int, int] | None = reading.info.get(PAST)
    if found is None:
        writes = reading.get_bind().get_execution_options().get(WRITE) or not has_request_context()
        found = reading.info[PAST] = {} if writes else points_breakdown.past_points(reading, now())
    return found


def _take_off(row: Customer, context: Any, only: Iterable[str] | None = None) -> None:
    if row.__dict__.get("points") and (only is None or "points" in only):
        reading = object_session(row)
        if reading is not None and (gone := past(reading).get(row.id)):
            set_committed_value(row, "points", row.points - gone)


event.listen(Customer, "load", _take_off)
event.listen(Customer, "refresh", _take_off)
