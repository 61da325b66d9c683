"""Notes, tasks and watch notes (rule 13)."""

import pytest

from actions.core.base import Invalid, Refused
from actions.customers.notes import done, reopen
from models.note import Note, NoteKind
from tests import factories
from tests.actions.desk import Desk


def write(desk: Desk, customer: int, kind: NoteKind = NoteKind.NOTE, **values) -> int:
    return desk.create(Note, customer_id=customer, kind=kind, body="Prefers a call.", **values)


def test_a_note_is_signed_by_whoever_wrote_it_for_good(desk: Desk) -> None:
    note = write(desk, desk.customer())
    other = Desk(desk.engine)
    other.edit(Note, note, body="Prefers a letter.")
    row = desk.get(Note, note)
    assert (row.author_id, row.author_name, row.body) == (desk.actor.id, "Mary Kaur", "Prefers a letter.")


def test_only_a_task_has_a_due_date(desk: Desk) -> None:
    customer = desk.customer()
    task = write(desk, customer, NoteKind.TASK, due_on=factories.TODAY)
    assert desk.get(Note, task).due_on == factories.TODAY
    with pytest.raises(Invalid) as invalid:
        write(desk, customer, due_on=factories.TODAY)
    assert set(invalid.value.errors) == {"due_on"}


def test_a_task_is_done_once_by_somebody_and_can_be_opened_again(desk: Desk) -> None:
    task = write(desk, desk.customer(), NoteKind.TASK)
    desk.do(done, task)
    row = desk.get(Note, task)
    assert (row.done_at, row.done_by_id) == (desk.now, desk.actor.id)
    with pytest.raises(Refused):
        desk.do(done, task)
    desk.do(reopen, task)
    row = desk.get(Note, task)
    assert (row.done_at, row.done_by_id) == (None, None)
    with pytest.raises(Refused):
        desk.do(reopen, task)


def test_a_plain_note_is_never_done(desk: Desk) -> None:
    with pytest.raises(Refused):
        desk.do(done, write(desk, desk.customer()))


def test_there_is_one_open_watch_note(desk: Desk) -> None:
    customer = desk.customer()
    first = write(desk, customer, NoteKind.WATCH)
    with pytest.raises(Invalid) as invalid:
        write(desk, customer, NoteKind.WATCH)
    assert set(invalid.value.errors) == {"kind"}
    note = write(desk, customer)
    with pytest.raises(Invalid):
        desk.edit(Note, note, kind=NoteKind.WATCH)
    desk.edit(Note, first, body="Still watching.")
    desk.do(done, first)
    write(desk, customer, NoteKind.WATCH)
    with pytest.raises(Refused) as refused:
        desk.do(reopen, first)
    assert refused.value.code == "second_watch_note"
