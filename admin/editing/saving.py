"""Create, edit and delete from a form: one way to answer for pages, drawers and htmx."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request
from flask_babel import gettext as _
from wtforms import Form

from actions.core.base import Busy, Conflict, Invalid, Outcome, Refused
from actions.execution.runner import MOST_AT_ONCE
from admin.editing import alike, conflicts
from admin.editing.inline import source_version
from admin.forms import form_currency, inline_rows, model_forms
from admin.history import undo_offer
from admin.layout import warned
from admin.layout.errors import answer
from admin.layout.frame import frame
from admin.listing import list_page
from admin.request.context import allowed, perform
from admin.screen_spec.declare import Section
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.form_pages import FormPage
from admin.viewmodels.pages import SecretPage
from models.journal import Changeset
from web.arguments import BadArgument, parse_id
from web.messages import called, fill, sentence, translated
from web.request import session


def in_drawer() -> bool:
    """Return whether the request comes from the side drawer."""
    return bool(request.headers.get("HX-Request"))


# -- create and edit ------------------------------------------------------------------------------------------------


def create(screen: ScreenSpec) -> Any:
    """Show the empty form, or save a new record."""
    action, _edit, _delete = screen.record_actions
    form_currency.settle(request.form or request.args)
    if request.method == "GET":
        return _form_page(screen, _prefilled(screen), None)
    form = screen.form_class(request.form)
    if alike.is_asked(screen):
        return alike.answer(screen, form, None)
    return _submit(
        screen, form, None, lambda: perform(action, key=key(), values=model_forms.values_of(screen, form))
    )


def edit(screen: ScreenSpec, row: Any) -> Any:
    """Show a record's form, or save it if nobody saved it since the form was opened."""
    _create, action, _delete = screen.record_actions
    form_currency.settle(request.form, row)
    if request.method == "GET":
        return _form_page(screen, screen.form_class(obj=row), row)
    form, version = screen.form_class(request.form), source_version(request.form.get("version"))
    if alike.is_asked(screen):
        return alike.answer(screen, form, row)
    return _submit(
        screen,
        form,
        row,
        lambda: perform(action, row.id, values=model_forms.values_of(screen, form), version=version),
    )


def _prefilled(screen: ScreenSpec) -> Form:
    data = dict(screen.defaults())
    for name, raw in request.args.items():
        if raw and name in screen.form_columns and screen.field(name).kind == "lookup":
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


def _submit(screen: ScreenSpec, form: Form, row: Any, change: Callable[[], Outcome]) -> Any:
    if not form.validate():
        return _form_page(screen, form, row), 422
    try:
        outcome = change()
    except Invalid as invalid:
        attach_errors(form, invalid.errors, invalid.see)
        return _form_page(screen, form, row, new_key="key" in invalid.errors), 422
    except Conflict as conflict:
        page = conflicts.build(screen, row.id, conflict, drawer=in_drawer())
        return render("admin/conflict.html", page, screen), 409
    except Refused as refused:
        return over_form(form, refused, translated(refused), lambda: _form_page(screen, form, row))
    return done(screen, outcome)


def over_form(form: Form, refused: Refused, words: str, page: Callable[[], str]) -> Any:
    """Answer why an action was refused over its form, with all that was typed.

    A drawer keeps its form by itself where the server is only busy, and is told no more than that.
    """
    if isinstance(refused, Busy) and in_drawer():
        raise refused
    form.form_errors.append(words)
    answered = make_response(page(), refused.status)
    if isinstance(refused, Busy):
        answered.headers["Retry-After"] = str(refused.wait)
    return answered


def attach_errors(form: Form, errors: dict[str, str], see: tuple[str, int] | None = None) -> None:
    """Put each sentence under its field; one about a field the form lacks stands over the form.

    :param see: the record that the sentences lead to.
    """
    for name, text in errors.items():
        field = form._fields.get(name) or form._fields.get(name.removesuffix("_id"))
        if field is None and "-" in name:
            field = _nested(form, name)
        if field is None:
            form.form_errors.append(warned.with_way(f"{called(name)}: {sentence(text)}", see))
        else:
            field.errors = [*field.errors, warned.with_way(sentence(text), see)]


def _nested(form: Form, name: str) -> Any:
    parent, position, inner = name.split("-", 2)
    rows = form._fields.get(parent)
    if not isinstance(rows, inline_rows.RowsField) or not position.isdigit():
        return None
    rows.errors = [_("Check the marked row.")]
    entries = rows.entries
    return entries[int(position)].form._fields.get(inner) if int(position) < len(entries) else None


