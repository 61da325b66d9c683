"""Export: a list as it is shown (columns, filter, order) as a file of the kind asked for."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from babel.numbers import format_decimal
from flask import Response, request, stream_with_context
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from actions import events
from admin import columns, lists, proof
from admin.cells import currency_of
from admin.context import call, channels, is_recent, now, session, shop
from admin.fields import Field, label_of
from admin.files import KINDS, Value
from admin.query import BadArgument
from admin.select import count_up_to, ordered
from models import figures
from models.base import Base, db
from models.sight import shows

if TYPE_CHECKING:
    from admin.base import Screen

CHUNK = 200
MOST_TICKED = 10_000
UNPROVED = 1_000
"""Rows that somebody who signed in a while ago may take away without proving who they are again."""


def value_of(field: Field, row: Any) -> Value:
    """Return a value as files hold it: amounts in major units, choices by their label, instants in the shop's zone."""
    value = getattr(row, field.name)
    if value is None:
        return None
    if field.kind == "money":
        return figures.major(value, currency_of(row, shop()))
    if isinstance(value, enum.Enum):
        return label_of(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return value.astimezone(shop().zone)
    if isinstance(value, Base) and not shows(value, channels()):
        return f"#{value.id}"  # type: ignore[attr-defined]
    if isinstance(value, (list, tuple)):
        return "; ".join(str(item) for item in value)
    return value if isinstance(value, int | Decimal | dt.date) else str(value)


def response(screen: Screen, export_type: str) -> Any:
    """Return the list as a streamed file, and write down that it was asked for; memory stays bounded.

    More than a thousand rows are only for who proved who they are not long ago (rule 16.4).

    :raises BadArgument: it has more rows than a file of that kind takes.
    """
    kind = KINDS[export_type]
    if request.args.getlist("ids") or request.args.get("all"):
        query, statement = lists.ticked_query(screen), lists.ticked(screen, MOST_TICKED)
    else:
        query = lists.parse(screen)
        statement = lists.matching(screen, query, embedded=request.args.get("embed") == "1")
    if kind.most is not None:
        _refuse_beyond(statement, screen, kind.most)
    count = count_up_to(session(), statement, screen.identity)
    if count > UNPROVED and not is_recent():
        return proof.ask()
    _write_down(screen, count, str(kind.label))
    names = columns.chosen_columns(screen, query, embedded=False)
    statement = ordered(
        statement.options(*screen.eager(names)), screen.sort_keys(query.sort, query.descending)
    )
    titles = ["id", *(screen.get_column_name(name) for name in names)]

    def rows() -> Iterator[Sequence[Value]]:
        yield titles
        for row in _streamed(screen, statement, names):
            yield [row.id, *(_value(screen, row, name) for name in names)]

    session().close()
    name = f"{screen.resource}-{now():%Y-%m-%d}.{export_type}"
    headers = {"Content-Disposition": f"attachment; filename={name}"}
    return Response(stream_with_context(kind.write(rows())), mimetype=kind.mimetype, headers=headers)


def _write_down(screen: Screen, count: int, kind: str) -> None:
    """Say in the journal who took how many rows away."""
    rows = ngettext("%(rows)s row", "%(rows)s rows", count, rows=lists.count_words(count))
    events.record(db.engine, screen.export_code, call(reason=f"{rows}, {kind}"))


def _refuse_beyond(statement: Select[Any], screen: Screen, most: int) -> None:
    """Refuse what would take too long to build, before it begins."""
    some = statement.with_only_columns(screen.identity).order_by(None).limit(most + 1).subquery()
    if (session().scalar(select(func.count()).select_from(some)) or 0) > most:
        shown = format_decimal(most, locale=shop().locale)
        raise BadArgument(
            "export", _("an Excel file takes at most %(most)s rows: filter the list, or take CSV", most=shown)
        )


def _value(screen: Screen, row: Any, name: str) -> Value:
    formatter = screen.column_formatters_export.get(name)
    if formatter is None:
        return value_of(screen.field(name), row)
    made = formatter(screen, None, row, name)
    return made if made is None or isinstance(made, int | Decimal) else str(made)


def _streamed(screen: Screen, statement: Any, names: Sequence[str]) -> Iterator[Any]:
    """Yield rows in chunks on a connection of their own, forgetting each chunk as the next is read."""
    with Session(db.engine) as own:
        for chunk in own.scalars(statement.execution_options(yield_per=CHUNK)).partitions():
            screen.prepare(chunk, names)
            yield from chunk
            for row in list(own):  # expunge_all would take away the identity map that the result still fills
                own.expunge(row)
