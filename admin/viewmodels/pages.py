"""What the templates are given: plain data, ready to print. No template runs a query or decides anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup

Text = str | Markup


def list_id(resource: str) -> str:
    """Return the id of a list's element; those of its parts begin with it."""
    return f"list-{resource}"


@dataclass(frozen=True, slots=True)
class Link:
    """Something to click. ``drawer`` opens it in the side drawer; ``post`` sends a form with ``fields`` instead."""

    label: Text
    url: str
    icon: str = ""
    drawer: bool = False
    post: bool = False
    danger: bool = False
    primary: bool = False
    key: str = ""
    confirm: Text = ""
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A line of the left menu; ``count`` is a live figure with ``count_label`` saying of what."""

    label: Text
    url: str
    icon: str
    active: bool = False
    count: int | None = None
    count_label: Text = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class MenuSection:
    """A titled group of menu lines; the first has no title."""

    label: Text
    entries: Sequence[MenuEntry]


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds every signed-in page."""

    menu: Markup
    person: str
    initials: str
    role: str
    search_url: str
    theme: Literal["auto", "light", "dark"] = "auto"
    viewing: str = ""
    """The role as whose holder the person looks at everything."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One formatted value. ``sub`` is the second, quieter line; ``badges`` stand behind the value."""

    html: Text
    url: str | None = None
    sub: Text = ""
    initials: str = ""
    badges: Sequence[Badge] = ()


@dataclass(frozen=True, slots=True)
class Badge:
    """A status as a word in a soft colour: green, azure, yellow, orange, red, blue or grey ("secondary")."""

    label: Text
    colour: str = "secondary"
    icon: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class StatusLine:
    """A line under a record's head; one that is ``live`` changes by itself within seconds."""

    text: Text
    icon: str
    live: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A column heading of a list."""

    name: str
    label: Text
    end: bool = False
    """Right-aligned tabular figures."""
    sort_url: str | None = None
    direction: Literal["", "ascending", "descending"] = ""
    editable: bool = False
    help: Text = ""
    tight: bool = False
    """Short values that are not wrapped: dates, choices."""
    kept: bool = False
    """The person asked for it, so it does not give way where the list has no room."""

    @property
    def style(self) -> str:
        """The class of the cells under it."""
        return "end" if self.end else "tight" if self.tight else ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a list. ``edit`` maps a column's name to its inline-edit address where this person may edit it."""

    id: int
    title: str
    url: str | None
    cells: Sequence[Cell]
    menu: Text = ""
    """What can be done with the row, printed."""


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter, with the address of the list without it."""

    label: Text
    operator: Text
    value: Text
    remove_url: str


@dataclass(frozen=True, slots=True)
class FilterChoice:
    """A column that can be filtered: its operators and, for a choice or relation, its values."""

    name: str
    label: Text
    kind: Literal["text", "number", "money", "date", "choice", "boolean", "lookup"]
    operators: Sequence[tuple[str, Text]]
    choices: Sequence[tuple[str, Text]] = ()
    lookup_url: str | None = None


@dataclass(frozen=True, slots=True)
class ViewTab:
    """A saved view shown as a tab over the list."""

    label: Text
    url: str
    active: bool
    count: int | None = None


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """A line of the column chooser."""

    name: str
    label: Text
    shown: bool


@dataclass(slots=True)
class ListPage:
    """A list, whole or as a tab of a record (``embedded``)."""

    resource: str
    title: Text
    singular: Text
    headings: Sequence[Heading]
    lines: Sequence[Line]
    count: Text
    """ "1,284", or "10,000+" beyond the cap."""
    matching: int
    capped: bool
    url: str
    """The address of this list with its filters, without paging."""
    base_url: str
    q: str = ""
    short: str = ""
    """What is said of a search for less than a word, which finds nothing."""
    searchable: bool = False
    search_hint: Text = ""
    chips: Sequence[Chip] = ()
    filters: Sequence[FilterChoice] = ()
    views: Sequence[ViewTab] = ()
    columns: Sequence[ColumnChoice] = ()
    columns_url: str | None = None
    hidden: Sequence[tuple[str, str]] = ()
    """Query arguments a GET form must carry along (filters, sort, view) besides its own."""
    page_size: int = 50
    page_sizes: Sequence[tuple[int, str]] = ()
    next_url: str | None = None
    previous_url: str | None = None
    first_url: str | None = None
    new: Link | None = None
    tools: Sequence[Link] = ()
    exports: Sequence[Link] = ()
    bulk: Sequence[Link] = ()
    empty: Text = ""
    embedded: bool = False
    edit_url: str | None = None
    """Where an inline edit is posted."""
    facts: Sequence[Fact] = ()
    """Figures over a list that stands as a tab: the balance of a ledger, what expires soon."""
    totals: Totals | None = None
    """Sums over all rows of the list."""
    live: bool = False
    """Some row changes by itself; the rows are fetched again every few seconds."""
    wakes: int | None = None
    """Seconds until some row changes by itself; then the rows are fetched again."""
    totals_url: str = ""
    """Where they are fetched from, where the page comes without them."""

    @property
    def lid(self) -> str:
        """Return the id of the list's element."""
        return list_id(self.resource)


