"""Runs: long work as many changesets, each all or nothing, that survive the process that does them (rule 8)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import personal
from models.base import N_, Base, table_args
from models.columns import check, refers
from models.job import JobRow
from models.personal import staff, system
from models.renamed_codes import StoredCode
from models.types import Choice, Id, Json, PrimaryKey, UTCDateTime, choice


class RunState(Choice):
    """Where a run stands."""

    QUEUED = "queued", N_("Waiting")
    RUNNING = "running", N_("Running")
    DONE = "done", N_("Completed")
    WITH_ERRORS = "with_errors", N_("Completed with errors")
    CANCELLED = "cancelled", N_("Cancelled")


WENT_WRONG = N_("Something went wrong. Give your admin the number of the background job.")
"""What is said of an item that broke; what broke is in the log."""


class ItemState(Choice):
    """What became of one item of a run."""

    PENDING = "pending", N_("Waiting")
    DONE = "done", N_("Done")
    REFUSED = "refused", N_("Refused")
    FAILED = "failed", N_("Failed")


class Run(Base):
    """One piece of long work. The worker that holds the lease with the newest ``fence`` processes it, no other."""

    __tablename__ = "run"
    __label__ = N_("Background job")
    __plural__ = N_("Background jobs")
    __table_args__ = table_args(
        check("counts_range", "size >= 0 AND done >= 0 AND refused >= 0"),
        Index("ix_run_open", "state", "id", sqlite_where=text("state IN ('queued', 'running')"),
              postgresql_where=text("state IN ('queued', 'running')")),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    action: Mapped[str] = mapped_column(StoredCode(100), info=system)
    parameters: Mapped[Any] = mapped_column(
        Json, nullable=True, info=personal.personal("text", written_by="product")
    )
    state: Mapped[RunState] = mapped_column(choice(RunState, "state"), default=RunState.QUEUED, info=system)
    actor_id: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True, info=staff
    )
    actor_name: Mapped[str] = mapped_column(String(140), info=staff)
    reason: Mapped[str] = mapped_column(
        Text, default="", server_default="", info=personal.personal("text", written_by="product")
    )
    created_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, index=True, info=system)
    started_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=system)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=system)
    size: Mapped[int] = mapped_column(Integer, default=0, info=system)
    done: Mapped[int] = mapped_column(Integer, default=0, info=system)
    refused: Mapped[int] = mapped_column(Integer, default=0, info=system)
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False, info=system)
    stopped_because: Mapped[str | None] = mapped_column(String(200), info=system)
    """Why the product itself stopped it, as a sentence."""
    worker: Mapped[str | None] = mapped_column(String(100), info=system)
    fence: Mapped[int] = mapped_column(Integer, default=0, info=system)
    lease_until: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=system)
    undoes_id: Mapped[int | None] = refers("run", system)
    job_id: Mapped[int | None] = refers("job", system)
    """The job it is a run of, where it is one."""
    key: Mapped[str | None] = mapped_column(String(200), unique=True, info=system)

    job: Mapped[JobRow | None] = relationship()
    items: Mapped[list[RunItem]] = relationship(back_populates="run", passive_deletes="all")

    @property
    def is_open(self) -> bool:
        """Whether there is work left to do."""
        return self.state in (RunState.QUEUED, RunState.RUNNING)

    def __str__(self) -> str:
        return f"#{self.id}"


class RunItem(Base):
    """One row of a run's work and what became of it; ``row_id`` is the record it is about."""

    __tablename__ = "run_item"
    __label__ = N_("Result")
    __plural__ = N_("Results")
    __table_args__ = table_args(
        UniqueConstraint("run_id", "position"), Index(None, "run_id", "state", "position")
    )

    id: Mapped[PrimaryKey]
    run_id: Mapped[int] = refers("run", system, ondelete="CASCADE", index=False)
    position: Mapped[int] = mapped_column(Integer, info=system)
    row_id: Mapped[int] = mapped_column(Id, info=system)
    state: Mapped[ItemState] = mapped_column(
        choice(ItemState, "state"), default=ItemState.PENDING, server_default="pending", info=system
    )
    message: Mapped[str | None] = mapped_column(Text, info=personal.personal("text", written_by="product"))
    changeset_id: Mapped[int | None] = refers("changeset", system)

    run: Mapped[Run] = relationship(back_populates="items")

    def __str__(self) -> str:
        return f"{self.position}"
