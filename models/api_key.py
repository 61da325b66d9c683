"""Keys by which programs use the API in the name of a member of staff."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Date, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import N_, Record, table_args
from models.personal import account, fact, secret, staff, state
from models.types import Choice, UTCDateTime, choice
from models.validate import checked, required


class KeyScope(Choice):
    """What a key is good for; never more than its owner may do at that moment."""

    READ = "read", N_("Read only")
    FULL = "full", N_("Everything its owner can do")


class ApiKey(Record):
    """A key to the API. Only its hash is kept, so it can be shown once: the moment it is made.

    Flask-AppBuilder's own table is not used: it keeps local times without a zone, is changed outside any action, and
    its scopes are read by nothing.
    """

    __tablename__ = "api_key"
    __label__ = N_("API key")
    __plural__ = N_("API keys")
    __table_args__ = table_args()

    name: Mapped[str] = mapped_column(
        String(80), info=fact() | checked(required(N_("Enter what the key is for.")))
    )
    user_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True, info=staff
    )
    owner_name: Mapped[str] = mapped_column(String(140), default="", info=staff)
    prefix: Mapped[str] = mapped_column(
        String(12), info=account, doc=N_("The first characters of the key, to tell keys apart.")
    )
    hash: Mapped[str] = mapped_column(String(64), unique=True, info=secret)
    scope: Mapped[KeyScope] = mapped_column(choice(KeyScope, "scope"), default=KeyScope.READ, info=fact())
    expires_on: Mapped[dt.date | None] = mapped_column(
        Date, info=fact(), doc=N_("The last day it works. Leave blank for no end date.")
    )
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=state())
    last_used_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=account)

    def __str__(self) -> str:
        return self.name
