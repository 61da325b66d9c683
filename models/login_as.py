"""Who of the staff logged in as which customer: asked for, begun, ended, and the pages they saw (rule 6).

None of it is a fact about the shop, so no change of it is in the journal: start, changes turned on and end are written
there as events of their own. Rows are kept, as the journal is.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import N_, Base, table_args
from models.columns import check, owner, refers
from models.customer import Customer
from models.member import Member
from models.personal import account, personal, secret
from models.types import Choice, Id, PrimaryKey, UTCDateTime, choice

_OPEN = text("ended_at IS NULL")


class Audience(Choice):
    """Where a member of staff is logged in as a customer."""

    PORTAL = "portal", N_("Customer portal")
    SHOP = "shop", N_("Our own shop site")


class LoginAs(Base):
    """One time that a member of staff asked to be logged in as a customer, and what became of it.

    The token of the hand-over is good once, for 60 seconds; the session that it begins is over after 30 minutes.
    """

    __tablename__ = "login_as"
    __label__ = N_("Log-in-as session")
    __plural__ = N_("Log-in-as sessions")
    __table_args__ = table_args(
        Index("ix_login_as_open", "staff_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index(None, "created_at", "id"),
        check("times", "(used_at IS NULL) = (ends_at IS NULL)"),
        check("end", "(ended_at IS NULL) = (ended_because IS NULL)"),
    )

    id: Mapped[PrimaryKey]
    staff_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True, info=account
    )
    staff_session_id: Mapped[int] = mapped_column(Id, info=account)
    """The number of the session that it was begun in, and ends with. That row is swept out a month later."""
    customer_id: Mapped[int] = owner("keep", written_by="product")
    reason: Mapped[str] = mapped_column(
        String(500), default="", info=personal("text", merge="survivor", written_by="product")
    )
    ticket: Mapped[str] = mapped_column(
        String(60), default="", info=personal("text", merge="survivor", written_by="product")
    )
    """The number under which the customer's question is kept elsewhere."""
    audience: Mapped[Audience] = mapped_column(choice(Audience, "audience"), info=account)
    api_key_id: Mapped[int | None] = refers("api_key", account)
    """The key by which a shop of one's own exchanged the token; no other may ask about it from then on."""
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, info=secret)
    created_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)
    expires_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)
    """Until when the token of the hand-over is good."""
    used_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=account)
    ends_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=account)
    """When the session is over at the latest; nothing extends it."""
    may_act: Mapped[bool] = mapped_column(Boolean, default=False, info=account)
    """Whether changes were turned on, for which it takes the permission "act for customer"."""
    ended_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=account)
    ended_because: Mapped[str | None] = mapped_column(String(100), info=account)

    member: Mapped[Member] = relationship()
    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return f"#{self.id}"


class LoginAsPage(Base):
    """A page that a member of staff saw in the portal while logged in as a customer."""

    __tablename__ = "login_as_page"
    __label__ = N_("Page seen")
    __plural__ = N_("Pages seen")
    __table_args__ = table_args()

    id: Mapped[PrimaryKey]
    login_as_id: Mapped[int] = refers("login_as", account, ondelete="CASCADE")
    at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)
    page: Mapped[str] = mapped_column(String(200), info=account)
    """Its path in the portal, without the query."""

    login_as: Mapped[LoginAs] = relationship()

    def __str__(self) -> str:
        return self.page
