"""kill -9 at any moment of a night's work, with several processes at it: nothing twice, nothing left out (rules 1.6, 8.6)."""

import datetime as dt
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from actions.cli import commands
from models.customer import Customer
from models.dialect import WRITE
from models.journal import Changeset
from models.loyalty import LoyaltyEntry, LoyaltyKind, LoyaltyLot
from models.run import Run, RunState
from tests import factories
from tests.actions.desk import Desk
from tests.databases import Database
from tests.jobs.crew import COUNTING, EACH_TIME, Crew, until
from tests.scale import scaled

EXPIRE = "loyalty.expire"
LEASE = dt.timedelta(seconds=61)
SLOT = dt.timedelta(seconds=10)


def given(desk: Desk, lots: int, owners: int, chance: random.Random) -> dict[int, int]:
    """So many lots that have expired, of so many customers; return lot -> points."""
    with Session(desk.engine.execution_options(**{WRITE: True})) as session, session.begin():
        people = [factories.make_customer(session).id for _n in range(owners)]
        changeset = factories.make_changeset(session).id
        rows = [
            {
                "customer_id": people[n % owners], "kind": LoyaltyKind.EARNED, "points": chance.randint(1, 500),
                "expires_at": desk.now - dt.timedelta(hours=chance.randint(1, 900)), "comment": "",
                "created_at": desk.now - dt.timedelta(days=90), "actor_name": "system", "changeset_id": changeset,
            }
            for n in range(lots)
        ]  # fmt: skip
        session.execute(insert(LoyaltyEntry), rows)
        same = [getattr(LoyaltyEntry, name) for name in ("customer_id", "points", "expires_at")]
        lot = select(LoyaltyEntry.id, LoyaltyEntry.points, *same)
        names = ["entry_id", "unspent", "customer_id", "points", "expires_at"]
        table: Any = LoyaltyLot.__table__
        session.execute(insert(table).from_select(names, lot))
        owned = select(func.sum(LoyaltyLot.unspent)).where(LoyaltyLot.customer_id == Customer.id)
        customers: Any = Customer.__table__
        session.execute(
            update(customers).where(customers.c.id.in_(people)).values(points=owned.scalar_subquery())
        )
    return {row.id: row.points for row in desk.all(LoyaltyLot)}


def expired(desk: Desk) -> int:
    """How many lots have expired."""
    with desk.look() as session:
        wanted = (
            select(func.count()).select_from(LoyaltyEntry).where(LoyaltyEntry.kind == LoyaltyKind.EXPIRED)
        )
        return session.scalar(wanted) or 0


