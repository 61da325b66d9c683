"""The rows of an import as its page shows them: what would become of each, or all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

from flask import request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.exceptions import NotFound

from actions.duplicates import typed
from actions.duplicates.alike import Alike
from actions.importing import wording
from actions.importing.instead import update_instead
from actions.runs.parameters_json import unpack
from admin.history import activity
from admin.importing.columns import ID, Column, columns
from admin.importing.headings import key
from admin.importing.matching import NUMBER
from admin.layout import warned
from admin.request.context import app_state, call, channels
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.import_pages import Fault, ImportLine
from admin.viewmodels.pages import FieldChange, Link
from models.base import db
from models.customer import Customer
from models.importing import ImportFile, ImportRow, ImportState, Verdict
from models.journal import Change
from web.arguments import parse_id
from web.messages import sentence
from web.request import memo, session, shop

CHUNK = 250
"""Rows whose records are looked for by one statement."""
COLOURS = {
    Verdict.CREATED: "green", Verdict.CHANGED: "azure", Verdict.UNCHANGED: "secondary", Verdict.REFUSED: "red",
}  # fmt: skip


def lines(screen: ScreenSpec, file: ImportFile, found: Sequence[ImportRow]) -> list[ImportLine]:
    """Return some rows of a file as the page shows them."""
    changes = {
        row.id: Change(
            table_name=screen.resource, row_id=row.row_id or 0, before=_own(row.before), after=_own(row.after)
        )
        for row in found
    }
    names = activity.Names.of_changes(list(changes.values()))
    wanted = [row.row_id for row in found if row.row_id is not None]
    there = {
        row.id: row
        for row in session().scalars(screen.base_select().where(screen.identity.in_(wanted))).unique()
    }
    mapped, matches = _mapped_keys(screen, file), alike(screen, file, found)
    return [
        replace(
            _line(
                screen, row, changes[row.id], names, there.get(row.row_id), mapped, told(screen, file, row)
            ),
            alike=[_match(screen, file, row, one) for one in matches.get(row.id, ())],
        )
        if row.verdict != Verdict.REFUSED or row.row_id in there
        else _unknown_line(row, wording.whom(file, row), told(screen, file, row))
        for row in found
    ]


def alike(screen: ScreenSpec, file: ImportFile, found: Sequence[ImportRow]) -> dict[int, list[Alike]]:
    """Return who is there already of the customers that rows would create, by the row's id (rule 7.12).

    Nobody, for users who may not open a customer's record.
    """
    if screen.model is not Customer or file.state != ImportState.TRIED or not screen.can("show"):
        return {}
    new = {row.id: unpack(row.given or {}) for row in found if row.verdict == Verdict.CREATED}
    return typed.of_new(session(), {n: _values(screen, given) for n, given in new.items()}, channels())


def _match(screen: ScreenSpec, file: ImportFile, row: ImportRow, found: Alike) -> tuple[str, Link]:
    """Return what is said of a customer whom a row may be, and the way to have the row update them."""
    fields = ("row", str(row.id)), ("record", str(found.customer.id))
    url = screen.url_to("import_instead_view", id=file.id)
    return warned.linked([typed.warned(found)])[0], Link(
        _("Update this record instead"), url, post=True, fields=fields
    )


def instead(screen: ScreenSpec, file: ImportFile, shown: Sequence[ImportLine]) -> Link | None:
    """Return the way to have all rows update the records that they may be, where a page shows any such row."""
    if not any(line.alike for line in shown):
        return None
    url = screen.url_to("import_instead_view", id=file.id)
    asked = _("Every row for which exactly one record was found will update that record. Continue?")
    return Link(
        _("Update the records found instead"), url, "copy", post=True, confirm=asked, fields=(("all", "1"),)
    )


def _values(screen: ScreenSpec, given: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a row as those of a record with its related rows."""
    names = {rows.name: rows.relation for rows in screen.related_rows}
    return {
        names.get(name, name): [item["values"] for item in value] if name in names else value
        for name, value in given.items()
        if name in screen.alike or name in names
    }


def _unknown_line(row: ImportRow, whom: str, errors: Sequence[Fault]) -> ImportLine:
    """Return a row that was refused and is about no record, by what its own cells call it."""
    assert row.verdict is not None
    return ImportLine(row.line, _(row.verdict.label), COLOURS[row.verdict], whom, None, errors=errors)


def _mapped_keys(screen: ScreenSpec, file: ImportFile) -> frozenset[str]:
    known = _columns(screen)
    chosen = (file.plan or {}).get("fields", {}).values()
    return frozenset(known[name].key for name in chosen if name in known)


