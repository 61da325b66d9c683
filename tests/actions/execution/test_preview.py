"""A preview is the change, rolled back: it says what would happen, writes nothing, and holds the change to it (rule 3.1)."""

import threading

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from actions.core.base import Invalid, Refused
from actions.customers.notes import done, reopen
from actions.execution.preview import Preview
from actions.execution.records import record_actions
from actions.execution.runner import Call, dry_run, perform
from actions.ledgers.accounts import raise_invoice
from actions.ledgers.loyalty import adjust, reverse
from actions.undo.undo import undo
from models.base import metadata
from models.customer import Customer
from models.loyalty import LoyaltyEntry
from models.note import Note
from tests import factories
from tests.actions.desk import Desk


def counts(desk: Desk) -> dict[str, int | None]:
    """Rows in every table."""
    with desk.look() as session:
        return {t.name: session.scalar(select(func.count()).select_from(t)) for t in metadata.sorted_tables}


def preview(desk: Desk, action, target=None, **values) -> Preview:
    """Ask what a change would do, and see that asking changes nothing."""
    before = counts(desk)
    found = dry_run(desk.engine, action, desk.call(), target, **values)
    assert counts(desk) == before
    return found


def test_it_lists_rows_with_before_and_after(desk: Desk) -> None:
    customer = desk.create(Customer, first_name="Rashid", last_name="Karim")
    _create, edit, _delete = record_actions(Customer)
    found = preview(desk, edit, customer, values={"last_name": "Khan"}, version=1)
    assert found.possible
    (row,) = found.rows
    assert (row.kind, row.table, row.id, row.label) == ("changed", "customer", customer, "Rashid Khan")
    assert (row.before["last_name"], row.after["last_name"]) == ("Karim", "Khan")
    assert desk.of(customer).last_name == "Karim"


def test_it_lists_what_would_be_created_deleted_and_entered(desk: Desk) -> None:
    customer = desk.customer()
    create, _edit, delete = record_actions(Note)
    made = preview(desk, create, values={"customer_id": customer, "kind": "note", "body": "Likes Rioja"})
    assert [(row.kind, row.id, row.after["body"]) for row in made.rows] == [("created", None, "Likes Rioja")]
    note = desk.create(Note, customer_id=customer, kind="note", body="Likes Rioja")
    gone = preview(desk, delete, note)
    assert [(row.kind, row.id, row.before["body"]) for row in gone.rows] == [("deleted", note, "Likes Rioja")]
    points = preview(desk, adjust, customer=customer, points=120, comment="Sorry")
    assert [(row.kind, row.table, row.after["points"]) for row in points.rows] == [
        ("entered", "loyalty_entry", 120)
    ]


def test_it_says_what_stands_in_the_way_and_what_is_wrong(desk: Desk) -> None:
    customer = desk.customer()
    blocked = preview(desk, adjust, customer=customer, points=-1, comment="Tasting")
    assert not blocked.possible
    assert [b.code for b in blocked.blockers] == ["too_few_points"]
    wrong = preview(desk, adjust, customer=customer, points=0, comment="")
    assert not wrong.possible
    assert "points" in wrong.errors
    missing = preview(desk, reverse, 2**62, reason="Mistake")
    assert [b.code for b in missing.blockers] == ["missing"]


def test_the_action_with_the_previews_fingerprint_goes_through(desk: Desk) -> None:
    customer = desk.customer()
    values = {"customer": customer, "points": 120, "comment": "Sorry", "expires_after_days": 30}
    seen = preview(desk, adjust, **values)
    desk.later(seconds=20)
    call = Call(desk.actor, desk.now, fingerprint=seen.fingerprint, key=f"f{factories.number()}")
    perform(desk.engine, adjust, call, **values)
    assert desk.of(customer).points == 120


def test_the_action_does_not_happen_when_it_would_do_something_else_by_now(desk: Desk) -> None:
    customer = desk.create(Customer, first_name="Rashid", last_name="Karim")
    outcome = desk.edit(Customer, customer, first_name="Omar", last_name="Khan")
    seen = preview(desk, undo, outcome.changeset_id)
    desk.edit(Customer, customer, last_name="Kahn")
    with pytest.raises(Refused) as refused:
        perform(
            desk.engine, undo, Call(desk.actor, desk.now, fingerprint=seen.fingerprint), outcome.changeset_id
        )
    assert refused.value.code == "preview_stale"
    assert desk.of(customer).first_name == "Omar"
    fresh = preview(desk, undo, outcome.changeset_id)
    assert [w.text for w in fresh.outcome.warnings] == [
        "Omar Kahn: last name has been changed since and is not undone."
    ]
    perform(
        desk.engine, undo, Call(desk.actor, desk.now, fingerprint=fresh.fingerprint), outcome.changeset_id
    )
    assert desk.of(customer).first_name == "Rashid"


