"""Which column of a file goes where: as it was saved, as the headings say, or as the person chose (rule 15)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import request
from flask_babel import gettext as _
from sqlalchemy import select

from actions.records import record_actions
from admin.context import perform, session
from admin.import_columns import ID, Column, columns
from admin.import_matching import match_choices
from admin.import_values import Plan
from admin.query import BadArgument
from models import normalise
from models.importing import ImportFile, ImportMapping

if TYPE_CHECKING:
    from admin.base import Screen

NOT_IMPORTED = ""


def saved_mappings(screen: Screen) -> Sequence[ImportMapping]:
    """Return the mappings that were saved for a list, by name."""
    mine = select(ImportMapping).where(ImportMapping.resource == screen.resource)
    return session().scalars(mine.order_by(ImportMapping.name_key)).all()


def proposed(screen: Screen, file: ImportFile) -> tuple[Plan, int | None]:
    """Return the mapping to begin with: the saved one asked for, else one for the same headings, else by name."""
    saved = saved_mappings(screen)
    wanted = request.args.get("mapping", "")
    if wanted:
        chosen = next((m for m in saved if str(m.id) == wanted), None)
        if chosen is None:
            raise BadArgument("mapping", _("there is no such mapping"))
    elif file.plan is not None:
        kept = file.plan
        return Plan({int(p): n for p, n in kept["fields"].items()}, kept["match"], kept["clear_empty"]), None
    else:
        chosen = next((m for m in saved if m.headers == file.headers), None)
    if chosen is None:
        return _guessed(screen, file), None
    known = {ID, *columns(screen)}
    fields = {p: chosen.fields[h] for p, h in enumerate(file.headers) if chosen.fields.get(h) in known}
    kept_match = chosen.match if chosen.match in fields.values() else None
    return Plan(fields, kept_match, chosen.clear_empty), chosen.id


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
    """Keep the mapping under the name that was typed, if one was; an older one of that name is replaced."""
    name = request.form.get("save_as", "").strip()
    if not name:
        return
    create, edit, _delete = record_actions(ImportMapping)
    values = {
        "resource": screen.resource, "name": name, "headers": list(file.headers), "match": plan.match,
        "fields": {file.headers[p]: n for p, n in plan.fields.items()}, "clear_empty": plan.clear_empty,
    }  # fmt: skip
    there = next((m for m in saved_mappings(screen) if m.name_key == normalise.folded(name)), None)
    if there is None:
        perform(create, values=values)
    else:
        perform(edit, there.id, values=values, version=None)


def field_choices(offered: dict[str, Column]) -> list[tuple[str, str]]:
    labels = [(name, f"{c.label} *" if c.needed else c.label) for name, c in offered.items()]
    return [(NOT_IMPORTED, _("Do not import")), (ID, _("Number (id)")), *labels]
