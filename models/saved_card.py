"""Cards that customers have saved with a payment provider (feature 78).

The provider has the card. Here is what tells a customer's cards apart, and the provider's token, to charge it by.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from sqlalchemy import Boolean, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import N_, Record, table_args
from models.columns import check, owner, unique_where
from models.customer import Customer
from models.personal import personal, secret, state
from models.presentation import heading, number_style
from models.types import Key
from models.validate import between, checked, matching, no_card_number, required
from models.vault import Secret, SecretText

LAST_FOUR = matching(r"[0-9]{4}", N_("Enter the last four digits of the card, such as 4242."))


class SavedCard(Record):
    """One card. The database allows one default a customer; actions see that there is one."""

    __tablename__ = "saved_card"
    __label__ = N_("Card")
    __plural__ = N_("Cards")
    __same__ = ("token_key",)
    __table_args__ = table_args(
        check("expiry_month_range", "expiry_month BETWEEN 1 AND 12"),
        check("expiry_year_range", "expiry_year BETWEEN 2000 AND 2099"),
        check("last_four_shape", "length(last_four) = 4"),
        unique_where("uq_saved_card_default", "customer_id", where="is_default"),
        unique_where("uq_saved_card_token", "customer_id", "token_key", where="token_key <> ''"),
    )

    customer_id: Mapped[int] = owner("combine", erase="delete", written_by="action")
    brand: Mapped[str] = mapped_column(
        String(40),
        info=state(erase="delete") | checked(no_card_number, required(N_("Name the brand, such as Visa."))),
    )
    last_four: Mapped[str] = mapped_column(
        String(4),
        info=personal("number", merge="move", erase="delete", written_by="action")
        | checked(LAST_FOUR)
        | heading(N_("Card ending")),
    )
    expiry_month: Mapped[int] = mapped_column(
        Integer, info=state(erase="delete") | checked(between(1, 12)) | number_style("ungrouped")
    )
    expiry_year: Mapped[int] = mapped_column(
        Integer, info=state(erase="delete") | checked(between(2000, 2099)) | number_style("ungrouped")
    )
    provider: Mapped[str] = mapped_column(
        String(40),
        info=state(erase="delete")
        | checked(no_card_number, required(N_("Name the payment provider that has the card."))),
    )
    token: Mapped[Secret] = mapped_column(SecretText, deferred=True, info=secret)
    token_key: Mapped[str] = mapped_column(Key, info=secret)
    """A digest of provider and token, by which the same card is known again."""
    is_default: Mapped[bool] = mapped_column(
        Boolean,
        default=False,
        info=state(erase="delete"),
        doc=N_("The card that is charged unless the customer chooses another."),
    )

    customer: Mapped[Customer] = relationship()

    @property
    def ending(self) -> str:
        """The end of its number, the rest of which nobody here knows."""
        return f"•••• {self.last_four}"

    @property
    def expires(self) -> str:
        """The month it is good until, as it stands on the card."""
        return f"{self.expiry_month:02d}/{self.expiry_year}"

    def has_expired(self, today: dt.date) -> bool:
        """Return whether the last day of its month is over."""
        return (self.expiry_year, self.expiry_month) < (today.year, today.month)

    def __str__(self) -> str:
        return f"{self.brand} {self.ending}"


def token_digest(provider: str, token: str) -> str:
    """Return what a card's token is known again by."""
    return hashlib.sha256(f"{provider.casefold()}\n{token}".encode()).hexdigest()
