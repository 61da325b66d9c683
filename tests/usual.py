"""What a test row holds where nobody says otherwise: a value for each column that needs one, by its type.

A model without a function of its own in tests/factories.py or tests/staffing.py is made of these.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.base import Base, Record
from models.personal import policy
from models.types import Minor, Percent, UTCDateTime
from tests import factories, staffing
from tests.factories import NOW, TODAY, number

CALLED = {
    "sales_order": "order", "staff_preference": "preference", "ab_user": "member", "staff": "member", "ab_role": "role",
    "ab_group": "staff_group", "ab_user_role": "role_holder", "ab_permission_view_role": "role_grant",
    "ab_user_group": "group_member", "ab_group_role": "group_role",
}  # fmt: skip
"""Table or noun -> what its factory is called, where that is not the same."""
TABLES = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}
NOUNS = {model.resource_name(): model for model in TABLES.values()}


def maker(kind: str) -> Callable[..., Any]:
    """Return the factory of a table or noun: its own, or one made of usual values."""
    name = f"make_{CALLED.get(kind, kind)}"
    own = getattr(staffing, name, None) or getattr(factories, name, None)
    return own or partial(make, NOUNS.get(kind) or TABLES[kind])


def make(model: type[Base], session: Session, **overrides: Any) -> Any:
    """Return a new row of a model, with whatever it needs filled by its columns' types."""
    usual = {c.key: partial(_value, session, c.columns[0]) for c in needed(model)}
    return factories._save(session, model(**factories._given(overrides, **usual)))


def needed(model: type[Base]) -> list[Any]:
    """Return the columns of a model that hold nothing unless somebody fills them in."""
    return [c for c in sa.inspect(model).column_attrs if _is_needed(model, c.columns[0])]


def _is_needed(model: type[Base], column: sa.Column[Any]) -> bool:
    stamped = issubclass(model, Record) and column.key in ("created_at", "updated_at")
    given = column.default is not None or column.server_default is not None or column.primary_key
    return not (column.nullable or stamped or given or policy(column).merge == "recompute")


def _value(session: Session, column: sa.Column[Any]) -> Any:
    for key in column.foreign_keys:
        return maker(key.column.table.name)(session).id
    return plain(column.type, number())


def plain(kind: Any, n: int) -> Any:
    """Return the n-th value of a type."""
    values: dict[type[Any] | tuple[type[Any], ...], Callable[[], Any]] = {
        sa.Enum: lambda: list(kind.enum_class)[n % len(kind.enum_class)],
        Minor: lambda: 1_000 + n % 5,
        Percent: lambda: Decimal(n % 20),
        UTCDateTime: lambda: NOW - dt.timedelta(days=n % 7),
        sa.Boolean: lambda: n % 2 == 0,
        sa.Date: lambda: TODAY + dt.timedelta(days=n % 5),
        sa.Integer: lambda: n % 50,
        sa.JSON: dict,
        sa.String: lambda: f"Text {n}"[: kind.length],
    }
    return next(make() for types, make in values.items() if isinstance(kind, types))


def varied(kind: Any, n: int, words: str) -> Any:
    """Return the n-th value of a type, where a text is one of ``words``."""
    return (
        words[: kind.length]
        if isinstance(kind, sa.String) and not isinstance(kind, sa.Enum)
        else plain(kind, n)
    )
