"""What the templates of an import are given: plain data, ready to print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from admin.viewmodels.pages import FieldChange, Link, Text


@dataclass(slots=True)
class UploadPage:
    """Choosing a file. ``fields`` are (label, how it is written, whether a new record needs it).

    ``related`` is what else a row may hold: (label, what becomes of it).
    """

    title: Text
    action: str
    back: Link
    empty_url: str
    fields: Sequence[tuple[Text, Text, bool]]
    related: Sequence[tuple[Text, Text]] = ()
    error: Text = ""


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """A column of the file: its heading, a few of its values, and the field it goes into."""

    place: int
    header: str
    sample: Sequence[str]
    chosen: str


@dataclass(frozen=True, slots=True)
class Encoding:
    """What some lines of a file would say, were its bytes in this encoding."""

    name: str
    label: Text
    sample: Sequence[str]
    chosen: bool


Offer = tuple[str, str, bool]
"""Value, label, and whether it is the chosen one."""


@dataclass(frozen=True, slots=True)
class ReadingForm:
    """How the file is read, and how else it could be. ``sure``: nobody need say what its letters are."""

    summary: Text
    is_open: bool
    sure: bool
    encodings: Sequence[Encoding]
    separators: Sequence[Offer]
    lines: Sequence[Offer]
    sheets: Sequence[Offer]
    figures: Sequence[Offer]
    """How figures are written, in a file of text."""
    days: Sequence[Offer]
    """How an ambiguous date is read: there where the file has such."""


@dataclass(slots=True)
class MappingPage:
    """Which column goes where. ``matches`` are (name, label) to choose from, ``fields`` the same in groups."""

    title: Text
    file: str
    rows: Text
    action: str
    back: Link
    lines: Sequence[ColumnLine]
    fields: Sequence[tuple[Text, Sequence[tuple[str, Text]]]]
    matches: Sequence[tuple[str, Text]]
    match: str
    clear_empty: bool
    is_ours: bool
    """It was exported here."""
    ours: bool
    """Its record numbers are said to be ours."""
    saved: Sequence[tuple[int, str, bool]] = ()
    """(id, name, whether it is in force) of the mappings kept for this list."""
    notices: Sequence[Text] = ()
    """What of the saved mapping will no longer do."""
    elsewhere: Sequence[tuple[Text, Link | None]] = ()
    """What is said of columns that only another list takes, and the way to it."""
    own: Sequence[str] = ()
    """The names of the person's own mappings."""
    deletes: Sequence[Link] = ()
    reading: ReadingForm | None = None
    """None where the file itself is no longer kept."""
    file_id: int = 0
    map_url: str = ""
    save_as: str = ""
    save_error: Text = ""
    errors: Sequence[Text] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a cell, or with a row where ``label`` is empty."""

    label: Text
    value: str
    why: Text

    def __str__(self) -> str:
        if not self.label:
            return str(self.why)
        return f"{self.label} “{self.value}”: {self.why}" if self.value else f"{self.label}: {self.why}"


@dataclass(frozen=True, slots=True)
class ImportLine:
    """One row of the file and what would become of it."""

    line: int
    what: Text
    colour: str
    title: Text
    url: str | None
    changes: Sequence[FieldChange] = ()
    errors: Sequence[Fault] = ()
    alike: Sequence[tuple[Text, Link]] = ()
    """Which records that are there already it may be, and the way to have it update that one."""


@dataclass(frozen=True, slots=True)
class Count:
    """A tab over the rows: so many of them would be created, changed, left alone or refused."""

    label: Text
    count: int
    url: str
    active: bool


@dataclass(slots=True)
class RowsPage:
    """The dry run, row by row."""

    title: Text
    file: str
    counts: Sequence[Count]
    lines: Sequence[ImportLine]
    back: Link
    going_on: bool = False
    gone: int = 0
    total: int = 0
    url: str = ""
    map_url: str = ""
    apply_url: str = ""
    apply_label: Text = ""
    key: str = ""
    instead: Link | None = None
    """The way to have all rows update the one record that each may be."""
    refused_url: str = ""
    run_url: str = ""
    next_url: str = ""
    first_url: str = ""
    error: Text = ""
