"""The choice to update a record that is there, instead of creating one that may be the same (rule 7.12)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask import flash, redirect, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.exceptions import NotFound

from actions.core.base import Refused
from actions.importing import instead
from admin.importing import rows as import_rows
from admin.importing import views
from admin.layout import formatters
from admin.request.context import app_state, call
from admin.screen_spec.spec import ScreenSpec
from models.base import db
from models.importing import ImportFile, ImportRow, Verdict
from web import time_limits
from web.arguments import parse_id
from web.messages import translated
from web.request import session, shop

CHUNK = 250
"""Rows whose records are looked for by one statement."""


def choose(screen: ScreenSpec) -> Any:
    """Have the row that was asked for, or each that one record was found for, update that record."""
    file = views.file_of(screen, parse_id("id", request.args.get("id")))
    every = request.form.get("all") == "1"
    time_limits.allow_file()
    try:
        wanted = dict(every_match(screen, file)) if every else dict([_asked(screen, file)])
        count = take(file, wanted)
    except Refused as refusal:
        return views.rows(screen, translated(refusal), refusal.status)
    said = _("%(count)s rows now update the record that was found.", count=formatters.number(count, shop()))
    flash(said if count else _("No rows were changed."), "success" if count else "warning")
    return redirect(screen.url_to("import_rows_view", id=file.id))


def take(file: ImportFile, wanted: dict[int, int], *, at_once: bool = False) -> int:
    """Have some rows update the customers that are named; return the number of rows that do."""
    clock = app_state().clock
    count = instead.update_instead(
        db.engine, call(), file.id, wanted, shop().currency, clock, at_once=at_once
    )
    session().rollback()
    return count


def every_match(screen: ScreenSpec, file: ImportFile) -> Iterator[tuple[int, int]]:
    """Yield (row, customer) for each row that would create somebody who may be one customer, and no other."""
    last = 0
    while found := _next(file, last):
        last = found[-1].position
        for row_id, alike in import_rows.alike(screen, file, found).items():
            if len(alike) == 1:
                yield row_id, alike[0].customer.id


def _next(file: ImportFile, last: int) -> Sequence[ImportRow]:
    new = ImportRow.file_id == file.id, ImportRow.verdict == Verdict.CREATED, ImportRow.position > last
    return session().scalars(select(ImportRow).where(*new).order_by(ImportRow.position).limit(CHUNK)).all()


def _asked(screen: ScreenSpec, file: ImportFile) -> tuple[int, int]:
    """Return the row and the customer that were chosen. :raises NotFound: that customer was not found for that row."""
    row_id, record = (parse_id(name, request.form.get(name)) for name in ("row", "record"))
    row = session().get(ImportRow, row_id)
    offered = import_rows.alike(screen, file, [row]) if row is not None and row.file_id == file.id else {}
    if record not in [found.customer.id for found in offered.get(row_id, ())]:
        raise NotFound(_("This record does not exist or you do not have access to it."))
    return row_id, record
