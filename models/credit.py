"""Credit from gift cards that were redeemed to an account (feature 77, rule 2.7)."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import N_, LedgerRow, table_args
from models.columns import capitals, check, money, of_orders, owner, refers, reversed_once
from models.customer import Customer
from models.order import Order
from models.personal import ledger
from models.places import CURRENCY
from models.presentation import heading, number_style
from models.triggers import AppendOnly
from models.types import Choice, Code, choice


class CreditKind(Choice):
    """Why the credit moved."""

    GIFT_CARD = "gift_card", N_("Gift card")
    ADJUSTMENT = "adjustment", N_("Adjustment")
    REDEEMED = "redeemed", N_("Redeemed")
    REVERSAL = "reversal", N_("Reversal")


class CreditEntry(LedgerRow):
    """One movement of gift-card credit in minor units; positive adds. Of a card's code the end is kept."""

    __tablename__ = "credit_entry"
    __label__ = N_("Credit entry")
    __plural__ = N_("Gift-card credit")
    __append_only__ = AppendOnly(
        reassignable=("customer_id",),
        erasable=("comment",),
        blank_when_erased="customer_id",
        rescale=("amount",),
    )
    __table_args__ = table_args(
        capitals("currency", 3),
        check(
            "amount_sign",
            "amount <> 0 AND CASE WHEN kind = 'gift_card' THEN amount > 0 "
            "WHEN kind = 'redeemed' THEN amount < 0 ELSE 1 = 1 END",
        ),
        check("reversal_names_entry", "(kind = 'reversal') = (reverses_id IS NOT NULL)"),
        reversed_once("credit_entry"),
        Index(None, "customer_id", "created_at", "id"),
        Index(None, "customer_id", "changeset_id"),
        of_orders("credit_entry"),
        Index(None, "created_at", "id"),
    )

    customer_id: Mapped[int] = owner(written_by="action", index=False)
    kind: Mapped[CreditKind] = mapped_column(choice(CreditKind, "kind"), info=ledger)
    amount: Mapped[int] = money(ledger | number_style("movement"))
    currency: Mapped[str] = mapped_column(String(3), info=ledger | CURRENCY)
    order_ref: Mapped[str | None] = mapped_column(
        Code, info=ledger | heading(N_("Order")), doc=N_("The order this credit is about, as it was typed.")
    )
    order_id: Mapped[int | None] = refers("sales_order", ledger)
    code_last4: Mapped[str | None] = mapped_column(
        String(4),
        info=ledger | heading(N_("Card ending")),
        doc=N_("The last characters of the gift card's code."),
    )
    reverses_id: Mapped[int | None] = refers("credit_entry", ledger, index=False)

    customer: Mapped[Customer] = relationship()
    order: Mapped[Order | None] = relationship()
    reverses: Mapped[CreditEntry | None] = relationship(
        remote_side="CreditEntry.id", back_populates="reversed_by"
    )
    reversed_by: Mapped[CreditEntry | None] = relationship(back_populates="reverses", passive_deletes="all")

    def __str__(self) -> str:
        return f"{self.kind.label} #{self.id}"
