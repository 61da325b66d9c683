"""By which rules and data the search keys in this database were written."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models import personal
from models.base import N_, Base
from models.types import PrimaryKey, UTCDateTime


class KeyRelease(Base):
    """The one row says which :data:`models.normalise.RELEASE` all keys were written by."""

    __tablename__ = "key_release"
    __label__ = N_("Release of search keys")
    __plural__ = N_("Releases of search keys")

    id: Mapped[PrimaryKey]
    release: Mapped[str] = mapped_column(String(80), info=personal.system)
    written_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=personal.system)

    def __str__(self) -> str:
        return self.release
