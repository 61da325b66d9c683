"""Imports: what is tried is what happens; applied in chunks that are all or nothing, resumed, stopped and undone (rule 15)."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy.orm import Session

from actions.core.base import Refused
from actions.importing import faults, importing
from actions.importing import rows as import_rows
from actions.runs import runs
from models.address import Address
from models.base import Staff
from models.choices import CreatedVia
from models.customer import Customer
from models.importing import ImportFile, ImportRow, ImportState, Verdict
from models.journal import Change, Changeset
from models.lookups import CustomerClass
from models.run import Run, RunItem, RunState
from tests.actions.desk import Desk
from tests.actions.import_desk import applied, figures, file_of, mark, person, results, verdicts, work


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows a transaction, so that a few dozen are many."""
    monkeypatch.setattr(importing, "CHUNK", 10)


def test_trying_writes_nothing_and_says_what_applying_then_does(desk: Desk) -> None:
    name = mark()
    old = desk.customer(last_name="Karim", first_name="Rashid")
    same = desk.customer(last_name="Lee")
    desk.allow(importing.import_actions(Customer)[0], runs.undo_all)
    before, was = figures(desk), desk.of(old)
    rows = [
        {"id": old, "last_name": name},
        {"id": same, "last_name": "Lee"},
        person(1, name),
        {"first_name": "Bob", "email": "none"},
    ]
    file_id = file_of(desk, Customer, rows)
    assert verdicts(desk, file_id) == ["changed", "unchanged", "created", "refused"]
    assert figures(desk) == before
    assert desk.of(old).version == was.version
    tried = desk.all(ImportRow, file_id=file_id)
    assert (tried[0].before, tried[0].after) == ({"last_name": "Karim"}, {"last_name": name})
    assert tried[2].after is not None
    assert tried[2].after["email"] == f"{name}1@example.com"
    assert list(tried[3].errors or {}) == ["email"]
    file = desk.get(ImportFile, file_id)
    assert (file.created, file.changed, file.unchanged, file.refused) == (1, 1, 1, 1)
    run = applied(desk, file_id)
    assert results(desk, run) == ["done", "done", "done", "refused"]
    assert desk.of(old).last_name == name
    assert [c.first_name for c in desk.all(Customer, email=f"{name}1@example.com")] == ["Ann 1"]
    assert "email" in str(desk.all(RunItem, run_id=run)[3].message)


def test_each_chunk_is_one_changeset_of_the_run_and_every_row_is_journalled(desk: Desk) -> None:
    name = mark()
    run = applied(desk, file_of(desk, Customer, [person(n, name) for n in range(25)]))
    found = desk.get(Run, run)
    assert (found.state, found.size, found.done, found.refused) == (RunState.DONE, 25, 25, 0)
    changesets = desk.all(Changeset, run_id=run)
    assert {(d.action, d.actor_name) for d in changesets} == {("customer.import", "Mary Kaur")}
    ids = {c.id for c in desk.all(Customer, last_name=name)}
    changes = [c for d in changesets for c in desk.all(Change, changeset_id=d.id)]
    assert len(changesets) == 3
    assert {c.row_id for c in changes} == ids
    assert {c.changeset_id for c in changes} == {i.changeset_id for i in desk.all(RunItem, run_id=run)}
    assert {i.row_id for i in desk.all(RunItem, run_id=run)} == ids


def test_one_row_the_database_objects_to_does_not_stop_the_others(desk: Desk) -> None:
    name = mark()
    desk.customer(email=f"{name}3@example.com")
    rows = [person(n, name) for n in range(8)]
    rows[6]["email"] = rows[5]["email"]
    file_id = file_of(desk, Customer, rows)
    wanted = ["created"] * 3 + ["refused"] + ["created"] * 2 + ["refused", "created"]
    assert verdicts(desk, file_id) == wanted
    assert desk.all(ImportRow, file_id=file_id)[6].errors == {
        "email": "Another record already has this value."
    }
    applied(desk, file_id)
    assert [c.first_name for c in desk.all(Customer, last_name=name)] == [
        f"Ann {n}" for n in (0, 1, 2, 4, 5, 7)
    ]


