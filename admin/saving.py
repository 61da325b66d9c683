"""Create, edit, delete and run an action from a form: one way to answer for pages, drawers and htmx."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Response, flash, redirect, render_template, request
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotFound
from wtforms import Form

from actions import runner
from actions.base import Conflict, Invalid, Outcome, Refused
from actions.constraints import explain
from admin import forms, inputs, lists
from admin.context import call, now, perform, session, shop
from admin.declare import RowAction, Section
from admin.errors import answer
from admin.fields import label_of
from admin.frame import frame
from admin.inline import source_version
from admin.pages import Clash, ConflictPage, FormPage
from admin.query import BadArgument, parse_id
from admin.sentences import fill, sentence, translated
from models.base import db

if TYPE_CHECKING:
    from admin.base import Screen

MOST_BULK = 500
CARRIED_NOT = frozenset({"csrf_token", "version", "key"})


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


def _submit(screen: Screen, form: Form, row: Any, deed: Callable[[], Outcome]) -> Any:
    if not form.validate():
        return _form_page(screen, form, row), 422
    try:
        outcome = deed()
    except Invalid as invalid:
        spread(form, invalid.errors)
        return _form_page(screen, form, row), 422
    except Conflict as conflict:
        return _conflict_page(screen, row.id, conflict), 409
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
    filled = [entry for entry in rows.entries if forms.is_filled(entry.form)]
    rows.errors = [*rows.errors, _("Look at the marked row.")]
    return filled[int(position)].form._fields.get(inner) if int(position) < len(filled) else None


def _done(screen: Screen, outcome: Outcome) -> Any:
    message = fill(outcome.message, outcome.values)
    if in_drawer():
        saved = {"saved": {"message": message, "resource": screen.resource, "id": outcome.record_id}}
        return Response(status=204, headers={"HX-Trigger": json.dumps(saved)})
    flash(message, "success")
    if outcome.record_id is not None and screen.can("show"):
        return redirect(screen.url_to("details_view", id=outcome.record_id))
    return redirect(screen.url_to("index_view"))


def _form_page(screen: Screen, form: Form, row: Any) -> str:
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
        key="" if row is not None else request.form.get("key") or uuid.uuid4().hex,
    )
    return _render("admin/drawer.html" if page.drawer else "admin/form.html", page, screen)


def _sections(screen: Screen) -> list[tuple[Any, list[str]]]:
    declared = screen.sections or (Section("", screen.form_columns),)
    found = [(s.label, [n for n in s.names if n in screen.form_columns]) for s in declared]
    return [(label, names) for label, names in found if names]


def _render(template: str, page: Any, screen: Screen) -> str:
    return render_template(template, page=page, frame=None if page.drawer else frame(screen.resource))


# -- conflict -------------------------------------------------------------------------------------------------------


def _conflict_page(screen: Screen, row_id: int, conflict: Conflict) -> str:
    """Show base, theirs and mine for each field that either side changed; the rest is carried along."""
    session().rollback()  # or what is read would be as it was when this request began
    row = screen.get_or_404(row_id)
    theirs, mine = screen.form_class(obj=row), screen.form_class(request.form)
    clashes, carried = (
        [],
        MultiDict((k, v) for k, v in request.form.items(multi=True) if k not in CARRIED_NOT),
    )
    for name in screen.form_columns:
        clash = _clash(screen, name, conflict, theirs[name], mine[name])
        if clash is None:
            continue
        clashes.append(clash)
        if not clash.differs and clash.theirs != clash.base:
            carried.setlist(name, [clash.theirs_value] if clash.theirs_value else [])
    _keep_their_rows(screen, carried)
    page = ConflictPage(
        title=_("%(record)s was changed meanwhile", record=str(row)),
        by=conflict.by or _("Somebody"),
        clashes=clashes,
        action=request.full_path.rstrip("?"),
        cancel=screen.url_to("details_view", id=row.id),
        version=conflict.version,
        fields=list(carried.items(multi=True)),
        drawer=in_drawer(),
    )
    return _render("admin/conflict.html", page, screen)


def _keep_their_rows(screen: Screen, carried: MultiDict[str, str]) -> None:
    """Leave rows edited in place as they stand: what somebody else added there must not be deleted unseen."""
    for name in screen.form_columns:
        if screen.field(name).kind == "computed":
            for key in [k for k in carried if k == name or k.startswith(f"{name}-")]:
                del carried[key]


def _clash(screen: Screen, name: str, conflict: Conflict, theirs: Any, mine: Any) -> Clash | None:
    field = screen.field(name)
    if field.kind == "computed":
        return None
    key = field.column.key if field.kind == "lookup" else name
    base, their, my = (
        forms.typed(source.get(key)) for source in (conflict.base, conflict.theirs, conflict.mine)
    )
    if base == their == my:
        return None
    return Clash(
        name, screen.get_column_name(name),
        _words(screen, field, base), _words(screen, field, their), _words(screen, field, my),
        differs=their not in (base, my) and my != base,
        theirs_value=_posted(field, theirs), mine_value=_posted(field, mine),
    )  # fmt: skip


def _posted(field: Any, bound: Any) -> str:
    if field.kind == "boolean":
        return "y" if bound.data else ""
    if field.kind in ("choice", "lookup"):
        return forms.typed(bound.data)
    return str(bound._value())


def _words(screen: Screen, field: Any, value: str) -> str:
    if field.kind == "lookup" and value:
        row = screen.lookup_screen(field)().get_one(value)
        return str(row) if row is not None else f"#{value}"
    if field.kind == "boolean":
        return _("Yes") if value in ("y", "True") else _("No")
    if field.kind == "choice" and value:
        return label_of(field.choices(value))
    return value


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
        return _action_page(screen, declared, form, row), 422
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


def _action_page(screen: Screen, declared: RowAction, form: Form, row: Any) -> str:
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
        key=request.form.get("key") or uuid.uuid4().hex,
    )
    return _render("admin/drawer.html" if page.drawer else "admin/form.html", page, screen)
