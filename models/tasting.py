"""Free tastings that were used: one entry a use, counted by calendar year (features 41, 76, rule 1.11)."""

from __future__ import annotations

from sqlalchemy import Index, Integer
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import N_, LedgerRow, table_args
from models.columns import check, owner, refers, reversed_once
from models.customer import Customer
from models.order import Order
from models.personal import ledger
from models.presentation import heading, number_style
from models.triggers import AppendOnly
from models.types import Choice, Code, choice


class TastingKind(Choice):
    """Whether a tasting was used, or an entry taken back."""

    USED = "used", N_("Used")
    REVERSAL = "reversal", N_("Reversal")


class TastingEntry(LedgerRow):
    """One free tasting that was used, or the reversal of one. Both count for ``year``: that of the shop's local date.

    How many a customer has is for their class to say, so nothing of it is cached: used is what was not reversed.
    """

    __tablename__ = "tasting_entry"
    __label__ = N_("Tasting entry")
    __plural__ = N_("Free tastings")
    __append_only__ = AppendOnly(
        reassignable=("customer_id",), erasable=("comment",), blank_when_erased="customer_id"
    )
    __table_args__ = table_args(
        check("year_range", "year BETWEEN 1990 AND 9998"),
        check("reversal_names_entry", "(kind = 'reversal') = (reverses_id IS NOT NULL)"),
        Index(None, "customer_id", "year"),
        reversed_once("tasting_entry"),
        Index(None, "customer_id", "created_at", "id"),
        Index(None, "customer_id", "changeset_id"),
        Index(None, "created_at", "id"),
    )

    customer_id: Mapped[int] = owner(written_by="action", index=False)
    kind: Mapped[TastingKind] = mapped_column(choice(TastingKind, "kind"), info=ledger)
    year: Mapped[int] = mapped_column(Integer, info=ledger | number_style("ungrouped"))
    order_ref: Mapped[str | None] = mapped_column(
        Code,
        info=ledger | heading(N_("Order or booking")),
        doc=N_("The order or booking the tasting went with."),
    )
    order_id: Mapped[int | None] = refers("sales_order", ledger)
    reverses_id: Mapped[int | None] = refers("tasting_entry", ledger, index=False)

    customer: Mapped[Customer] = relationship()
    order: Mapped[Order | None] = relationship()
    reverses: Mapped[TastingEntry | None] = relationship(
        remote_side="TastingEntry.id", back_populates="reversed_by"
    )
    reversed_by: Mapped[TastingEntry | None] = relationship(back_populates="reverses", passive_deletes="all")

    def __str__(self) -> str:
        return f"{self.kind.label} #{self.id}"