def test_rows_whose_rules_look_at_each_other_are_taken_one_after_the_other(desk: Desk) -> None:
    owner = desk.customer()
    rows = [{"customer_id": owner, "line1": f"{n} Mill Lane", "is_primary": n == 2} for n in range(4)]
    run = applied(desk, file_of(desk, Address, rows, {"country": "GB"}))
    assert results(desk, run) == ["done"] * 4
    assert [a.is_primary for a in desk.all(Address, customer_id=owner)] == [False, False, True, False]


def test_an_import_may_touch_a_record_twice_by_its_own_rules(desk: Desk) -> None:
    """Ticking another address as primary changes the one before, which the file is about too, in a later chunk."""
    owner = desk.customer()
    first, second = (desk.create(Address, customer_id=owner, line1=f"{n} Mill Lane") for n in (1, 2))
    others = [{"customer_id": desk.customer(), "line1": "3 Mill Lane"} for _n in range(12)]
    rows = [{"id": second, "is_primary": True}, *others, {"id": first, "town": "Leeds"}]
    run = applied(desk, file_of(desk, Address, rows, {"country": "GB"}))
    assert set(results(desk, run)) == {"done"}
    assert desk.get(Address, first).town == "Leeds"


def test_a_record_changed_since_the_dry_run_is_left_to_whoever_changed_it(desk: Desk) -> None:
    name = mark()
    one, other = desk.customer(last_name="Karim"), desk.customer(last_name="Karim")
    file_id = file_of(desk, Customer, [{"id": i, "last_name": name} for i in (one, other)])
    desk.edit(Customer, one, title="Dr")
    run = applied(desk, file_id)
    assert results(desk, run) == ["refused", "done"]
    assert "after the dry run" in str(desk.all(RunItem, run_id=run)[0].message)
    assert [desk.of(i).last_name for i in (one, other)] == ["Karim", name]
    left = desk.all(ImportRow, file_id=file_id)
    assert [row.row_id for row in left] == [one], "what was refused is kept, to be mended"


def test_rows_are_checked_again_when_applied(desk: Desk) -> None:
    name = mark()
    file_id = file_of(desk, Customer, [person(n, name) for n in range(3)])
    desk.customer(email=f"{name}1@example.com")
    assert results(desk, applied(desk, file_id)) == ["done", "refused", "done"]


def test_a_second_row_about_the_same_record_is_refused(desk: Desk) -> None:
    one = desk.customer(last_name="Karim")
    rows = [{"id": one, "last_name": "A"}, {"id": one, "last_name": "B"}]
    assert verdicts(desk, file_of(desk, Customer, rows)) == ["changed", "refused"]


def test_what_fails_for_no_known_reason_is_recorded_and_the_others_go_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, real = mark(), import_rows.fill_in

    def poisoned(ctx: Any, row: Any, values: dict[str, Any], *, created: bool) -> None:
        if values.get("first_name") == "Ann 1":
            raise ZeroDivisionError("poison")
        real(ctx, row, values, created=created)

    file_id = file_of(desk, Customer, [person(n, name) for n in range(4)])
    monkeypatch.setattr(import_rows, "fill_in", poisoned)
    run = applied(desk, file_id)
    assert results(desk, run) == ["done", "failed", "done", "done"]
    assert "poison" not in str(desk.all(RunItem, run_id=run)[1].message)


