"""Addresses of a customer and the papers each of them receives (features 38 to 40)."""

from __future__ import annotations

from sqlalchemy import Boolean, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.orm.attributes import get_history

from models import normalise, places, validate
from models.base import N_, Record, table_args
from models.columns import capitals, owner, unique_where
from models.customer import Customer
from models.personal import fact, personal, search_key
from models.presentation import heading
from models.types import Key
from models.validate import checked, required

LINE1 = required(N_("Enter the first line of the address, such as 14 Mill Lane."))


class Address(Record):
    """One postal address. The database allows one primary a customer; actions see that there is one."""

    __tablename__ = "address"
    __label__ = N_("Address")
    __plural__ = N_("Addresses")
    __same__ = ("line1_key", "further_key")
    __filled__ = ("label",)
    __either__ = ("is_admin", "is_billing", "is_delivery")
    __table_args__ = table_args(
        capitals("country", 2),
        unique_where("uq_address_primary", "customer_id", where="is_primary"),
        # With the customer in it, a search for customers reads nothing else.
        Index("ix_address_postcode", "postcode_key", "id", "customer_id"),
        Index("ix_address_line1", "line1_key", "id", "customer_id"),
        Index("ix_address_town", "town_key", "id", "customer_id"),
    )

    customer_id: Mapped[int] = owner("combine")
    label: Mapped[str | None] = mapped_column(
        String(60),
        info=personal("text", merge="move"),
        doc=N_("The customer's name for it, such as Summer home."),
    )
    recipient: Mapped[str | None] = mapped_column(
        String(160), info=personal("name", merge="move"), doc=N_("Only if different from the customer.")
    )
    company: Mapped[str | None] = mapped_column(String(160), info=personal("name", merge="move"))
    line1: Mapped[str] = mapped_column(
        String(160),
        info=personal("address", merge="move", sensitive="address")
        | checked(LINE1)
        | heading(N_("Address 1")),
    )
    line2: Mapped[str | None] = mapped_column(
        String(160), info=personal("address", merge="move", sensitive="address") | heading(N_("Address 2"))
    )
    town: Mapped[str | None] = mapped_column(
        String(100), info=personal("address", merge="move", sensitive="address")
    )
    county: Mapped[str | None] = mapped_column(
        String(100), info=personal("address", merge="move", sensitive="address")
    )
    postcode: Mapped[str | None] = mapped_column(
        String(16), info=personal("address", merge="move", sensitive="address")
    )
    country: Mapped[str] = mapped_column(String(2), default="GB", info=fact() | places.COUNTRY)
    email: Mapped[str | None] = mapped_column(
        String(254),
        info=personal("email", merge="move", sensitive="email")
        | checked(validate.email, validate.no_card_number),
        doc=N_("Gets the emails that the roles below say."),
    )
    is_admin: Mapped[bool] = mapped_column(
        Boolean, default=False, info=fact(), doc=N_("Gets copies of everything.")
    )
    is_billing: Mapped[bool] = mapped_column(
        Boolean, default=False, info=fact(), doc=N_("Gets copies of invoices and statements.")
    )
    is_delivery: Mapped[bool] = mapped_column(
        Boolean, default=False, info=fact(), doc=N_("Deliveries go here.")
    )
    is_primary: Mapped[bool] = mapped_column(
        Boolean,
        default=False,
        info=fact(),
        doc=N_("The address shown in lists and at the top of the record."),
    )
    postcode_key: Mapped[str] = mapped_column(
        Key, default="", info=search_key("address", of="postcode", by=normalise.postcode, sensitive="address")
    )
    line1_key: Mapped[str] = mapped_column(
        Key,
        default="",
        info=search_key("address", of="line1", by=normalise.folded, sensitive="address")
        | heading(N_("Street")),
    )
    town_key: Mapped[str] = mapped_column(
        Key, default="", info=search_key("address", of="town", by=normalise.folded, sensitive="address")
    )

    customer: Mapped[Customer] = relationship(back_populates="addresses")

    @property
    def lines(self) -> list[str]:
        """The address as printed, empty lines left out; the country is its ISO code."""
        parts = (
            self.recipient,
            self.company,
            self.line1,
            self.line2,
            self.town,
            self.county,
            self.postcode,
            self.country,
        )
        return [part for part in parts if part]

    @property
    def further_key(self) -> str:
        """All but the first line of it, as two addresses are compared: where it is, who gets post and email there."""
        texts = (self.line2, self.town, self.county, self.recipient, self.company)
        keys = *map(normalise.folded, texts), normalise.postcode(self.postcode), normalise.email(self.email)
        return "\n".join((*keys, self.country))

    def __str__(self) -> str:
        return ", ".join(part for part in (self.line1, self.town, self.postcode) if part) or f"#{self.id}"

    def derive(self) -> None:
        """Write a new postcode the way its country does, and recompute the search keys (rule 7.2)."""
        if get_history(self, "postcode").has_changes():
            self.postcode = places.tidy_postcode(self.postcode, self.country or "GB")
        self.postcode_key = normalise.postcode(self.postcode)
        self.line1_key = normalise.folded(self.line1)
        self.town_key = normalise.folded(self.town)

    def problems(self, changed: set[str]) -> dict[str, str]:
        """Check the postcode by the shape its country uses."""
        if not changed & {"postcode", "country"}:
            return {}
        return places.postcode_problem("postcode", self.postcode, self.country or "GB")
