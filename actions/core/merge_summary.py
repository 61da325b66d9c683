"""A balance sheet of records that become one (rule 3.1), and where they differ (rule 3.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.base import Base


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One figure of several records and, last, of the result. Money has a currency for each, in minor units."""

    label: str
    figures: tuple[int, ...]
    currencies: tuple[str, ...] = ()
    signed: bool = False
    """Whether it is a balance that may be owed either way."""


@dataclass(frozen=True, slots=True)
class MergeChoice:
    """Where records that become one differ (rule 3.4): of ``options``, id of a record -> its value, ``taken``'s stays.

    The values are those of ``column`` of ``model``, or texts where it is none; ``label`` is what they are called where
    no column says it.
    """

    field: str
    model: type[Base]
    column: str
    label: str
    options: Mapping[int, Any]
    taken: int


@dataclass(frozen=True, slots=True)
class MergeSummary:
    """A balance sheet (rule 3.1): what each of ``records`` has, and what the result will have.

    ``records`` are id -> name; ``clashes`` say where they differ.
    """

    records: Mapping[int, str]
    lines: tuple[SheetLine, ...]
    clashes: tuple[MergeChoice, ...] = ()
    has_result: bool = True
    """Whether the last figure of each line is the result; else there is one for each record and no more."""
