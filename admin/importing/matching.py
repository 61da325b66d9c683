"""Which record a row is about, and which related record a name means: within what the person asking may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select

from admin.importing.columns import ID, Column, key_of, unique_keys
from admin.screen_spec.registry import screen_over
from admin.screen_spec.spec import ScreenSpec
from web.request import session

NUMBER = _l("Record number in Clientele")
MOST_SEARCHED = 1_000
"""Different names of related records that are searched for one by one; ids, codes and unique names are not."""


def live(screen: ScreenSpec) -> Select[Any]:
    """Return the scoped statement for records that a key may mean: none merged away or erased."""
    model: Any = screen.model
    statement = screen.base_select()
    if hasattr(model, "merged_into_id"):
        statement = statement.where(model.merged_into_id.is_(None), model.anonymised_at.is_(None))
    return statement


def number_of(text: str) -> int | None:
    """Return the id that a cell names, "12" or "#12"."""
    digits = text.strip().removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None


def by_id(screen: ScreenSpec, ids: Iterable[int], options: Sequence[Any] = ()) -> dict[int, Any]:
    """Return id -> record, for those within scope."""
    wanted = screen.base_select().where(screen.identity.in_(set(ids))).options(*options)
    return {row.id: row for row in session().scalars(wanted).unique()}


def by_key(
    screen: ScreenSpec,
    name: str,
    texts: Iterable[str],
    options: Sequence[Any] = (),
    key_of: Callable[..., str | None] = key_of,
) -> dict[str, list[Any]]:
    """Return text -> the records whose unique field ``name`` it is: one, as a rule.

    :param key_of: :func:`admin.importing.columns.key_of`, or what keeps its answers in mind.
    """
    column = unique_keys(screen)[name]
    keys = {text: key_of(screen.model, name, column, text) for text in set(texts)}
    wanted = live(screen).where(column.in_({key for key in keys.values() if key})).options(*options)
    found: dict[str, list[Any]] = defaultdict(list)
    for row in session().scalars(wanted).unique():
        found[getattr(row, column.key)].append(row)
    return {text: found[key] for text, key in keys.items() if key is not None and key in found}


MOST_WORDS = 3
MOST_ALIKE = 200
"""Records found for one name that are looked through."""


class Names:
    """Text -> id of a related record, remembered for the whole file.

    :param ours: the file's bare figures are numbers of ours. In a file of another system 17 is its own number, and only
        #17 is ours.
    """

    def __init__(self, screen: ScreenSpec, column: Column, *, ours: bool) -> None:
        self.ours = ours
        self.target = screen_over(column.field.target)
        self._known: dict[str, int | str] = {}
        self._searched = 0

    def learn(self, texts: Iterable[str]) -> None:
        """Look up the texts that are new: by unique field, then by number, then by name."""
        new = {text for text in texts if text not in self._known}
        if not new:
            return
        if self.target.can("list"):
            for name in unique_keys(self.target):
                found = by_key(self.target, name, new)
                self._known |= {text: rows[0].id for text, rows in found.items() if len(rows) == 1}
                new -= self._known.keys()
        named = (text for text in new if self.ours or text.strip().startswith("#"))
        numbers = {text: number for text in named if (number := number_of(text)) is not None}
        there = by_id(self.target, numbers.values()) if numbers else {}
        self._known |= {text: number for text, number in numbers.items() if number in there}
        for text in sorted(new - self._known.keys()):
            self._known[text] = self._search(text)

    def _search(self, text: str) -> int | str:
        """Return the only record that is called this, or a sentence."""
        unknown = _("Record not found. Create it first or correct the cell.")
        if not self.ours and number_of(text) is not None and "#" not in text:
            unknown = _(
                "Record not found. If %(number)s is its number here, enter #%(number)s.",
                number=text.strip(),
            )
        if not self.target.can("list") or not self.target.column_searchable_list:
            return unknown
        self._searched += 1
        if self._searched > MOST_SEARCHED:
            return _("There are too many different names in this column. Use record numbers instead.")
        name, whole = text.strip().casefold(), text.strip()[:200]
        found: list[int] = []
        # A search finds names by how they begin, word for word; that of several words by one of them.
        for words in (whole, *sorted(set(whole.split()), key=lambda word: (-len(word), word))[:MOST_WORDS]):
            rows = session().scalars(self.target.search(live(self.target), words).limit(MOST_ALIKE)).unique()
            labels = ((row.id, (str(row), self.target.lookup_label(row))) for row in rows)
            found = [i for i, called in labels if name in (label.casefold() for label in called)]
            if found:
                break
        if len(found) > 1:
            return _("Several records have this name. Use the record number.")
        return found[0] if found else unknown

    def id_of(self, text: str) -> int:
        """Return the id. :raises ValueError: why there is none."""
        found = self._known[text]
        if isinstance(found, str):
            raise ValueError(found)
        return found


def match_choices(screen: ScreenSpec, columns: dict[str, Column]) -> list[tuple[str, str]]:
    """Return (name, label) of what records can be told apart by."""
    return [
        (ID, NUMBER),
        *((name, columns[name].label) for name in unique_keys(screen) if name in columns),
    ]
