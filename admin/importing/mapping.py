"""Which column of a file goes where: as it was saved, as the headings say, or as the person chose (rule 15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, request
from flask_babel import gettext as _
from sqlalchemy import case, select
from sqlalchemy.orm import joinedload

from actions.core.base import Invalid, Missing
from actions.execution.records import record_actions
from admin.importing.columns import ID, Column, columns, figure_places
from admin.importing.dates import file_is_month_first
from admin.importing.headings import fields_by_heading, key
from admin.importing.matching import NUMBER, match_choices
from admin.importing.numbers import FORMATS, file_format
from admin.importing.reading import Reading
from admin.importing.values import Plan
from admin.request.context import actor, perform
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.spreadsheets import RECORD_NUMBER
from models import normalise
from models.importing import ImportFile, ImportMapping
from web.arguments import BadArgument, not_offered, parse_id
from web.request import session, shop

NOT_IMPORTED = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The mapping that the page begins with, which saved one it is, and what of that will no longer do."""

    plan: Plan
    saved_id: int | None = None
    notices: Sequence[str] = ()


def saved_mappings(screen: ScreenSpec) -> Sequence[ImportMapping]:
    """Return the mappings that were saved for a list: the person's own by name, then those of others."""
    others = case((ImportMapping.owner_id == actor().id, 0), else_=1)
    wanted = select(ImportMapping).where(ImportMapping.resource == screen.resource)
    ordered = wanted.order_by(others, ImportMapping.name_key, ImportMapping.id)
    return session().scalars(ordered.options(joinedload(ImportMapping.owner))).unique().all()


def own_mappings(screen: ScreenSpec) -> list[ImportMapping]:
    """Return the mappings that the person asking has saved for a list."""
    return [mapping for mapping in saved_mappings(screen) if is_own(mapping)]


def is_own(mapping: ImportMapping) -> bool:
    """Whether the person asking has saved a mapping, and so may replace and delete it."""
    return mapping.owner_id == actor().id


def called(mapping: ImportMapping) -> str:
    """Return a mapping's name, with its owner where that is somebody else."""
    if is_own(mapping):
        return mapping.name
    return _("%(name)s, by %(owner)s", name=mapping.name, owner=mapping.owner.get_full_name())


def proposed(screen: ScreenSpec, file: ImportFile) -> Proposal:
    """Return the mapping to begin with: the saved one asked for, else one for the same headings, else by name."""
    saved = saved_mappings(screen)
    wanted = request.args.get("mapping", "")
    if wanted:
        chosen = next((m for m in saved if str(m.id) == wanted), None)
        if chosen is None:
            raise BadArgument("mapping", _("this mapping does not exist"))
    elif file.plan is not None:
        kept = file.plan
        fields = {int(place): name for place, name in kept["fields"].items()}
        ours, first, figures = kept.get("ours", False), kept.get("month_first"), kept.get("figures")
        return Proposal(Plan(fields, kept["match"], kept["clear_empty"], ours, first, figures))
    else:
        chosen = next((m for m in saved if m.headers == file.headers), None)
    return Proposal(guessed(screen, file)) if chosen is None else _applied(screen, file, chosen)


def _applied(screen: ScreenSpec, file: ImportFile, mapping: ImportMapping) -> Proposal:
    """Return what a saved mapping says of a file. Fields, headings and keys may have gone since it was saved."""
    offered = columns(screen)
    named = {place: mapping.fields[h] for place, h in enumerate(file.headers) if h in mapping.fields}
    fields = {place: name for place, name in named.items() if name in {ID, *offered}}
    notices = [
        _("The field for %(heading)s no longer exists. Choose another.", heading=file.headers[p])
        for p in named.keys() - fields.keys()
    ]
    if not named:
        notices.append(_("This file has none of the columns of this mapping."))
    if ID in fields.values() and not is_ours(file):
        fields = {place: name for place, name in fields.items() if name != ID}
        notices.append(
            _("The record number is not mapped automatically in a file that was not exported from here.")
        )
    match = mapping.match
    if match not in fields.values() or match not in dict(match_choices(screen, offered)):
        match = None
    if match != mapping.match:
        notices.append(_("Choose again which column identifies the records."))
    plan = Plan(fields, match, mapping.clear_empty, is_ours(file), *_reading(screen, file, mapping, fields))
    return Proposal(plan, mapping.id, notices)


def _reading(
    screen: ScreenSpec, file: ImportFile, mapping: ImportMapping, fields: dict[int, str]
) -> tuple[bool | None, str | None]:
    """Return whether the month comes first in dates, and how figures are written: as the file shows, else as saved."""
    reading, first, figures = Reading.of(file.reading), mapping.month_first, mapping.figures
    if first is not None:
        first = file_is_month_first(reading, shop().locale, first)
    if figures in FORMATS:
        places = figure_places(columns(screen), fields)
        figures = file_format(reading, places, ours=is_ours(file), locale=shop().locale, saved=figures)
    return first, figures if figures in FORMATS else None


def is_ours(file: ImportFile) -> bool:
    """Whether a file was exported here, so that its record numbers are ours."""
    return RECORD_NUMBER in file.headers


