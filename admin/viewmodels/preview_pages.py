"""What the templates are given to say what an action would do: plain data, ready to print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from admin.viewmodels.pages import FieldChange, Text


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """One row that an action would touch."""

    kind: Text
    title: Text
    changes: Sequence[FieldChange]


@dataclass(frozen=True, slots=True)
class PreviewGroup:
    """The rows of one table; ``count`` of them in all, the first few as ``lines``."""

    label: Text
    count: int
    lines: Sequence[PreviewLine]


@dataclass(frozen=True, slots=True)
class PreviewChoice:
    """Where records differ: ``options`` are (record id, what it has, what the record is called); one is taken."""

    field: str
    label: Text
    options: Sequence[tuple[int, str, str]]
    taken: int


@dataclass(frozen=True, slots=True)
class PreviewSheet:
    """Figures of several records and of the result: ``lines`` are (label, a figure for each and for the result)."""

    records: Sequence[Text]
    lines: Sequence[tuple[Text, Sequence[Text]]]
    clashes: Sequence[PreviewChoice] = ()
    ours: int = 0
    """Id of the record that the others become part of."""
    has_result: bool = True


@dataclass(frozen=True, slots=True)
class PreviewCount:
    """How many of too many rows to try an action on would change: where that is asked for, and what was counted."""

    url: str
    lines: Sequence[Text] = ()


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """What an action would do. ``blockers`` are (record, why); with any of them it would be refused."""

    groups: Sequence[PreviewGroup]
    blockers: Sequence[tuple[Text, Text]]
    more_blockers: int
    warnings: Sequence[Text]
    fingerprint: str
    sheet: PreviewSheet | None = None
    count: PreviewCount | None = None