def test_a_worker_that_died_is_followed_by_another_and_nothing_is_done_twice(desk: Desk) -> None:
    name = mark()
    file_id = file_of(desk, Customer, [person(n, name) for n in range(35)])
    run = importing.apply(desk.engine, desk.call(), file_id)
    dead = runs.claim(desk.engine, desk.now, "dead")
    assert dead is not None
    assert runs.do_chunk(desk.engine, dead, lambda: desk.now)
    assert len(desk.all(Customer, last_name=name)) == 10
    desk.later(seconds=61)
    work(desk, "second")
    found = desk.get(Run, run)
    assert (found.state, found.done, found.worker) == (RunState.DONE, 35, "second")
    assert sorted(str(c.email) for c in desk.all(Customer, last_name=name)) == sorted(
        f"{name}{n}@example.com" for n in range(35)
    )
    with pytest.raises(runs.Fenced):
        runs.do_chunk(desk.engine, dead, lambda: desk.now)


def test_it_is_stopped_between_chunks_and_what_is_done_is_undone(desk: Desk) -> None:
    name = mark()
    run = importing.apply(
        desk.engine, desk.call(), file_of(desk, Customer, [person(n, name) for n in range(25)])
    )
    taken = runs.claim(desk.engine, desk.now, "one")
    assert runs.do_chunk(desk.engine, taken, lambda: desk.now)
    desk.do(runs.cancel, run)
    assert not runs.do_chunk(desk.engine, taken, lambda: desk.now)
    assert desk.get(Run, run).state == RunState.CANCELLED
    desk.do(runs.undo_all, run)
    work(desk)
    assert desk.all(Customer, last_name=name) == []


def test_it_goes_no_further_for_somebody_who_may_no_longer_import(desk: Desk) -> None:
    name = mark()
    file_id = file_of(desk, Customer, [person(n, name) for n in range(25)])
    run = importing.apply(desk.engine, desk.call(), file_id)
    taken = runs.claim(desk.engine, desk.now, "one")
    assert runs.do_chunk(desk.engine, taken, lambda: desk.now)
    with Session(desk.engine) as session, session.begin():
        session.get_one(Staff, desk.actor.id).active = False
    work(desk)
    assert not runs.do_chunk(desk.engine, taken, lambda: desk.now)
    assert desk.get(Run, run).state == RunState.CANCELLED
    assert len(desk.all(Customer, last_name=name)) == 10


def test_a_file_is_applied_once_however_often_it_is_asked_for(desk: Desk) -> None:
    name = mark()
    file_id = file_of(desk, Customer, [person(1, name)])
    first = importing.apply(desk.engine, desk.call(), file_id)
    assert importing.apply(desk.engine, desk.call(), file_id) == first
    work(desk)
    assert importing.apply(desk.engine, desk.call(), file_id) == first
    work(desk)
    assert len(desk.all(Customer, last_name=name)) == 1


def test_all_or_nothing_is_not_begun_while_a_row_is_refused(desk: Desk) -> None:
    name = mark()
    file_id = file_of(desk, Customer, [person(1, name), {"first_name": "Bob", "email": "none"}])
    with pytest.raises(Refused, match="Some rows"):
        importing.apply(desk.engine, desk.call(), file_id, whole=True)
    assert desk.get(ImportFile, file_id).state == ImportState.TRIED
    assert desk.all(Customer, last_name=name) == []


def test_a_file_that_would_change_nothing_is_not_applied(desk: Desk) -> None:
    one = desk.customer(last_name="Karim")
    file_id = file_of(desk, Customer, [{"id": one, "last_name": "Karim"}])
    with pytest.raises(Refused, match="nothing to do"):
        importing.apply(desk.engine, desk.call(), file_id)


def test_a_long_file_is_tried_in_the_background(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "AT_ONCE", 5)
    file_id = file_of(desk, Customer, [person(n, mark()) for n in range(12)])
    assert desk.get(ImportFile, file_id).state == ImportState.TRYING
    with pytest.raises(Refused, match="dry run"):
        importing.apply(desk.engine, desk.call(), file_id)
    with pytest.raises(Refused, match="being checked"):
        importing.begin(desk.engine, file_id, desk.now)
    work(desk)
    assert verdicts(desk, file_id) == ["created"] * 12