def guessed(screen: ScreenSpec, file: ImportFile) -> Plan:
    """Return the columns whose heading is a field's name or label, as an export writes them.

    What another system calls "ID" is its own number of some record, and matching by it would change somebody else's.
    """
    names = fields_by_heading(columns(screen))
    fields: dict[int, str] = {}
    for place, header in enumerate(file.headers):
        known = ID if header == RECORD_NUMBER else names.get(key(header))
        if known is not None and known not in fields.values():
            fields[place] = known
    return Plan(fields, ID if ID in fields.values() else None, ours=is_ours(file))


def chosen(screen: ScreenSpec, file: ImportFile) -> tuple[Plan, list[str]]:
    """Return what was posted, and what is wrong with it. :raises BadArgument: it was never offered."""
    offered = {name for name, _label in field_choices(columns(screen))}
    fields: dict[int, str] = {}
    for place in range(len(file.headers)):
        name = request.form.get(f"column-{place}", NOT_IMPORTED)
        if name not in offered:
            raise BadArgument(f"column-{place}", _("this field does not exist"))
        if name:
            fields[place] = name
    match = request.form.get("match") or None
    if match is not None and match not in dict(match_choices(screen, columns(screen))):
        raise BadArgument("match", _("this field does not exist"))
    ours = is_ours(file) or request.form.get("ours") == "1"
    first = {"day": False, "month": True}.get(request.form.get("days", ""))
    figures = request.form.get("figures")
    if figures is not None and figures not in FORMATS:
        raise not_offered("figures", figures)
    plan = Plan(fields, match, request.form.get("clear_empty") == "1", ours, first, figures)
    return plan, problems(file, plan)


def problems(file: ImportFile, plan: Plan) -> list[str]:
    """Return what is wrong with a mapping as a whole."""
    names = list(plan.fields.values())
    wrong = [
        _("Two columns are mapped to the same field. Check %(header)s.", header=file.headers[place])
        for n, place in enumerate(plan.fields)
        if plan.fields[place] in names[:n]
    ]
    if not set(names) - {ID}:
        wrong.append(_("Choose a field for at least one column."))
    if plan.match is not None and plan.match not in names:
        wrong.append(_("The field used to match records has no column mapped to it."))
    if ID in names and not plan.ours:
        place = next(place for place, name in plan.fields.items() if name == ID)
        wrong.append(
            _(
                "%(header)s is mapped to the Clientele record number. Numbers from another system would change "
                "the wrong records. Confirm below that these are this shop's record numbers.",
                header=file.headers[place],
            )
        )
    return wrong


def save_mapping(screen: ScreenSpec, file: ImportFile, plan: Plan) -> None:
    """Keep the mapping under the name that was typed, if one was, in place of the person's own of that name.

    :raises Invalid: the name will not do.
    """
    name = request.form.get("save_as", "").strip()
    if not name:
        return
    values = {
        "resource": screen.resource, "owner_id": actor().id, "name": name, "headers": list(file.headers),
        "match": plan.match, "fields": {file.headers[p]: n for p, n in plan.fields.items()},
        "clear_empty": plan.clear_empty, "month_first": plan.month_first, "figures": plan.figures,
    }  # fmt: skip
    if not _replaced(screen, values):
        try:
            perform(record_actions(ImportMapping)[0], values=values)
        except Invalid:
            if not _replaced(screen, values):  # the same person has just saved it in another window
                raise
            return
        flash(_("The mapping %(name)s was saved.", name=name), "success")


def _replaced(screen: ScreenSpec, values: dict[str, Any]) -> bool:
    """Put a mapping in place of the person's own of the same name; return whether there is one."""
    folded = normalise.folded(values["name"])
    there = next((m for m in own_mappings(screen) if m.name_key == folded), None)
    if there is None:
        return False
    perform(record_actions(ImportMapping)[1], there.id, values=values, version=None)
    flash(_("The mapping %(name)s was replaced.", name=values["name"]), "success")
    return True


def delete_mapping(screen: ScreenSpec) -> None:
    """Delete the mapping that was posted, if it is the person's own; one that is gone already is no mistake."""
    wanted = parse_id("mapping", request.form.get("mapping"))
    mine = next((m for m in own_mappings(screen) if m.id == wanted), None)
    if mine is None:
        flash(_("Mapping not found."), "warning")
        return
    name = mine.name
    try:
        perform(record_actions(ImportMapping)[2], wanted)
    except Missing:
        session().rollback()
    flash(_("The mapping %(name)s was deleted.", name=name), "success")


def is_offered(screen: ScreenSpec, file: ImportFile) -> bool:
    """Return whether the person asking may still fill every field that the columns of a file were mapped to."""
    mapped = (file.plan or {}).get("fields", {}).values()
    return set(mapped) <= {ID, *columns(screen)}


def field_choices(offered: dict[str, Column]) -> list[tuple[str, str]]:
    """Return (name, label) of all that a column can go into."""
    return [choice for _group, choices in field_groups(offered) for choice in choices]


def field_groups(offered: dict[str, Column]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what a column can go into, first without a group, then (what related rows are called, their fields)."""
    groups: dict[str, list[tuple[str, str]]] = {"": [(NOT_IMPORTED, _("Do not import")), (ID, str(NUMBER))]}
    for name, column in offered.items():
        group = str(column.related.rows.label) if column.related is not None else ""
        groups.setdefault(group, []).append((name, f"{column.label} *" if column.needed else column.label))
    return list(groups.items())
