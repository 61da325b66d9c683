"""Import: a file is uploaded, its columns mapped, every row tried, and then the whole of it applied as one run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, cast

from flask import Response, flash, redirect, render_template, request
from flask_babel import gettext as _
from openpyxl.utils import get_column_letter
from sqlalchemy import select
from werkzeug.exceptions import NotFound

from actions.core.base import Invalid, Refused
from actions.importing import importing
from admin.editing import saving
from admin.importing import headings, reading_page
from admin.importing import mapping as import_mapping
from admin.importing import rows as import_rows
from admin.importing.budget import BadFile
from admin.importing.columns import columns
from admin.importing.matching import match_choices
from admin.importing.reading import Reading
from admin.importing.related import explained
from admin.importing.values import Plan, Reader
from admin.layout import formatters
from admin.layout.frame import frame
from admin.request.context import actor, app_state, call
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.import_pages import ColumnLine, Count, MappingPage, RowsPage, UploadPage
from admin.viewmodels.pages import Link
from admin.viewmodels.spreadsheets import RECORD_NUMBER, write_csv
from models.base import N_, db
from models.importing import ImportFile, ImportMapping, ImportRow, ImportState, Verdict
from web import time_limits
from web.arguments import BadArgument, parse_id
from web.messages import sentence, translated, within
from web.request import now, session, shop

PAGE = 50
SAMPLES = 3
NO_LONGER_OFFERED = (
    "not_offered",
    N_("You no longer have permission for all the fields of this import. Map the columns again."),
)


# -- 1. the file ----------------------------------------------------------------------------------------------------


def upload(screen: ScreenSpec) -> Any:
    """Ask for a file, or take one in and lead to the mapping of its columns."""
    if request.method == "GET":
        return _upload_page(screen)
    given = request.files.get("file")
    if given is None or not given.filename:
        return _upload_page(screen, _("Choose a file first.")), 422
    time_limits.allow_file()
    try:
        file_id = reading_page.take_in(screen, cast(BinaryIO, given.stream), given.filename)
    except BadFile as bad:
        return _upload_page(screen, str(bad)), 422
    return redirect(screen.url_to("import_map_view", id=file_id))


def _upload_page(screen: ScreenSpec, error: str = "") -> str:
    offered = columns(screen)
    page = UploadPage(
        title=_("Import %(things)s", things=within(_(screen.plural))),
        action=screen.url_to("import_view"),
        back=_back(screen),
        empty_url=screen.url_to("import_empty_view"),
        fields=[(c.label, c.help, c.needed) for c in offered.values() if c.related is None],
        related=list(explained(offered)),
        error=error,
    )
    return _render(screen, "admin/import.html", page)


def empty(screen: ScreenSpec) -> Response:
    """Answer an empty file with a heading for every column that can be imported."""
    titles = [RECORD_NUMBER, *(c.label for c in columns(screen).values())]
    return _download(screen, [titles], f"{screen.resource}.csv")


def _download(screen: ScreenSpec, rows: Any, name: str) -> Response:
    headers = {"Content-Disposition": f"attachment; filename={name}"}
    return Response(write_csv(rows), mimetype="text/csv", headers=headers)


def file_of(screen: ScreenSpec, file_id: int) -> ImportFile:
    """Return a file of this list that the person asking has uploaded. :raises NotFound: there is none."""
    session().rollback()
    file = session().get(ImportFile, file_id, populate_existing=True)
    if file is None or file.resource != screen.resource or file.actor_id != actor().id:
        raise NotFound(_("This record does not exist or you do not have access to it."))
    if file.expires_at <= now():
        raise NotFound(
            _("Uploaded files are kept for a week and this one has been deleted. Upload it again.")
        )
    return file


def _asked(screen: ScreenSpec) -> ImportFile:
    """Return the file the request is about; one whose dry run was stopped or killed is back at its mapping."""
    file = file_of(screen, parse_id("id", request.args.get("id")))
    if importing.is_abandoned(file, now()):
        importing.release(db.engine, file.id)
        return file_of(screen, file.id)
    return file


def _back(screen: ScreenSpec) -> Link:
    return Link(screen.heading, screen.url_to("index_view"), "chevron-left")


def _render(screen: ScreenSpec, template: str, page: Any) -> str:
    return render_template(template, page=page, frame=frame(screen.resource))


# -- 2. which column goes where -------------------------------------------------------------------------------------


def mapping(screen: ScreenSpec) -> Any:
    """Ask which column goes where, or try the file by what was chosen."""
    file = _asked(screen)
    if file.state in (ImportState.TRYING, ImportState.APPLIED):
        return redirect(screen.url_to("import_rows_view", id=file.id))
    if request.method == "GET":
        return _mapping_page(screen, file, import_mapping.proposed(screen, file))
    time_limits.allow_file()
    wanted = reading_page.chosen(file)
    try:
        if wanted is not None:
            reading_page.read_again(screen, file, wanted)
    except BadFile as bad:
        shown = import_mapping.proposed(screen, file_of(screen, file.id))
        return _mapping_page(screen, file, shown, errors=[str(bad)]), 422
    except Refused:
        return redirect(screen.url_to("import_rows_view", id=file.id))
    if wanted is None or not wanted.other_columns:
        return _take_mapping(screen, file_of(screen, file.id))
    flash(_("The file was read again. Check how its columns are mapped."), "success")
    return redirect(screen.url_to("import_map_view", id=file.id))


def _take_mapping(screen: ScreenSpec, file: ImportFile) -> Any:
    """Try the file by the mapping that was chosen, or say what is wrong with it."""
    plan, wrong = import_mapping.chosen(screen, file)
    shown = import_mapping.Proposal(plan)
    if request.form.get("do") == "read":
        return _mapping_page(screen, file, shown)
    if file.reading is not None and not file.reading["sure"]:
        wrong.append(
            _("The file does not say which encoding it uses. Choose the one that shows the lines correctly.")
        )
    if wrong:
        return _mapping_page(screen, file, shown, errors=wrong), 422
    try:
        import_mapping.save_mapping(screen, file, plan)
    except Invalid as invalid:
        told = " ".join(sentence(text) for text in invalid.errors.values())
        return _mapping_page(screen, file, shown, save_error=told), 422
    with suppress(Refused):  # it is being tried, or was applied
        try_file(screen, file, plan)
    return redirect(screen.url_to("import_rows_view", id=file.id))


def delete_mapping(screen: ScreenSpec) -> Any:
    """Delete one of the person's own saved mappings, and go back to that of the file."""
    file = _asked(screen)
    import_mapping.delete_mapping(screen)
    return redirect(screen.url_to("import_map_view", id=file.id))


