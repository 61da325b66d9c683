"""Gift cards: money that waits behind a code until somebody redeems it to their account (rule 2.13)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Date, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import N_, Record, table_args
from models.columns import capitals, check, money, refers
from models.credit import CreditEntry
from models.customer import Customer
from models.personal import derived, secret, state
from models.places import CURRENCY
from models.presentation import heading
from models.types import Choice, Key, UTCDateTime


class CardState(Choice):
    """What has become of a gift card. Whether it has expired depends on the day one asks."""

    OPEN = "open", N_("Open")
    REDEEMED = "redeemed", N_("Redeemed")
    VOIDED = "voided", N_("Voided")


class GiftCard(Record):
    """One gift card. Its code is known by a digest only; the end of it tells cards apart.

    ``redeemed_entry`` is the entry that credited it and was not reversed: one card is never credited twice at a time.
    It follows from the ledger, so the journal leaves it out: an undo takes back the entry, and with it this.
    """

    __tablename__ = "gift_card"
    __label__ = N_("Gift card")
    __plural__ = N_("Gift cards")
    __table_args__ = table_args(
        capitals("currency", 3),
        check("amount_range", "amount > 0"),
        check("redeemed_or_voided", "redeemed_entry_id IS NULL OR voided_at IS NULL"),
        Index(None, "created_at", "id"),
        Index(None, "last4", "id"),
        Index(None, "expires_on", "id"),
    )

    code_key: Mapped[str] = mapped_column(Key, unique=True, info=secret)
    last4: Mapped[str] = mapped_column(
        String(4),
        info=derived | heading(N_("Card ending")),
        doc=N_("The last characters of the card's code."),
    )
    amount: Mapped[int] = money(state())
    currency: Mapped[str] = mapped_column(String(3), info=state() | CURRENCY)
    expires_on: Mapped[dt.date | None] = mapped_column(
        Date,
        info=state() | heading(N_("Valid until")),
        doc=N_("The last day it can be redeemed. Leave blank for no end date."),
    )
    voided_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=state())
    redeemed_entry_id: Mapped[int | None] = refers(
        "credit_entry", derived | heading(N_("Credit entry")), index=False, unique=True
    )

    redeemed_entry: Mapped[CreditEntry | None] = relationship()

    @property
    def state(self) -> CardState:
        """What has become of it."""
        if self.redeemed_entry_id is not None:
            return CardState.REDEEMED
        return CardState.VOIDED if self.voided_at is not None else CardState.OPEN

    @property
    def redeemed_by(self) -> Customer | None:
        """Whose credit it is now."""
        return self.redeemed_entry.customer if self.redeemed_entry is not None else None

    @property
    def redeemed_at(self) -> dt.datetime | None:
        """When it was credited."""
        return self.redeemed_entry.created_at if self.redeemed_entry is not None else None

    def __str__(self) -> str:
        return f"•••• {self.last4}"
