"""Which migrations this database has seen, for programs older than the newest of them (rule 8.12).

An older program does not have the newer migrations. What it must know of each, whether it can go on without it, is
written here by the program that applies it (models/migrations/env.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from sqlalchemy import Boolean, Connection, String, Table, insert, inspect, select
from sqlalchemy.orm import Mapped, mapped_column

from models.base import N_, Base, table_args
from models.personal import system
from models.types import PrimaryKey


class AppliedMigration(Base):
    """A migration that was applied, and whether programs of the release before can work with what it made."""

    __tablename__ = "applied_migration"
    __label__ = N_("Applied migration")
    __plural__ = N_("Applied migrations")
    __table_args__ = table_args()

    id: Mapped[PrimaryKey]
    revision: Mapped[str] = mapped_column(String(32), unique=True, info=system)
    additive: Mapped[bool] = mapped_column(Boolean, info=system)

    def __str__(self) -> str:
        return self.revision


APPLIED = cast(Table, AppliedMigration.__table__)


def applied(connection: Connection) -> dict[str, bool]:
    """Return revision -> whether it is additive; {} in a database that is older than this table."""
    if not inspect(connection).has_table(APPLIED.name):
        return {}
    rows = connection.execute(select(APPLIED.c.revision, APPLIED.c.additive))
    return {row.revision: row.additive for row in rows}


def record(connection: Connection, migrations: Iterable[tuple[str, bool]]) -> None:
    """Write down the (revision, additive) of what was applied and is not written down yet."""
    if not inspect(connection).has_table(APPLIED.name):
        return
    there = applied(connection)
    rows = [{"revision": name, "additive": mark} for name, mark in migrations if name not in there]
    if rows:
        connection.execute(insert(APPLIED), rows)
