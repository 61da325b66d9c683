"""Create, edit and delete from a form: one way to answer for pages, drawers and htmx."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import Form

from actions.base import Conflict, Invalid, Outcome, Refused
from actions.runner import MOST_AT_ONCE
from admin import conflicts, forms, kept_in, lists, row_inputs
from admin.context import allowed, perform, session
from admin.declare import Section
from admin.errors import answer
from admin.frame import frame
from admin.inline import source_version
from admin.pages import FormPage, SecretPage
from admin.query import BadArgument, parse_id
from admin.sentences import fill, sentence, translated

if TYPE_CHECKING:
    from admin.base import Screen


def in_drawer() -> bool:
    """Return whether the request comes from the side drawer."""
    return bool(request.headers.get("HX-Request"))


# -- create and edit ------------------------------------------------------------------------------------------------


def create(screen: Screen) -> Any:
    """Show the empty form, or save a new record."""
    action, _edit, _delete = screen.record_actions
    kept_in.settle(request.form or request.args)
    if request.method == "GET":
        return _form_page(screen, _prefilled(screen), None)
    form = screen.form_class(request.form)
    return _submit(
        screen, form, None, lambda: perform(action, key=key(), values=forms.values_of(screen, form))
    )


def edit(screen: Screen, row: Any) -> Any:
    """Show a record's form, or save it if nobody saved it since the form was opened."""
    _create, action, _delete = screen.record_actions
    kept_in.settle(request.form, row)
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


def key() -> str | None:
    """Return the key that makes a form sent twice count once. :raises BadArgument: it is no key."""
    given = request.form.get("key", "")
    if len(given) > 100 or not given.isprintable():
        raise BadArgument("key", _("at most 100 plain characters"))
    return given or None


def fresh_key(new: bool) -> str:
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
        return render("admin/conflict.html", page, screen), 409
    except Refused as refused:
        form.form_errors.append(translated(refused))
        return _form_page(screen, form, row), refused.status
    return done(screen, outcome)


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
    if not isinstance(rows, row_inputs.RowsField) or not position.isdigit():
        return None
    rows.errors = [_("Look at the marked row.")]
    entries = rows.entries
    return entries[int(position)].form._fields.get(inner) if int(position) < len(entries) else None


def done(screen: Screen, outcome: Outcome, *, final: bool = False) -> Any:
    """Answer a deed that is done: a toast for the drawer, else the record or the list with the same words."""
    message = " ".join(
        [fill(outcome.message, outcome.values), *(fill(w.message, w.values) for w in outcome.warnings)]
    )
    if outcome.secret:
        return _shown_once(screen, outcome, message)
    undo = _undo_url(outcome, final=final)
    if in_drawer():
        said = {"message": message, "resource": screen.resource, "id": outcome.record_id, "undo": undo}
        return Response(status=204, headers={"HX-Trigger": json.dumps({"saved": said})})
    flash({"text": message, "undo": undo}, "success")  # type: ignore[arg-type]
    if outcome.record_id is not None and screen.can("show"):
        return redirect(screen.url_to("details_view", id=outcome.record_id))
    return redirect(screen.url_to("index_view"))


def _shown_once(screen: Screen, outcome: Outcome, message: str) -> Any:
    """Answer with what exists only in this answer: a redirect or a message would have to keep it somewhere."""
    page = SecretPage(message, outcome.secret, screen.url_to("index_view"), in_drawer())
    answered = make_response(render("admin/secret.html", page, screen))
    if page.drawer:
        answered.headers["HX-Trigger"] = json.dumps({"made": {"resource": screen.resource}})
    return answered


def _undo_url(outcome: Outcome, *, final: bool) -> str:
    """Return where this deed is taken back: who could do it may, if they may undo at all."""
    if outcome.changeset_id is None or final or not allowed("undo", "changeset"):
        return ""
    return url_for("screen_changeset.act_view", verb="undo", id=outcome.changeset_id)


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
        sections=_sections(screen, form),
        version=source_version(request.form.get("version"))
        if row is not None and request.method == "POST"
        else getattr(row, "version", None),
        key="" if row is not None else fresh_key(new_key),
    )
    return render("admin/drawer.html" if page.drawer else "admin/form.html", page, screen)


def _sections(screen: Screen, form: Form) -> list[tuple[Any, list[str]]]:
    declared = screen.sections or (Section("", screen.form_columns),)
    found = [(s.label, [n for n in s.names if n in form]) for s in declared]
    return [(label, names) for label, names in found if names]


def render(template: str, page: Any, screen: Screen) -> str:
    """Return a form as a page of its own, or as the inside of the drawer."""
    return render_template(template, page=page, frame=None if page.drawer else frame(screen.resource))


# -- delete ---------------------------------------------------------------------------------------------------------


def delete(screen: Screen, row: Any) -> Any:
    """Delete one record, or say what refers to it."""
    _create, _edit, action = screen.record_actions
    try:
        outcome = perform(action, row.id)
    except Refused as refused:
        return _refused(screen, refused)
    return done(screen, outcome)


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
    statement = lists.ticked(screen, MOST_AT_ONCE).with_only_columns(screen.identity)
    ids = list(session().scalars(statement.order_by(screen.identity).limit(MOST_AT_ONCE + 1)))
    if len(ids) > MOST_AT_ONCE:
        raise BadArgument("ids", _("at most %(most)s rows at a time", most=MOST_AT_ONCE))
    _create, _edit, action = screen.record_actions
    try:
        outcome = perform(action, ids)
    except Refused as refused:
        return _refused(screen, refused)
    return done(screen, replace(outcome, message="%(count)s deleted.", values={"count": len(ids)}))
