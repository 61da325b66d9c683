"""Mail: the outbox and the log of what was written to whom (rule 14).

A row is written in the transaction of the action that it tells of, and sent by a worker afterwards. It is its own
journal: what was written never changes, who wrote it, when and why is on its changeset, and the rest is the
bookkeeping of the sending, which nobody decides. So no change of it is journalled, save that a merge moves it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import ForeignKey, Index, Integer, String, Text, or_, select, text
from sqlalchemy.orm import Mapped, mapped_column, object_session, relationship

from models import normalise
from models.base import N_, Base, table_args
from models.columns import check, filled, refers
from models.contact import ContactEmail
from models.customer import Customer
from models.journal import Changeset
from models.masks import email
from models.personal import personal, reference, search_key, secret, staff, system
from models.renamed_codes import StoredCode
from models.types import Choice, File, Key, PrimaryKey, UTCDateTime, choice
from models.vault import Secret, SecretText

BASE_MARK = "https://base.invalid"
"""Stands in a stored text for the address of the shop, which is the deployment's and known when the mail goes out."""

PORTAL_MARK = "https://portal.invalid"
"""Stands likewise for the address of the customers' portal."""

SECRET_MARK = "•" * 8
"""Stands in a stored text for what only the recipient may see: filled in at sending, and kept nowhere afterwards."""

HINT_MARK = "[•••]"
"""Stands likewise for a customer's password hint, read from their record as the mail goes out (rule 5.12)."""


LARGEST_FILE = 5_000_000
"""Bytes of one file that goes with a mail; many mail servers take no mail of more than ten million."""


MOST_SHOWN = 50
"""Other mails that one of them names."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """What links in mails begin with: the address of the back office, and that of the customers' portal."""

    base_url: str
    portal_url: str


class MailState(Choice):
    """What became of a mail."""

    WAITING = "waiting", N_("Waiting")
    SENT = "sent", N_("Sent")
    FAILED = "failed", N_("Failed")
    WITHHELD = "withheld", N_("Not sent")
    WITHDRAWN = "withdrawn", N_("Withdrawn")