def done(screen: ScreenSpec, outcome: Outcome, then: Callable[[], str] | None = None) -> Any:
    """Answer an action that is done: a toast for the drawer, else the record or the list with the same words.

    :param then: the address of the page that follows, where it is another.
    """
    message = " ".join([fill(outcome.message, outcome.values), *warned.texts(outcome.warnings)])
    if outcome.secret:
        return _shown_once(screen, outcome, message)
    further = {"undo": _undo_url(outcome), "ways": warned.ways(outcome.warnings)}
    if in_drawer():
        said = {"message": message, "resource": screen.resource, "id": outcome.record_id, **further}
        return Response(status=204, headers={"HX-Trigger": json.dumps({"saved": said})})
    flash({"text": message, **further}, "success")  # type: ignore[arg-type]
    if then is not None:
        return redirect(then())
    if outcome.record_id is not None and screen.can("show"):
        return redirect(screen.url_to("details_view", id=outcome.record_id))
    return redirect(screen.url_to("index_view"))


def _shown_once(screen: ScreenSpec, outcome: Outcome, message: str) -> Any:
    """Answer with what exists only in this answer: a redirect or a message would have to keep it somewhere."""
    page = SecretPage(message, outcome.secret, screen.url_to("index_view"), in_drawer())
    answered = make_response(render("admin/secret.html", page, screen))
    if page.drawer:
        answered.headers["HX-Trigger"] = json.dumps({"made": {"resource": screen.resource}})
    return answered


def _undo_url(outcome: Outcome) -> str:
    """Return where this action is taken back, "" where it cannot be."""
    if outcome.changeset_id is None or not allowed("undo", "changeset"):
        return ""
    made = session().get(Changeset, outcome.changeset_id)
    return undo_offer.undo_url(made) if made is not None else ""


def _form_page(screen: ScreenSpec, form: Form, row: Any, *, new_key: bool = False) -> str:
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
        alike_url=alike.url(screen, form),
        alike=alike.lines(screen, form, row) if screen.alike and request.method == "POST" else (),
        about=(screen.resource, row.id) if row is not None and screen.can("show") else None,
    )
    return render("admin/drawer.html" if page.drawer else "admin/form.html", page, screen)


def _sections(screen: ScreenSpec, form: Form) -> list[tuple[Any, list[str]]]:
    declared = screen.sections or (Section("", screen.form_columns),)
    found = [(s.label, [n for n in s.names if n in form]) for s in declared]
    return [(label, names) for label, names in found if names]


def render(template: str, page: Any, screen: ScreenSpec) -> str:
    """Return a form as a page of its own, or as the inside of the drawer."""
    return render_template(template, page=page, frame=None if page.drawer else frame(screen.resource))


# -- delete ---------------------------------------------------------------------------------------------------------


def delete(screen: ScreenSpec, row: Any) -> Any:
    """Delete one record, or say what refers to it."""
    _create, _edit, action = screen.record_actions
    try:
        outcome = perform(action, row.id)
    except Refused as refused:
        return _refused(screen, refused)
    return done(screen, outcome)


def _refused(screen: ScreenSpec, refused: Refused) -> Any:
    if refused.status != 409:
        raise refused
    message = translated(refused)
    if in_drawer():
        said = {"HX-Trigger": json.dumps({"refused": {"message": message}}), "HX-Reswap": "none"}
        return Response(status=409, headers=said)
    return answer(409, message, code=refused.code, back=screen.url_to("index_view"))


def bulk_delete(screen: ScreenSpec) -> Any:
    """Delete every chosen record in one changeset: all of them or, where one is referred to, none."""
    statement = list_page.ticked(screen, MOST_AT_ONCE).with_only_columns(screen.identity)
    ids = list(session().scalars(statement.order_by(screen.identity).limit(MOST_AT_ONCE + 1)))
    if len(ids) > MOST_AT_ONCE:
        raise BadArgument("ids", _("at most %(most)s rows at a time", most=MOST_AT_ONCE))
    list_page.check_all_there(len(ids))
    _create, _edit, action = screen.record_actions
    try:
        outcome = perform(action, ids)
    except Refused as refused:
        return _refused(screen, refused)
    return done(screen, replace(outcome, message="%(count)s deleted.", values={"count": len(ids)}))
