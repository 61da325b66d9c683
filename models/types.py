"""Column types that behave the same on SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from typing import Annotated

from sqlalchemy import JSON, BigInteger, DateTime, Enum, Integer, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import mapped_column
from sqlalchemy.types import TypeDecorator

from models.personal import system

Id = BigInteger().with_variant(Integer(), "sqlite")
"""Row ids. SQLite only hands out ids for a column that is literally INTEGER."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON document; None is SQL NULL."""

Key = String(320).with_variant(String(320, collation="C"), "postgresql")
"""A normalised search or sort key: compared byte by byte, so a prefix is an index range on both databases."""


class Minor(TypeDecorator[int]):
    """Money in integer minor units (pence, cents), never a float or SQL numeric (rule 2.1)."""

    impl = BigInteger
    cache_ok = True


class File(TypeDecorator[bytes]):
    """The bytes of a file, such as a PDF: the only thing that is stored neither as text nor as a figure."""

    impl = LargeBinary
    cache_ok = True


class UTCDateTime(TypeDecorator[dt.datetime]):
    """An aware instant, stored in UTC and always read back as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Refuse a naive time: guessing its zone would lose an hour twice a year."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a time zone")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Return the stored instant as an aware UTC datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=dt.UTC)
        return value.astimezone(dt.UTC)


class Until(UTCDateTime):
    """The instant at which something ends, which every channel tells by the last day before it (models/days.py)."""

    cache_ok = True


class Percent(TypeDecorator[Decimal]):
    """A percentage with two decimals, stored as integer hundredths: 12.5 % is 1250. No float is involved."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> int | None:
        """Return hundredths of a percent."""
        return None if value is None else int((Decimal(value) * 100).to_integral_value())

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Return a Decimal with two places."""
        return None if value is None else Decimal(value).scaleb(-2)


class Choice(enum.StrEnum):
    """A short fixed list, stored by value. A member is declared as ``RETAIL = "retail", N_("Retail")``."""

    _value_: str
    label: str

    def __new__(cls, value: str, label: str) -> Choice:
        """Make the member equal to its stored value and keep its name on screen as ``label``."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


def choice(members: type[Choice], name: str) -> Enum:
    """Return the column type for ``members``: a string whose CHECK ``ck_<table>_<name>`` lists the values."""
    return Enum(
        members,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda found: [member.value for member in found],
    )


Code = String(40).with_variant(String(40, collation="C"), "postgresql")
"""A code people type or scan (card, account, order number), kept in capitals; a prefix is an index range."""

PrimaryKey = Annotated[
    int, mapped_column(Id, primary_key=True, autoincrement=True, sort_order=-10, info=system)
]
