"""Fields that got a plainer name: what an earlier release called them, and what they are called now.

Migration 0015 gave their columns the new names, and renamed them where mappings, waiting runs and chosen columns name
them. The journal keeps the names it was written with, as each changeset is sealed together with its changes (rule 9.8):
it is read through :class:`StoredFields`, the type of its columns, so that history, undo, version history and merges
know the new names only. No journalled table was renamed so far. Programs may send the old names for one release, and
are answered by both (:data:`models.renamed_codes.ANSWERED_UNTIL`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from models.types import Json

FIELDS: Mapping[str, Mapping[str, str]] = {
    "ab_role": {"needs_factor": "requires_two_factor"},
    "customer": {"lapse_warnings": "expiry_notices"},
    "staff_session": {"door": "channel"},
}
"""Table -> what a field was called, and what it is called now. No table has a field by one of the old names."""
JOURNALLED: Mapping[str, str] = {**FIELDS["ab_role"], **FIELDS["customer"]}
"""Those that the journal knows."""
_CURRENT: Mapping[str, str] = {old: new for names in FIELDS.values() for old, new in names.items()}
MAPPING = "fields"
"""The column of a saved mapping: which heading of a file goes into which field."""


def current(name: str) -> str:
    """Return what a field is called now."""
    return _CURRENT.get(name, name)


def former(table: str) -> dict[str, str]:
    """Return what the fields of a table are called now -> what they were called by the release before."""
    return {new: old for old, new in FIELDS.get(table, {}).items()}


def as_before(parameters: Any) -> Any:
    """Return an action's parameters as the release before was given them."""
    if not isinstance(parameters, Mapping):
        return parameters
    names = {new: old for old, new in JOURNALLED.items()}
    return {names.get(name, name): as_before(value) for name, value in parameters.items()}


class StoredFields(TypeDecorator[dict[str, Any]]):
    """Values by field, of which an earlier release may have stored some by another name: read by the present ones."""

    impl = Json
    cache_ok = True

    def process_result_value(self, value: dict[str, Any] | None, dialect: Dialect) -> dict[str, Any] | None:
        """Return the values by the present names."""
        return None if value is None else {JOURNALLED.get(n, n): _named(n, v) for n, v in value.items()}


def _named(name: str, value: Any) -> Any:
    """Return a value, which in a saved mapping names fields itself."""
    if name != MAPPING or not isinstance(value, dict):
        return value
    return {heading: JOURNALLED.get(field, field) for heading, field in value.items()}
