"""Notes, tasks and watch notes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from demo.plan import Known, Plan
from demo.words import NOTES, TASKS, WATCHES
from models.note import Note, NoteKind


def make_notes(plan: Plan, people: list[Known]) -> None:
    """Add what staff wrote about this chunk's customers."""
    for known in people:
        for _ in range(plan.chance.few(0.22, 6)):
            _note(plan, known, NoteKind.NOTE, plan.chance.choice(NOTES))
        if plan.chance.yes(0.03) or known.segment == "pending":
            _task(plan, known)
        if plan.chance.yes(0.012) or known.row["account_code"] == "KAR-0042":
            _watch(plan, known)


def _task(plan: Plan, known: Known) -> None:
    """Most are done; the others are due around now."""
    chance, day = plan.chance, plan.now.date()
    made = chance.between(max(known.joined, plan.now - dt.timedelta(days=300)), plan.now)
    if chance.yes(0.6):
        due = made.date() + dt.timedelta(days=chance.randrange(1, 10))
        done = chance.between(made, min(made + dt.timedelta(days=9), plan.now))
        _note(plan, known, NoteKind.TASK, chance.choice(TASKS), made, due_on=due, **_done(plan, done))
    else:
        made = chance.between(max(known.joined, plan.now - dt.timedelta(days=12)), plan.now)
        due = day + dt.timedelta(days=chance.choice((-6, -2, -1, 0, 0, 0, 1, 2, 5, 9)))
        _note(plan, known, NoteKind.TASK, chance.choice(TASKS), made, due_on=due)


def _watch(plan: Plan, known: Known) -> None:
    """One in five was taken down again."""
    made = plan.chance.between(known.joined, plan.now)
    over = plan.chance.between(made, plan.now) if plan.chance.yes(0.2) and known.segment != "trade" else None
    _note(
        plan, known, NoteKind.WATCH, plan.chance.choice(WATCHES), made, **(_done(plan, over) if over else {})
    )


def _done(plan: Plan, when: dt.datetime) -> dict[str, Any]:
    return {"done_at": when, "done_by_id": plan.author().id, "updated_at": when}


def _note(
    plan: Plan, known: Known, kind: NoteKind, body: str, made: dt.datetime | None = None, **columns: Any
) -> None:
    author = plan.author()
    plan.batch.add(
        Note,
        customer_id=known.row["id"],
        kind=kind,
        body=body,
        created_at=made or plan.chance.between(known.joined, plan.now),
        author_id=author.id,
        author_name=author.name,
        **columns,
    )