def books_are_right(desk: Desk) -> None:
    """``flask verify`` finds nothing."""
    done = CliRunner().invoke(commands(lambda: desk.engine, lambda: desk.now, None)[0])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("All balances, lots and caches are correct.\n")


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.either_database
def test_four_processes_at_it_and_three_killed_expire_each_lot_once(
    desk: Desk, database: Database, tmp_path: Path
) -> None:
    lots = scaled(10_000, least=120)
    chance = random.Random(lots)
    points = given(desk, lots, max(lots // 25, 12), chance)
    with Crew(database.url, tmp_path, EXPIRE, desk.now, chunk=lots // 24) as crew:
        working = [crew.start("jobs", "run", EXPIRE) for _n in range(4)]
        for kill in range(3):
            wanted = chance.randint(kill * lots // 4, (kill + 1) * lots // 4)
            until(lambda: expired(desk) >= wanted)
            crew.kill(working.pop(chance.randrange(len(working))))
        crew.end(working.pop())
        crew.set_clock(desk.now + LEASE)  # what the dead held passes to whoever is there
        crew.start("scheduler")
        until(lambda: {run.state for run in desk.all(Run)} == {RunState.DONE} and expired(desk) == lots)
    written = desk.all(LoyaltyEntry, kind=LoyaltyKind.EXPIRED)
    assert {entry.key: entry.points for entry in written} == {f"lapse:{lot}": -p for lot, p in points.items()}
    assert len(written) == lots
    assert sum(run.done for run in desk.all(Run)) == lots, "the results say what was done, and by which run"
    books_are_right(desk)


class Slots:
    """Two schedulers on one database, some of them dead, and a clock that goes on by ten seconds."""

    def __init__(self, desk: Desk, crew: Crew, chance: random.Random) -> None:
        self.desk, self.crew, self.chance = desk, crew, chance
        self.now = desk.now
        self.dead: set[str] = set()
        self.missed: set[dt.datetime] = set()

    def go_on(self) -> None:
        """Let ten seconds pass, and kill somebody at some moment of them, or let somebody take their place."""
        self.now += SLOT
        self.crew.set_clock(self.now)
        if self.crew.alive and self.chance.random() < 0.4:
            self.kill_one(self.chance.randint(0, EACH_TIME + 1))
        while len(self.crew.alive) < 2 and self.chance.random() < 0.6:
            self.crew.start("scheduler")
        self.settle()

    def kill_one(self, after: int) -> None:
        """Kill one of them at once, or once the slot's run is queued or so many of its chunks are done."""
        if after:
            until(lambda: self.waits_for_a_lease() or self.progress() >= after - 1)
        pid = self.chance.choice(self.crew.alive)
        self.crew.kill(pid)
        self.dead.add(str(pid))

    def progress(self) -> int:
        """Chunks done of the last slot; -1 where it has no run."""
        run = next((run for run in self.desk.all(Run) if self.slot(run) == self.now), None)
        return run.done if run is not None else -1

    def settle(self) -> None:
        """Wait for those who live to do what there is. A slot is missed while a dead one's lease lasts, or nobody lives."""
        if self.crew.alive:
            until(lambda: self.waits_for_a_lease() or self.is_done())
        if self.progress() < 0:
            self.missed.add(self.now)

    def is_done(self) -> bool:
        """Whether all runs are over, that of the last slot too."""
        runs = self.desk.all(Run)
        return all(not run.is_open for run in runs) and any(self.slot(run) == self.now for run in runs)

    def waits_for_a_lease(self) -> bool:
        """Whether somebody who is dead still holds a run, so that nobody may do anything by now."""
        held = [run for run in self.desk.all(Run) if run.state == RunState.RUNNING]
        return any(run.worker.split(":")[1] in self.dead and run.lease_until >= self.now for run in held)

    @staticmethod
    def slot(run: Run) -> dt.datetime:
        return dt.datetime.strptime(run.key, f"{COUNTING}@%Y-%m-%dT%H:%M:%S%z")


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.either_database
def test_each_of_sixty_slots_is_done_once_or_made_good_by_the_next(
    desk: Desk, database: Database, tmp_path: Path
) -> None:
    """Each run is of a slot of its own and does its three things once; while one goes on no other begins.

    A slot is without a run only where those who live had to wait for the lease of a dead one, or nobody lived. The first run
    after that is of the last slot by then, which makes good all that were missed.
    """
    count = scaled(60, least=8)
    desk.customer()
    desk.make(factories.make_job, code=COUNTING)
    with Crew(database.url, tmp_path, COUNTING, desk.now) as crew:
        slots = Slots(desk, crew, random.Random(count))
        begin = slots.now
        crew.start("scheduler")
        crew.start("scheduler")
        slots.settle()
        for _slot in range(count):
            slots.go_on()
        last = slots.now
        while len(crew.alive) < 2:
            crew.start("scheduler")
        while not slots.is_done():
            slots.now += SLOT
            crew.set_clock(slots.now)
            slots.settle()
    assert len(slots.dead) >= count // 5, "somebody was killed now and then"
    runs = desk.all(Run)
    due = [begin + SLOT * n for n in range(1 + (slots.now - begin) // SLOT)]
    done = [slots.slot(run) for run in runs]
    assert done == sorted(set(done)), "a slot has one run, and they come in the order of the slots"
    assert set(done) == set(due) - slots.missed, "none is left out for any other reason"
    assert done[-1] >= last, "the last slot was done or made good"
    assert {(run.state, run.done, run.refused) for run in runs} == {(RunState.DONE, EACH_TIME, 0)}
    told = [entry.comment for entry in desk.all(LoyaltyEntry)]
    assert told == [f"{slot:%H:%M:%S}" for slot in done for _n in range(EACH_TIME)]
    for before, after in pairwise(runs):
        assert after.created_at >= before.finished_at, "while a run goes on no other begins"
        assert slots.slot(after) == after.created_at, "it is the last slot by then that is made good"
    assert len(desk.all(Changeset, action=COUNTING)) == EACH_TIME * len(runs)
    books_are_right(desk)
