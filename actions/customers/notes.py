"""Notes, tasks and watch notes: who wrote them, who did them, and one warning at a time (rule 13)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, exists, false, literal, not_, or_, select
from sqlalchemy.orm import aliased

from actions.core.base import Context, Outcome, Refused, action
from actions.core.customer_guard import live_customer, not_live
from actions.core.eligibility import EVERY_LIVE
from actions.core.outcome_groups import Clause, OutcomeGroup, at_fault, earlier, refused
from actions.customers.customer_owned import owner_of
from actions.execution.records import before_delete, before_save, save_counts, save_new
from models import validate
from models.base import N_, Invalid
from models.customer import Customer
from models.note import DONE_STAYS, DUE_ON_TASK, Note, NoteKind

NOT_OPEN = "not_open", N_("This is not an open task or watch note.")
NOT_DONE = "not_done", N_("This note is not marked as done.")
SECOND_WATCH = N_("This customer already has an open watch note. Edit it, or mark it as done first.")


@before_save(Note)
def sign(ctx: Context, row: Note, changed: set[str], created: bool) -> None:
    """Stamp the author of a new note and who did a task; refuse a second open watch note."""
    owner_of(ctx, row, changed, created)
    if created:
        row.author_id, row.author_name = ctx.actor.id, ctx.actor.name
    if "done_at" in changed:
        row.done_by_id = ctx.actor.id if row.done_at is not None else None
    if _warns(row) and _other_watch(ctx, row):
        raise Invalid({"kind": SECOND_WATCH})


@before_delete(Note)
def keep_while_live(ctx: Context, row: Note) -> None:
    """Notes of a merged or erased record are not deleted by hand."""
    live_customer(ctx, row.customer_id)


def _watched(customer_id: Any, beside: Any) -> Clause:
    """Return whether a customer has an open watch note, not counting the note ``beside``."""
    other = aliased(Note)
    watch = and_(other.kind == NoteKind.WATCH, other.done_at.is_(None), other.id != beside)
    return exists().where(other.customer_id == customer_id, watch)


@save_counts(Note)
def count_note_rules(values: Mapping[str, Any]) -> list[OutcomeGroup]:
    """Say which notes do not take another kind or due date (rules 13.2, 13.3)."""
    kind: Any = literal(values["kind"], Note.kind.type) if "kind" in values else Note.kind
    due_on: Any = literal(values["due_on"], Note.due_on.type) if "due_on" in values else Note.due_on
    rekinded, redated = Note.kind.is_distinct_from(kind), Note.due_on.is_distinct_from(due_on)
    dated = and_(or_(rekinded, redated), due_on.is_not(None), kind != NoteKind.TASK)
    done = and_(rekinded, Note.done_at.is_not(None), kind == NoteKind.NOTE)
    warning = and_(kind == NoteKind.WATCH, Note.done_at.is_(None)) if "kind" in values else false()
    watched = _watched(Note.customer_id, Note.id)
    first = earlier(Note, Note.customer_id, and_(warning, due_on.is_(None), not_(watched)))
    second = and_(warning, or_(watched, first))
    return at_fault(
        ("due_on", DUE_ON_TASK, dated), ("kind", DONE_STAYS, done), ("kind", SECOND_WATCH, second)
    )


def _count_added(values: Mapping[str, Any]) -> list[OutcomeGroup]:
    note = Note()
    validate.assign(note, dict(values))
    if errors := note.problems(set(values)):
        raise Invalid(errors)
    if note.kind != NoteKind.WATCH:
        return not_live(Customer)
    return [*not_live(Customer), *at_fault(("kind", SECOND_WATCH, _watched(Customer.id, 0)))]


def _count_reopened(values: Mapping[str, Any]) -> list[OutcomeGroup]:
    watch = and_(Note.kind == NoteKind.WATCH, Note.done_at.is_not(None))
    second = and_(watch, or_(_watched(Note.customer_id, Note.id), earlier(Note, Note.customer_id, watch)))
    return [
        *not_live(Note),
        refused(Note.done_at.is_(None), *NOT_DONE),
        refused(second, "second_watch_note", SECOND_WATCH),
    ]


@action("customer.add_note", Customer, label=N_("Add note"), bulk_counts=_count_added, customers=EVERY_LIVE)
def add_note(
    ctx: Context, customer: Customer, *, kind: NoteKind, body: str, due_on: dt.date | None = None
) -> Outcome:
    """Write a note, a task or a watch note on a customer (features 87 to 89)."""
    note = Note(kind=NoteKind.NOTE, customer_id=customer.id)
    save_new(ctx, note, {"kind": kind, "body": body, "due_on": due_on})
    return Outcome(N_("The note was added to %(customer)s."), note, {"customer": str(customer)})


@action(
    "note.done", Note, label=N_("Mark as done"),
    bulk_counts=lambda given: [
        *not_live(Note), refused(or_(Note.kind == NoteKind.NOTE, Note.done_at.is_not(None)), *NOT_OPEN)
    ],
    customers=EVERY_LIVE,
)  # fmt: skip
def done(ctx: Context, note: Note) -> Outcome:
    """Finish a task, or take a watch note down. :raises Refused: ``not_open``."""
    live_customer(ctx, note.customer_id)
    if not note.is_open:
        raise Refused(*NOT_OPEN)
    note.done_at, note.done_by_id = ctx.now, ctx.actor.id
    return Outcome(N_("%(note)s was marked as done."), note, {"note": str(note)})


@action("note.reopen", Note, label=N_("Reopen"), bulk_counts=_count_reopened, customers=EVERY_LIVE)
def reopen(ctx: Context, note: Note) -> Outcome:
    """Open a finished task or watch note again. :raises Refused: ``not_done``, or ``second_watch_note``."""
    live_customer(ctx, note.customer_id)
    if note.done_at is None:
        raise Refused(*NOT_DONE)
    if note.kind == NoteKind.WATCH and _other_watch(ctx, note):
        raise Refused("second_watch_note", SECOND_WATCH)
    note.done_at = note.done_by_id = None
    return Outcome(N_("%(note)s is open again."), note, {"note": str(note)})


def _warns(row: Note) -> bool:
    return row.kind == NoteKind.WATCH and row.done_at is None


def _other_watch(ctx: Context, row: Note) -> bool:
    open_watch = (
        (Note.customer_id == row.customer_id) & (Note.kind == NoteKind.WATCH) & Note.done_at.is_(None)
    )
    others = select(exists().where(open_watch, Note.id != (row.id or 0)))
    with ctx.session.no_autoflush:
        return bool(ctx.session.scalar(others))
