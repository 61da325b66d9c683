"""An import undone as a whole: chunk by chunk, and whatever somebody changed or uses since stays (rules 8.4, 9.3)."""

import pytest

from actions.importing import importing
from actions.runs import runs
from models.address import Address
from models.customer import Customer
from models.journal import Changeset
from models.phone import Phone
from models.run import Run, RunItem, RunState
from tests.actions.desk import Desk
from tests.actions.import_desk import applied, file_of, mark, person, results, work


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows a transaction, so that a few dozen are many."""
    monkeypatch.setattr(importing, "CHUNK", 10)


def test_the_whole_of_it_is_undone(desk: Desk) -> None:
    name = mark()
    olds = [desk.customer(last_name="Karim") for _n in range(12)]
    rows = [{"id": i, "last_name": name} for i in olds] + [person(n, name) for n in range(13)]
    run = applied(desk, file_of(desk, Customer, rows))
    assert len(desk.all(Customer, last_name=name)) == 25
    back = desk.do(runs.undo_all, run).record_id
    work(desk)
    assert desk.all(Customer, last_name=name) == []
    assert {desk.of(i).last_name for i in olds} == {"Karim"}
    assert results(desk, back or 0) == ["done"] * 3, "by chunk, not by row"


def test_of_what_is_undone_rows_changed_or_used_since_stay_and_are_named(desk: Desk) -> None:
    name = mark()
    run = applied(desk, file_of(desk, Customer, [person(n, name) for n in range(20)]))
    there = desk.all(Customer, last_name=name)
    desk.edit(Customer, there[2].id, title="Dr")
    desk.create(Address, customer_id=there[4].id, line1="1 Mill Lane")
    desk.create(Phone, customer_id=there[6].id, number="020 7946 0001", kind="mobile")
    back = desk.do(runs.undo_all, run).record_id or 0
    work(desk)
    assert [c.first_name for c in desk.all(Customer, last_name=name)] == ["Ann 2", "Ann 4", "Ann 6"]
    said = [str(item.message) for item in desk.all(RunItem, run_id=back)]
    assert said[0] == "Undone."
    assert f"Ann 2 {name} has been changed since and is not undone." in said[1]
    assert f"Ann 4 {name} cannot be deleted: 1 address refer to it." in said[1]
    assert f"Ann 6 {name} cannot be deleted: 1 phone refer to it." in said[1]
    gone = [c for writer in desk.all(Changeset, run_id=back) for c in desk.changes(writer.id)]
    assert sorted(c.row_id for c in gone) == sorted({c.id for c in there} - {there[n].id for n in (2, 4, 6)})
    assert all(c.after is None for c in gone)


def test_an_undo_is_taken_up_by_another_worker_and_nothing_is_undone_by_halves(desk: Desk) -> None:
    name = mark()
    run = applied(desk, file_of(desk, Customer, [person(n, name) for n in range(25)]))
    back = desk.do(runs.undo_all, run).record_id or 0
    dead = runs.claim(desk.engine, desk.now, "dead")
    assert dead is not None
    assert runs.do_chunk(desk.engine, dead, lambda: desk.now)
    assert [c.first_name for c in desk.all(Customer, last_name=name)] == [f"Ann {n}" for n in range(20)]
    desk.later(seconds=61)
    work(desk, "second")
    assert (desk.get(Run, back).state, desk.get(Run, back).done) == (RunState.DONE, 3)
    assert desk.all(Customer, last_name=name) == []


def test_an_undo_that_cannot_be_says_why_in_what_room_there_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = mark()
    run = applied(desk, file_of(desk, Customer, [person(n, name) for n in range(5)]))
    for customer in desk.all(Customer, last_name=name):
        desk.create(Address, customer_id=customer.id, line1="1 Mill Lane")
    monkeypatch.setattr(runs, "LONGEST_RESULT", 100)
    back = desk.do(runs.undo_all, run).record_id or 0
    work(desk)
    assert results(desk, back) == ["refused"]
    assert len(str(desk.all(RunItem, run_id=back)[0].message)) == 100
    assert len(desk.all(Customer, last_name=name)) == 5


def test_the_undo_of_new_customers_is_undone_in_turn(desk: Desk) -> None:
    name = mark()
    run = applied(desk, file_of(desk, Customer, [person(n, name) for n in range(3)]))
    ids = [c.id for c in desk.all(Customer, last_name=name)]
    for _turn in range(2):
        run = desk.do(runs.undo_all, run).record_id or 0
        work(desk)
    assert [c.id for c in desk.all(Customer, last_name=name)] == ids