def test_rows_that_get_ids_and_numbers_of_their_own_have_the_same_fingerprint_twice(desk: Desk) -> None:
    customer = desk.customer(pay_on_account=True)
    values = {"customer": customer, "amount": 5_000, "description": "Wine"}
    first, second = (preview(desk, raise_invoice, **values) for _n in range(2))
    assert first.fingerprint == second.fingerprint
    assert first.fingerprint != preview(desk, raise_invoice, **{**values, "amount": 5_001}).fingerprint


def test_of_many_rows_every_blocker_is_found_and_the_action_is_all_or_none(desk: Desk) -> None:
    customer = desk.customer()
    notes = [
        desk.create(Note, customer_id=customer, kind="task", body=f"Call {n}", due_on=desk.now.date())
        for n in range(4)
    ]
    desk.do(done, notes[1])
    desk.do(done, notes[3])
    found = preview(desk, done, notes)
    assert [b.about.id for b in found.blockers] == [notes[1], notes[3]]
    assert [row.id for row in found.rows] == [notes[0], notes[2]]
    with pytest.raises(Refused) as refused:
        perform(desk.engine, done, desk.call(), notes)
    assert refused.value.about.id == notes[1]
    assert desk.get(Note, notes[0]).done_at is None
    outcome = perform(desk.engine, done, desk.call(), [notes[2], notes[0], notes[2]])
    assert outcome.values["count"] == 2
    assert len(desk.changes(outcome.changeset_id)) == 2
    with pytest.raises(Refused, match="500"):
        perform(desk.engine, done, desk.call(), range(1, 502))


def test_a_preview_does_not_wait_for_somebody_elses_lock(desk: Desk) -> None:
    customer = desk.customer()
    note = desk.create(Note, customer_id=customer, kind="task", body="Call", due_on=desk.now.date())
    with desk.changeset() as ctx:
        ctx.lock_one(Customer, customer)
        found = dry_run(desk.engine, done, desk.call(), note)
    assert [b.code for b in found.blockers] == ["busy"]
    desk.do(done, note)
    assert dry_run(desk.engine, reopen, desk.call(), note).possible, "patience is back to what it was"


def test_ledger_keys_are_free_after_a_preview(desk: Desk) -> None:
    customer = desk.customer()
    key = f"k{factories.number()}"
    call = Call(desk.actor, desk.now, key=key)
    values = {"customer": customer, "points": 10, "comment": "Sorry"}
    assert dry_run(desk.engine, adjust, call, **values).possible
    perform(desk.engine, adjust, call, **values)
    assert len(desk.all(LoyaltyEntry, customer_id=customer)) == 1


def test_previews_and_actions_at_once_leave_only_the_actions(desk: Desk) -> None:
    customer = desk.customer()
    values = {"customer": customer, "points": 1, "comment": "Sorry"}

    def look() -> None:
        for _n in range(5):
            dry_run(desk.engine, adjust, desk.call(), **values)

    def act() -> None:
        for _n in range(5):
            perform(desk.engine, adjust, desk.call(), **values)

    threads = [threading.Thread(target=t) for t in (look, act, look, act)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.of(customer).points == 10
    with Session(desk.engine) as session:
        rows = session.scalar(
            text("SELECT COUNT(*) FROM loyalty_entry WHERE customer_id = :c"), {"c": customer}
        )
    assert rows == 10


def test_a_dangerous_action_wants_the_name_typed_and_its_preview_seen(desk: Desk) -> None:
    from actions.core.base import Action

    note_id = desk.create(Note, customer_id=desk.customer(), kind="task", body="Call", due_on=desk.now.date())
    note = desk.get(Note, note_id)
    risky = Action("note.risk", Note, done.function, "Risk", danger=True, targeted=True)
    for typed in (None, "", "Cal", "Call!"):
        with pytest.raises(Invalid) as invalid:
            perform(desk.engine, risky, Call(desk.actor, desk.now, confirm=typed), note_id)
        assert set(invalid.value.errors) == {"confirm"}
    typed, seen = f"  {str(note).upper()} ", dry_run(desk.engine, risky, Call(desk.actor, desk.now), note_id)
    with pytest.raises(Invalid) as invalid:
        perform(desk.engine, risky, Call(desk.actor, desk.now, confirm=typed), note_id)
    assert set(invalid.value.errors) == {"fingerprint"}
    asked = Call(desk.actor, desk.now, confirm=typed, fingerprint=seen.fingerprint)
    perform(desk.engine, risky, asked, note_id)
    assert desk.get(Note, note_id).done_at is not None
