"""The page of a save that came second: base, theirs and mine for each field, and nothing lost (rule 9.4)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import Form, StringField

from actions.core.base import Conflict
from admin.forms import model_forms
from admin.layout import formatters
from admin.screen_spec.column_info import Field, label_of
from admin.screen_spec.registry import screen_over
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.conflict_pages import ConflictPage, FieldConflict
from web.request import now, session, shop

CARRIED_NOT = frozenset({"csrf_token", "version", "key"})


def build(screen: ScreenSpec, row_id: int, conflict: Conflict, *, drawer: bool) -> ConflictPage:
    """Show base, theirs and mine for each field that either side changed; the rest is carried along."""
    session().rollback()  # or what is read would be as it was when this request began
    row = screen.get_or_404(row_id)
    theirs, mine = screen.form_class(obj=row), screen.form_class(request.form)
    clashes: list[FieldConflict] = []
    carried = MultiDict((k, v) for k, v in request.form.items(multi=True) if k not in CARRIED_NOT)
    for name in mine._fields:
        clash = _field_conflict(screen, row, name, conflict, theirs[name], mine[name])
        if clash is None:
            continue
        clashes.append(clash)
        if not clash.differs and clash.theirs != clash.base:
            carried.setlist(name, [clash.theirs_value] if clash.theirs_value else [])
    for name in conflict.related & set(mine._fields):
        clashes += _keep_their_rows(screen, name, row, mine[name], carried)
    return ConflictPage(
        title=_("%(record)s was changed by someone else", record=str(row)),
        by=conflict.by or _("Someone"),
        clashes=clashes,
        action=request.full_path.rstrip("?"),
        cancel=screen.url_to("details_view", id=row.id),
        version=conflict.version,
        fields=list(carried.items(multi=True)),
        drawer=drawer,
    )


def _keep_their_rows(
    screen: ScreenSpec, name: str, row: Any, mine: Any, carried: MultiDict[str, str]
) -> list[FieldConflict]:
    """Leave rows that both sides edited as they stand, and show mine beside them to be entered again."""
    for key in [k for k in carried if k == name or k.startswith(f"{name}-")]:
        del carried[key]
    theirs = ", ".join(str(item) for item in getattr(row, name))
    own = ", ".join(" ".join(_texts(entry.form)) for entry in mine.entries)
    return [
        FieldConflict(name, screen.get_column_name(name), "", theirs, own, differs=False, theirs_only=True)
    ]


def _texts(form: Form) -> list[str]:
    typed = [f for f in form if isinstance(f, StringField) and f.short_name not in ("id", "version")]
    return [str(f.data) for f in typed if f.data not in (None, "")]


def _field_conflict(
    screen: ScreenSpec, row: Any, name: str, conflict: Conflict, theirs: Any, mine: Any
) -> FieldConflict | None:
    field = screen.field(name)
    if field.kind == "computed":
        return None
    key = field.column.key if field.kind == "lookup" else name
    if key not in conflict.mine:
        return None
    base, their, my = (
        _comparable(field, source.get(key)) for source in (conflict.base, conflict.theirs, conflict.mine)
    )
    if base == their == my:
        return None
    return FieldConflict(
        name, screen.get_column_name(name),
        _words(screen, row, field, base), _words(screen, row, field, their), _words(screen, row, field, my),
        differs=their not in (base, my) and my != base,
        theirs_value=_posted(field, theirs), mine_value=_posted(field, mine),
    )  # fmt: skip


def _comparable(field: Field, value: Any) -> str:
    """Return a value as text in which equal values are equal, whether from the journal, the record or the form."""
    text = model_forms.typed(value)
    return f"{Decimal(text):.2f}" if field.kind == "percent" and text else text


def _posted(field: Any, bound: Any) -> str:
    if field.kind == "boolean":
        return "y" if bound.data else ""
    if field.kind in ("choice", "lookup"):
        return model_forms.typed(bound.data)
    return str(bound._value())


def _words(screen: ScreenSpec, row: Any, field: Field, value: str) -> Any:
    if field.kind == "money" and value:
        return formatters.money(int(value), formatters.currency_of(row, shop()), shop())
    if field.kind == "percent" and value:
        return formatters.show("percent", Decimal(value), shop=shop(), now=now())
    if field.kind == "date" and value:
        return formatters.day(dt.date.fromisoformat(value), shop())
    if field.kind == "lookup" and value:
        row = screen_over(field.target).get_one(value)
        return str(row) if row is not None else f"#{value}"
    if field.kind == "boolean":
        return _("Yes") if value in ("y", "True") else _("No")
    if field.kind == "choice" and value:
        return label_of(field.choices(value))  # type: ignore[misc]
    return value
