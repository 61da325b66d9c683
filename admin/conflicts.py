"""The page of a save that came second: base, theirs and mine for each field, and nothing lost (rule 9.4)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import Form, StringField

from actions.base import Conflict
from admin import cells, forms
from admin.conflict_pages import Clash, ConflictPage
from admin.context import now, session, shop
from admin.fields import Field, label_of

if TYPE_CHECKING:
    from admin.base import Screen

CARRIED_NOT = frozenset({"csrf_token", "version", "key"})


def build(screen: Screen, row_id: int, conflict: Conflict, *, drawer: bool) -> ConflictPage:
    """Show base, theirs and mine for each field that either side changed; the rest is carried along."""
    session().rollback()  # or what is read would be as it was when this request began
    row = screen.get_or_404(row_id)
    theirs, mine = screen.form_class(obj=row), screen.form_class(request.form)
    clashes: list[Clash] = []
    carried = MultiDict((k, v) for k, v in request.form.items(multi=True) if k not in CARRIED_NOT)
    for name in mine._fields:
        clash = _clash(screen, row, name, conflict, theirs[name], mine[name])
        if clash is None:
            continue
        clashes.append(clash)
        if not clash.differs and clash.theirs != clash.base:
            carried.setlist(name, [clash.theirs_value] if clash.theirs_value else [])
    for name in conflict.related & set(mine._fields):
        clashes += _keep_their_rows(screen, name, row, mine[name], carried)
    return ConflictPage(
        title=_("%(record)s was changed meanwhile", record=str(row)),
        by=conflict.by or _("Somebody"),
        clashes=clashes,
        action=request.full_path.rstrip("?"),
        cancel=screen.url_to("details_view", id=row.id),
        version=conflict.version,
        fields=list(carried.items(multi=True)),
        drawer=drawer,
    )


def _keep_their_rows(
    screen: Screen, name: str, row: Any, mine: Any, carried: MultiDict[str, str]
) -> list[Clash]:
    """Leave rows that both sides edited as they stand, and show mine beside them to be entered again."""
    for key in [k for k in carried if k == name or k.startswith(f"{name}-")]:
        del carried[key]
    theirs = ", ".join(str(item) for item in getattr(row, name))
    own = ", ".join(" ".join(_texts(entry.form)) for entry in mine.entries)
    return [Clash(name, screen.get_column_name(name), "", theirs, own, differs=False, theirs_only=True)]


def _texts(form: Form) -> list[str]:
    typed = [f for f in form if isinstance(f, StringField) and f.short_name not in ("id", "version")]
    return [str(f.data) for f in typed if f.data not in (None, "")]


def _clash(screen: Screen, row: Any, name: str, conflict: Conflict, theirs: Any, mine: Any) -> Clash | None:
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
    return Clash(
        name, screen.get_column_name(name),
        _words(screen, row, field, base), _words(screen, row, field, their), _words(screen, row, field, my),
        differs=their not in (base, my) and my != base,
        theirs_value=_posted(field, theirs), mine_value=_posted(field, mine),
    )  # fmt: skip


def _comparable(field: Field, value: Any) -> str:
    """Return a value as text in which equal values are equal, whether from the journal, the record or the form."""
    text = forms.typed(value)
    return f"{Decimal(text):.2f}" if field.kind == "percent" and text else text


def _posted(field: Any, bound: Any) -> str:
    if field.kind == "boolean":
        return "y" if bound.data else ""
    if field.kind in ("choice", "lookup"):
        return forms.typed(bound.data)
    return str(bound._value())


def _words(screen: Screen, row: Any, field: Field, value: str) -> Any:
    if field.kind == "money" and value:
        return cells.money(int(value), cells.currency_of(row, shop()), shop())
    if field.kind == "percent" and value:
        return cells.show("percent", Decimal(value), shop=shop(), now=now())
    if field.kind == "date" and value:
        return cells.day(dt.date.fromisoformat(value), shop())
    if field.kind == "lookup" and value:
        row = screen.lookup_screen(field)().get_one(value)
        return str(row) if row is not None else f"#{value}"
    if field.kind == "boolean":
        return _("Yes") if value in ("y", "True") else _("No")
    if field.kind == "choice" and value:
        return label_of(field.choices(value))  # type: ignore[misc]
    return value