def try_file(
    screen: ScreenSpec,
    file: ImportFile,
    plan: Plan,
    busy: dt.timedelta = importing.BUSY,
    *,
    at_once: bool = False,
) -> None:
    """Read the rows of a file by a mapping and try them. :param busy: how long reading them may take at most.

    :param at_once: who asks waits for it, however many they are.
    :raises Refused: ``going_on``: it is being tried, or was applied.
    """
    importing.begin(db.engine, file.id, now(), busy)
    file_id, width, how = file.id, len(file.headers), Reading.of(file.reading)
    try:
        for rows in Reader(screen, plan, width, how).read(file_id):
            importing.keep_values(db.engine, rows)
        stored = plan.stored(screen)
        importing.try_rows(db.engine, call(), file_id, stored, app_state().clock, at_once=at_once)
    except BaseException:
        importing.release(db.engine, file_id)
        raise
    session().rollback()


def _mapping_page(
    screen: ScreenSpec,
    file: ImportFile,
    proposal: import_mapping.Proposal,
    *,
    errors: Sequence[str] = (),
    save_error: str = "",
) -> str:
    offered, plan = columns(screen), proposal.plan
    saved = import_mapping.saved_mappings(screen)
    own = [mapping for mapping in saved if import_mapping.is_own(mapping)]
    things = _("1 row") if file.size == 1 else _("%(count)s rows", count=formatters.number(file.size, shop()))
    page = MappingPage(
        title=_("Import %(things)s", things=within(_(screen.plural))),
        file=file.name,
        rows=things,
        action=screen.url_to("import_map_view", id=file.id),
        back=Link(_("Choose another file"), screen.url_to("import_view"), "chevron-left"),
        lines=_column_lines(file, plan),
        fields=import_mapping.field_groups(offered),
        matches=[("", _("Nothing: create a new record for every row")), *match_choices(screen, offered)],
        match=plan.match or "",
        clear_empty=plan.clear_empty,
        is_ours=import_mapping.is_ours(file),
        ours=plan.ours,
        saved=[(m.id, import_mapping.called(m), m.id == proposal.saved_id) for m in saved],
        notices=proposal.notices,
        elsewhere=list(headings.left_over(screen, file, plan.fields)),
        own=[mapping.name for mapping in own],
        deletes=[_delete_link(screen, file, mapping) for mapping in own],
        reading=reading_page.form(screen, file, plan),
        file_id=file.id,
        map_url=screen.url_to("import_map_view"),
        save_as=request.form.get("save_as", ""),
        save_error=save_error,
        errors=errors,
    )
    return _render(screen, "admin/import_map.html", page)


