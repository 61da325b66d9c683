"""How a file is read, on the page of its columns: what is offered, what was chosen, and reading it again."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from tempfile import TemporaryFile
from typing import BinaryIO

from flask import request
from flask_babel import gettext as _
from sqlalchemy import exists, select

from actions.importing import importing
from admin.importing import files, numbers
from admin.importing import text as import_text
from admin.importing.budget import MEGA, PAGE, Limits
from admin.importing.columns import columns, figure_places
from admin.importing.dates import file_is_month_first, is_asked
from admin.importing.headings import fields_by_heading, key
from admin.importing.reading import Reading
from admin.importing.values import Plan
from admin.request.context import actor
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.import_pages import Encoding, ReadingForm
from admin.viewmodels.spreadsheets import RECORD_NUMBER
from models.base import db
from models.importing import ImportFile, ImportPiece
from web.arguments import not_offered
from web.request import now, session, shop

LONGEST_NAME = 200


def known_headings(screen: ScreenSpec) -> Callable[[str], bool]:
    """Return what tells the headings that mean something for a list."""
    words = fields_by_heading(columns(screen))
    return lambda heading: key(heading) in words


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file from its beginning, a piece at a time."""
    file.seek(0)
    while piece := file.read(MEGA):
        yield piece


def take_in(
    screen: ScreenSpec, content: BinaryIO, name: str, limits: Limits = PAGE, *, kept: bool = True
) -> int:
    """Keep the rows of a file for the person asking; return its id.

    :param kept: the file itself is kept, too, to be read in another way.
    :raises BadFile: it cannot be read.
    """
    owner = actor().id
    assert owner is not None
    table = files.read(content, known=known_headings(screen), limits=limits)
    with files.spooled(table.rows) as rows:
        file = ImportFile(
            resource=screen.resource, name="".join(c for c in name if c.isprintable())[-LONGEST_NAME:] or "file",
            actor_id=owner, created_at=now(), expires_at=now() + importing.KEPT, headers=table.headers,
            reading=table.reading.stored(),
        )  # fmt: skip
        return importing.store(db.engine, file, rows, pieces(content) if kept else ())


def form(screen: ScreenSpec, file: ImportFile, plan: Plan) -> ReadingForm | None:
    """Return what the page offers, None where the file is no longer kept."""
    reading = Reading.of(file.reading)
    kept = select(exists().where(ImportPiece.file_id == file.id))
    if reading is None or not session().scalar(kept):
        return None
    month_first, places = plan.month_first, figure_places(columns(screen), plan.fields)
    if month_first is None:
        month_first = file_is_month_first(reading, shop().locale)
    return ReadingForm(
        summary=_summary(reading),
        is_open=not reading.sure or is_asked(reading) or numbers.is_asked(reading, places),
        sure=reading.sure,
        encodings=_encodings(reading),
        separators=_separators(reading),
        lines=[(str(line), f"{line}: {text}", line == reading.line) for line, text in reading.starts],
        sheets=[
            (name, _("%(name)s (hidden)", name=name) if hidden else name, name == reading.sheet)
            for name, hidden in reading.sheets
        ],
        figures=_figures(file, reading, plan.figures, places),
        days=[("day", _("3 April"), not month_first), ("month", _("4 March"), month_first)]
        if is_asked(reading) or plan.month_first is not None else [],
    )  # fmt: skip


def _summary(reading: Reading) -> str:
    line = _("headings in line %(line)s", line=reading.line)
    if reading.encoding is None:
        return f"{_('Sheet %(name)s', name=reading.sheet)} · {line}"
    names = {**import_text.ENCODINGS, **import_text.MARKED}
    separator = import_text.SEPARATORS.get(reading.separator or "", reading.separator)
    return f"{names[reading.encoding]} · {separator} · {line}"


def _encodings(reading: Reading) -> Sequence[Encoding]:
    """Return the encodings to choose from: none for a file that says itself which it has, or has only plain letters."""
    return [
        Encoding(name, import_text.ENCODINGS[name], said, reading.sure and name == reading.encoding)
        for name, said in reading.samples.items()
    ]


def _separators(reading: Reading) -> Sequence[tuple[str, str, bool]]:
    if reading.separator is None:
        return []
    offered = {**import_text.SEPARATORS}
    offered.setdefault(reading.separator, reading.separator)
    return [(mark, str(name), mark == reading.separator) for mark, name in offered.items()]


def _figures(
    file: ImportFile, reading: Reading, chosen: str | None, places: Sequence[int]
) -> Sequence[tuple[str, str, bool]]:
    if chosen is None and not numbers.is_offered(reading, places):
        return []
    ours = RECORD_NUMBER in file.headers
    likely = numbers.file_format(reading, places, ours=ours, locale=shop().locale)
    return [(name, shown, name == (chosen or likely)) for name, shown in numbers.FORMATS.items()]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the person wants a file read; ``other_columns``: its columns are then to be chosen again."""

    reading: Reading
    other_columns: bool


def chosen(file: ImportFile) -> Wanted | None:
    """Return how the person wants the file read, None where it is read so already.

    :raises BadArgument: it was never offered.
    """
    reading = Reading.of(file.reading)
    if reading is None:
        return None
    wanted = replace(
        reading,
        encoding=_one_of("encoding", reading.encoding, reading.samples),
        separator=_one_of("separator", reading.separator, {*import_text.SEPARATORS, reading.separator}),
        line=int(_one_of("line", str(reading.line), {str(line) for line, _text in reading.starts}) or 1),
        sheet=_one_of("sheet", reading.sheet, {name for name, _hidden in reading.sheets}),
    )
    wanted = replace(wanted, sure=reading.sure or "encoding" in request.form)
    if wanted.sheet != reading.sheet:
        wanted = replace(wanted, line=None)
    return None if wanted == reading else Wanted(wanted, not wanted.has_columns_of(reading))


def _one_of(name: str, now: str | None, offered: Container[str | None]) -> str | None:
    given = request.form.get(name)
    if given is None or now is None or given == now:
        return now
    if given not in offered:
        raise not_offered(name, given)
    return given


def read_again(screen: ScreenSpec, file: ImportFile, wanted: Wanted) -> None:
    """Read a file again. :raises BadFile: it cannot be read so. :raises Refused: it is being tried, or was applied."""
    with _kept(file) as content:
        table = files.read(content, wanted.reading, known_headings(screen))
        with files.spooled(table.rows) as rows:
            importing.read_again(db.engine, file.id, table.headers, table.reading.stored(), rows, now())


@contextmanager
def _kept(file: ImportFile) -> Iterator[BinaryIO]:
    with TemporaryFile() as content:
        for piece in importing.pieces_of(db.engine, file.id):
            content.write(piece)
        yield content
