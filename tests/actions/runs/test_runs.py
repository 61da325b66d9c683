"""Runs: each done by one worker at a time, in chunks that are all or nothing, watched, stopped, resumed and undone (rule 8)."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from actions.core.base import Invalid, Refused
from actions.customers.customers import change_class, deactivate, set_terms
from actions.customers.notes import add_note, done
from actions.runs import runs
from actions.runs.parameters_json import pack, unpack
from models.base import Staff
from models.customer import Customer
from models.dialect import WRITE
from models.journal import Changeset
from models.note import Note, NoteKind
from models.run import ItemState, Run, RunItem, RunState
from tests import factories
from tests.actions.desk import Desk


def people(desk: Desk, count: int, **values: object) -> list[int]:
    """Customers to work on."""
    return [desk.customer(**values) for _n in range(count)]


def start(desk: Desk, ids: list[int], action=deactivate, **values: object) -> int:
    """Queue a run over some rows."""
    desk.allow(action, runs.undo_all)
    rows = select(action.model.id).where(action.model.id.in_(ids))
    return runs.start(
        desk.engine,
        action.code,
        desk.call(),
        rows,
        {"reason": "Moved away"} if action is deactivate else values,
    )


def work(desk: Desk, worker: str = "one") -> None:
    """Work off everything that waits."""
    while runs.process_next_run(desk.engine, lambda: desk.now, worker):
        pass


def states(desk: Desk, run: int) -> list[str]:
    """What became of each item, in order."""
    with desk.look() as session:
        wanted = select(RunItem.state).where(RunItem.run_id == run).order_by(RunItem.position)
        return [state.value for state in session.scalars(wanted)]


def test_every_row_is_done_journalled_and_counted(desk: Desk) -> None:
    ids = people(desk, 120)
    run = start(desk, ids)
    assert desk.get(Run, run).state == RunState.QUEUED
    work(desk)
    found = desk.get(Run, run)
    assert (found.state, found.size, found.done, found.refused) == (RunState.DONE, 120, 120, 0)
    assert not any(desk.of(i).is_active for i in ids[::17])
    changesets = desk.all(Changeset, run_id=run)
    assert len(changesets) == 3, "fifty rows a transaction"
    assert {(d.action, d.actor_name, d.reason) for d in changesets} == {
        ("customer.deactivate", "Mary Kaur", "")
    }
    assert states(desk, run) == ["done"] * 120


def test_a_row_that_refuses_is_recorded_and_the_others_go_on(desk: Desk) -> None:
    ids = people(desk, 3) + people(desk, 1, is_active=False)
    run = start(desk, ids)
    work(desk)
    found = desk.get(Run, run)
    assert (found.state, found.done, found.refused) == (RunState.WITH_ERRORS, 3, 1)
    assert states(desk, run) == ["done", "done", "done", "refused"]
    assert "already" in str(desk.all(RunItem, run_id=run)[3].message)


def test_a_poison_row_is_recorded_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = people(desk, 3)

    real = runs._act

    def poisoned(ctx, run, item):
        if item.row_id == ids[1]:
            raise ZeroDivisionError("poison")
        return real(ctx, run, item)

    monkeypatch.setattr(runs, "_act", poisoned)
    run = start(desk, ids)
    work(desk)
    assert states(desk, run) == ["done", "failed", "done"]
    assert [desk.of(i).is_active for i in ids] == [False, True, False]
    assert "poison" not in str(desk.all(RunItem, run_id=run)[1].message)


def test_parameters_survive_the_way_through_the_database(desk: Desk) -> None:
    values = {
        "a": 1, "b": None, "c": "x", "d": True, "e": Decimal("7.50"), "f": dt.date(2026, 1, 2), "g": NoteKind.WATCH,
        "h": [1, dt.date(2026, 1, 2)], "i": dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
    }  # fmt: skip
    assert unpack(pack(values)) == values
    with pytest.raises(TypeError):
        pack({"x": object()})
    ids = people(desk, 2)
    channel = desk.of(ids[0]).sales_channel_id
    terms = {"sales_channel": channel, "global_discount": Decimal("2.50"), "credit_limit": 500}
    note = {"kind": NoteKind.TASK, "body": "Ring", "due_on": desk.now.date()}
    for action, given in ((set_terms, terms), (add_note, note)):
        start(desk, ids, action, **given)
    work(desk)
    assert desk.of(ids[1]).global_discount == Decimal("2.50")
    assert [n.kind for n in desk.all(Note, customer_id=ids[0])] == [NoteKind.TASK]


def test_one_worker_of_many_gets_it(desk: Desk) -> None:
    run = start(desk, people(desk, 1))
    got: list[runs.Claim | None] = []
    threads = [
        threading.Thread(target=lambda n=n: got.append(runs.claim(desk.engine, desk.now, f"w{n}")))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    mine = [c for c in got if c is not None and c.run_id == run]
    assert len(mine) == 1
    work(desk)


def test_a_worker_that_died_is_followed_by_another_and_writes_nothing_more(desk: Desk) -> None:
    ids = people(desk, 120)
    run = start(desk, ids)
    dead = runs.claim(desk.engine, desk.now, "dead")
    assert dead is not None
    assert runs.do_chunk(desk.engine, dead, lambda: desk.now)
    assert runs.claim(desk.engine, desk.now, "second") is None, "the lease still holds"
    desk.later(seconds=61)
    work(desk, "second")
    found = desk.get(Run, run)
    assert (found.state, found.done, found.worker) == (RunState.DONE, 120, "second")
    with pytest.raises(runs.Fenced):
        runs.do_chunk(desk.engine, dead, lambda: desk.now)
    assert len(desk.all(Changeset, run_id=run)) == 3


def test_a_run_is_stopped_between_chunks_and_what_is_done_is_undone(desk: Desk) -> None:
    ids = people(desk, 120)
    run = start(desk, ids)
    taken = runs.claim(desk.engine, desk.now, "one")
    assert runs.do_chunk(desk.engine, taken, lambda: desk.now)
    stopped = desk.do(runs.cancel, run)
    assert desk.get(Changeset, stopped.changeset_id).actor_name == "Mary Kaur"
    assert not runs.do_chunk(desk.engine, taken, lambda: desk.now)
    found = desk.get(Run, run)
    assert (found.state, found.done) == (RunState.CANCELLED, 50)
    with pytest.raises(Refused, match="finished"):
        desk.do(runs.cancel, run)
    back = desk.do(runs.undo_all, run).record_id
    work(desk)
    assert desk.get(Run, back).state == RunState.DONE
    assert all(desk.of(i).is_active for i in ids)


def test_a_waiting_run_is_cancelled_at_once(desk: Desk) -> None:
    run = start(desk, people(desk, 1))
    with pytest.raises(Refused, match="still running"):
        desk.do(runs.undo_all, run)
    desk.do(runs.cancel, run)
    assert desk.get(Run, run).state == RunState.CANCELLED
    with pytest.raises(Refused, match="nothing to do"):
        desk.do(runs.undo_all, run)


def test_the_undo_of_a_run_leaves_newer_values_and_says_so(desk: Desk) -> None:
    gold, silver = (desk.make(factories.make_customer_class) for _n in range(2))
    ids = people(desk, 60)
    run = start(desk, ids, change_class, customer_class=gold)
    work(desk)
    desk.do(change_class, ids[5], customer_class=silver)
    back = desk.do(runs.undo_all, run).record_id
    work(desk)
    assert [desk.of(i).customer_class_id for i in ids[4:7]] == [None, silver, None]
    assert desk.get(Run, back).undoes_id == run
    assert states(desk, back) == ["done", "done"], "a step for each changeset"
    assert (
        sum(
            "has been changed since and is not undone" in item.message
            for item in desk.all(RunItem, run_id=back)
        )
        == 1
    )


def test_a_double_click_starts_one_run_and_a_key_stands_for_one_request(desk: Desk) -> None:
    ids = people(desk, 3)
    rows = select(Customer.id).where(Customer.id.in_(ids))
    call = desk.call(f"key-{factories.number()}")
    started: list[int] = []

    def click() -> None:
        started.append(runs.start(desk.engine, deactivate.code, call, rows, {"reason": "Moved away"}))

    threads = [threading.Thread(target=click) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 4
    assert len(set(started)) == 1
    with pytest.raises(Invalid) as invalid:
        runs.start(desk.engine, deactivate.code, call, rows, {"reason": "Another"})
    assert set(invalid.value.errors) == {"key"}
    work(desk)


def test_nothing_to_do_is_refused(desk: Desk) -> None:
    with pytest.raises(Refused, match="nothing to do"):
        start(desk, [])


def test_an_action_without_parameters_runs_too(desk: Desk) -> None:
    owner = people(desk, 1)[0]
    notes = [
        desk.make(factories.make_note, customer_id=owner, kind="task", due_on=desk.now.date())
        for _n in range(3)
    ]
    run = start(desk, notes, done)
    work(desk)
    assert desk.get(Run, run).done == 3
    assert all(note.done_at for note in desk.all(Note, customer_id=owner))


KILLED = """
import datetime as dt, sys, os
import actions.registry
import actions.runs.runs as runs
from models.schema import open_engine
engine = open_engine(sys.argv[1])
real = runs._act
def slow(ctx, run, item):
    print("working", flush=True)
    return real(ctx, run, item)
