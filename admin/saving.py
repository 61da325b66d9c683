"""Create, edit, delete and run an action from a form: one way to answer for pages, drawers and htmx."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Response, flash, redirect, render_template, request
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import NotFound
from wtforms import Form

from actions import runner
from actions.base import Conflict, Invalid, Outcome, Refused
from actions.constraints import explain
from admin import conflicts, forms, inputs, lists
from admin.context import call, now, perform, session, shop
from admin.declare import RowAction, Section
from admin.errors import answer
from admin.frame import frame
from admin.inline import source_version
from admin.pages import FormPage
from admin.query import BadArgument, parse_id
from admin.sentences import fill, sentence, translated
from models.base import db

if TYPE_CHECKING:
    from admin.base import Screen

MOST_BULK = 500


def in_drawer() -> bool:
    """Return whether the request comes from the side drawer."""
    return bool(request.headers.get("HX-Request"))


# -- create and edit ------------------------------------------------------------------------------------------------


def create(screen: Screen) -> Any:
    """Show the empty form, or save a new record."""
    action, _edit, _delete = screen.record_actions
    if request.method == "GET":
        return _form_page(screen, _prefilled(screen), None)
    form = screen.form_class(request.form)
    return _submit(
        screen, form, None, lambda: perform(action, key=_key(), values=forms.values_of(screen, form))
    )


def edit(screen: Screen, row: Any) -> Any:
    """Show a record's form, or save it if nobody saved it since the form was opened."""
    _create, action, _delete = screen.record_actions
    if request.method == "GET":
        return _form_page(screen, screen.form_class(obj=row), row)
    form, version = screen.form_class(request.form), source_version(request.form.get("version"))
    return _submit(
        screen,
        form,
        row,
        lambda: perform(action, row.id, values=forms.values_of(screen, form), version=version),
    )


def _prefilled(screen: Screen) -> Form:
    data = dict(screen.defaults())
    for name, raw in request.args.items():
        if name in screen.form_columns and screen.field(name).kind == "lookup":
            data[name] = parse_id(name, raw)
    return screen.form_class(data=data)


def _key() -> str | None:
    key = request.form.get("key", "")
    if len(key) > 100 or not key.isprintable():
        raise BadArgument("key", _("at most 100 plain characters"))
    return key or None


def _fresh_key(new: bool) -> str:
    """Return the key a form carries: the same until it is used, another once it was used for something else."""
    return (not new and request.form.get("key")) or uuid.uuid4().hex


def _submit(screen: Screen, form: Form, row: Any, deed: Callable[[], Outcome]) -> Any:
    if not form.validate():
        return _form_page(screen, form, row), 422
    try:
        outcome = deed()
    except Invalid as invalid:
        spread(form, invalid.errors)
        return _form_page(screen, form, row, new_key="key" in invalid.errors), 422
    except Conflict as conflict:
        page = conflicts.build(screen, row.id, conflict, drawer=in_drawer())
        return _render("admin/conflict.html", page, screen), 409
    except Refused as refused:
        form.form_errors.append(translated(refused))
        return _form_page(screen, form, row), refused.status
    return _done(screen, outcome)


def spread(form: Form, errors: dict[str, str]) -> None:
    """Put each sentence under its field; one about a field the form lacks stands over the form."""
    for name, text in errors.items():
        field = form._fields.get(name) or form._fields.get(name.removesuffix("_id"))
        if field is None and "-" in name:
            field = _nested(form, name)
        if field is None:
            form.form_errors.append(f"{name}: {sentence(text)}")
        else:
            field.errors = [*field.errors, sentence(text)]


def _nested(form: Form, name: str) -> Any:
    parent, position, inner = name.split("-", 2)
    rows = form._fields.get(parent)
    if not isinstance(rows, inputs.RowsField) or not position.isdigit():
        return None
    rows.errors = [_("Look at the marked row.")]
    entries = rows.entries
    return entries[int(position)].form._fields.get(inner) if int(position) < len(entries) else None


def _done(screen: Screen, outcome: Outcome) -> Any:
    message = fill(outcome.message, outcome.values)
    if in_drawer():
        saved = {"saved": {"message": message, "resource": screen.resource, "id": outcome.record_id}}
        return Response(status=204, headers={"HX-Trigger": json.dumps(saved)})
    flash(message, "success")
    if outcome.record_id is not None and screen.can("show"):
        return redirect(screen.url_to("details_view", id=outcome.record_id))
    return redirect(screen.url_to("index_view"))


