"""What each member of staff chose for their own screens: columns, page size, open records."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import N_, Base, Staff, table_args
from models.personal import staff
from models.types import Json, PrimaryKey


class Preference(Base):
    """One choice of one person. It says nothing about a customer, so it is not in the journal."""

    __tablename__ = "staff_preference"
    __label__ = N_("Preference")
    __plural__ = N_("Preferences")
    __table_args__ = table_args(UniqueConstraint("user_id", "name"))

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), info=staff)
    name: Mapped[str] = mapped_column(String(100), info=staff)
    value: Mapped[Any] = mapped_column(Json, info=staff, nullable=True)

    user: Mapped[Staff] = relationship(Staff, foreign_keys=[user_id])

    def __str__(self) -> str:
        return self.name
