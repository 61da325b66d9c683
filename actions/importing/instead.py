"""Rows of a file that update a record which is there, instead of creating one that may be the same (rule 7.12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from actions.core.base import Refused
from actions.execution.runner import Call
from actions.importing import importing
from actions.runs import runs
from actions.runs.parameters_json import unpack
from models.base import N_
from models.customer import Customer
from models.dialect import WRITE
from models.importing import ImportFile, ImportRow, ImportState, Verdict

NOT_TRIED = "not_tried", N_("Wait for the dry run to finish.")


def update_instead(
    engine: Engine,
    call: Call,
    file_id: int,
    wanted: Mapping[int, int],
    currency: str,
    clock: runs.Clock,
    *,
    at_once: bool = False,
) -> int:
    """Have rows that would create a customer update one who is there, and try those rows again; return their number.

    :param wanted: the row's id -> the customer's, whom the person asking sees. A row whose amounts would be in another
        currency than the customer's is left as it is. :param currency: that of a new customer.
    :param at_once: who asks waits for it, however many they are.
    :raises Refused: ``not_tried``: the file is being tried, or was applied.
    """
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        file = session.get_one(ImportFile, file_id, with_for_update=True)
        if file.state != ImportState.TRIED:
            raise Refused(*NOT_TRIED)
        fresh = {"verdict": None, "seen": None, "before": None, "after": None, "errors": None}
        found = [
            {"id": row, "row_id": who, **fresh} for row, who in _fitting(session, file, wanted, currency)
        ]
        if found:
            session.execute(update(ImportRow), found)
        plan = file.plan or {}
    if found:
        few = at_once or len(found) <= importing.AT_ONCE
        importing.try_rows(engine, call, file_id, plan, clock, at_once=few)
    return len(found)


def _fitting(
    session: Session, file: ImportFile, wanted: Mapping[int, int], currency: str
) -> Sequence[tuple[int, int]]:
    mine = ImportRow.file_id == file.id, ImportRow.verdict == Verdict.CREATED, ImportRow.id.in_(wanted)
    rows = {row.id: unpack(row.given or {}) for row in session.scalars(select(ImportRow).where(*mine))}
    people = select(Customer.id, Customer.currency).where(Customer.id.in_(set(wanted.values())))
    held: dict[int, Any] = {row[0]: row[1] for row in session.execute(people)}
    return [
        (row, wanted[row])
        for row, given in rows.items()
        if held.get(wanted[row]) == (given.get("currency") or currency)
    ]
