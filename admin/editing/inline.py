"""Inline edit: one cell of a list, through the same form field and the same action as the whole form."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from actions.core.base import Busy, Conflict, Invalid, Refused
from admin.forms import form_currency, model_forms
from admin.request.context import perform
from admin.screen_spec.spec import ScreenSpec
from web.arguments import BadArgument, parse_id
from web.messages import sentence, translated


def update(screen: ScreenSpec) -> Any:
    """GET answers the little form for ``id`` and ``column``; POST saves and answers the new cell, or 4xx and why."""
    source = request.form if request.method == "POST" else request.args
    name = source.get("column", "")
    if not screen.can_edit or name not in screen.permitted_edits:
        raise NotFound(_("This column cannot be edited in the list."))
    row = screen.get_or_404(parse_id("id", source.get("id")))
    form_class = model_forms.build(screen, (name,))
    form_currency.settle({}, row)
    if request.method == "GET":
        return _render(screen, form_class(obj=row), row, name)
    return _save(screen, form_class(request.form), row, name)


def _save(screen: ScreenSpec, form: Any, row: Any, name: str) -> Any:
    version = source_version(request.form.get("version"))
    if not form.validate():
        return _render(screen, form, row, name), 422
    _create, edit, _delete = screen.record_actions
    try:
        perform(edit, row.id, values=model_forms.values_of(screen, form), version=version)
    except Invalid as invalid:
        form[name].errors = [sentence(text) for text in invalid.errors.values()]
        return _render(screen, form, row, name), 422
    except Conflict as conflict:
        form[name].errors = [
            _("%(who)s has changed this record. Reload the list.", who=conflict.by or _("Someone"))
        ]
        return _render(screen, form, row, name), 409
    except Busy:
        raise  # the list keeps what was typed by itself
    except Refused as refused:
        form[name].errors = [translated(refused)]
        return _render(screen, form, row, name), refused.status
    fresh = screen.get_or_404(row.id)
    return Response(
        render_template("admin/_cell.html", cell=screen.cell(fresh, name), label=screen.get_column_name(name))
    )


def _render(screen: ScreenSpec, form: Any, row: Any, name: str) -> str:
    return render_template(
        "admin/_cell_edit.html", form=form, id=row.id, column=name, version=row.version,
        action=screen.url_to("ajax_update"),
    )  # fmt: skip


def source_version(raw: str | None) -> int | None:
    """Return the version a form was opened at. :raises BadArgument: it is no number."""
    if not raw:
        raise BadArgument("version", _("the form's version is missing: reload the page"))
    return parse_id("version", raw)
