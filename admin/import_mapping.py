"""Which column of a file goes where: as it was saved, as the headings say, or as the person chose (rule 15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import flash, request
from flask_babel import gettext as _
from sqlalchemy import case, select
from sqlalchemy.orm import joinedload

from actions.base import Invalid, Missing
from actions.records import record_actions
from admin.context import actor, perform, session
from admin.import_columns import ID, Column, columns
from admin.import_matching import match_choices
from admin.import_values import Plan
from admin.query import BadArgument, parse_id
from models import normalise
from models.importing import ImportFile, ImportMapping

if TYPE_CHECKING:
    from admin.base import Screen

NOT_IMPORTED = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The mapping that the page begins with, which saved one it is, and what of that will no longer do."""

    plan: Plan
    saved_id: int | None = None
    notices: Sequence[str] = ()


def saved_mappings(screen: Screen) -> Sequence[ImportMapping]:
    """Return the mappings that were saved for a list: the person's own by name, then those of others."""
    others = case((ImportMapping.owner_id == actor().id, 0), else_=1)
    wanted = select(ImportMapping).where(ImportMapping.resource == screen.resource)
    ordered = wanted.order_by(others, ImportMapping.name_key, ImportMapping.id)
    return session().scalars(ordered.options(joinedload(ImportMapping.owner))).unique().all()


def own_mappings(screen: Screen) -> list[ImportMapping]:
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


def proposed(screen: Screen, file: ImportFile) -> Proposal:
    """Return the mapping to begin with: the saved one asked for, else one for the same headings, else by name."""
    saved = saved_mappings(screen)
    wanted = request.args.get("mapping", "")
    if wanted:
        chosen = next((m for m in saved if str(m.id) == wanted), None)
        if chosen is None:
            raise BadArgument("mapping", _("there is no such mapping"))
    elif file.plan is not None:
        kept = file.plan
        return Proposal(
            Plan({int(p): n for p, n in kept["fields"].items()}, kept["match"], kept["clear_empty"])
        )
    else:
        chosen = next((m for m in saved if m.headers == file.headers), None)
    return Proposal(_guessed(screen, file)) if chosen is None else _applied(screen, file, chosen)


def _applied(screen: Screen, file: ImportFile, mapping: ImportMapping) -> Proposal:
    """Return what a saved mapping says of a file. Fields, headings and keys may have gone since it was saved."""
    offered = columns(screen)
    named = {place: mapping.fields[h] for place, h in enumerate(file.headers) if h in mapping.fields}
    fields = {place: name for place, name in named.items() if name in {ID, *offered}}
    notices = [
        _("%(heading)s went into a field that is no longer there: choose another.", heading=file.headers[p])
        for p in named.keys() - fields.keys()
    ]
    if not named:
        notices.append(_("This file has none of the columns of this mapping."))
    match = mapping.match
    if match not in fields.values() or match not in dict(match_choices(screen, offered)):
        match = None
    if match != mapping.match:
        notices.append(_("Choose anew what records are told apart by."))
    return Proposal(Plan(fields, match, mapping.clear_empty), mapping.id, notices)


def _guessed(screen: Screen, file: ImportFile) -> Plan:
    """Return the columns whose heading is a field's name or label, as an export writes them."""
    names: dict[str, str] = {}
    for name, column in columns(screen).items():
        for word in (name, name.replace("_", " "), column.label):
            names.setdefault(normalise.folded(word), name)
    names.setdefault(ID, ID)
    fields: dict[int, str] = {}
    for place, header in enumerate(file.headers):
        known = ID if header == ID else names.get(normalise.folded(header))
        if known is not None and known not in fields.values():
            fields[place] = known
    return Plan(fields, ID if ID in fields.values() else None)


def chosen(screen: Screen, file: ImportFile) -> tuple[Plan, list[str]]:
    """Return what was posted, and what is wrong with it. :raises BadArgument: it was never offered."""
    offered = {name for name, _label in field_choices(columns(screen))}
    fields: dict[int, str] = {}
    wrong: list[str] = []
    for place, header in enumerate(file.headers):
        name = request.form.get(f"column-{place}", NOT_IMPORTED)
        if name not in offered:
            raise BadArgument(f"column-{place}", _("there is no such field"))
        if name and name in fields.values():
            wrong.append(_("Two columns go into the same field: look at %(header)s.", header=header))
        if name:
            fields[place] = name
    match = request.form.get("match") or None
    if match is not None and match not in dict(match_choices(screen, columns(screen))):
        raise BadArgument("match", _("there is no such field"))
    if not set(fields.values()) - {ID}:
        wrong.append(_("Choose a field for at least one column."))
    if match is not None and match not in fields.values():
        wrong.append(_("Records are told apart by a field that no column goes into."))
    return Plan(fields, match, request.form.get("clear_empty") == "1"), wrong


def save_mapping(screen: Screen, file: ImportFile, plan: Plan) -> None:
    """Keep the mapping under the name that was typed, if one was, in place of the person's own of that name.

    :raises Invalid: the name will not do.
    """
    name = request.form.get("save_as", "").strip()
    if not name:
        return
    values = {
        "resource": screen.resource, "owner_id": actor().id, "name": name, "headers": list(file.headers),
        "match": plan.match, "fields": {file.headers[p]: n for p, n in plan.fields.items()},
        "clear_empty": plan.clear_empty,
    }  # fmt: skip
    if not _replaced(screen, values):
        try:
            perform(record_actions(ImportMapping)[0], values=values)
        except Invalid:
            if not _replaced(screen, values):  # the same person has just saved it in another window
                raise
            return
        flash(_("The mapping %(name)s was saved.", name=name), "success")


def _replaced(screen: Screen, values: dict[str, Any]) -> bool:
    """Put a mapping in place of the person's own of the same name; return whether there is one."""
    key = normalise.folded(values["name"])
    there = next((m for m in own_mappings(screen) if m.name_key == key), None)
    if there is None:
        return False
    perform(record_actions(ImportMapping)[1], there.id, values=values, version=None)
    flash(_("The mapping %(name)s was replaced.", name=values["name"]), "success")
    return True


def delete_mapping(screen: Screen) -> None:
    """Delete the mapping that was posted, if it is the person's own; one that is gone already is no mistake."""
    wanted = parse_id("mapping", request.form.get("mapping"))
    mine = next((m for m in own_mappings(screen) if m.id == wanted), None)
    if mine is None:
        flash(_("There is no such mapping of yours."), "warning")
        return
    name = mine.name
    try:
        perform(record_actions(ImportMapping)[2], wanted)
    except Missing:
        session().rollback()
    flash(_("The mapping %(name)s was deleted.", name=name), "success")


def field_choices(offered: dict[str, Column]) -> list[tuple[str, str]]:
    labels = [(name, f"{c.label} *" if c.needed else c.label) for name, c in offered.items()]
    return [(NOT_IMPORTED, _("Do not import")), (ID, _("Number (id)")), *labels]