class Mail(Base):
    """One mail to one address. A waiting one belongs to the worker that holds the lease with the newest ``fence``.

    What tells of a person is empty once that person is erased.
    """

    __tablename__ = "mail"
    __label__ = N_("Email")
    __plural__ = N_("Emails")
    __table_args__ = table_args(
        Index("ix_mail_due", "next_attempt_at", "id", sqlite_where=text("state = 'waiting'"),
              postgresql_where=text("state = 'waiting'")),
        Index(None, "state", "id"),
        Index(None, "customer_id", "id"),
        Index(None, "recipient_key", "id"),
        Index(None, "created_at", "id"),
        filled("ix_mail_resend_of_id", "resend_of_id"),
        Index("ix_mail_secret", "id", sqlite_where=text("secret IS NOT NULL"),
              postgresql_where=text("secret IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    customer_id: Mapped[int | None] = refers("customer", reference(written_by="product"), index=False)
    staff_id: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True, info=staff
    )
    """The member of staff it was written to, where that is who it was written to."""
    template: Mapped[str] = mapped_column(StoredCode(60), info=system)
    recipient: Mapped[str | None] = mapped_column(
        String(254), info=personal("email", merge="survivor", written_by="product", sensitive="email")
    )
    subject: Mapped[str | None] = mapped_column(
        String(250), info=personal("text", merge="survivor", written_by="product")
    )
    text_body: Mapped[str | None] = mapped_column(
        Text, deferred=True, deferred_group="body",
        info=personal("text", merge="survivor", written_by="product"),
    )  # fmt: skip
    html_body: Mapped[str | None] = mapped_column(
        Text, deferred=True, deferred_group="body",
        info=personal("text", merge="survivor", written_by="product"),
    )  # fmt: skip
    secret: Mapped[Secret | None] = mapped_column(SecretText, deferred=True, info=secret)
    state: Mapped[MailState] = mapped_column(
        choice(MailState, "state"), default=MailState.WAITING, info=system
    )
    attempts: Mapped[int] = mapped_column(Integer, default=0, info=system)
    created_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=system)
    sent_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=system)
    next_attempt_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=system)
    last_error: Mapped[str | None] = mapped_column(
        Text, info=personal("text", merge="survivor", written_by="product", sensitive="email")
    )
    """A mail server's words, which often quote the address."""
    message_id: Mapped[str] = mapped_column(String(64), unique=True, info=system)
    key: Mapped[str | None] = mapped_column(String(200), unique=True, info=system)
    """What it is written once for, where that is so: a job, the month and the customer."""
    resend_of_id: Mapped[int | None] = refers("mail", system, index=False)
    resent_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=system)
    changeset_id: Mapped[int] = refers("changeset", system)
    fence: Mapped[int] = mapped_column(Integer, default=0, info=system)
    lease_until: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=system)
    recipient_key: Mapped[str] = mapped_column(
        Key, default="", info=search_key("email", of="recipient", by=normalise.email, sensitive="email")
    )

    customer: Mapped[Customer | None] = relationship()
    changeset: Mapped[Changeset] = relationship()
    resend_of: Mapped[Mail | None] = relationship(remote_side="Mail.id")
    attachments: Mapped[list[MailAttachment]] = relationship(
        back_populates="mail", order_by="MailAttachment.id", passive_deletes="all"
    )

    def derive(self) -> None:
        """Recompute the search key (rule 7.2)."""
        self.recipient_key = normalise.email(self.recipient)

    @property
    def others(self) -> list[Mail]:
        """The mails of the same paper to the account's other addresses, by id (rule 14.9)."""
        session = object_session(self)
        if session is None or self.customer_id is None:
            return []
        same = Mail.changeset_id == self.changeset_id, Mail.customer_id == self.customer_id
        wanted = select(Mail).where(*same, Mail.template == self.template, Mail.id != self.id)
        return list(session.scalars(wanted.order_by(Mail.id).limit(MOST_SHOWN)))

    @property
    def unconfirmed(self) -> list[ContactEmail]:
        """The account's additional emails that were not confirmed when it was written, by id (rule 12.7)."""
        session = object_session(self)
        if session is None or self.customer_id is None:
            return []
        there = ContactEmail.customer_id == self.customer_id, ContactEmail.created_at <= self.created_at
        waited = or_(ContactEmail.confirmed_at.is_(None), ContactEmail.confirmed_at > self.created_at)
        return list(session.scalars(select(ContactEmail).where(*there, waited).order_by(ContactEmail.id)))

    @property
    def holds_secret(self) -> bool:
        """Whether it was written with something that only its recipient may see."""
        return SECRET_MARK in (self.text_body or "")

    def __str__(self) -> str:
        return self.subject or f"#{self.id}"


class MailAttachment(Base):
    """A file that goes with a mail. Like the mail's words it never changes; an erasure takes name and content."""

    __tablename__ = "mail_attachment"
    __label__ = N_("Attachment")
    __plural__ = N_("Attachments")
    __table_args__ = table_args(check("size_range", f"size > 0 AND size <= {LARGEST_FILE}"))

    id: Mapped[PrimaryKey]
    mail_id: Mapped[int] = refers("mail", system)
    name: Mapped[str | None] = mapped_column(
        String(120), info=personal("text", merge="survivor", written_by="product")
    )
    content_type: Mapped[str] = mapped_column(String(100), info=system)
    size: Mapped[int] = mapped_column(Integer, info=system)
    """In bytes."""
    content: Mapped[bytes | None] = mapped_column(
        File, deferred=True, info=personal("text", merge="survivor", written_by="product")
    )

    mail: Mapped[Mail] = relationship(back_populates="attachments")

    def __str__(self) -> str:
        return self.name or f"#{self.id}"


def masked(address: str | None) -> str:
    """Return an address as it is shown in passing: its first letter and its domain."""
    return email(address)
