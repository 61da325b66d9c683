"""Notes, tasks and watch notes on a customer (features 87 to 89)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Date, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import N_, Record, Staff, table_args
from models.columns import check, owner, unique_where
from models.customer import Customer
from models.personal import fact, personal, staff, state
from models.presentation import heading
from models.types import Choice, UTCDateTime, choice
from models.validate import checked, required

DUE_ON_TASK = N_("Only tasks have a due date. Choose the kind Task or clear the date.")
DONE_STAYS = N_("This is already done, so it stays a task or a watch note.")


class NoteKind(Choice):
    """A note is read, a task is done, a watch note warns until it is taken off."""

    NOTE = "note", N_("Note")
    TASK = "task", N_("Task")
    WATCH = "watch", N_("Watch note")


class Note(Record):
    """What staff wrote about a customer, who has at most one open watch note: the highlighted warning."""

    __tablename__ = "note"
    __label__ = N_("Note")
    __plural__ = N_("Notes")
    __table_args__ = table_args(
        check("due_on_task", "due_on IS NULL OR kind = 'task'"),
        check("done_not_note", "done_at IS NULL OR kind <> 'note'"),
        unique_where("uq_note_open_watch", "customer_id", where="kind = 'watch' AND done_at IS NULL"),
        Index(None, "customer_id", "created_at", "id"),
        Index(
            "ix_note_open_tasks",
            "due_on",
            "id",
            sqlite_where=text("kind = 'task' AND done_at IS NULL"),
            postgresql_where=text("kind = 'task' AND done_at IS NULL"),
        ),
        Index(None, "created_at", "id"),
    )

    customer_id: Mapped[int] = owner(index=False)
    kind: Mapped[NoteKind] = mapped_column(choice(NoteKind, "kind"), default=NoteKind.NOTE, info=fact())
    body: Mapped[str] = mapped_column(
        Text,
        info=personal("text", merge="move") | checked(required(N_("Write the note."))) | heading(N_("Text")),
    )
    due_on: Mapped[dt.date | None] = mapped_column(Date, info=fact(), doc=N_("For tasks: the day it is due."))
    done_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=state())
    done_by_id: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="RESTRICT"), info=state()
    )
    author_id: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True, info=staff
    )
    author_name: Mapped[str] = mapped_column(String(140), default="", info=staff | heading(N_("Created by")))

    customer: Mapped[Customer] = relationship(back_populates="notes")
    author: Mapped[Staff | None] = relationship(Staff, foreign_keys=[author_id])
    done_by: Mapped[Staff | None] = relationship(Staff, foreign_keys=[done_by_id])

    @property
    def is_open(self) -> bool:
        """A task still to do, or a watch note still warning."""
        return self.kind != NoteKind.NOTE and self.done_at is None

    def __str__(self) -> str:
        first = (self.body or "").partition("\n")[0]
        return first if len(first) <= 60 else f"{first[:59]}…"

    def problems(self, changed: set[str]) -> dict[str, str]:
        """Only a task has a due date; a plain note is never done."""
        found = {}
        kind = self.kind or NoteKind.NOTE
        if changed & {"kind", "due_on"} and self.due_on is not None and kind != NoteKind.TASK:
            found["due_on"] = DUE_ON_TASK
        if changed & {"kind", "done_at"} and self.done_at is not None and kind == NoteKind.NOTE:
            found["kind"] = DONE_STAYS
        return found