def _column_lines(file: ImportFile, plan: Plan) -> list[ColumnLine]:
    first = select(ImportRow.cells).where(ImportRow.file_id == file.id).order_by(ImportRow.position)
    rows = session().scalars(first.limit(SAMPLES)).all()

    def sample(place: int) -> list[str]:
        return [cells[place] for cells in rows if cells and place < len(cells) and cells[place].strip()]

    lines = [ColumnLine(p, h, sample(p), plan.fields.get(p, "")) for p, h in enumerate(file.headers)]
    return [line for line in lines if line.sample or line.chosen or not _is_blank(file, line.place)]


def _is_blank(file: ImportFile, place: int) -> bool:
    """Return whether a column has no heading but the one that it was given here."""
    return file.headers[place] == _("Column %(letter)s", letter=get_column_letter(place + 1))


def _delete_link(screen: ScreenSpec, file: ImportFile, mapping: ImportMapping) -> Link:
    return Link(
        _("Delete %(name)s", name=mapping.name),
        screen.url_to("import_mapping_delete_view", id=file.id),
        "trash",
        post=True,
        danger=True,
        confirm=_("Delete the mapping %(name)s?", name=mapping.name),
        fields=(("mapping", str(mapping.id)),),
    )


# -- 3. what would happen -------------------------------------------------------------------------------------------


def rows(screen: ScreenSpec, refused: str = "", status: int = 200) -> Any:
    """Show what the dry run found, row by row."""
    file = _asked(screen)
    if file.state == ImportState.UPLOADED:
        return redirect(screen.url_to("import_map_view", id=file.id))
    show = request.args.get("show", "")
    if show and show not in set(Verdict):
        raise BadArgument("show", _("this kind of row does not exist"))
    after = request.args.get("after", "0")
    if not (after.isascii() and after.isdigit() and len(after) < 9):
        raise BadArgument("after", _("a whole number"))
    return _render(
        screen, "admin/import_rows.html", _rows_page(screen, file, show, int(after), refused)
    ), status


def _rows_page(screen: ScreenSpec, file: ImportFile, show: str, after: int, refused: str) -> RowsPage:
    found = _some_rows(file, show, after)
    here = {"id": file.id, **({"show": show} if show else {})}
    url = screen.url_to("import_rows_view", **here)
    tried = file.state == ImportState.TRIED
    trial = file.trial
    writes = file.created + file.changed
    lines = import_rows.lines(screen, file, found[:PAGE]) if not _going_on(file) else []
    return RowsPage(
        title=_("Import %(things)s", things=within(_(screen.plural))),
        file=file.name,
        counts=_counts(screen, file, show),
        lines=lines,
        instead=import_rows.instead(screen, file, lines),
        back=_back(screen),
        going_on=_going_on(file),
        gone=trial.done if trial is not None else 0,
        total=trial.size if trial is not None else file.size,
        url=url,
        map_url=screen.url_to("import_map_view", id=file.id) if tried else "",
        apply_url=screen.url_to("import_apply_view", id=file.id) if tried and writes else "",
        apply_label=_apply_label(screen, file),
        refused_url=screen.url_to("import_refused_view", id=file.id) if file.refused else "",
        run_url=_run_url(file),
        next_url=f"{url}&after={found[PAGE - 1].position}" if len(found) > PAGE else "",
        first_url=url if after else "",
        error=refused,
    )


