"""Whom a customer's account knows besides: people who act on it, and addresses that get its mail (features 32, 34)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import normalise, places, validate
from models.base import N_, Record, table_args
from models.columns import owner, unique_where
from models.customer import Customer
from models.personal import personal, search_key, state
from models.presentation import heading
from models.types import Key, UTCDateTime
from models.validate import checked, no_card_number, required


def _phone(field: str, value: str | None) -> str | None:
    return None if value is None else places.phone_shape(field, value)


class AccountHolder(Record):
    """Somebody else on a customer's account: staff of a company, a partner. They do not sign in."""

    __tablename__ = "account_holder"
    __label__ = N_("Person on the account")
    __plural__ = N_("People on the account")

    customer_id: Mapped[int] = owner(erase="delete")
    name: Mapped[str] = mapped_column(
        String(160),
        info=personal("name", merge="move", erase="delete")
        | checked(no_card_number, required(N_("Enter the person's name."))),
    )
    role: Mapped[str | None] = mapped_column(
        String(80),
        info=personal("text", merge="move", erase="delete") | checked(no_card_number),
        doc=N_("What they do for the account, such as Buyer or Bookkeeper."),
    )
    email: Mapped[str | None] = mapped_column(
        String(254),
        info=personal("email", merge="move", erase="delete", sensitive="email")
        | checked(validate.email, no_card_number),
    )
    phone: Mapped[str | None] = mapped_column(
        String(40),
        info=personal("phone", merge="move", erase="delete", sensitive="phone")
        | checked(no_card_number, _phone),
    )

    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return self.name


class ContactEmail(Record):
    """A further address that gets the mail of an account, once it is confirmed. Nobody signs in with it."""

    __tablename__ = "contact_email"
    __label__ = N_("Additional email")
    __plural__ = N_("Additional emails")
    __same__ = ("email_key",)
    __filled__ = ("confirmed_at",)
    __table_args__ = table_args(
        unique_where("uq_contact_email_email", "customer_id", "email_key", where="email_key <> ''"),
    )

    customer_id: Mapped[int] = owner("combine", erase="delete")
    email: Mapped[str] = mapped_column(
        String(254),
        info=personal("email", merge="move", erase="delete", sensitive="email")
        | checked(required(N_("Enter an email address.")), validate.email, no_card_number),
    )
    label: Mapped[str | None] = mapped_column(
        String(60),
        info=personal("text", merge="move", erase="delete") | checked(no_card_number),
        doc=N_("Whose address it is, such as Accounts department."),
    )
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(
        UTCDateTime,
        info=state(merge="fill", erase="delete") | heading(N_("Confirmed")),
        doc=N_("When somebody who reads the mailbox, or staff, said that the address is right."),
    )
    """None while it waits: then it gets no mail but the link that asks (rule 12.7)."""
    email_key: Mapped[str] = mapped_column(
        Key, default="", info=search_key("email", of="email", by=normalise.email, sensitive="email")
    )

    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return self.email

    def derive(self) -> None:
        """Recompute the key by which two addresses are the same (rule 7.2)."""
        self.email_key = normalise.email(self.email)
