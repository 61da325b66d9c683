"""Imports: a file on its way into a table, row by row, and the mappings that staff keep for the next one.

A file and its rows are a place to work in, not facts: they are not journalled, and they go when their time has come.
What an import changes is journalled like any other action, under the run that made it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import normalise
from models.base import N_, Base, Invalid, Record, Staff, table_args
from models.columns import refers
from models.personal import fact, personal, search_key, staff, system
from models.run import Run
from models.types import Choice, File, Id, Json, Key, PrimaryKey, UTCDateTime, choice
from models.validate import checked


class ImportState(Choice):
    """How far a file has come."""

    UPLOADED = "uploaded", N_("Waiting for mapping")
    TRYING = "trying", N_("Checking")
    TRIED = "tried", N_("Checked")
    APPLIED = "applied", N_("Imported")


class Verdict(Choice):
    """What an import does with a row, or would do."""

    CREATED = "created", N_("Created")
    CHANGED = "changed", N_("Changed")
    UNCHANGED = "unchanged", N_("Unchanged")
    REFUSED = "refused", N_("Refused")


class ImportFile(Base):
    """One uploaded file, theirs who uploaded it. Any web host can take the next step, as all of it is stored here."""

    __tablename__ = "import_file"
    __label__ = N_("Import")
    __plural__ = N_("Imports")
    __table_args__ = table_args(Index(None, "expires_at"))

    id: Mapped[PrimaryKey]
    resource: Mapped[str] = mapped_column(String(63), info=system)
    name: Mapped[str] = mapped_column(String(200), info=personal("text", written_by="product"))
    actor_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True, info=staff
    )
    created_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=system)
    expires_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=system)
    state: Mapped[ImportState] = mapped_column(
        choice(ImportState, "state"), default=ImportState.UPLOADED, info=system
    )
    size: Mapped[int] = mapped_column(Integer, default=0, info=system)
    headers: Mapped[list[str]] = mapped_column(Json, info=personal("text", written_by="product"))
    reading: Mapped[dict[str, Any] | None] = mapped_column(
        Json, info=personal("text", written_by="product"), doc=N_("How the file is read.")
    )
    plan: Mapped[dict[str, Any] | None] = mapped_column(
        Json, info=personal("text", written_by="product"), doc=N_("Which column goes where, and how.")
    )
    created: Mapped[int] = mapped_column(Integer, default=0, info=system)
    changed: Mapped[int] = mapped_column(Integer, default=0, info=system)
    unchanged: Mapped[int] = mapped_column(Integer, default=0, info=system)
    refused: Mapped[int] = mapped_column(Integer, default=0, info=system)
    busy_until: Mapped[dt.datetime | None] = mapped_column(
        UTCDateTime, info=system, doc=N_("Until when the worker that reads its rows has it for itself.")
    )
    trial_id: Mapped[int | None] = refers("run", system)
    run_id: Mapped[int | None] = refers("run", system)

    trial: Mapped[Run | None] = relationship(foreign_keys=[trial_id])
    run: Mapped[Run | None] = relationship(foreign_keys=[run_id])

    def __str__(self) -> str:
        return self.name


class ImportPiece(Base):
    """A piece of an uploaded file as it came, for it to be read in another way."""

    __tablename__ = "import_piece"
    __label__ = N_("File part")
    __plural__ = N_("File parts")
    __table_args__ = table_args(UniqueConstraint("file_id", "position"))

    id: Mapped[PrimaryKey]
    file_id: Mapped[int] = refers("import_file", system, ondelete="CASCADE", index=False)
    position: Mapped[int] = mapped_column(Integer, info=system)
    content: Mapped[bytes] = mapped_column(File, info=personal("text", written_by="product"))

    def __str__(self) -> str:
        return f"{self.position}"


class ImportRow(Base):
    """One row of a file: its cells as text, the values they stand for, and what became of it.

    ``flaws`` are column -> why nobody can tell what its cell says; ``row_id`` is the record it is about, once there is
    one; ``seen`` the version that record had when it was tried.
    """

    __tablename__ = "import_row"
    __label__ = N_("Row")
    __plural__ = N_("Rows")
    __table_args__ = table_args(
        UniqueConstraint("file_id", "position"),
        Index(None, "file_id", "verdict", "position"),
        Index(None, "file_id", "row_id"),
    )

    id: Mapped[PrimaryKey]
    file_id: Mapped[int] = refers("import_file", system, ondelete="CASCADE", index=False)
    position: Mapped[int] = mapped_column(Integer, info=system)
    line: Mapped[int] = mapped_column(Integer, info=system)
    cells: Mapped[list[str] | None] = mapped_column(Json, info=personal("text", written_by="product"))
    flaws: Mapped[dict[str, str] | None] = mapped_column(Json, info=personal("text", written_by="product"))
    given: Mapped[dict[str, Any] | None] = mapped_column(Json, info=personal("text", written_by="product"))
    verdict: Mapped[Verdict | None] = mapped_column(choice(Verdict, "verdict"), info=system)
    row_id: Mapped[int | None] = mapped_column(Id, info=system)
    seen: Mapped[int | None] = mapped_column(Integer, info=system)
    before: Mapped[dict[str, Any] | None] = mapped_column(Json, info=personal("text", written_by="product"))
    after: Mapped[dict[str, Any] | None] = mapped_column(Json, info=personal("text", written_by="product"))
    errors: Mapped[dict[str, str] | None] = mapped_column(Json, info=personal("text", written_by="product"))

    def __str__(self) -> str:
        return f"{self.line}"


def _speaking(field: str, value: str | None) -> str:
    """Check a name that people are to find again in a list."""
    if value is None or not any(character.isalnum() for character in value):
        raise Invalid({field: N_("Enter a name for the mapping with letters or digits in it.")})
    return value


class ImportMapping(Record):
    """Which column of a file goes into which field, kept under a name for the next file of the kind.

    It is theirs who saved it, to replace and to delete; others who import into the list may use it, too.
    """

    __tablename__ = "import_mapping"
    __label__ = N_("Saved mapping")
    __plural__ = N_("Saved mappings")
    __table_args__ = table_args(UniqueConstraint("resource", "owner_id", "name_key"))

    resource: Mapped[str] = mapped_column(String(63), info=system)
    owner_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True, info=staff
    )
    name: Mapped[str] = mapped_column(String(80), info=fact() | checked(_speaking))
    headers: Mapped[list[str]] = mapped_column(Json, info=fact())
    fields: Mapped[dict[str, str]] = mapped_column(Json, info=fact())
    match: Mapped[str | None] = mapped_column(String(63), info=fact())
    clear_empty: Mapped[bool] = mapped_column(Boolean, default=False, info=fact())
    month_first: Mapped[bool | None] = mapped_column(
        Boolean, info=fact(), doc=N_("Whether 03/04/2026 means 4 March. Blank if it was never asked.")
    )
    figures: Mapped[str | None] = mapped_column(
        String(8), info=fact(), doc=N_("How numbers are written, as the language that writes them this way.")
    )
    name_key: Mapped[str] = mapped_column(
        Key, default="", info=search_key("none", of="name", by=normalise.folded)
    )

    owner: Mapped[Staff] = relationship(Staff, foreign_keys=[owner_id])

    def derive(self) -> None:
        """Keep the key that makes names unique among the mappings of a list."""
        self.name_key = normalise.folded(self.name)

    def __str__(self) -> str:
        return self.name
