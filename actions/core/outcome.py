"""What an action says when it is done, and what a person should know of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from actions.core.merge_summary import MergeSummary
from models.base import Base


@dataclass(frozen=True, slots=True)
class Warned:
    """A sentence that stands in no one's way. ``values`` fill its %(name)s places."""

    message: str
    values: dict[str, Any] = field(default_factory=dict)
    see: tuple[str, int] | None = None
    """The record that it names, as (resource, id): only who may see that one is told."""

    @property
    def text(self) -> str:
        """The sentence, untranslated."""
        return self.message % self.values if self.values else self.message


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action says when it is done. ``message`` is a sentence; ``values`` fill its %(name)s places."""

    message: str
    record: Base | None = None
    values: dict[str, Any] = field(default_factory=dict)
    changeset_id: int | None = None
    record_id: int | None = None
    warnings: tuple[Warned, ...] = ()
    secret: str = field(default="", repr=False)
    """What was made and is shown this once, such as a key: no journal, log or cookie ever holds it."""
    sheet: MergeSummary | None = None
