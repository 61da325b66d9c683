"""Money a customer owes or has paid: invoices and the account ledger (rule 2)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ColumnElement, Date, Index, String, exists, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from models.base import N_, LedgerRow, table_args
from models.columns import capitals, check, money, owner, refers, reversed_once, unique_where
from models.customer import Customer
from models.order import Order
from models.personal import ledger, personal
from models.places import CURRENCY
from models.presentation import heading, sign_in_words
from models.triggers import AppendOnly
from models.types import Choice, Code, choice


class AccountKind(Choice):
    """Why the balance moved."""

    INVOICE = "invoice", N_("Invoice")
    PAYMENT = "payment", N_("Payment")
    REFUND = "refund", N_("Refund")
    REVERSAL = "reversal", N_("Reversal")


class Movement(Choice):
    """Which way money moved that was no invoice."""

    PAYMENT = "payment", N_("Payment")
    REFUND = "refund", N_("Refund")


class Fed(Choice):
    """What an accounting package reports of its own books."""

    INVOICE = "invoice", N_("Invoice")
    PAYMENT = "payment", N_("Payment")
    REFUND = "refund", N_("Refund")


class PaymentMethod(Choice):
    """How the money came."""

    BANK_TRANSFER = "bank_transfer", N_("Bank transfer")
    CARD = "card", N_("Card")
    CASH = "cash", N_("Cash")
    CHEQUE = "cheque", N_("Cheque")
    OTHER = "other", N_("Other")


class Invoice(LedgerRow):
    """An invoice on account, described by ``comment``. A void reverses its account entry (rule 2.4)."""

    __tablename__ = "invoice"
    __label__ = N_("Invoice")
    __plural__ = N_("Invoices")
    __append_only__ = AppendOnly(
        reassignable=("customer_id",),
        erasable=("comment",),
        blank_when_erased="customer_id",
        rescale=("amount",),
    )
    __table_args__ = table_args(
        capitals("currency", 3),
        check("amount_range", "amount > 0"),
        check("due_after_issue", "due_on >= issued_on"),
        Index(None, "customer_id", "issued_on", "id"),
        Index(None, "customer_id", "changeset_id"),
        Index(None, "issued_on", "id"),
        Index(None, "due_on", "id"),
        Index(None, "created_at", "id"),
    )

    customer_id: Mapped[int] = owner(written_by="action", index=False)
    number: Mapped[str] = mapped_column(Code, unique=True, info=ledger | heading(N_("Invoice")))
    issued_on: Mapped[dt.date] = mapped_column(Date, info=ledger | heading(N_("Issued on")))
    due_on: Mapped[dt.date] = mapped_column(Date, info=ledger | heading(N_("Due on")))
    amount: Mapped[int] = money(ledger)
    currency: Mapped[str] = mapped_column(String(3), info=ledger | CURRENCY)
    order_ref: Mapped[str | None] = mapped_column(
        Code, info=ledger | heading(N_("Order")), doc=N_("The order this invoice is for, as it was typed.")
    )
    order_id: Mapped[int | None] = refers("sales_order", ledger)

    customer: Mapped[Customer] = relationship()
    order: Mapped[Order | None] = relationship()
    entry: Mapped[AccountEntry | None] = relationship(
        primaryjoin="and_(Invoice.id == AccountEntry.invoice_id, AccountEntry.kind == 'invoice')",
        viewonly=True,
        uselist=False,
    )

    @hybrid_property
    def voided(self) -> bool:
        """Whether the account entry of this invoice has been reversed; usable in queries too."""
        return self.entry is not None and self.entry.reversed_by is not None

    @voided.inplace.expression
    @classmethod
    def _voided(cls) -> ColumnElement[bool]:
        entry, reversal = aliased(AccountEntry), aliased(AccountEntry)
        return exists().where(
            entry.invoice_id == cls.id, entry.kind == AccountKind.INVOICE, reversal.reverses_id == entry.id
        )

    def __str__(self) -> str:
        return self.number


class AccountEntry(LedgerRow):
    """One movement of the account balance in minor units; positive raises what is owed (rule 2.2)."""

    __tablename__ = "account_entry"
    __label__ = N_("Account entry")
    __plural__ = N_("Account entries")
    __append_only__ = AppendOnly(
        reassignable=("customer_id",),
        erasable=("comment", "reference"),
        blank_when_erased="customer_id",
        rescale=("amount",),
    )
    __table_args__ = table_args(
        capitals("currency", 3),
        check(
            "amount_sign",
            "amount <> 0 AND CASE WHEN kind IN ('invoice', 'refund') THEN amount > 0 "
            "WHEN kind = 'payment' THEN amount < 0 ELSE 1 = 1 END",
        ),
        check("reversal_names_entry", "(kind = 'reversal') = (reverses_id IS NOT NULL)"),
        check("invoice_named", "kind <> 'invoice' OR invoice_id IS NOT NULL"),
        unique_where("uq_account_entry_invoice", "invoice_id", where="kind = 'invoice'"),
        reversed_once("account_entry"),
        Index(None, "customer_id", "created_at", "id"),
        Index(None, "customer_id", "value_date", "id"),
        Index(None, "customer_id", "changeset_id"),
        Index(None, "created_at", "id"),
        Index(None, "value_date", "id"),
        Index(
            "ix_account_entry_fed",
            "created_at",
            sqlite_where=text("external_ref IS NOT NULL"),
            postgresql_where=text("external_ref IS NOT NULL"),
        ),
    )

    customer_id: Mapped[int] = owner(written_by="action", index=False)
    kind: Mapped[AccountKind] = mapped_column(choice(AccountKind, "kind"), info=ledger)
    amount: Mapped[int] = money(ledger | sign_in_words(N_("owes"), N_("paid")))
    currency: Mapped[str] = mapped_column(String(3), info=ledger | CURRENCY)
    method: Mapped[PaymentMethod | None] = mapped_column(choice(PaymentMethod, "method"), info=ledger)
    value_date: Mapped[dt.date] = mapped_column(
        Date, info=ledger, doc=N_("The day the money counts from, as used in statements.")
    )
    reference: Mapped[str | None] = mapped_column(
        String(80),
        info=personal("text", merge="survivor", written_by="action"),
        doc=N_("As shown on the bank statement or cheque."),
    )
    external_ref: Mapped[str | None] = mapped_column(
        String(80),
        unique=True,
        info=ledger | heading(N_("Reference in the package")),
        doc=N_("The accounting package's reference, if the entry came from there."),
    )
    invoice_id: Mapped[int | None] = refers("invoice", ledger)
    reverses_id: Mapped[int | None] = refers("account_entry", ledger, index=False)

    customer: Mapped[Customer] = relationship()
    invoice: Mapped[Invoice | None] = relationship()
    reverses: Mapped[AccountEntry | None] = relationship(
        remote_side="AccountEntry.id", back_populates="reversed_by"
    )
    reversed_by: Mapped[AccountEntry | None] = relationship(back_populates="reverses", passive_deletes="all")

    def __str__(self) -> str:
        return f"{self.kind.label} #{self.id}"
