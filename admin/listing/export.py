"""Export: a list as it is shown (columns, filter, order) as a file of the kind asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from babel.numbers import format_decimal
from flask import Response, render_template, request, stream_with_context
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from actions.staff import security_events
from admin.auth import reauth
from admin.layout.frame import frame
from admin.listing import columns, list_page, related_columns
from admin.listing.file_columns import file_columns
from admin.listing.order import ordered
from admin.listing.paging import count_up_to
from admin.request.context import call, is_recent
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.spreadsheets import KINDS, RECORD_NUMBER, Value
from models.base import db
from web import time_limits
from web.arguments import BadArgument, parse_id
from web.request import now, session, shop

CHUNK = 200
MOST_TICKED = 10_000
UNPROVED = 1_000
"""Rows that somebody who signed in a while ago may take away without proving who they are again."""


def response(screen: ScreenSpec, export_type: str) -> Any:
    """Return the list as a streamed file, and write down that it was asked for; memory stays bounded.

    More than a thousand rows are only for people who proved not long ago who they are (rule 16.4).

    Of ticked rows none is left out unsaid: where some have gone, a page says how many, and offers the others.

    :raises BadArgument: it has more rows than a file of that kind takes.
    """
    kind = KINDS[export_type]
    time_limits.allow_file()
    if request.args.getlist("ids") or request.args.get("all"):
        query, statement = list_page.ticked_query(screen), list_page.ticked(screen, MOST_TICKED)
    else:
        query = list_page.parse(screen)
        statement = list_page.matching(screen, query, embedded=request.args.get("embed") == "1")
    if kind.most is not None:
        _refuse_beyond(statement, screen, kind.most)
    count = count_up_to(session(), statement, screen.identity)
    if (left_out := _left_out(count)) and request.args.get("left_out") != str(left_out):
        return _say_left_out(screen, left_out, count)
    if count > UNPROVED and not is_recent():
        return reauth.ask(file_of=(screen.resource, _list_url(screen)))
    _write_down(screen, count, str(kind.label))
    chosen = columns.chosen_columns(screen, query, embedded=False)
    names = [name for name in chosen if name not in screen.column_export_exclude_list]
    statement = ordered(
        statement.options(*screen.eager(names), *related_columns.loads(screen, names)),
        screen.sort_keys(query.sort, query.descending),
    )
    told = file_columns(screen, names)

    def rows() -> Iterator[Sequence[Value]]:
        yield [RECORD_NUMBER, *(column.heading for column in told)]
        for row in _streamed(screen, statement, names):
            yield [row.id, *(column.of(row) for column in told)]

    session().close()
    name = f"{screen.resource}-{now():%Y-%m-%d}.{export_type}"
    headers = {"Content-Disposition": f"attachment; filename={name}"}
    return Response(stream_with_context(kind.write(rows())), mimetype=kind.mimetype, headers=headers)


def _left_out(count: int) -> int:
    """Return how many of the ticked rows have gone, or are out of the row scope of the person asking."""
    ids = request.args.getlist("ids") if request.args.get("all") != "1" else []
    return len({parse_id("ids", value) for value in ids}) - count if ids else 0


def _say_left_out(screen: ScreenSpec, left_out: int, count: int) -> Any:
    """Say how many of the ticked rows a file would lack, before it is made, and offer the rest of it."""
    said = ngettext(
        "1 of the rows you ticked no longer exists or you do not have access to it.",
        "%(num)s of the rows you ticked no longer exist or you do not have access to them.",
        left_out,
    )
    rest = urlencode(
        [*((n, v) for n, v in request.args.items(multi=True) if n != "left_out"), ("left_out", left_out)]
    )
    file = f"{request.path}?{rest}" if count else ""
    shown = render_template(
        "admin/left_out.html", frame=frame(screen.resource), said=said, file=file, back=_list_url(screen),
        back_to=screen.heading,
    )  # fmt: skip
    return shown, 409


def _list_url(screen: ScreenSpec) -> str:
    """Return the address of the list as it stood when its file was asked for."""
    kept = [
        (name, value)
        for name, value in request.args.items(multi=True)
        if name not in list_page.TICKS | list_page.OWN_ARGUMENTS
    ]
    base = screen.url_to("index_view")
    return f"{base}?{urlencode(kept)}" if kept else base


def _write_down(screen: ScreenSpec, count: int, kind: str) -> None:
    """Say in the journal who took how many rows away."""
    rows = ngettext("%(rows)s row", "%(rows)s rows", count, rows=list_page.count_words(count))
    security_events.record(db.engine, screen.export_code, call(reason=f"{rows}, {kind}"))


def _refuse_beyond(statement: Select[Any], screen: ScreenSpec, most: int) -> None:
    """Refuse what would take too long to build, before it begins."""
    some = statement.with_only_columns(screen.identity).order_by(None).limit(most + 1).subquery()
    if (session().scalar(select(func.count()).select_from(some)) or 0) > most:
        shown = format_decimal(most, locale=shop().locale)
        raise BadArgument(
            "export",
            _("an Excel file can have up to %(most)s rows: filter the list or export as CSV", most=shown),
        )


def _streamed(screen: ScreenSpec, statement: Any, names: Sequence[str]) -> Iterator[Any]:
    """Yield rows in chunks on a connection of their own, forgetting each chunk as the next is read."""
    with Session(db.engine) as own:
        for chunk in own.scalars(statement.execution_options(yield_per=CHUNK)).partitions():
            screen.prepare(chunk, names)
            yield from chunk
            for row in list(own):  # expunge_all would take away the identity map that the result still fills
                if row in own:  # it goes with the record that it belongs to
                    own.expunge(row)
