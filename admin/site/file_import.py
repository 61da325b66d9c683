"""A file imported from the command line (``flask import``): read, mapped, tried and applied by what serves the pages.

It may be larger than on a page (rule 15.1), and is done in this process to its end, as a run that anybody may watch,
stop and undo (rule 15.20).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from babel.numbers import format_decimal
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import Forbidden, NotFound

from actions.importing import in_process, wording
from admin.importing import mapping, reading_page, rows, views
from admin.importing.budget import COMMAND, BadFile
from admin.importing.columns import ID, columns
from admin.importing.matching import match_choices
from admin.importing.numbers import FORMATS
from admin.importing.values import Plan
from admin.request.context import app_state, call
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from models.base import db
from models.importing import ImportFile, ImportRow, Verdict
from models.run import Run
from web.messages import within
from web.request import session

SHOWN = 20
"""Refused rows that are printed; the page of the run has all of them."""
BUSY = dt.timedelta(days=1)
"""How long reading a large file may take at most."""


class BadMapping(Exception):
    """The mapping does not fit the file or the list; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a file: lines to print, and whether any row was refused or is still to be done."""

    lines: list[str]
    failed: bool


def importable(resource: str) -> ScreenSpec:
    """Return the list that files are imported into.

    :raises NotFound: there is none. :raises Forbidden: it is not for the person asking.
    """
    found = {noun: screen for noun, screen in registry().screens.items() if "import" in screen.verbs}
    if resource not in found:
        close = get_close_matches(resource, found, 1)
        hint = f" {_('Is it %(noun)s?', noun=close[0])}" if close else ""
        raise NotFound(_("No list called %(noun)s can be imported.", noun=resource) + hint)
    if not found[resource].can("import"):
        raise Forbidden(_("They do not have permission for this."))
    return found[resource]


def read_mapping(path: Path) -> Mapping[str, Any]:
    """Return the mapping in a file, as a saved one has it: ``fields`` is heading -> field, or all there is.

    :raises BadMapping: it is none.
    """
    try:
        found = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BadMapping(_("The mapping is not JSON.")) from None
    if not isinstance(found, dict):
        raise BadMapping(_('The mapping is not an object such as {"Postcode": "primary_address.postcode"}.'))
    given: dict[str, Any] = found if isinstance(found.get("fields"), dict) else {"fields": found}
    if unknown := given.keys() - SAVED.keys():
        raise BadMapping(_("The mapping has no %(name)s.", name=", ".join(sorted(unknown))))
    for name, kind in SAVED.items():
        if given.get(name) is not None and not isinstance(given[name], kind):
            raise BadMapping(_("%(name)s of the mapping cannot be read.", name=name))
    if not all(isinstance(name, str) for name in given["fields"].values()):
        raise BadMapping(_("%(name)s of the mapping cannot be read.", name="fields"))
    return given


SAVED: Mapping[str, type] = {
    "fields": dict, "match": str, "clear_empty": bool, "month_first": bool, "figures": str, "ours": bool,
}  # fmt: skip
"""What a mapping may say, as :class:`models.importing.ImportMapping` has it; ``ours``: the record numbers are ours."""


def run(
    resource: str, path: Path, given: Mapping[str, Any], *, dry_run: bool, whole: bool, instead: bool = False
) -> Told:
    """Import a file; return what became of it.

    :param given: what :func:`read_mapping` returns; nothing of ``fields`` is for the headings to say.
    :param whole: all rows or none. :param instead: rows that would create somebody who may be one customer that is
        there already update that one.
    :raises BadFile: it cannot be read. :raises BadMapping: it cannot be mapped. :raises Refused: it cannot be applied.
    """
    screen = importable(resource)
    with path.open("rb") as content:
        file_id = reading_page.take_in(screen, content, path.name, COMMAND, kept=False)
    file = views.file_of(screen, file_id)
    if file.reading is not None and not file.reading["sure"]:
        raise BadFile(
            _("This file does not say which encoding it uses. Save it as CSV in UTF-8, or as XLSX.")
        )
    plan = _plan(screen, file, given)
    head = list(_unmapped(file, plan))
    views.try_file(screen, file, plan, BUSY, at_once=True)
    file = views.file_of(screen, file_id)
    if instead and (matches := dict(rows.every_match(screen, file))):
        rows.take(file, matches, at_once=True)
        file = views.file_of(screen, file_id)
    if dry_run or not file.created + file.changed or (whole and file.refused):
        counts = {verdict: getattr(file, verdict.value) for verdict in Verdict}
        why = [] if dry_run else [_("Nothing was imported.")]
        return Told([*head, _counted(counts), *_refusals(screen, file), *why], bool(file.refused))
    run_id = in_process.apply_now(db.engine, call(), file_id, app_state().clock, whole=whole)
    return _done(screen, file_id, run_id, head)


def _done(screen: ScreenSpec, file_id: int, run_id: int, head: list[str]) -> Told:
    file = views.file_of(screen, file_id)
    with Session(db.engine) as own:
        run = own.get_one(Run, run_id)
        counts = in_process.outcomes(own, run_id)
        stopped = run.is_open or run.done + run.refused < run.size
    lines = [*head, _counted(counts), *_refusals(screen, file)]
    if stopped:
        lines.append(_("Background job %(id)s has not finished. Watch it there.", id=run_id))
    else:
        lines.append(_("Background job %(id)s. It can be undone there.", id=run_id))
    return Told(lines, stopped or bool(counts[Verdict.REFUSED]))


# -- which column goes where ----------------------------------------------------------------------------------------


def _plan(screen: ScreenSpec, file: ImportFile, given: Mapping[str, Any]) -> Plan:
    """Return the mapping: what the headings say, and instead of it what is given. :raises BadMapping:"""
    guessed, offered = mapping.guessed(screen, file), columns(screen)
    fields = {**guessed.fields} if not given.get("fields") else _named(file, given["fields"], {ID, *offered})
    match = given.get("match", guessed.match)
    if match is not None and match not in dict(match_choices(screen, offered)):
        known = ", ".join(name for name, _label in match_choices(screen, offered))
        raise BadMapping(
            _("Records cannot be matched by %(name)s, only by %(known)s.", name=match, known=known)
        )
    figures = given.get("figures")
    if figures is not None and figures not in FORMATS:
        raise BadMapping(_("%(name)s of the mapping cannot be read.", name="figures"))
    ours = guessed.ours or given.get("ours") is True
    plan = Plan(fields, match, given.get("clear_empty") is True, ours, given.get("month_first"), figures)
    if wrong := mapping.problems(file, plan):
        raise BadMapping(" ".join(wrong))
    return plan


def _named(file: ImportFile, given: Mapping[str, str], offered: set[str]) -> dict[int, str]:
    for heading, name in given.items():
        if heading not in file.headers:
            raise BadMapping(
                _("The file has no column %(heading)s.", heading=heading) + _close(heading, file.headers)
            )
        if name not in offered:
            raise BadMapping(_("There is no field %(name)s.", name=name) + _close(name, offered))
    return {place: given[heading] for place, heading in enumerate(file.headers) if heading in given}


def _close(name: str, known: Any) -> str:
    close = get_close_matches(name, list(known), 1)
    return f" {_('Is it %(noun)s?', noun=close[0])}" if close else ""


def _unmapped(file: ImportFile, plan: Plan) -> Iterator[str]:
    left = [heading for place, heading in enumerate(file.headers) if place not in plan.fields]
    if left:
        yield _("Not imported: %(headings)s.", headings=", ".join(left))


# -- what is said of it ---------------------------------------------------------------------------------------------


def _counted(counts: Mapping[Verdict, int]) -> str:
    said = (f"{format_decimal(counts[v], locale='en_GB')} {within(_(v.label))}" for v in Verdict)
    return f"{', '.join(said)}."


def _refusals(screen: ScreenSpec, file: ImportFile) -> Iterator[str]:
    """Yield the first refused rows, each with its line, whom it is about, and the columns at fault."""
    wanted = select(ImportRow).where(ImportRow.file_id == file.id, ImportRow.verdict == Verdict.REFUSED)
    found = session().scalars(wanted.order_by(ImportRow.position).limit(SHOWN + 1)).all()
    for row in found[:SHOWN]:
        person = wording.whom(file, row)
        faults = "; ".join(map(str, rows.told(screen, file, row)))
        yield _("Line %(line)s", line=row.line) + (f", {person}: " if person else ": ") + faults
    if len(found) > SHOWN:
        yield _("More rows were refused.")
