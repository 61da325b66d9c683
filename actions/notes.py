"""Notes, tasks and watch notes: who wrote them, who did them, and one warning at a time (rule 13)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import exists, select

from actions.base import Context, Outcome, Refused, action
from actions.ledger import live_customer
from actions.owned import owner_of
from actions.records import before_delete, before_save, save_new
from models.base import N_, Invalid
from models.customer import Customer
from models.note import Note, NoteKind

SECOND_WATCH = N_("This customer already has an open watch note. Edit that one, or mark it as done first.")


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


@action("customer.add_note", Customer, label=N_("Add note"))
def add_note(
    ctx: Context, customer: Customer, *, kind: NoteKind, body: str, due_on: dt.date | None = None
) -> Outcome:
    """Write a note, a task or a watch note on a customer (F87 to F89)."""
    note = Note(kind=NoteKind.NOTE, customer_id=customer.id)
    save_new(ctx, note, {"kind": kind, "body": body, "due_on": due_on})
    return Outcome(N_("The note was added to %(customer)s."), note, {"customer": str(customer)})


@action("note.done", Note, label=N_("Mark as done"))
def done(ctx: Context, note: Note) -> Outcome:
    """Finish a task, or take a watch note down. :raises Refused: ``not_open``."""
    live_customer(ctx, note.customer_id)
    if not note.is_open:
        raise Refused("not_open", N_("This is not an open task or watch note."))
    note.done_at, note.done_by_id = ctx.now, ctx.actor.id
    return Outcome(N_("%(note)s was marked as done."), note, {"note": str(note)})


@action("note.reopen", Note, label=N_("Reopen"))
def reopen(ctx: Context, note: Note) -> Outcome:
    """Open a finished task or watch note again. :raises Refused: ``not_done``, or ``second_watch_note``."""
    live_customer(ctx, note.customer_id)
    if note.done_at is None:
        raise Refused("not_done", N_("This note is not marked as done."))
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
