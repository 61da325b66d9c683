"""Merges: which record went into which, by which changeset, and whether that was taken back (rule 3).

The journal says all that a merge did; these rows say where to find it, one for each record that went.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import N_, Base, table_args
from models.columns import owner, refers
from models.customer import Customer
from models.journal import Changeset
from models.personal import system
from models.presentation import heading
from models.types import Id, PrimaryKey, UTCDateTime


class Merge(Base):
    """One record that went into another: ``merged`` into ``survivor``, who may have gone into somebody else since."""

    __tablename__ = "customer_merge"
    __resource__ = "merge"
    __label__ = N_("Merge")
    __plural__ = N_("Merges")
    __table_args__ = table_args(Index(None, "merged_at", "id"))

    id: Mapped[PrimaryKey]
    changeset_id: Mapped[int] = mapped_column(
        Id, ForeignKey("changeset.id", ondelete="RESTRICT"), index=True, info=system
    )
    merged_id: Mapped[int] = owner("keep", written_by="product")
    survivor_id: Mapped[int] = owner("keep", written_by="product")
    merged_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=system | heading(N_("Merged on")))
    undone_by_id: Mapped[int | None] = refers("changeset", system)
    """The changeset by which the two were parted again; empty while the merge stands."""

    changeset: Mapped[Changeset] = relationship(foreign_keys=[changeset_id])
    merged: Mapped[Customer] = relationship(foreign_keys=[merged_id])
    survivor: Mapped[Customer] = relationship(foreign_keys=[survivor_id])
    undone_by: Mapped[Changeset | None] = relationship(foreign_keys=[undone_by_id])

    def __str__(self) -> str:
        return f"{self.merged} #{self.merged_id} → {self.survivor} #{self.survivor_id}"