@dataclass(frozen=True, slots=True)
class SecretPage:
    """What was made and can be read this once; ``next`` leads on."""

    title: Text
    secret: str
    next: str
    drawer: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its value on a record's overview."""

    label: Text
    cell: Cell
    help: Text = ""
    wide: bool = False
    """It takes a line of its own where figures stand side by side."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all rows of a list: a small table whose lines begin with what they are of."""

    label: Text
    headings: Sequence[Text]
    lines: Sequence[tuple[Cell, Sequence[Text]]]
    said: str = ""
    """As of when, or why there are none."""


@dataclass(frozen=True, slots=True)
class TabLink:
    """A tab of a record: ``url`` is its address, ``content`` where its list is fetched from."""

    slug: str
    label: Text
    url: str
    content: str
    active: bool
    count: Text = ""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field's old and new value in words."""

    label: Text
    before: Text
    after: Text


@dataclass(frozen=True, slots=True)
class Event:
    """One changeset on an activity line."""

    title: Text
    at: Markup
    by: Text
    url: str | None
    reason: str = ""
    changes: Sequence[FieldChange] = ()
    undo_url: str = ""
    """Where it is taken back, for those who may."""
    undone_by: str = ""
    """Who took it back, where it stands undone."""
    past_url: str = ""
    """Where the record is shown as it was right after."""


@dataclass(slots=True)
class RecordPage:
    """One record: header, tabs, facts, activity."""

    resource: str
    id: int
    title: Text
    initials: str
    subtitle: Sequence[Text]
    badges: Sequence[Badge]
    buttons: Sequence[Link]
    menu: Sequence[Link]
    tabs: Sequence[TabLink]
    sections: Sequence[tuple[Text, Sequence[Fact]]]
    list_url: str
    list_title: Text
    watch: Event | None = None
    activity: Sequence[Event] = ()
    activity_url: str | None = None
    notice: Text = ""
    status_lines: Sequence[StatusLine] = ()
    """What is under way with it."""
    icon: str = ""
    """Stands where initials would, on a record that is no person."""
    live: bool = False
    """It changes by itself; the page fetches it again every few seconds."""
    wakes: int | None = None
    """Seconds until it changes by itself; then the page fetches it again."""
    past_url: str = ""
    """Where it is shown as it was at a moment that is asked for."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result."""

    title: Text
    detail: Text
    url: str
    icon: str


@dataclass(frozen=True, slots=True)
class HitGroup:
    """Search results of one kind; ``more_url`` leads to the whole list."""

    label: Text
    hits: Sequence[Hit] = field(default_factory=tuple)
    more_url: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure on the home page that links to its list."""

    label: Text
    value: Text
    url: str | None
    icon: str
    help: Text = ""
    later: str = ""
    """Where it is fetched from once the page is there."""


@dataclass(slots=True)
class HomePage:
    """Today: search first, what waits, a few figures."""

    greeting: Text
    figures: Sequence[Figure]
    lists: Sequence[tuple[Text, str, Sequence[Hit], Text]]
    """(heading, address of the whole list, lines, sentence when empty)"""
