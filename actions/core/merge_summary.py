"""A balance sheet of records that become one (rule 3.1), and where they differ (rule 3.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from models.base import Base

Columns = Literal["result", "parted", "each"]
"""Whose the figures of a line are: each record's and the result's; what the first has before, and each afterwards; or
each record's and no more."""


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

    ``records`` are id -> name, the survivor first; ``clashes`` say where they differ, ``since`` of which day each is a
    customer, and ``moved`` what comes over, in words. Where records are parted, ``clashes`` say whose a row is to be
    (rule 3.12).
    """

    records: Mapping[int, str]
    lines: tuple[SheetLine, ...]
    clashes: tuple[MergeChoice, ...] = ()
    since: Mapping[int, dt.date] = field(default_factory=dict)
    moved: str = ""
    columns: Columns = "result"
