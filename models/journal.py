"""The journal: one changeset an action, one change a row it touched, before and after (rule 9).

The journal is the audit log and the source of undo. It is written in the transaction of the change, and the database
itself refuses to alter it: see :mod:`models.triggers`.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import personal
from models.base import N_, Base, Staff, table_args
from models.columns import filled
from models.renamed_codes import StoredCode
from models.renamed_fields import StoredFields
from models.triggers import AppendOnly
from models.types import Id, PrimaryKey, UTCDateTime

if TYPE_CHECKING:
    from models.customer import Customer


class Changeset(Base):
    """Who did what, when, from where and why. ``key`` and ``body_hash`` make a repeated request answer once."""

    __tablename__ = "changeset"
    __label__ = N_("Activity")
    __plural__ = N_("Activity")
    __append_only__ = AppendOnly()
    __table_args__ = table_args(
        Index("ix_changeset_subject", "subject_table", "subject_id", "id"),
        filled("ix_changeset_undoes_id", "undoes_id"),
        filled("ix_changeset_run_id", "run_id"),
        filled("ix_changeset_on_behalf_of_id", "on_behalf_of_id"),
    )

    id: Mapped[PrimaryKey]
    at: Mapped[dt.datetime] = mapped_column(UTCDateTime, nullable=False, index=True, info=personal.system)
    action: Mapped[str] = mapped_column(StoredCode(100), nullable=False, index=True, info=personal.system)
    actor_id: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True, info=personal.staff
    )
    actor_name: Mapped[str] = mapped_column(String(140), nullable=False, info=personal.staff)
    on_behalf_of_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("customer.id", ondelete="RESTRICT"), info=personal.reference("keep")
    )
    reason: Mapped[str] = mapped_column(
        Text,
        nullable=False,
        default="",
        server_default="",
        info=personal.personal("text", written_by="action"),
    )
    subject_table: Mapped[str | None] = mapped_column(String(63), info=personal.system)
    subject_id: Mapped[int | None] = mapped_column(Id, info=personal.system)
    request_id: Mapped[str | None] = mapped_column(String(64), info=personal.system)
    address: Mapped[str | None] = mapped_column(String(45), info=personal.staff)
    undoes_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("changeset.id", ondelete="RESTRICT"), info=personal.system
    )
    run_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("run.id", ondelete="RESTRICT"), info=personal.system
    )
    key: Mapped[str | None] = mapped_column(String(200), unique=True, info=personal.system)
    body_hash: Mapped[str | None] = mapped_column(String(64), info=personal.system)

    actor: Mapped[Staff | None] = relationship(Staff, foreign_keys=[actor_id])
    on_behalf_of: Mapped[Customer | None] = relationship("Customer", foreign_keys=[on_behalf_of_id])
    changes: Mapped[list[Change]] = relationship(
        back_populates="changeset", order_by="Change.id", passive_deletes="all"
    )

    @property
    def subject(self) -> tuple[str | None, int | None]:
        """The record the action was about, as (table, id)."""
        return self.subject_table, self.subject_id

    def __str__(self) -> str:
        return f"#{self.id}"


class Change(Base):
    """One row that a changeset touched: ``before`` and ``after`` hold the changed fields only.

    ``before`` is None for a created row, ``after`` is None for a deleted one.
    """

    __tablename__ = "change"
    __label__ = N_("Change")
    __plural__ = N_("Changes")
    __append_only__ = AppendOnly(
        erasable=("before", "after"), blank_when_erased="customer_id", rescale_within=("before", "after")
    )
    __table_args__ = table_args(
        Index("ix_change_row", "table_name", "row_id"), Index(None, "customer_id", "changeset_id")
    )

    id: Mapped[PrimaryKey]
    changeset_id: Mapped[int] = mapped_column(
        Id, ForeignKey("changeset.id", ondelete="RESTRICT"), nullable=False, index=True, info=personal.system
    )
    table_name: Mapped[str] = mapped_column(String(63), nullable=False, info=personal.system)
    row_id: Mapped[int] = mapped_column(Id, nullable=False, info=personal.system)
    # No foreign key, as row_id has none: history outlives the row, or no customer's creation could ever be undone.
    customer_id: Mapped[int | None] = mapped_column(Id, info=personal.reference("keep"))
    before: Mapped[dict[str, Any] | None] = mapped_column(
        StoredFields, info=personal.personal("text", written_by="product")
    )
    after: Mapped[dict[str, Any] | None] = mapped_column(
        StoredFields, info=personal.personal("text", written_by="product")
    )

    changeset: Mapped[Changeset] = relationship(back_populates="changes")

    def __str__(self) -> str:
        return f"{self.table_name} #{self.row_id}"


class Seal(Base):
    """One link of the chain over the journal: what a changeset held when it was sealed, bound to all seals before.

    ``digest`` is of the changeset with its changes and ledger rows, ``link`` of the link before and the digest. A
    changeset whose rows are lawfully altered later (an erasure, a change of a currency's scale) is sealed once more, by
    a seal that names the changeset which altered them; the newest seal counts. See :mod:`actions.maintenance.seals`.
    """

    __tablename__ = "journal_seal"
    __label__ = N_("Journal seal")
    __plural__ = N_("Journal seals")
    __append_only__ = AppendOnly()
    __table_args__ = table_args(filled("ix_journal_seal_caused_by_id", "caused_by_id"))

    id: Mapped[PrimaryKey]
    changeset_id: Mapped[int] = mapped_column(
        Id, ForeignKey("changeset.id", ondelete="RESTRICT"), nullable=False, index=True, info=personal.system
    )
    digest: Mapped[str] = mapped_column(String(64), nullable=False, info=personal.system)
    link: Mapped[str] = mapped_column(String(64), nullable=False, info=personal.system)
    caused_by_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("changeset.id", ondelete="RESTRICT"), info=personal.system
    )

    def __str__(self) -> str:
        return f"#{self.id}"
