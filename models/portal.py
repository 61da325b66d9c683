"""How customers get into their account: sessions, links by mail, known browsers, what was asked on public pages.

As with staff (models/access.py) none of it is a fact about the shop, so no change of it is in the journal; what a
person would want to read there later is written there as an event of its own. Of each token only the hash is kept.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import N_, Base, table_args
from models.columns import check, owner, refers
from models.customer import Customer
from models.personal import account, personal, reference, secret
from models.types import Choice, PrimaryKey, UTCDateTime, choice


class PortalSession(Base):
    """One sign-in of one customer, in one browser, whose cookie holds the token."""

    __tablename__ = "portal_session"
    __label__ = N_("Portal session")
    __plural__ = N_("Portal sessions")
    __table_args__ = table_args(Index(None, "created_at"))

    id: Mapped[PrimaryKey]
    customer_id: Mapped[int] = owner("keep", written_by="product")
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, info=secret)
    data: Mapped[str] = mapped_column(Text, default="", info=secret)
    """What the session carries from page to page: the form token, messages."""
    created_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)
    last_seen_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)
    address: Mapped[str] = mapped_column(
        String(45), default="", info=personal("text", merge="survivor", written_by="product")
    )
    agent: Mapped[str] = mapped_column(
        String(300), default="", info=personal("text", merge="survivor", written_by="product")
    )
    """What the browser says it is."""
    ended_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=account)
    ended_because: Mapped[str | None] = mapped_column(String(60), info=account)
    login_as_id: Mapped[int | None] = refers("login_as", account)
    """Whose it is where it is none of the customer's own: a member of staff's who is logged in as them (rule 6)."""

    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return f"#{self.id}"


class PortalBrowser(Base):
    """A browser in which a customer has signed in: strangers who guess at the account do not lock it out."""

    __tablename__ = "portal_browser"
    __label__ = N_("Known browser of a customer")
    __plural__ = N_("Known browsers of customers")
    __table_args__ = table_args()

    id: Mapped[PrimaryKey]
    customer_id: Mapped[int] = owner("keep", written_by="product")
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, info=secret)
    created_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)

    def __str__(self) -> str:
        return f"#{self.id}"


class PortalLinkKind(Choice):
    """What a link in a mail to a customer is for."""

    RESET = "reset", N_("New password")
    INVITATION = "invitation", N_("Invitation")
    REGISTRATION = "registration", N_("Registration")
    EMAIL_CHANGE = "email_change", N_("New email address")
    EMAIL_RETURN = "email_return", N_("Email address before")
    CONTACT_EMAIL = "contact_email", N_("Additional email")


class PortalLink(Base):
    """A link sent to a customer, or to somebody who may become one; good once, the newest only (rule 5.1)."""

    __tablename__ = "portal_link"
    __label__ = N_("Link to a customer")
    __plural__ = N_("Links to customers")
    __table_args__ = table_args(
        Index(None, "sent_by_id", "created_at"),
        Index(None, "created_at"),
        check("whose", "customer_id IS NOT NULL OR (kind = 'registration' AND email IS NOT NULL)"),
    )

    id: Mapped[PrimaryKey]
    customer_id: Mapped[int | None] = refers("customer", reference("keep", written_by="product"))
    kind: Mapped[PortalLinkKind] = mapped_column(choice(PortalLinkKind, "kind"), info=account)
    email: Mapped[str | None] = mapped_column(
        String(254), info=personal("email", merge="survivor", erase="delete", written_by="product")
    )
    """The address that it is about: of a registration, of a change, or an additional one of the customer's."""
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, info=secret)
    sent_by_id: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="RESTRICT"), info=account
    )
    """The member of staff who had it sent; nobody where the customer asked for it."""
    created_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)
    expires_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)
    used_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=account)
    voided_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=account)

    customer: Mapped[Customer | None] = relationship()

    def __str__(self) -> str:
        return f"#{self.id}"


class PortalRequestKind(Choice):
    """What was asked for on a public page."""

    RESET = "reset", N_("Forgotten password")
    REGISTRATION = "registration", N_("Registration")


class PortalRequest(Base):
    """What somebody asked for on a public page, by an address that may be anybody's.

    The page only writes it down, the same for every address; a worker looks whose the address is and deletes the row.
    """

    __tablename__ = "portal_request"
    __label__ = N_("Request from the portal")
    __plural__ = N_("Requests from the portal")
    __table_args__ = table_args(check("email_filled", "email <> ''"))

    id: Mapped[PrimaryKey]
    kind: Mapped[PortalRequestKind] = mapped_column(choice(PortalRequestKind, "kind"), info=account)
    email: Mapped[str] = mapped_column(
        String(254), info=personal("email", merge="survivor", erase="delete", written_by="product")
    )
    created_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)
    request_id: Mapped[str] = mapped_column(String(64), default="", info=account)

    def __str__(self) -> str:
        return f"#{self.id}"
