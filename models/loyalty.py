"""Loyalty points: entries that never change, the lots they open and what was taken from each (rule 1)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import N_, Base, LedgerRow, table_args
from models.columns import check, of_orders, owner, refers, reversed_once
from models.customer import Customer
from models.mail import Mail
from models.order import Order
from models.personal import ledger
from models.presentation import heading, number_style
from models.triggers import AppendOnly
from models.types import Choice, Code, PrimaryKey, Until, UTCDateTime, choice

MOST_POINTS = 10_000_000


class LoyaltyKind(Choice):
    """Why points came or went (rule 1.1)."""

    EARNED = "earned", N_("Earned")
    GOODWILL = "goodwill", N_("Goodwill")
    ADJUSTMENT = "adjustment", N_("Adjustment")
    REDEEMED = "redeemed", N_("Redeemed")
    EXPIRED = "expired", N_("Expired")
    REVERSAL = "reversal", N_("Reversal")


class LoyaltyEntry(LedgerRow):
    """One movement of points. A positive one opens a lot, a negative one is allocated to lots (rule 1.2)."""

    __tablename__ = "loyalty_entry"
    __label__ = N_("Loyalty entry")
    __plural__ = N_("Loyalty entries")
    __append_only__ = AppendOnly(
        reassignable=("customer_id",), erasable=("comment",), blank_when_erased="customer_id"
    )
    __table_args__ = table_args(
        check("points_range", f"points <> 0 AND points BETWEEN -{MOST_POINTS} AND {MOST_POINTS}"),
        check(
            "points_sign",
            "CASE WHEN kind IN ('earned', 'goodwill') THEN points > 0 "
            "WHEN kind IN ('redeemed', 'expired') THEN points < 0 ELSE 1 = 1 END",
        ),
        check("expires_positive", "expires_at IS NULL OR points > 0"),
        check("reversal_names_entry", "(kind = 'reversal') = (reverses_id IS NOT NULL)"),
        reversed_once("loyalty_entry"),
        Index(None, "customer_id", "created_at", "id"),
        Index(None, "customer_id", "changeset_id"),
        of_orders("loyalty_entry"),
        Index(None, "created_at", "id"),
    )

    customer_id: Mapped[int] = owner(written_by="action", index=False)
    kind: Mapped[LoyaltyKind] = mapped_column(choice(LoyaltyKind, "kind"), info=ledger)
    points: Mapped[int] = mapped_column(Integer, info=ledger | number_style("movement"))
    expires_at: Mapped[dt.datetime | None] = mapped_column(Until, info=ledger | heading(N_("Valid until")))
    order_ref: Mapped[str | None] = mapped_column(
        Code, info=ledger | heading(N_("Order")), doc=N_("The order these points are about.")
    )
    order_id: Mapped[int | None] = refers("sales_order", ledger)
    reverses_id: Mapped[int | None] = refers("loyalty_entry", ledger, index=False)

    customer: Mapped[Customer] = relationship()
    order: Mapped[Order | None] = relationship()
    reverses: Mapped[LoyaltyEntry | None] = relationship(
        remote_side="LoyaltyEntry.id", back_populates="reversed_by"
    )
    reversed_by: Mapped[LoyaltyEntry | None] = relationship(back_populates="reverses", passive_deletes="all")
    lot: Mapped[LoyaltyLot | None] = relationship(back_populates="entry", passive_deletes="all")
    allocations: Mapped[list[LoyaltyAllocation]] = relationship(
        back_populates="entry", passive_deletes="all", order_by="LoyaltyAllocation.id"
    )

    def __str__(self) -> str:
        return f"{self.kind.label} {self.points:+d}"


class LoyaltyLot(Base):
    """What is left of one positive entry: ``unspent`` = points - allocations, the only part that changes."""

    __tablename__ = "loyalty_lot"
    __label__ = N_("Loyalty lot")
    __plural__ = N_("Loyalty lots")
    __table_args__ = table_args(
        check("points_range", "points > 0"),
        check("unspent_range", "unspent BETWEEN 0 AND points"),
        Index(None, "customer_id", "expires_at", "id"),
        Index(
            "ix_loyalty_lot_expiring",
            "expires_at",
            "customer_id",
            "id",
            sqlite_where=text("unspent > 0 AND expires_at IS NOT NULL"),
            postgresql_where=text("unspent > 0 AND expires_at IS NOT NULL"),
        ),
        # What a customer can spend, without going through all they ever had.
        Index(
            "ix_loyalty_lot_unspent",
            "customer_id",
            "expires_at",
            "unspent",
            sqlite_where=text("unspent > 0"),
            postgresql_where=text("unspent > 0"),
        ),
    )

    id: Mapped[PrimaryKey]
    entry_id: Mapped[int] = refers("loyalty_entry", ledger, index=False, unique=True)
    customer_id: Mapped[int] = owner(written_by="action", index=False)
    points: Mapped[int] = mapped_column(Integer, info=ledger)
    unspent: Mapped[int] = mapped_column(Integer, info=ledger)
    expires_at: Mapped[dt.datetime | None] = mapped_column(Until, info=ledger)

    entry: Mapped[LoyaltyEntry] = relationship(back_populates="lot")
    customer: Mapped[Customer] = relationship()
    allocations: Mapped[list[LoyaltyAllocation]] = relationship(
        back_populates="lot", passive_deletes="all", order_by="LoyaltyAllocation.id"
    )

    def __str__(self) -> str:
        return f"#{self.id}"


class LoyaltyAllocation(Base):
    """Points an entry took from a lot; negative where a reversal of a redemption gave them back (rule 1.8).

    So a lot's unspent points are always its points less the plain sum of its allocations.
    """

    __tablename__ = "loyalty_allocation"
    __label__ = N_("Loyalty allocation")
    __plural__ = N_("Loyalty allocations")
    __append_only__ = AppendOnly()
    __table_args__ = table_args(check("points_range", "points <> 0"), UniqueConstraint("entry_id", "lot_id"))

    id: Mapped[PrimaryKey]
    entry_id: Mapped[int] = refers("loyalty_entry", ledger, index=False)
    lot_id: Mapped[int] = refers("loyalty_lot", ledger)
    points: Mapped[int] = mapped_column(Integer, info=ledger)

    entry: Mapped[LoyaltyEntry] = relationship(back_populates="allocations")
    lot: Mapped[LoyaltyLot] = relationship(back_populates="allocations")

    def __str__(self) -> str:
        return f"#{self.id}"


class LoyaltyExpiryNotice(Base):
    """That a lot's customer was written to before it expires: once for each lot, for ever (rule 1.10).

    It is no column of the lot, of which only ``unspent`` ever changes.
    """

    __tablename__ = "loyalty_expiry_notice"
    __label__ = N_("Expiry notice")
    __plural__ = N_("Expiry notices")
    __append_only__ = AppendOnly()

    id: Mapped[PrimaryKey]
    lot_id: Mapped[int] = refers("loyalty_lot", ledger, index=False, unique=True)
    mail_id: Mapped[int] = refers("mail", ledger)
    created_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=ledger)

    lot: Mapped[LoyaltyLot] = relationship()
    mail: Mapped[Mail] = relationship()

    def __str__(self) -> str:
        return f"#{self.id}"