def test_rows_that_were_applied_and_files_whose_time_has_come_are_forgotten(desk: Desk) -> None:
    file_id = file_of(desk, CustomerClass, [{"name": mark()}])
    applied(desk, file_id)
    assert desk.all(ImportRow, file_id=file_id) == []
    waiting = file_of(desk, CustomerClass, [{"name": mark()}])
    with Session(desk.engine) as session, session.begin():
        importing.sweep(session, desk.now + importing.KEPT - dt.timedelta(seconds=1))
    assert desk.all(ImportFile, id=waiting)
    with Session(desk.engine) as session, session.begin():
        assert importing.sweep(session, desk.now + importing.KEPT) >= 2
    assert desk.all(ImportFile, id=waiting) == []
    assert desk.all(ImportRow, file_id=waiting) == []


def test_what_files_say_of_a_person_can_be_blanked(desk: Desk) -> None:
    one, other = desk.customer(), desk.customer()
    file_id = file_of(desk, Customer, [{"id": i, "last_name": "Karim"} for i in (one, other)])
    with Session(desk.engine) as session, session.begin():
        assert importing.forget_record(session, "customer", one) == 1
    blank, kept = desk.all(ImportRow, file_id=file_id)
    assert (blank.cells, blank.given, blank.before, blank.after) == (None, None, None, None)
    assert kept.cells == ["x"]
    assert kept.verdict == Verdict.CHANGED


def test_a_row_with_unread_cells_is_told_what_else_is_wrong_and_never_written(desk: Desk) -> None:
    name = mark()
    desk.customer(email=f"{name}1@example.com", account_code=name.upper())
    row = person(1, name, account_code=name.upper(), date_of_birth=desk.now.date() + dt.timedelta(days=9))
    file_id = file_of(desk, Customer, [person(0, name), row], unread={1: {"is_active": "Enter yes or no."}})
    assert verdicts(desk, file_id) == ["created", "refused"]
    assert desk.all(ImportRow, file_id=file_id)[1].errors == {
        "is_active": "Enter yes or no.",
        "date_of_birth": "Date of birth must be in the past.",
        "email": "Another record already has this value.",
        "account_code": "Another record already has this value.",
    }
    applied(desk, file_id)
    assert [c.first_name for c in desk.all(Customer, last_name=name)] == ["Ann 0"]


def test_a_rule_that_breaks_while_faults_are_looked_for_leaves_what_is_known(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: Any, **_more: Any) -> dict[str, str]:
        raise ZeroDivisionError("poison")

    monkeypatch.setattr(faults, "faults", broken)
    rows = [person(n, mark()) for n in range(3)]
    file_id = file_of(desk, Customer, rows, unread={1: {"is_active": "Enter yes or no."}})
    assert [row.errors for row in desk.all(ImportRow, file_id=file_id)] == [
        None, {"is_active": "Enter yes or no."}, None
    ]  # fmt: skip


def test_a_second_row_about_the_same_record_is_told_what_else_is_wrong_with_it(desk: Desk) -> None:
    one = desk.customer(last_name="Karim")
    rows = [{"id": one, "last_name": "A"}, {"id": one, "email": "none"}]
    file_id = file_of(desk, Customer, rows)
    assert set(desk.all(ImportRow, file_id=file_id)[1].errors or {}) == {"", "email"}


def test_a_customer_that_a_file_brought_says_so_and_one_that_it_changed_stays_what_it_was(desk: Desk) -> None:
    name, old = mark(), desk.customer()
    applied(desk, file_of(desk, Customer, [{"id": old, "last_name": name}, person(1, name), person(2, name)]))
    found = {row.id: row.created_via for row in desk.all(Customer, last_name=name)}
    assert found.pop(old) == CreatedVia.BACK_OFFICE
    assert list(found.values()) == [CreatedVia.IMPORT, CreatedVia.IMPORT]