def told(screen: ScreenSpec, file: ImportFile, row: ImportRow) -> list[Fault]:
    """Return all that is wrong with a row, in the order of the file's columns."""
    return [
        Fault(_named(screen, file, row, name), wording.wrong_cell(file, row, name)[1], sentence(text))
        for name, text in wording.in_order(file, row.errors or {})
    ]


def _named(screen: ScreenSpec, file: ImportFile, row: ImportRow, name: str) -> str:
    """Return what a field is called, with the heading of its column where that is another."""
    label, heading = _label(screen, name), wording.wrong_cell(file, row, name)[0]
    if not heading or key(heading) in (key(label), key(name)):
        return label
    return _("%(heading)s (%(field)s)", heading=heading, field=label)


def _line(
    screen: ScreenSpec,
    row: ImportRow,
    change: Change,
    names: activity.Names,
    record: Any,
    mapped: frozenset[str],
    errors: Sequence[Fault],
) -> ImportLine:
    if row.verdict == Verdict.CREATED:  # what the file says of it, not what the product fills in besides
        change.after = {name: value for name, value in (row.after or {}).items() if name in mapped}
    shown: list[FieldChange] = []
    if row.verdict in (Verdict.CREATED, Verdict.CHANGED):
        shown = [*activity.field_changes(change, names), *_related_changes(screen, row, names)]
    return ImportLine(
        line=row.line,
        what=_(row.verdict.label) if row.verdict is not None else "",
        colour=COLOURS[row.verdict] if row.verdict is not None else "secondary",
        title=str(record) if record is not None else "",
        url=screen.line_url(record) if record is not None else None,
        changes=shown,
        errors=errors,
    )


def _own(values: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what a dry run found in the record itself."""
    return None if values is None else {name: value for name, value in values.items() if "." not in name}


def _related_changes(screen: ScreenSpec, row: ImportRow, names: activity.Names) -> Iterator[FieldChange]:
    """Yield what becomes of related rows, in the words of their own list."""
    before, after = row.before or {}, row.after or {}
    for name, column in _columns(screen).items():
        if column.related is not None and name in {**before, **after}:
            table = column.related.rows.target(screen.model).__tablename__
            old, new = ({column.field.name: values.get(name)} for values in (before, after))
            change = Change(table_name=table, row_id=0, before=old, after=new)
            for told in activity.field_changes(change, names):
                yield replace(told, label=column.label)


def _columns(screen: ScreenSpec) -> dict[str, Column]:
    return cast("dict[str, Column]", memo(("import columns", screen.resource), lambda: columns(screen)))


def _label(screen: ScreenSpec, name: str) -> str:
    if not name:
        return ""
    if name == ID:
        return str(NUMBER)
    known = _columns(screen)
    found = known.get(name) or known.get(name.removesuffix("_id"))
    return str(found.label) if found is not None else name.replace("_", " ").capitalize()


# -- rows that update who was found ----------------------------------------------------------------------------------


def take(file: ImportFile, wanted: dict[int, int], *, at_once: bool = False) -> int:
    """Have some rows update the customers that are named; return the number of rows that do."""
    clock = app_state().clock
    count = update_instead(db.engine, call(), file.id, wanted, shop().currency, clock, at_once=at_once)
    session().rollback()
    return count


def every_match(screen: ScreenSpec, file: ImportFile) -> Iterator[tuple[int, int]]:
    """Yield (row, customer) for each row that would create somebody who may be one customer, and no other."""
    last = 0
    while found := _next(file, last):
        last = found[-1].position
        for row_id, matches in alike(screen, file, found).items():
            if len(matches) == 1:
                yield row_id, matches[0].customer.id


def _next(file: ImportFile, last: int) -> Sequence[ImportRow]:
    new = ImportRow.file_id == file.id, ImportRow.verdict == Verdict.CREATED, ImportRow.position > last
    return session().scalars(select(ImportRow).where(*new).order_by(ImportRow.position).limit(CHUNK)).all()


def chosen(screen: ScreenSpec, file: ImportFile) -> tuple[int, int]:
    """Return the row and the customer that a request names. :raises NotFound: that one was not found for that row."""
    row_id, record = (parse_id(name, request.form.get(name)) for name in ("row", "record"))
    row = session().get(ImportRow, row_id)
    offered = alike(screen, file, [row]) if row is not None and row.file_id == file.id else {}
    if record not in [found.customer.id for found in offered.get(row_id, ())]:
        raise NotFound(_("This record does not exist or you do not have access to it."))
    return row_id, record
