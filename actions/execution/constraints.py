"""A sentence for each database constraint, so that no answer ever shows SQL."""

from __future__ import annotations

import re

from sqlalchemy import CheckConstraint, Table, UniqueConstraint
from sqlalchemy.exc import IntegrityError

from actions.core.base import Refused
from models.base import N_, Base, Invalid, metadata
from models.outage import Trouble

NOT_NULL = re.compile(r'NOT NULL constraint failed: \w+\.(\w+)|null value in column "(\w+)"')
CHECK = re.compile(r'CHECK constraint failed: (\w+)|violates check constraint "(\w+)"')
TAKEN = N_("Another record already has this value.")
REFERRED = N_("This record is used by other records, or refers to one that does not exist.")
NOT_ALLOWED = N_("This value is not allowed.")
REQUIRED = N_("This field is required.")
APPEND_ONLY = N_("Ledger entries cannot be changed or deleted. Reverse the entry instead.")


class OtherRelease(Refused):
    """The database has a rule that this release does not know: a newer one has upgraded it (HTTP 503, rule 8.12)."""

    status = 503

    def __init__(self) -> None:
        super().__init__("database_schema", Trouble.SCHEMA.sentence)


def to_refusal(error: IntegrityError, model: type[Base]) -> Exception:
    """Return the :class:`Invalid` (naming the field) or :class:`Refused` that says what ``error`` means."""
    text = str(error.orig)
    if "append-only" in text:
        return Refused("append_only", APPEND_ONLY)
    table: Table = model.__table__  # type: ignore[assignment]
    if "FOREIGN KEY" in text.upper() or "foreign key" in text:
        return Refused("referred_to", REFERRED)
    if _is_of_another_release(text):
        return OtherRelease()
    if (field := _null_field(text)) is not None:
        return Invalid({field: REQUIRED})
    if (fields := _unique_fields(text, table)) is not None:
        return Invalid(dict.fromkeys(fields, TAKEN))
    return Invalid({_check_field(text, table): NOT_ALLOWED})


def _is_of_another_release(text: str) -> bool:
    """Return whether the rule that was broken is in none of our tables: a column that must not be empty, or a check."""
    tables, said = metadata.tables.values(), text.partition("\n")[0]  # what follows quotes the row
    if found := NOT_NULL.search(said):
        return not any((found.group(1) or found.group(2)) in table.columns for table in tables)
    if found := CHECK.search(said):
        names = {c.name for table in tables for c in table.constraints if isinstance(c, CheckConstraint)}
        return (found.group(1) or found.group(2)) not in names
    return False


def _null_field(text: str) -> str | None:
    found = NOT_NULL.search(text)
    return (found.group(1) or found.group(2)).removesuffix("_id") if found else None


def _unique_fields(text: str, table: Table) -> list[str] | None:
    if found := re.search(r"UNIQUE constraint failed: (?!index)([\w., ]+)", text):
        return [shown(part.split(".")[-1]) for part in found.group(1).split(", ")]
    name = re.search(r"unique constraint \"(\w+)\"|UNIQUE constraint failed: index '(\w+)'", text)
    if name is None:
        return None
    wanted = name.group(1) or name.group(2)
    for other in (table, *metadata.tables.values()):
        for index in [*other.indexes, *(c for c in other.constraints if isinstance(c, UniqueConstraint))]:
            if index.name == wanted:
                return [shown(column.name) for column in index.columns] or [table.name]
    return [table.name]


def _check_field(text: str, table: Table) -> str:
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint) and constraint.name and str(constraint.name) in text:
            named = [c.name for c in table.columns if re.search(rf"\b{c.name}\b", str(constraint.sqltext))]
            return shown(named[0]) if named else table.name
    return table.name


def shown(column: str) -> str:
    """Return the field a person typed for a column: its key's source, its reference's name."""
    return column.removesuffix("_key").removesuffix("_id")
