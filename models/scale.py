"""The scale that stored amounts are written with: how many decimals the amounts of each currency have (rule 2.1)."""

from __future__ import annotations

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import N_, Base, table_args
from models.columns import capitals, check
from models.personal import system
from models.types import PrimaryKey


class CurrencyScale(Base):
    """A currency, and how many decimals its stored amounts have.

    ``multiply`` and ``divide`` are set while its amounts are being converted, and never at a commit: the triggers of
    the ledgers let through that very multiplication of that currency, and nothing else (:mod:`models.rescaling`).
    """

    __tablename__ = "currency_scale"
    __label__ = N_("Currency scale")
    __plural__ = N_("Currency scales")
    __table_args__ = table_args(
        capitals("currency", 3),
        check("places_range", "places >= 0 AND places <= 4"),
        check("factor_range", "multiply > 0 AND divide > 0"),
    )

    id: Mapped[PrimaryKey]
    currency: Mapped[str] = mapped_column(String(3), unique=True, info=system)
    places: Mapped[int] = mapped_column(Integer, info=system)
    multiply: Mapped[int | None] = mapped_column(Integer, info=system)
    divide: Mapped[int | None] = mapped_column(Integer, info=system)

    def __str__(self) -> str:
        return self.currency
