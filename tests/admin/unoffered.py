"""A value for every column there is, to be sent to forms that do not offer it."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from models.base import metadata
from models.types import Percent, UTCDateTime

ROUTE = frozenset(
    {"csrf_token", "key", "version", "confirm", "fingerprint", "ids", "all", "count", "id", "view", "q"}
)
"""What a form sends beside its fields: none of it is a column's value."""


def value_for(column: sa.Column[Any]) -> str:
    """A value of a column's type, and unlike what stands there."""
    kind = column.type
    if isinstance(kind, sa.Enum):
        return str(kind.enums[-1])
    if isinstance(kind, UTCDateTime | sa.DateTime):
        return "2001-02-03T04:05:06+00:00"
    if isinstance(kind, sa.Date):
        return "2001-02-03"
    if isinstance(kind, sa.Boolean):
        return "y"
    if isinstance(kind, Percent | sa.Numeric):
        return "7.5"
    return "1" if isinstance(kind, sa.Integer) else "Sneaked in"


EVERY = {column.name: value_for(column) for table in metadata.tables.values() for column in table.columns}
"""Column -> a value, of every table there is."""


def unoffered(fields: Any) -> dict[str, str]:
    """Return what no form of these fields offers, as columns and by the names of their relations."""
    return {name: value for name, value in _spelt() if name not in ROUTE and name not in fields}


def _spelt() -> Iterator[tuple[str, str]]:
    for name, value in EVERY.items():
        yield name, value
        if name.endswith("_id"):
            yield name.removesuffix("_id"), value