runs._act, runs.CHUNK = slow, 5
now = dt.datetime.fromisoformat(sys.argv[2])
runs.work_off(engine, lambda: now, "killed")
"""


def test_a_killed_worker_loses_a_chunk_at_most_and_the_next_one_goes_on(desk: Desk) -> None:
    ids = people(desk, 60)
    run = start(desk, ids)
    url = desk.engine.url.render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, url, desk.now.isoformat()], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    for _n in range(23):
        assert process.stdout is not None
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    with Session(desk.engine) as session:
        count = select(func.count()).select_from(RunItem).where(RunItem.run_id == run)
        finished = session.scalar(count.where(RunItem.state == ItemState.DONE))
        off = session.scalar(
            select(func.count())
            .select_from(Customer)
            .where(Customer.id.in_(ids), Customer.is_active.is_(False))
        )
    assert finished == off, "results and rows are written together"
    assert finished % 5 == 0
    desk.later(seconds=61)
    work(desk, "second")
    assert desk.get(Run, run).done == 60


def test_the_worker_waits_works_and_stops(desk: Desk) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=runs.serve, args=(desk.engine, lambda: desk.now, "loop", stop, 0.01))
    thread.start()
    try:
        run = start(desk, people(desk, 2))
        until = time.monotonic() + 20
        while desk.get(Run, run).is_open and time.monotonic() < until:
            stop.wait(0.01)
    finally:
        stop.set()
        thread.join()
    assert desk.get(Run, run).state == RunState.DONE


def test_a_run_another_claims_meanwhile_is_let_go(desk: Desk) -> None:
    run = start(desk, people(desk, 2))
    taken = runs.claim(desk.engine, desk.now, "one")
    with Session(desk.engine.execution_options(**{WRITE: True})) as session, session.begin():
        session.execute(update(Run).where(Run.id == run).values(fence=Run.fence + 1))
    with pytest.raises(runs.Fenced):
        runs.do_chunk(desk.engine, taken, lambda: desk.now)
    desk.later(seconds=61)
    work(desk)
    assert desk.get(Run, run).done == 2


@pytest.mark.parametrize("lost", ["permission", "account"])
def test_it_goes_no_further_for_somebody_who_may_no_longer_do_it(desk: Desk, lost: str) -> None:
    ids = people(desk, 2 * runs.CHUNK)
    run = start(desk, ids)
    taken = runs.claim(desk.engine, desk.now, "one")
    assert runs.do_chunk(desk.engine, taken, lambda: desk.now)
    with Session(desk.engine) as session, session.begin():
        staff = session.get_one(Staff, desk.actor.id)
        if lost == "account":
            staff.active = False
        else:
            staff.roles = []
    assert not runs.do_chunk(desk.engine, taken, lambda: desk.now)
    row = desk.get(Run, run)
    assert (row.state, row.done) == (RunState.CANCELLED, runs.CHUNK)
    assert "no longer" in row.stopped_because
    assert states(desk, run)[runs.CHUNK :] == ["pending"] * runs.CHUNK
