"""Duplicates: records that may be the same customer, what they are found by, and what people decided (rule 7)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, Boolean, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import N_, Base, Record, table_args
from models.columns import check, refers, unique_where
from models.customer import Customer
from models.personal import personal, reference, state, system
from models.presentation import heading
from models.types import Choice, PrimaryKey, UTCDateTime, choice

FOUND_AGAIN = reference("drop", "delete", written_by="product")
"""A row that is worked out of others: a merge and an erasure drop it, and the next look finds what is right then."""


class DuplicateKey(Base):
    """Something that a live customer shares with records that may be the same, as a number; written again by each look.

    ``value`` is a hash of the key, whose lowest four bits say what kind of key it is (actions/duplicates/keys.py).
    """

    __tablename__ = "duplicate_key"
    __label__ = N_("Duplicate key")
    __plural__ = N_("Duplicate keys")
    __table_args__ = table_args(Index("ix_duplicate_key_value", "value", "customer_id"))

    id: Mapped[PrimaryKey]
    customer_id: Mapped[int] = refers("customer", FOUND_AGAIN, ondelete="CASCADE")
    value: Mapped[int] = mapped_column(BigInteger, info=system)

    def __str__(self) -> str:
        return f"#{self.id}"


class DuplicateCheck(Base):
    """A customer who is to be looked at again, as what they are found by has changed (models/triggers.py)."""

    __tablename__ = "duplicate_check"
    __label__ = N_("Check for duplicates")
    __plural__ = N_("Checks for duplicates")
    __table_args__ = table_args()

    id: Mapped[PrimaryKey]
    customer_id: Mapped[int] = refers("customer", FOUND_AGAIN, ondelete="CASCADE", index=False)

    def __str__(self) -> str:
        return f"#{self.id}"


class DuplicatePair(Base):
    """Two records that may be the same customer, and what speaks for and against it. The lower id comes first."""

    __tablename__ = "duplicate_pair"
    __resource__ = "duplicate"
    __label__ = N_("Possible duplicate")
    __plural__ = N_("Duplicates")
    __table_args__ = table_args(
        check("order", "lower_id < higher_id"),
        Index("uq_duplicate_pair_ids", "lower_id", "higher_id", unique=True),
        Index("ix_duplicate_pair_queue", "is_open", "is_likely", "score", "id"),
    )

    id: Mapped[PrimaryKey]
    lower_id: Mapped[int] = refers("customer", FOUND_AGAIN, ondelete="CASCADE", index=False)
    higher_id: Mapped[int] = refers("customer", FOUND_AGAIN, ondelete="CASCADE")
    evidence: Mapped[int] = mapped_column(Integer, info=system)
    """The bits of models/evidence.py."""
    score: Mapped[int] = mapped_column(Integer, info=system)
    is_likely: Mapped[bool] = mapped_column(Boolean, info=system | heading(N_("Likely the same")))
    """Whether the score reaches the threshold; else they are shown for an equal email, or surname and postcode."""
    is_plain: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default="0", info=system | heading(N_("Same surname and postcode"))
    )
    is_open: Mapped[bool] = mapped_column(
        Boolean, default=True, server_default="1", info=system | heading(N_("Undecided"))
    )
    """Whether nobody has decided about it; kept by a trigger, whatever writes a decision (models/triggers.py)."""
    found_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=system | heading(N_("Found")))

    lower: Mapped[Customer] = relationship(foreign_keys=[lower_id])
    higher: Mapped[Customer] = relationship(foreign_keys=[higher_id])

    def __str__(self) -> str:
        return f"{self.lower} / {self.higher}"


class Verdict(Choice):
    """What people decided of two records."""

    DIFFERENT = "different", N_("Not the same")
    HOUSEHOLD = "household", N_("Same household")


class PairDecision(Record):
    """That two records are not the same customer, which holds until a person reopens it (rule 7.7)."""

    __tablename__ = "pair_decision"
    __label__ = N_("Not a duplicate")
    __plural__ = N_("Not duplicates")
    __table_args__ = table_args(
        check("order", "lower_id < higher_id"),
        unique_where("uq_pair_decision_ids", "lower_id", "higher_id", where="reopened_at IS NULL"),
    )

    lower_id: Mapped[int] = refers("customer", reference(erase="delete", written_by="action"), index=False)
    higher_id: Mapped[int] = refers("customer", reference(erase="delete", written_by="action"))
    verdict: Mapped[Verdict] = mapped_column(choice(Verdict, "verdict"), info=state())
    reason: Mapped[str] = mapped_column(
        String(500), default="", info=personal("text", merge="move", erase="delete", written_by="action")
    )

    reopened_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=state())

    lower: Mapped[Customer] = relationship(foreign_keys=[lower_id])
    higher: Mapped[Customer] = relationship(foreign_keys=[higher_id])

    def __str__(self) -> str:
        return f"{self.lower} / {self.higher}"
