"""How staff get in and stay in: sessions, attempts to sign in, links by mail, second factors.

None of it is a fact about the shop, so no change of it is in the journal; what a person would want to read there later
(who signed in, who was refused, whose sessions were ended) is written there as an action of its own. Tokens are 256
random bits, so that a plain SHA-256 keeps them as safe as a slow hash would.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import N_, Base, table_args
from models.member import Member
from models.personal import account, secret
from models.types import Choice, Json, PrimaryKey, UTCDateTime, choice
from models.vault import Secret, SecretText


def of_staff(ondelete: str = "CASCADE") -> Any:
    """Return the ``user_id`` of a row of one member of staff."""
    return mapped_column(Integer, ForeignKey("ab_user.id", ondelete=ondelete), index=True, info=account)


class SessionChannel(Choice):
    """How somebody signed in."""

    BROWSER = "browser", N_("Browser")
    API = "api", N_("API")


class StaffSession(Base):
    """One sign-in of one person: a browser's, whose cookie holds the token, or a program's, whose token names it."""

    __tablename__ = "staff_session"
    __label__ = N_("Session")
    __plural__ = N_("Sessions")
    __table_args__ = table_args(Index(None, "ended_at", "id"))

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = of_staff()
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, info=secret)
    channel: Mapped[SessionChannel] = mapped_column(
        choice(SessionChannel, "channel"), default=SessionChannel.BROWSER, info=account
    )
    data: Mapped[str] = mapped_column(Text, default="", info=secret)
    """What the session carries from page to page: the form token, messages."""
    created_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)
    last_seen_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)
    confirmed_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)
    """When the person last proved who they are: at sign-in, or by their password later on."""
    address: Mapped[str] = mapped_column(String(45), default="", info=account)
    agent: Mapped[str] = mapped_column(String(300), default="", info=account)
    """What the browser or program says it is."""
    ended_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=account)
    ended_because: Mapped[str | None] = mapped_column(String(60), info=account)

    member: Mapped[Member] = relationship()

    def __str__(self) -> str:
        return f"#{self.id}"


class AttemptBucket(Base):
    """The recent failed attempts on one account, from one address or from one browser, by a hash of which."""

    __tablename__ = "attempt_bucket"
    __label__ = N_("Sign-in attempts")
    __plural__ = N_("Sign-in attempts")
    __table_args__ = table_args(Index(None, "last_at"))

    id: Mapped[PrimaryKey]
    bucket: Mapped[str] = mapped_column(String(64), unique=True, info=secret)
    times: Mapped[Any] = mapped_column(Json, nullable=False, info=account)
    """Seconds since 1970 of each attempt that counts, oldest first."""
    last_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)

    def __str__(self) -> str:
        return f"#{self.id}"


class KnownBrowser(Base):
    """A browser in which somebody has signed in: strangers who guess at the account do not lock it out."""

    __tablename__ = "known_browser"
    __label__ = N_("Known browser")
    __plural__ = N_("Known browsers")
    __table_args__ = table_args()

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = of_staff()
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, info=secret)
    created_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)

    def __str__(self) -> str:
        return f"#{self.id}"


class LinkKind(Choice):
    """What a link in a mail to staff is for."""

    INVITATION = "invitation", N_("Invitation")
    RESET = "reset", N_("New password")


class StaffLink(Base):
    """A link sent to a member of staff, with which they choose their own password; good once, the newest only."""

    __tablename__ = "staff_link"
    __label__ = N_("Link")
    __plural__ = N_("Links")
    __table_args__ = table_args()

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = of_staff()
    kind: Mapped[LinkKind] = mapped_column(choice(LinkKind, "kind"), info=account)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, info=secret)
    created_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)
    expires_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)
    used_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=account)
    voided_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=account)

    def __str__(self) -> str:
        return f"#{self.id}"


class SecondFactor(Base):
    """An authenticator app: six digits every half minute, made from a secret that only it and we know (RFC 6238)."""

    __tablename__ = "second_factor"
    __label__ = N_("Two-factor authentication")
    __plural__ = N_("Two-factor authentication")
    __table_args__ = table_args()

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), unique=True, info=account
    )
    key: Mapped[Secret] = mapped_column(SecretText, info=secret)
    created_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=account)
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=account)
    """When a first code proved that the app has the secret; before that it asks nobody for anything."""
    last_step: Mapped[int] = mapped_column(BigInteger, default=0, info=account)
    """The half minute of the last code taken: no code is taken twice."""

    def __str__(self) -> str:
        return f"#{self.id}"


class RecoveryCode(Base):
    """A code to get in with when the authenticator is lost; good once."""

    __tablename__ = "recovery_code"
    __label__ = N_("Recovery code")
    __plural__ = N_("Recovery codes")
    __table_args__ = table_args()

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = of_staff()
    code_hash: Mapped[str] = mapped_column(String(64), info=secret)
    used_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=account)

    def __str__(self) -> str:
        return f"#{self.id}"