def _going_on(file: ImportFile) -> bool:
    return file.state == ImportState.TRYING


def _apply_label(screen: ScreenSpec, file: ImportFile) -> str:
    count = formatters.number(file.created + file.changed, shop())
    things = within(_(screen.singular if file.created + file.changed == 1 else screen.plural))
    return _("Import %(count)s %(things)s", count=count, things=things)


def _some_rows(file: ImportFile, show: str, after: int) -> Sequence[ImportRow]:
    wanted = select(ImportRow).where(ImportRow.file_id == file.id, ImportRow.position > after)
    if show:
        wanted = wanted.where(ImportRow.verdict == next(v for v in Verdict if v == show))
    return session().scalars(wanted.order_by(ImportRow.position).limit(PAGE + 1)).all()


def _counts(screen: ScreenSpec, file: ImportFile, show: str) -> list[Count]:
    def tab(label: str, count: int, kind: str) -> Count:
        more = {"show": kind} if kind else {}
        return Count(label, count, screen.url_to("import_rows_view", id=file.id, **more), show == kind)

    kinds = [tab(_(verdict.label), getattr(file, verdict.value), verdict.value) for verdict in Verdict]
    return [tab(_("All"), file.size, ""), *kinds]


def _run_url(file: ImportFile) -> str:
    screen = registry().screens["run"]
    if file.run_id is None or not screen.can("show"):
        return ""
    return screen.url_to("details_view", id=file.run_id, tab="run_item")


def refused(screen: ScreenSpec) -> Response:
    """Answer the refused rows as a file like the one that was uploaded, with the reason as its last column."""
    file = _asked(screen)
    wanted = select(ImportRow).where(ImportRow.file_id == file.id, ImportRow.verdict == Verdict.REFUSED)
    width = len(file.headers)
    found = session().scalars(wanted.order_by(ImportRow.position)).all()

    def lines() -> Iterator[list[str]]:
        yield [*file.headers, _("Reason refused")]
        for row in found:
            told = "; ".join(map(str, import_rows.told(screen, file, row)))
            yield [*((row.cells or []) + [""] * width)[:width], told]

    return _download(screen, list(lines()), f"{screen.resource}-refused.csv")


def choose(screen: ScreenSpec) -> Any:
    """Have the row that was asked for, or each that one record was found for, update that record (rule 7.12)."""
    file = _asked(screen)
    time_limits.allow_file()
    every = request.form.get("all") == "1"
    try:
        wanted = dict(import_rows.every_match(screen, file) if every else [import_rows.chosen(screen, file)])
        count = import_rows.take(file, wanted)
    except Refused as refusal:
        return rows(screen, translated(refusal), refusal.status)
    said = _("%(count)s rows now update the record that was found.", count=formatters.number(count, shop()))
    flash(said if count else _("No rows were changed."), "success" if count else "warning")
    return redirect(screen.url_to("import_rows_view", id=file.id))


# -- 4. the action ----------------------------------------------------------------------------------------------------


def apply(screen: ScreenSpec) -> Any:
    """Queue the run that does it, and lead to its page."""
    file = _asked(screen)
    whole = request.form.get("whole") == "1"
    try:
        if not import_mapping.is_offered(screen, file):
            raise Refused(*NO_LONGER_OFFERED)
        importing.apply(db.engine, call(key=saving.key()), file.id, whole=whole)
    except Refused as refusal:
        return rows(screen, translated(refusal), refusal.status)
    file = file_of(screen, file.id)
    return redirect(_run_url(file) or screen.url_to("import_rows_view", id=file.id))
