"""The rows of an import as its page shows them: what would become of each, or all that is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _

from admin import activity
from admin.context import memo, session
from admin.import_columns import ID, columns
from admin.import_pages import ImportLine
from admin.sentences import sentence
from models.importing import ImportFile, ImportRow, Verdict
from models.journal import Change

if TYPE_CHECKING:
    from admin.base import Screen

COLOURS = {
    Verdict.CREATED: "green", Verdict.CHANGED: "azure", Verdict.UNCHANGED: "secondary", Verdict.REFUSED: "red",
}  # fmt: skip


def lines(screen: Screen, file: ImportFile, found: Sequence[ImportRow]) -> list[ImportLine]:
    """Return some rows of a file as the page shows them."""
    changes = {
        row.id: Change(table_name=screen.resource, row_id=row.row_id or 0, before=row.before, after=row.after)
        for row in found
    }
    names = activity.Names.of_changes(list(changes.values()))
    wanted = [row.row_id for row in found if row.row_id is not None]
    there = {
        row.id: row
        for row in session().scalars(screen.base_select().where(screen.identity.in_(wanted))).unique()
    }
    mapped = _mapped_keys(screen, file)
    return [
        _line(screen, row, changes[row.id], names, there.get(row.row_id), mapped, told(screen, file, row))
        for row in found
    ]


def _mapped_keys(screen: Screen, file: ImportFile) -> frozenset[str]:
    known = columns(screen)
    chosen = (file.plan or {}).get("fields", {}).values()
    return frozenset(known[name].key for name in chosen if name in known)


def told(screen: Screen, file: ImportFile, row: ImportRow) -> list[tuple[str, str]]:
    """Return (label, sentence) for all that is wrong with a row, in the order of the file's columns."""
    places = {name: int(place) for place, name in (file.plan or {}).get("fields", {}).items()}

    def place(name: str) -> int:
        return places.get(name, places.get(name.removesuffix("_id"), -1))

    found = sorted((row.errors or {}).items(), key=lambda error: place(error[0]))
    return [(_label(screen, name), sentence(text)) for name, text in found]


def _line(
    screen: Screen,
    row: ImportRow,
    change: Change,
    names: activity.Names,
    record: Any,
    mapped: frozenset[str],
    errors: Sequence[tuple[str, str]],
) -> ImportLine:
    if row.verdict == Verdict.CREATED:  # what the file says of it, not what the product fills in besides
        change.after = {name: value for name, value in (row.after or {}).items() if name in mapped}
    shown = activity.field_changes(change, names) if row.verdict in (Verdict.CREATED, Verdict.CHANGED) else ()
    return ImportLine(
        line=row.line,
        what=_(row.verdict.label) if row.verdict is not None else "",
        colour=COLOURS[row.verdict] if row.verdict is not None else "secondary",
        title=str(record) if record is not None else "",
        url=screen.line_url(record) if record is not None else None,
        changes=shown,
        errors=errors,
    )


def _label(screen: Screen, name: str) -> str:
    if not name:
        return ""
    if name == ID:
        return _("Number (id)")
    known = memo(("import columns", screen.resource), lambda: columns(screen))
    found = known.get(name) or known.get(name.removesuffix("_id"))
    return str(found.label) if found is not None else name.replace("_", " ").capitalize()