def _form_page(screen: Screen, form: Form, row: Any, *, new_key: bool = False) -> str:
    thing = _(screen.singular).lower()
    page = FormPage(
        title=_("Edit %(record)s", record=str(row)) if row is not None else _("New %(thing)s", thing=thing),
        form=form,
        action=request.full_path.rstrip("?"),
        cancel=screen.url_to("details_view", id=row.id)
        if row is not None and screen.can("show")
        else screen.url_to("index_view"),
        submit=_("Save") if row is not None else _("Create %(thing)s", thing=thing),
        drawer=in_drawer(),
        sections=_sections(screen),
        version=source_version(request.form.get("version"))
        if row is not None and request.method == "POST"
        else getattr(row, "version", None),
        key="" if row is not None else _fresh_key(new_key),
    )
    return _render("admin/drawer.html" if page.drawer else "admin/form.html", page, screen)


def _sections(screen: Screen) -> list[tuple[Any, list[str]]]:
    declared = screen.sections or (Section("", screen.form_columns),)
    found = [(s.label, [n for n in s.names if n in screen.form_columns]) for s in declared]
    return [(label, names) for label, names in found if names]


def _render(template: str, page: Any, screen: Screen) -> str:
    return render_template(template, page=page, frame=None if page.drawer else frame(screen.resource))


# -- delete ---------------------------------------------------------------------------------------------------------


def delete(screen: Screen, row: Any) -> Any:
    """Delete one record, or say what refers to it."""
    _create, _edit, action = screen.record_actions
    try:
        outcome = perform(action, row.id)
    except Refused as refused:
        return _refused(screen, refused)
    return _done(screen, outcome)


def _refused(screen: Screen, refused: Refused) -> Any:
    if refused.status != 409:
        raise refused
    message = translated(refused)
    if in_drawer():
        said = {"HX-Trigger": json.dumps({"refused": {"message": message}}), "HX-Reswap": "none"}
        return Response(status=409, headers=said)
    return answer(409, message, code=refused.code, back=screen.url_to("index_view"))


def bulk_delete(screen: Screen) -> Any:
    """Delete every chosen record in one changeset: all of them or, where one is referred to, none."""
    statement = lists.ticked(screen, MOST_BULK).with_only_columns(screen.identity).order_by(screen.identity)
    ids = list(session().scalars(statement.limit(MOST_BULK + 1)))
    if len(ids) > MOST_BULK:
        raise BadArgument("ids", _("at most %(most)s rows at a time", most=MOST_BULK))
    session().rollback()
    _create, _edit, action = screen.record_actions
    try:
        with runner.changeset(db.engine, action.code, call()) as ctx:
            for row in ctx.lock(screen.model, ids):
                action(ctx, row)
    except IntegrityError as error:
        return _refused(screen, _as_refusal(explain(error, screen.model)))
    except Refused as refused:
        return _refused(screen, refused)
    return _done(screen, Outcome("%(count)s deleted.", values={"count": len(ids)}))


def _as_refusal(error: Exception) -> Refused:
    return error if isinstance(error, Refused) else Refused("in_use", str(error))


# -- declared actions -----------------------------------------------------------------------------------------------


def act(screen: Screen, verb: str) -> Any:
    """Show a declared action's form, or run it."""
    declared = next((a for a in screen.actions() if a.action.verb == verb), None)
    if declared is None:
        raise NotFound
    row = screen.get_or_404(parse_id("id", request.args.get("id"))) if declared.action.targeted else None
    form = _action_form(declared)
    if request.method == "GET":
        return _action_page(screen, declared, form, row)
    if not form.validate():
        return _action_page(screen, declared, form, row), 422
    try:
        outcome = perform(declared.action, row.id if row is not None else None, key=_key(), **form.data)
    except Invalid as invalid:
        spread(form, invalid.errors)
        return _action_page(screen, declared, form, row, new_key="key" in invalid.errors), 422
    except Refused as refused:
        form.form_errors.append(translated(refused))
        return _action_page(screen, declared, form, row), refused.status
    return _done(screen, outcome)


def _action_form(declared: RowAction) -> Form:
    if request.method == "POST":
        return declared.form(request.form)
    given = {name: raw for name, raw in request.args.items() if name in declared.action.parameters}
    data = {name: parse_id(name, raw) for name, raw in given.items() if raw.isdigit()}
    form = declared.form(data=data)
    if hasattr(form, "prefill"):
        form.prefill(shop(), now())
    return form


def _action_page(screen: Screen, declared: RowAction, form: Form, row: Any, *, new_key: bool = False) -> str:
    label = _(declared.action.label)
    page = FormPage(
        title=f"{label}: {row}" if row is not None else label,
        form=form,
        action=request.full_path.rstrip("?"),
        cancel=screen.url_to("index_view"),
        submit=label,
        drawer=in_drawer(),
        danger=declared.action.danger,
        intro="" if form._fields else _("Nothing to fill in: it is recorded with your name and the time."),
        key=_fresh_key(new_key),
    )
    return _render("admin/drawer.html" if page.drawer else "admin/form.html", page, screen)
