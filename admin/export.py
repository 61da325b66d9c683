"""Export: the one writer of CSV. Cells that a spreadsheet would run as a formula are made harmless, and can be undone.

A cell that begins (after blanks) with = + - @, tab or carriage return, also in full width, gets an apostrophe in front;
a cell that already begins with apostrophes before such a character gets one more, so reading back is exact.
"""

from __future__ import annotations

import csv
import datetime as dt
import enum
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from flask import Response, request, stream_with_context
from sqlalchemy.orm import Session

from admin import columns, lists
from admin.cells import currency_of, major_units
from admin.context import now, session, shop
from admin.fields import Field, label_of
from admin.select import ordered
from models.base import db

if TYPE_CHECKING:
    from admin.base import Screen

CHUNK = 200
MOST_TICKED = 10_000
_RISKY = re.compile(r"'*[\s\u3000]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_DISARMED = re.compile(r"'+[\s\u3000]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


def disarm(text: str) -> str:
    """Return ``text`` as a spreadsheet may safely open it."""
    return f"'{text}" if _RISKY.match(text) else text


def rearm(text: str) -> str:
    """Return what :func:`disarm` was given."""
    return text[1:] if _DISARMED.match(text) else text


def plain_text(field: Field, row: Any) -> str:
    """Return a value as text that reads back exactly: ISO dates, amounts in major units, choices by their label."""
    value = getattr(row, field.name)
    if value is None:
        return ""
    if field.kind == "money":
        return major_units(value, currency_of(row, shop()))
    if isinstance(value, enum.Enum):
        return label_of(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return value.astimezone(shop().zone).isoformat(timespec="seconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return "; ".join(str(item) for item in value)
    return str(value)


def write_rows(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield CSV text for rows of plain text, every cell disarmed. The first chunk starts with a byte order mark."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    for number, row in enumerate(rows):
        writer.writerow([disarm(text) for text in row])
        if number % 100 == 99:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def csv_response(screen: Screen) -> Response:
    """Return the list as shown (columns, filter, order) as a streamed CSV file; memory stays bounded."""
    if request.args.getlist("ids") or request.args.get("all"):
        query, statement = lists.ticked_query(screen), lists.ticked(screen, MOST_TICKED)
    else:
        query = lists.parse(screen)
        statement = lists.matching(screen, query, embedded=request.args.get("embed") == "1")
    names = columns.chosen_columns(screen, query, embedded=False)
    statement = ordered(
        statement.options(*screen.eager(names)), screen.sort_keys(query.sort, query.descending)
    )
    titles = ["id", *(screen.get_column_name(name) for name in names)]

    def rows() -> Iterator[Sequence[str]]:
        yield titles
        for row in _streamed(screen, statement, names):
            yield [str(row.id), *(_text(screen, row, name) for name in names)]

    session().close()
    name = f"{screen.resource}-{now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f"attachment; filename={name}"}
    return Response(
        stream_with_context(write_rows(rows())), mimetype="text/csv; charset=utf-8", headers=headers
    )


def _text(screen: Screen, row: Any, name: str) -> str:
    formatter = screen.column_formatters_export.get(name)
    return str(formatter(screen, None, row, name)) if formatter else plain_text(screen.field(name), row)


def _streamed(screen: Screen, statement: Any, names: Sequence[str]) -> Iterator[Any]:
    """Yield rows in chunks on a connection of their own, forgetting each chunk as the next is read."""
    with Session(db.engine) as own:
        for chunk in own.scalars(statement.execution_options(yield_per=CHUNK)).partitions():
            screen.prepare(chunk, names)
            yield from chunk
            for row in list(own):  # expunge_all would take away the identity map that the result still fills
                own.expunge(row)
