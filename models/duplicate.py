"""Duplicates: records that may be the same customer, what they are found by, and what people decided (rule 7)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, Boolean, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import N_, Base, Record, table_args
from models.columns import check, refers, unique_where
from models.customer import Customer
from models.personal import derived, personal, reference, state, system
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


class CrowdKind(Choice):
    """What many records share, by the name that a key's kind has (actions/duplicates/keys.py)."""

    EMAIL = "email", N_("Email")
    PHONE = "phone", N_("Phone")
    SURNAME_POSTCODE = "surname_postcode", N_("Surname and postcode")
    NAME_POSTCODE = "name_postcode", N_("Name and postcode")
    INITIAL_BIRTH = "initial_birth", N_("Date of birth and first letter of a name")
    BIRTH_POSTCODE = "birth_postcode", N_("Date of birth and postcode")
    MAILBOX = "mailbox", N_("Email before the @")
    COMPANY_POSTCODE = "company_postcode", N_("Company and postcode")
    COMPANY_NUMBER = "company_number", N_("Company number")
    VAT_NUMBER = "vat_number", N_("VAT number")
    FULL_NAME = "full_name", N_("Full name")
    STREET_TOWN = "street_town", N_("Address")
    INITIAL_STREET = "initial_street", N_("Street and first letter of a name")


class DuplicateCrowd(Record):
    """A key that so many records share that it makes no pairs, but this one row (rule 7.8).

    One that is no problem stays away until it has grown by half, also where it was no crowd for a while: its size is
    then 0.
    """

    __tablename__ = "duplicate_crowd"
    __label__ = N_("Shared by many")
    __plural__ = N_("Shared by many")
    __table_args__ = table_args(Index("uq_duplicate_crowd_value", "value", unique=True))

    value: Mapped[int] = mapped_column(BigInteger, info=system)
    kind: Mapped[CrowdKind] = mapped_column(
        choice(CrowdKind, "kind"), info=system | heading(N_("What they share"))
    )
    size: Mapped[int] = mapped_column(Integer, info=derived | heading(N_("Records")))
    dismissed_size: Mapped[int | None] = mapped_column(Integer, info=state() | heading(N_("No problem at")))
    """How many records there were when somebody said that it is no problem."""
    is_open: Mapped[bool] = mapped_column(Boolean, info=derived | heading(N_("Undecided")))

    def derive(self) -> None:
        """Work out whether it is shown among what nobody has decided about."""
        self.is_open = bool(self.size) and (
            self.dismissed_size is None or has_grown(self.size, self.dismissed_size)
        )

    def __str__(self) -> str:
        return f"{self.kind.label} ({self.size})"


def has_grown(size: int, dismissed: int) -> bool:
    """Return whether a crowd is half as large again as when it was no problem."""
    return 2 * size >= 3 * dismissed


class DuplicateNotice(Base):
    """Whom a request with a key was told of, so that it is told the same when it is repeated (rule 7.11)."""

    __tablename__ = "duplicate_notice"
    __label__ = N_("Notice of a duplicate")
    __plural__ = N_("Notices of duplicates")
    __table_args__ = table_args()

    id: Mapped[PrimaryKey]
    changeset_id: Mapped[int] = refers("changeset", system)
    customer_id: Mapped[int] = refers("customer", FOUND_AGAIN, ondelete="CASCADE")

    def __str__(self) -> str:
        return f"#{self.id}"
