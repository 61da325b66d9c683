"""Restore this value: one field of a record gets back what it held, by the very action that its form runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _
from markupsafe import Markup
from wtforms import Form

from actions.core.base import Conflict, Invalid, Outcome, Refused
from actions.undo.history import Past
from actions.undo.undo import stored_value
from admin.editing import saving
from admin.editing.inline import source_version
from admin.history import point_in_time, previews
from admin.history.activity import past_url
from admin.request.context import dry_run, perform
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.form_pages import FormPage
from models.base import N_
from web.arguments import BadArgument, parse_id
from web.messages import sentence, translated

SAME = N_("No change: the field already has this value.")


def restore(screen: ScreenSpec) -> Any:
    """Show what restoring a field would change, say it again (``preview=1``), or do it."""
    row = screen.get_or_404(parse_id("id", request.args.get("id")))
    then = point_in_time.asked(screen)
    name = request.args.get("field", "")
    if name not in screen.form_columns or not point_in_time.restorable(screen, name):
        raise BadArgument("field", _("this field cannot be restored"))
    if (why := point_in_time.hindrance(screen, then, name)) is not None:
        raise Refused("no_longer", why)
    form = Form()
    if request.method == "GET":
        return _page(screen, row, then, name, form, int(source_version(request.args.get("version")) or 0))
    version = int(source_version(request.form.get("version")) or 0)
    if request.args.get("preview") == "1":
        found = dry_run(screen.record_actions[1], row.id, values=_value(screen, then, name), version=version)
        return render_template("admin/_preview.html", preview=previews.page(found))
    return _do(screen, row, then, name, form, version)


def _value(screen: ScreenSpec, then: Past, name: str) -> dict[str, Any]:
    """Return the one field as the form would give it to the edit action."""
    field = screen.field(name)
    key = point_in_time.key_of(field)
    value = stored_value(screen.model, key, then.values.get(key))
    return {key: "" if value is None and field.kind == "text" and not field.nullable else value}


def _do(screen: ScreenSpec, row: Any, then: Past, name: str, form: Form, version: int) -> Any:
    _create, edit, _delete = screen.record_actions
    because = _("Restored from %(when)s", when=point_in_time.exact(then.moment))
    try:
        outcome = perform(
            edit,
            row.id,
            key=saving.key(),
            because=because,
            values=_value(screen, then, name),
            version=version,
        )
    except Invalid as invalid:
        form.form_errors.extend(sentence(text) for text in invalid.errors.values())
        return _page(screen, row, then, name, form, version), 422
    except Conflict as conflict:
        form.form_errors.append(
            _(
                "%(who)s has changed this record since you opened it. Reload it before you restore anything.",
                who=conflict.by or _("Someone"),
            )
        )
        return _page(screen, row, then, name, form, version), 409
    except Refused as refused:
        words = translated(refused)
        return saving.over_form(form, refused, words, lambda: _page(screen, row, then, name, form, version))
    return saving.done(screen, _told(screen, then, name, outcome))


def _told(screen: ScreenSpec, then: Past, name: str, outcome: Outcome) -> Outcome:
    if outcome.changeset_id is None:
        return replace(outcome, message=SAME, values={})
    values = {"field": screen.get_column_name(name), "when": point_in_time.exact(then.moment)}
    return replace(outcome, message=N_("%(field)s restored to its value on %(when)s."), values=values)


def _page(screen: ScreenSpec, row: Any, then: Past, name: str, form: Form, version: int) -> str:
    arguments = {"id": row.id, "at": point_in_time.utc(then.moment), "field": name}
    names = point_in_time.names_of(screen, then)
    field = screen.field(name)
    former, today = (
        point_in_time.words(screen, values, field, names) for values in (then.values, then.now or {})
    )
    label = screen.get_column_name(name)
    page = FormPage(
        title=f"{_('Restore')}: {label}",
        form=form,
        action=screen.url_to("restore_view", **arguments),
        cancel=past_url(screen, row.id, then.moment),
        submit=_("Restore this value"),
        drawer=saving.in_drawer(),
        intro=Markup("{} <noscript>{}: <del>{}</del> → {}</noscript>").format(
            _("Restored to %(when)s.", when=point_in_time.exact(then.moment)), label, today, former
        ),
        version=version,
        key=saving.fresh_key(False),
        preview_url=screen.url_to("restore_view", **arguments, preview="1"),
    )
    return saving.render("admin/drawer.html" if page.drawer else "admin/form.html", page, screen)
