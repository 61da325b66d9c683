"""Phone numbers of a customer, each with its kind and extension (feature 19)."""

from __future__ import annotations

from sqlalchemy import Boolean, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import normalise, places
from models.base import N_, Record, table_args
from models.columns import capitals, owner, unique_where
from models.customer import Customer
from models.personal import fact, personal, search_key
from models.presentation import sorted_by
from models.types import Choice, Key, choice
from models.validate import checked, matching

EXTENSION = matching(r"[0-9]{1,10}", N_("Enter the extension as digits only, such as 204."))


class PhoneKind(Choice):
    """What the number reaches."""

    MOBILE = "mobile", N_("Mobile")
    PERSONAL = "personal", N_("Personal")
    WORK = "work", N_("Work")
    FAX = "fax", N_("Fax")
    ALTERNATE = "alternate", N_("Alternate")


class Phone(Record):
    """One number as staff typed it; ``number_key`` holds its E.164 digits. At most one is the primary one."""

    __tablename__ = "phone"
    __label__ = N_("Phone")
    __plural__ = N_("Phones")
    __same__ = ("number_key", "extension")
    __table_args__ = table_args(
        capitals("country", 2),
        unique_where("uq_phone_primary", "customer_id", where="is_primary"),
        Index("ix_phone_number", "number_key", "id", "customer_id"),
    )

    customer_id: Mapped[int] = owner("combine", ondelete="CASCADE")
    kind: Mapped[PhoneKind] = mapped_column(choice(PhoneKind, "kind"), default=PhoneKind.MOBILE, info=fact())
    number: Mapped[str] = mapped_column(
        String(40),
        info=personal("phone", merge="move", sensitive="phone")
        | checked(places.phone_shape)
        | sorted_by("number_key"),
    )
    extension: Mapped[str | None] = mapped_column(
        String(10), info=personal("phone", merge="move", sensitive="phone") | checked(EXTENSION)
    )
    country: Mapped[str] = mapped_column(
        String(2),
        default="GB",
        info=fact() | places.COUNTRY,
        doc=N_("The country of a number entered without + and a country code."),
    )
    is_primary: Mapped[bool] = mapped_column(
        Boolean, default=False, info=fact(), doc=N_("The number shown in lists. A customer has only one.")
    )
    number_key: Mapped[str] = mapped_column(
        Key, default="", info=search_key("phone", by=normalise.compact, sensitive="phone")
    )

    customer: Mapped[Customer] = relationship(back_populates="phones")

    def __str__(self) -> str:
        return f"{self.number} ext. {self.extension}" if self.extension else self.number

    def derive(self) -> None:
        """Recompute the E.164 digits that search and duplicate checks compare."""
        self.number_key = normalise.phone(self.number, self.country or "GB")

    def problems(self, changed: set[str]) -> dict[str, str]:
        """Check the number by the rules of its country."""
        if not changed & {"number", "country"}:
            return {}
        return places.phone_problem("number", self.number, self.country or "GB")
