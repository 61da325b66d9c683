"""The customer: the record everything else in the product belongs to."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Boolean, Date, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import normalise, places, validate
from models.base import N_, Record, Staff, table_args
from models.choices import AccountType, CreatedVia, Gender, Status
from models.columns import LIVE, capitals, check, money, refers, unique_where
from models.lookups import (
    AcquisitionSource,
    BankAccount,
    CustomerClass,
    MembershipGroup,
    PaymentTerm,
    PriceList,
    SalesChannel,
)
from models.personal import derived, fact, personal, reference, search_key, secret, state, visit
from models.presentation import heading, number_style, shown_by, sign_in_words, sorted_by
from models.types import Code, Key, Percent, UTCDateTime, choice
from models.validate import checked

if TYPE_CHECKING:
    from models.address import Address
    from models.attribute import AttributeValue
    from models.note import Note
    from models.order import ExternalId
    from models.phone import Phone


MERGED = text("merged_into_id IS NOT NULL")
AWAITING = text("status = 'pending_approval'")
BALANCE = sign_in_words(N_("owes"), N_("in credit"))
"""What the sign of an account balance means (rule 2.2)."""
OWN_AGENT = N_("Choose another agent. This one is the customer or one of their own sub-customers.")
NO_AGENT = N_("Choose a customer whose type is agent.")


class Customer(Record):
    """One person or company. ``points``, ``account_balance``, ``credit_balance`` are caches of the ledgers.

    A positive account balance means that the customer owes the shop, a negative one that they are in credit
    (rule 2.2). A merged record stays as a tombstone that names its survivor; an erased one stays as a row
    without personal data.
    """

    __tablename__ = "customer"
    __label__ = N_("Customer")
    __plural__ = N_("Customers")
    __asked__ = ("agent",)
    __table_args__ = table_args(
        capitals("currency", 3),
        check("no_self_agent", "agent_id IS NULL OR agent_id <> id"),
        check("no_self_merge", "merged_into_id IS NULL OR merged_into_id <> id"),
        check("global_discount_range", "global_discount BETWEEN 0 AND 10000"),
        check("credit_limit_range", "credit_limit IS NULL OR credit_limit >= 0"),
        check("points_range", "points >= 0"),
        check("credit_balance_range", "credit_balance >= 0"),
        unique_where(
            "uq_customer_email", "email_key", where=f"status = 'registered' AND email_key <> '' AND {LIVE}"
        ),
        unique_where("uq_customer_loyalty_code", "loyalty_code", where=LIVE),
        unique_where("uq_customer_account_code", "account_code", where=LIVE),
        # The lists leave merged records out, and for some people whole channels: with that in the index, a page and its
        # count are read from it alone.
        Index(
            "ix_customer_name",
            "last_name_key",
            "first_name_key",
            "id",
            "merged_into_id",
            "sales_channel_id",
        ),
        Index(
            "ix_customer_status_name",
            "status",
            "last_name_key",
            "first_name_key",
            "id",
            "merged_into_id",
            "sales_channel_id",
        ),
        # Only the merged ones: an index of all would tempt the planner to find the others by it.
        Index("ix_customer_merged_into_id", "merged_into_id", sqlite_where=MERGED, postgresql_where=MERGED),
        Index("ix_customer_phone", "phone_key", "id", "merged_into_id", "sales_channel_id"),
        Index("ix_customer_postcode", "postcode_key", "id", "merged_into_id", "sales_channel_id"),
        # A class has a large part of the shop: its customers are walked by their ids.
        Index("ix_customer_class", "customer_class_id", "id", "merged_into_id", "sales_channel_id"),
        Index("ix_customer_awaiting", "created_at", "id", sqlite_where=AWAITING, postgresql_where=AWAITING),
        Index(None, "first_name_key", "id"),
        Index(None, "email_key", "id"),
        Index(None, "company_key", "id"),
        Index(None, "loyalty_code"),
        Index(None, "account_code"),
        Index(None, "created_at", "id"),
        Index(None, "last_activity_at", "id"),
        Index(None, "points", "id"),
        Index(None, "account_balance", "id"),
        Index(None, "account_type", "account_balance", "id"),
        Index(None, "credit_balance", "id"),
    )

    title: Mapped[str | None] = mapped_column(String(30), info=personal("name"))
    first_name: Mapped[str | None] = mapped_column(String(100), info=personal("name"))
    last_name: Mapped[str | None] = mapped_column(
        String(100), info=personal("name") | sorted_by("last_name_key", "first_name_key")
    )
    company_name: Mapped[str | None] = mapped_column(String(160), info=personal("name"))
    trading_name: Mapped[str | None] = mapped_column(
        String(160), info=personal("name"), doc=N_("Only if the business trades under another name.")
    )
    company_number: Mapped[str | None] = mapped_column(
        String(30), info=personal("number", sensitive="vat") | checked(places.company_number)
    )
    vat_number: Mapped[str | None] = mapped_column(
        String(30),
        info=personal("number", sensitive="vat") | checked(places.vat_number) | heading(N_("VAT number")),
        doc=N_("Include the country letters, such as GB980780684."),
    )
    email: Mapped[str | None] = mapped_column(
        String(254), info=personal("email", sensitive="email") | checked(validate.email)
    )
    gender: Mapped[Gender | None] = mapped_column(
        choice(Gender, "gender"), info=personal("text", sensitive="birth")
    )
    date_of_birth: Mapped[dt.date | None] = mapped_column(
        Date, info=personal("date", sensitive="birth") | checked(validate.date_of_birth)
    )
    language: Mapped[str | None] = mapped_column(
        String(35),
        info=fact(merge="fill", erase="clear") | places.LANGUAGE,
        doc=N_("The language of emails to this customer, and of the portal for them."),
    )

    status: Mapped[Status] = mapped_column(choice(Status, "status"), default=Status.REGISTERED, info=state())
    account_type: Mapped[AccountType] = mapped_column(
        choice(AccountType, "account_type"), default=AccountType.RETAIL, info=fact() | heading(N_("Type"))
    )
    is_active: Mapped[bool] = mapped_column(
        Boolean,
        default=True,
        info=fact(merge="stricter"),
        doc=N_("Inactive customers cannot sign in or order."),
    )
    created_via: Mapped[CreatedVia] = mapped_column(
        choice(CreatedVia, "created_via"),
        default=CreatedVia.BACK_OFFICE,
        info=state() | heading(N_("Registered via")),
    )

    customer_class_id: Mapped[int | None] = refers(
        "customer_class", fact(merge="fill") | heading(N_("Class")), index=False
    )
    membership_group_id: Mapped[int | None] = refers(
        "membership_group", fact(merge="fill", erase="clear") | heading(N_("Group"))
    )
    acquisition_source_id: Mapped[int | None] = refers(
        "acquisition_source", fact(merge="fill") | heading(N_("How did you find us?"))
    )
    price_list_id: Mapped[int | None] = refers(
        "price_list", fact(merge="fill"), doc=N_("Leave blank to use the sales channel's price list.")
    )
    sales_channel_id: Mapped[int] = refers("sales_channel", fact())
    payment_term_id: Mapped[int | None] = refers("payment_term", fact(merge="fill"))
    bank_account_id: Mapped[int | None] = refers(
        "bank_account",
        fact(merge="fill") | heading(N_("Default bank account")),
        doc=N_("The bank account of ours that this customer pays into."),
    )
    agent_id: Mapped[int | None] = refers(
        "customer", reference(), doc=N_("The agent who looks after this customer.")
    )

    free_delivery: Mapped[bool] = mapped_column(
        Boolean, default=False, info=fact(), doc=N_("Never pays for delivery.")
    )
    global_discount: Mapped[Decimal] = mapped_column(
        Percent,
        default=Decimal(0),
        info=fact() | checked(validate.percentage),
        doc=N_("Percentage off every sales order, 0 to 100."),
    )
    pay_on_account: Mapped[bool] = mapped_column(
        Boolean,
        default=False,
        info=fact(merge="stricter") | heading(N_("Credit account")),
        doc=N_("Can buy on account, online and in store."),
    )
    credit_limit: Mapped[int | None] = money(
        fact() | checked(validate.not_negative),
        doc=N_("The most the customer may owe. Leave blank for no limit."),
    )
    currency: Mapped[str] = mapped_column(
        String(3), default="GBP", info=fact(merge="refuse") | places.CURRENCY
    )
    account_code: Mapped[str | None] = mapped_column(
        Code,
        info=personal("number") | checked(validate.code),
        doc=N_("Links the record to the accounting package."),
    )
    loyalty_code: Mapped[str | None] = mapped_column(
        Code,
        info=personal("number") | checked(validate.code) | heading(N_("Loyalty card")),
        doc=N_("The number on the loyalty card. Scan the card or type it."),
    )

    expiry_notices: Mapped[bool] = mapped_column(
        Boolean,
        default=True,
        info=fact(merge="stricter") | heading(N_("Points expiry emails")),
        doc=N_("Untick to stop sending this customer points expiry emails."),
    )

    points: Mapped[int] = mapped_column(BigInteger, default=0, info=derived)
    account_balance: Mapped[int] = money(derived | heading(N_("Balance")) | BALANCE, default=0)
    credit_balance: Mapped[int] = money(
        derived | heading(N_("Gift-card credit")) | number_style("unless_zero"), default=0
    )

    registered_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=state())
    last_login_at: Mapped[dt.datetime | None] = mapped_column(
        UTCDateTime, info=visit | heading(N_("Last website login"))
    )
    last_activity_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=visit)
    last_password_reset_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=visit)
    verified_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=state())
    verified_by_id: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="RESTRICT"), info=state()
    )
    email_verified_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=state(erase="clear"))
    password_hash: Mapped[str | None] = mapped_column(String(255), info=secret)
    password_hint: Mapped[str | None] = mapped_column(
        String(120), info=personal("text", merge="survivor", written_by="product", journalled=False)
    )
    merged_into_id: Mapped[int | None] = refers("customer", reference(written_by="action"), index=False)
    anonymised_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=state())

    email_key: Mapped[str] = mapped_column(
        Key, default="", info=search_key("email", of="email", by=normalise.email, sensitive="email")
    )
    last_name_key: Mapped[str] = mapped_column(
        Key, default="", info=search_key("name", of="last_name", by=normalise.surname)
    )
    first_name_key: Mapped[str] = mapped_column(
        Key, default="", info=search_key("name", of="first_name", by=normalise.folded)
    )
    company_key: Mapped[str] = mapped_column(
        Key, default="", info=search_key("name", of="company_name", by=normalise.folded)
    )
    # Those of the primary phone and address, kept by triggers (models/triggers.py): lists are sorted by them.
    phone_key: Mapped[str] = mapped_column(
        Key, default="", server_default="", info=search_key("phone", sensitive="phone")
    )
    postcode_key: Mapped[str] = mapped_column(
        Key, default="", server_default="", info=search_key("address", sensitive="address")
    )

    customer_class: Mapped[CustomerClass | None] = relationship()
    membership_group: Mapped[MembershipGroup | None] = relationship()
    acquisition_source: Mapped[AcquisitionSource | None] = relationship()
    price_list: Mapped[PriceList | None] = relationship()
    sales_channel: Mapped[SalesChannel] = relationship()
    payment_term: Mapped[PaymentTerm | None] = relationship()
    bank_account: Mapped[BankAccount | None] = relationship()
    verified_by: Mapped[Staff | None] = relationship(Staff, foreign_keys=[verified_by_id])
    agent: Mapped[Customer | None] = relationship(
        remote_side="Customer.id", foreign_keys=[agent_id], back_populates="sub_customers"
    )
    sub_customers: Mapped[list[Customer]] = relationship(
        foreign_keys=[agent_id], back_populates="agent", passive_deletes="all"
    )
    merged_into: Mapped[Customer | None] = relationship(
        remote_side="Customer.id", foreign_keys=[merged_into_id]
    )
    phones: Mapped[list[Phone]] = relationship(
        back_populates="customer",
        cascade="all, delete-orphan",
        order_by="(Phone.is_primary.desc(), Phone.id)",
    )
    attributes: Mapped[list[AttributeValue]] = relationship(
        back_populates="customer", cascade="all, delete-orphan"
    )
    external_ids: Mapped[list[ExternalId]] = relationship(back_populates="customer", passive_deletes="all")
    addresses: Mapped[list[Address]] = relationship(
        back_populates="customer", passive_deletes="all", order_by="(Address.is_primary.desc(), Address.id)"
    )
    notes: Mapped[list[Note]] = relationship(
        back_populates="customer", passive_deletes="all", order_by="(Note.created_at.desc(), Note.id.desc())"
    )
    primary_address: Mapped[Address | None] = relationship(
        primaryjoin="and_(Customer.id == Address.customer_id, Address.is_primary)",
        viewonly=True,
        uselist=False,
        info=heading(N_("Postcode")) | shown_by("postcode") | sorted_by("postcode_key"),
    )
    primary_phone: Mapped[Phone | None] = relationship(
        primaryjoin="and_(Customer.id == Phone.customer_id, Phone.is_primary)",
        viewonly=True,
        uselist=False,
        info=heading(N_("Phone")) | shown_by("number") | sorted_by("phone_key"),
    )

    watch_note: Mapped[Note | None] = relationship(
        primaryjoin="and_(Customer.id == Note.customer_id, Note.kind == 'watch', Note.done_at.is_(None))",
        viewonly=True,
        uselist=False,
    )

    @property
    def full_name(self) -> str:
        """ "Rashid Karim"; without a name the company, then the email, then the number of the record."""
        name = " ".join(part for part in (self.first_name, self.last_name) if part)
        return name or self.company_name or self.trading_name or self.email or f"#{self.id}"

    @property
    def sort_name(self) -> str:
        """ "Karim, Rashid", as lists show it, with the same fall-backs as :attr:`full_name`."""
        name = ", ".join(part for part in (self.last_name, self.first_name) if part)
        return name or self.full_name

    @property
    def display_name(self) -> str:
        """The name that titles, messages and typed confirmations use."""
        return self.full_name

    @property
    def is_live(self) -> bool:
        """Neither merged away nor erased."""
        return self.merged_into_id is None and self.anonymised_at is None

    def __str__(self) -> str:
        return self.full_name

    def derive(self) -> None:
        """Recompute the four search keys (rule 7.2)."""
        self.email_key = normalise.email(self.email)
        self.last_name_key = normalise.surname(self.last_name)
        self.first_name_key = normalise.folded(self.first_name)
        self.company_key = normalise.folded(self.company_name or self.trading_name)
        if self.phone_key is None:  # said outright, so that many new rows go in one statement
            self.phone_key, self.postcode_key = "", ""

    def problems(self, changed: set[str]) -> dict[str, str]:
        """Check what depends on several fields: the agent, and numbers whose shape depends on the country."""
        found = self._agent_problem() if changed & {"agent", "agent_id"} else {}
        country = self._country() if changed & {"vat_number", "company_number"} else None
        if "vat_number" in changed:
            found |= places.vat_number_problem("vat_number", self.vat_number, country)
        if "company_number" in changed:
            found |= places.company_number_problem("company_number", self.company_number, country)
        if "date_of_birth" in changed and self._born_after_save():
            found["date_of_birth"] = N_("Date of birth must be in the past.")
        return found

    def _born_after_save(self) -> bool:
        saved = self.updated_at or self.created_at
        return self.date_of_birth is not None and saved is not None and self.date_of_birth > saved.date()

    def _country(self) -> str | None:
        return next((address.country for address in self.addresses if address.is_primary), None)

    def _agent_problem(self) -> dict[str, str]:
        agent = self.agent
        if agent is None:
            return {}
        if agent is self or (self.id is not None and agent.agent_id == self.id):
            return {"agent": OWN_AGENT}
        if agent.account_type != AccountType.AGENT:
            return {"agent": NO_AGENT}
        return {}
