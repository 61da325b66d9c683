"""How a file is read: what it says of itself, and what a person chose."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read. All but the last six can be chosen by a person; None is for the file to say.

    :param line: which line holds the headings.
    """

    encoding: str | None = None
    separator: str | None = None
    line: int | None = None
    sheet: str | None = None
    sure: bool = True
    """Whether somebody knows the encoding: the file says it, its bytes fit no other, or a person chose it."""
    samples: dict[str, list[str]] = field(default_factory=dict)
    """Encoding -> what some lines say in it."""
    sheets: list[tuple[str, bool]] = field(default_factory=list)
    """The sheets of a workbook, those that are not hidden first, and whether each is."""
    starts: list[tuple[int, str]] = field(default_factory=list)
    """The first lines of the file."""
    figures: dict[str, list[str]] = field(default_factory=dict)
    """Column -> the formats in which all of its figures can be read, of those that are not alike in all."""
    days: dict[str, str] = field(default_factory=dict)
    """Column -> what its dates say of their order: ``day`` or ``month`` comes first, ``either``, or ``both``."""

    def stored(self) -> dict[str, Any]:
        """Return it as the file keeps it."""
        return asdict(self)

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> Reading | None:
        """Return what :meth:`stored` was."""
        return None if stored is None else cls(**stored)

    def has_columns_of(self, other: Reading) -> bool:
        """Whether a file has the same columns, read so or so."""
        return (self.separator, self.line, self.sheet) == (other.separator, other.line, other.sheet)
