"""What the templates are given: plain data, ready to print. No template runs a query or decides anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from markupsafe import Markup

if TYPE_CHECKING:
    from admin.preview_pages import PreviewPage

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

    sections: Sequence[MenuSection]
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
    """Figures over a list that stands as a tab: the balance of a ledger, what lapses soon."""
    totals: Totals | None = None
    """Sums over all rows of the list."""

    @property
    def lid(self) -> str:
        """Return the id of the list's element."""
        return list_id(self.resource)


@dataclass(slots=True)
class FormPage:
    """A form, on a page of its own or in the drawer."""

    title: Text
    form: Any
    action: str
    cancel: str
    submit: Text
    drawer: bool = False
    danger: bool = False
    intro: Text = ""
    sections: Sequence[tuple[Text, Sequence[str]]] = ()
    """(heading, field names); a single section without heading when the screen declares none."""
    version: int | None = None
    key: str = ""
    facts: Sequence[Fact] = ()
    read_only: bool = False
    """Nothing can be saved by this person: no submit button."""
    hidden: Sequence[tuple[str, str]] = ()
    """What the form carries along unseen, such as the rows it is about."""
    preview_url: str = ""
    """Where the form asks what it would do."""
    preview: PreviewPage | None = None
    """What it would do, where the page says so from the start."""
    confirm: str = ""
    """What has to be typed before a dangerous deed."""
    confirm_error: Text = ""
    proof: bool = False
    """The person has to type their password, as they signed in a while ago."""
    proof_code: bool = False
    """And the code of their authenticator app."""
    proof_error: Text = ""


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
    icon: str = ""
    """Stands where initials would, on a record that is no person."""
    live: bool = False
    """It changes by itself; the page fetches it anew every few seconds."""
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


@dataclass(slots=True)
class HomePage:
    """Today: search first, what waits, a few figures."""

    greeting: Text
    figures: Sequence[Figure]
    lists: Sequence[tuple[Text, str, Sequence[Hit], Text]]
    """(heading, address of the whole list, lines, sentence when empty)"""
