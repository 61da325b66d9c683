"""What the template of a save that came second is given: plain data, ready to print (rule 9.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from admin.viewmodels.pages import Text


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """One field of a conflict page: at opening, theirs, mine; ``differs`` when both changed it."""

    name: str
    label: Text
    base: Text
    theirs: Text
    mine: Text
    differs: bool
    theirs_value: str = ""
    mine_value: str = ""
    theirs_only: bool = False
    """Rows that both edited: theirs stay, mine are shown to be entered again."""


@dataclass(slots=True)
class ConflictPage:
    """The page of a save that came second (rule 9.4): base, theirs and mine for each field; nothing is lost."""

    title: Text
    by: str
    clashes: Sequence[FieldConflict]
    action: str
    cancel: str
    version: int
    fields: Sequence[tuple[str, str]]
    """Every field of my form, to be carried along unchanged unless a choice below overrides it."""
    drawer: bool = False
