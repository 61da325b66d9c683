"""The short lists that staff maintain and records choose from. A row in use is retired, not deleted."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Boolean, Integer, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from models import normalise, validate
from models.base import N_, Record, table_args
from models.columns import capitals, check, refers
from models.personal import fact, search_key
from models.places import CURRENCY
from models.presentation import heading
from models.types import Code, Key, Percent
from models.validate import between, checked, matching, percentage, required

NAMED = required(N_("Enter a name."))
LAST4 = matching(r"[0-9A-Z]{4}", N_("Enter the last four letters or digits only, such as 4821."))


class Lookup(Record):
    """One entry of a list: its name is unique whatever its capitals and accents."""

    __abstract__ = True

    name: Mapped[str] = mapped_column(String(80), info=fact() | checked(NAMED))
    is_active: Mapped[bool] = mapped_column(
        Boolean,
        default=True,
        sort_order=80,
        info=fact(),
        doc=N_("Untick to keep it on existing records but no longer offer it."),
    )

    @declared_attr
    def name_key(cls) -> Mapped[str]:
        key = search_key("none", of="name", by=normalise.folded)
        return mapped_column(Key, unique=True, sort_order=81, info=key)

    def derive(self) -> None:
        """Keep the key that makes names unique."""
        self.name_key = normalise.folded(self.name)

    def __str__(self) -> str:
        return self.name


class CustomerClass(Lookup):
    """Decides a customer's purchase discount and free tastings, and groups customers in reports (feature 41)."""

    __tablename__ = "customer_class"
    __label__ = N_("Customer class")
    __plural__ = N_("Customer classes")
    __table_args__ = table_args(
        check("discount_range", "discount BETWEEN 0 AND 10000"),
        check("free_tastings_range", "free_tastings BETWEEN 0 AND 1000"),
    )

    discount: Mapped[Decimal] = mapped_column(
        Percent,
        default=Decimal(0),
        info=fact() | checked(percentage),
        doc=N_("Percentage off every purchase. Wine club discounts are set in the club."),
    )
    free_tastings: Mapped[int] = mapped_column(
        Integer,
        default=0,
        info=fact() | checked(between(0, 1000)),
        doc=N_("Free tastings in a calendar year, for each customer of the class."),
    )
    description: Mapped[str | None] = mapped_column(String(500), info=fact())


class MembershipGroup(Lookup):
    """The group a member is in (feature 43)."""

    __tablename__ = "membership_group"
    __label__ = N_("Membership group")
    __plural__ = N_("Membership groups")

    description: Mapped[str | None] = mapped_column(String(500), info=fact())


class AcquisitionSource(Lookup):
    """An answer to "How did you find us?" (feature 21)."""

    __tablename__ = "acquisition_source"
    __label__ = N_("Acquisition source")
    __plural__ = N_("Acquisition sources")


class PriceList(Lookup):
    """A named set of prices; open to any customer, trade or not (features 48, 50)."""

    __tablename__ = "price_list"
    __label__ = N_("Price list")
    __plural__ = N_("Price lists")
    __table_args__ = table_args(capitals("currency", 3))

    currency: Mapped[str] = mapped_column(String(3), default="GBP", info=fact() | CURRENCY)
    is_trade: Mapped[bool] = mapped_column(
        Boolean, default=False, info=fact(), doc=N_("Holds trade prices and trade offers.")
    )


class SalesChannel(Lookup):
    """Where sales come from; it decides the price list. Every customer has exactly one (feature 51)."""

    __tablename__ = "sales_channel"
    __label__ = N_("Sales channel")
    __plural__ = N_("Sales channels")

    code: Mapped[str] = mapped_column(
        Code,
        unique=True,
        info=fact() | checked(validate.code),
        doc=N_("Short code for imports and other systems, such as WEB."),
    )
    price_list_id: Mapped[int | None] = refers("price_list", fact())

    price_list: Mapped[PriceList | None] = relationship()


class PaymentTerm(Lookup):
    """When a customer pays. Full payment first keeps an order from dispatch until it is paid (features 57, 58)."""

    __tablename__ = "payment_term"
    __label__ = N_("Payment term")
    __plural__ = N_("Payment terms")
    __table_args__ = table_args(
        check("days_range", "days BETWEEN 0 AND 365"),
        check("full_payment_days", "days = 0 OR NOT full_payment_first"),
    )

    days: Mapped[int] = mapped_column(
        Integer,
        default=0,
        info=fact() | checked(between(0, 365)),
        doc=N_("Days from the invoice until it is due."),
    )
    full_payment_first: Mapped[bool] = mapped_column(
        Boolean,
        default=False,
        info=fact(),
        doc=N_("Orders wait for payment, a credit note or a discount before dispatch."),
    )

    def problems(self, changed: set[str]) -> dict[str, str]:
        """Full payment first leaves no days of credit."""
        if changed & {"days", "full_payment_first"} and self.full_payment_first and self.days:
            return {"days": N_("With payment up front there are no credit days. Enter 0.")}
        return {}


class BankAccount(Lookup):
    """One of the shop's own bank accounts, for a customer to pay into (feature 55). No full number is kept."""

    __tablename__ = "bank_account"
    __label__ = N_("Bank account")
    __plural__ = N_("Bank accounts")
    __table_args__ = table_args(capitals("currency", 3))

    holder: Mapped[str | None] = mapped_column(String(120), info=fact())
    bank_name: Mapped[str | None] = mapped_column(String(120), info=fact() | heading(N_("Bank")))
    iban_last4: Mapped[str | None] = mapped_column(
        String(4),
        info=fact() | checked(LAST4) | heading(N_("IBAN, last four")),
        doc=N_("The last four characters of the IBAN or account number."),
    )
    currency: Mapped[str] = mapped_column(String(3), default="GBP", info=fact() | CURRENCY)
