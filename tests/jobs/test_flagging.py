"""Flagging duplicates by several processes, week after week: what was dismissed stays dismissed, no pair is found twice."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from actions.duplicates.decisions import dismiss, household
from models.customer import Customer
from models.dialect import WRITE
from models.duplicate import DuplicateCheck, DuplicatePair, PairDecision
from models.run import Run, RunState
from tests import factories
from tests.actions.desk import Desk
from tests.databases import Database
from tests.jobs.crew import Crew, until
from tests.scale import scaled

FLAG = "duplicate.flag"
SUNDAY = dt.datetime(2026, 9, 6, 2, 46, tzinfo=dt.UTC)
"""A minute after the slot of a week, in London's summer."""
WEEKS = 5
UNRELATED: tuple[dict[str, Any], ...] = (
    {"title": "Dr"}, {"free_delivery": True}, {"language": "de"}, {"credit_limit": 500}, {"title": None},
)  # fmt: skip
"""What a customer is not found by, a change of each week."""


def households(desk: Desk, count: int) -> Iterator[list[int]]:
    """So many addresses with three customers of one surname each, which makes three pairs."""
    with Session(desk.engine.execution_options(**{WRITE: True})) as session, session.begin():
        for n in range(count):
            people = [
                factories.make_customer(session, first_name=name, last_name=f"Ham {n}", email=None)
                for name in ("Otto", "Ida", "Hugo")
            ]
            for person in people:
                factories.make_address(
                    session, customer=person, postcode=f"LS{n % 90 + 10} 9JT", line1=f"{n} Mill Lane"
                )
            yield [person.id for person in people]


def picture(desk: Desk) -> list[tuple[Any, ...]]:
    """Every pair there is, by its number, with what was found and whether it waits for somebody."""
    rows = desk.all(DuplicatePair)
    return [(row.id, row.lower_id, row.higher_id, row.evidence, row.score, row.is_open) for row in rows]


def is_flagged(desk: Desk, times: int) -> bool:
    """Whether so many runs are over and nobody is left to be checked."""
    runs = desk.all(Run)
    over = len(runs) == times and {run.state for run in runs} == {RunState.DONE}
    return over and not desk.all(DuplicateCheck)


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.either_database
def test_five_runs_in_three_processes_find_each_pair_once_and_leave_what_was_decided(
    desk: Desk, database: Database, tmp_path: Path
) -> None:
    people = [one for three in households(desk, scaled(200, least=2)) for one in three]
    with Crew(database.url, tmp_path, FLAG, SUNDAY, chunk=3) as crew:
        for _n in range(3):
            crew.start("scheduler")
        found: list[tuple[Any, ...]] = []
        for week in range(WEEKS):
            desk.now = SUNDAY + dt.timedelta(days=7 * week)
            crew.set_clock(desk.now)
            for person in people[week::WEEKS] if week else ():  # while they are at it
                desk.edit(Customer, person, **UNRELATED[week])
            until(lambda times=week + 1: is_flagged(desk, times))  # type: ignore[misc]
            if week:
                assert picture(desk) == found
                continue
            for n, pair in enumerate(desk.all(DuplicatePair)):
                if n % 3:
                    desk.do((dismiss, household)[n % 2], pair.id, reason="Brothers")
            found = picture(desk)
    assert len(found) == len(people), "three of a household are three pairs"
    assert len({pair[1:3] for pair in found}) == len(found), "no pair twice"
    assert [pair[5] for pair in found] == [n % 3 == 0 for n in range(len(found))]
    assert len(desk.all(PairDecision, reopened_at=None)) == sum(not pair[5] for pair in found)
    assert len(desk.all(Run)) == WEEKS
