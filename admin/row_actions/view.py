"""Declared actions on a screen: the form, the preview and the run, on one row or on many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from babel.numbers import format_decimal
from flask import Response, redirect, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup
from wtforms import Form

from actions.core import bulk_counts
from actions.core.base import Invalid, Refused
from actions.core.bulk_counts import BulkOutcome
from actions.execution import runner
from actions.runs import runs
from admin.auth import reauth
from admin.editing import saving
from admin.forms import explicit_choices, form_currency
from admin.history import previews
from admin.request.context import call, dry_run, needs_reauth, perform
from admin.row_actions import together
from admin.row_actions.selection import Selection, check_unchanged, choose, counting, find, people, targets
from admin.screen_spec.declare import RowAction
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.form_pages import FormPage
from admin.viewmodels.preview_pages import PreviewPage
from models.base import db
from web.arguments import parse_id
from web.messages import sentence, translated, within
from web.request import now, session, shop

DROPPED = {"preview", "count", together.SWAP}
"""Arguments that say what is asked, and not which row it is about."""


def act(screen: ScreenSpec, verb: str) -> Any:
    """Show a declared action's form, say what it would do (``preview=1``), or do it."""
    declared = find(screen, verb)
    if (led := together.of_ticked(screen, declared)) is not None:
        return led
    chosen = choose(screen, declared)
    form = _form(declared, chosen)
    if together.swapping() and declared.action.other_rows:
        together.swap(declared, form, chosen.row)
        return _page(screen, declared, form, chosen, new_key=True)
    opening = request.method == "GET" or (chosen.bulk and "key" not in request.form)
    if opening:
        return _page(screen, declared, form, chosen)
    if request.args.get("preview") == "1" and (saving.in_drawer() or not counting()):
        return _preview(screen, declared, form, chosen)
    if counting() and _can_be_tried(form, chosen):
        return _page(screen, declared, form, chosen)
    if not form.validate():
        return _page(screen, declared, form, chosen), 422
    return _do(screen, declared, form, chosen)


def _form(declared: RowAction, chosen: Selection) -> Form:
    filled_in = request.method == "POST" and not (chosen.bulk and "key" not in request.form)
    form_currency.settle(request.form if filled_in else request.args, chosen.row, people(declared, chosen))
    make = (
        explicit_choices.for_many(declared.form)
        if chosen.bulk and explicit_choices.is_setter(declared)
        else declared.form
    )
    if filled_in:
        return _fitted(make(request.form), declared, chosen)
    named = declared.action.parameters - {declared.action.code_param}  # a code stands in no address
    given = {name: raw for name, raw in request.args.items() if name in named}
    data = {name: _named_ids(name, raw) for name, raw in given.items() if raw.replace(",", "").isdigit()}
    form = make(data={**(declared.start(chosen.row) or {}), **data})
    if hasattr(form, "prefill"):
        form.prefill(shop(), now())
    if hasattr(form, "suggest"):
        form.suggest(shop(), now())
    return _fitted(form, declared, chosen)


def _named_ids(name: str, raw: str) -> int | list[int]:
    """Return the id that an argument names, or several with commas between. :raises BadArgument: it names none."""
    ids = [parse_id(name, part) for part in raw.split(",")]
    return ids[0] if len(ids) == 1 else ids


def _fitted(form: Form, declared: RowAction, chosen: Selection) -> Form:
    """Return the form without the fields that make no sense on the row."""
    for name in declared.left_out(chosen.row) if chosen.row is not None else ():
        del form[name]
    return form


def _can_be_tried(form: Form, chosen: Selection) -> bool:
    """Return whether a form says enough to try it: all is right, or only a reason is not typed yet (rule 10.15).

    Too many rows to try are counted for the whole form alone.
    """
    if form.validate():
        return True
    wrong = [field for field in form if field.errors]
    if chosen.many is not None or form.form_errors or len(wrong) != 1 or not _awaits_reason(form):
        return False
    form["reason"].errors = []
    return True


def _awaits_reason(form: Form) -> bool:
    """Return whether a form asks for a reason that is not typed yet; one that may be left out is none."""
    reason = form._fields.get("reason")
    return reason is not None and reason.flags.required and not str(reason.data or "").strip()


def _given(declared: RowAction, form: Form) -> dict[str, Any]:
    """Return the parameters to try an action with, words standing in for a reason that is not typed yet."""
    given = declared.given(form)
    return {**given, "reason": _("(not typed yet)")} if _awaits_reason(form) else given


def _preview(screen: ScreenSpec, declared: RowAction, form: Form, chosen: Selection) -> str:
    if not _can_be_tried(form, chosen):
        return render_template("admin/_preview.html", preview=None)
    seen = _of_many(declared, form, chosen) if chosen.many is not None else None
    return render_template("admin/_preview.html", preview=seen or _previewed(screen, declared, form, chosen))


def _of_many(declared: RowAction, form: Form, chosen: Selection) -> PreviewPage:
    url = _address(preview="1", count="1") if declared.action.bulk_counts is not None else ""
    wanted = url and counting() and not any(field.errors for field in form)
    found = _counted(declared, form, chosen) if wanted else None
    return previews.of_many(chosen.count, url, found, mails=declared.action.mails)


def _counted(declared: RowAction, form: Form, chosen: Selection) -> BulkOutcome | Invalid:
    """Count what the action would do to each of the rows, in one statement that waits for nobody."""
    assert chosen.many is not None
    try:
        found = bulk_counts.count(session(), declared.action, chosen.many, declared.given(form))
    except Invalid as invalid:
        return invalid
    check_unchanged(found.total)
    return found


def _previewed(screen: ScreenSpec, declared: RowAction, form: Form, chosen: Selection) -> PreviewPage:
    tried = dry_run(declared.action, targets(declared, chosen), **_given(declared, form))
    return replace(previews.page(tried), swaps=together.swaps(screen, declared, form, chosen))


def _seen(screen: ScreenSpec, declared: RowAction, form: Form, chosen: Selection) -> PreviewPage | None:
    """Return what a form shows without scripts: the button to count by, or what a dangerous action would do."""
    if chosen.many is not None:
        return _of_many(declared, form, chosen)
    ready = (declared.action.danger and "key" in request.form) or counting()
    return _previewed(screen, declared, form, chosen) if ready and not any(f.errors for f in form) else None


def _do(screen: ScreenSpec, declared: RowAction, form: Form, chosen: Selection) -> Any:
    if needs_reauth(declared.action) and (reauth_error := reauth.take()):
        return _page(screen, declared, form, chosen, reauth_error=reauth_error), 422
    try:
        if chosen.many is not None:
            return _start(declared, form, chosen)
        outcome = perform(
            declared.action,
            targets(declared, chosen),
            key=saving.key(),
            confirm=request.form.get("confirm"),
            fingerprint=request.form.get("fingerprint"),
            **declared.given(form),
        )
    except Invalid as invalid:
        errors = _named(invalid)
        asked = {name: sentence(errors.pop(name)) for name in ("confirm", "fingerprint") if name in errors}
        saving.attach_errors(form, errors, invalid.see)
        form.form_errors.extend(asked.values())
        wrong = asked.get("confirm", "")
        return _page(screen, declared, form, chosen, new_key="key" in errors, wrong=wrong), 422
    except Refused as refused:
        words = said(refused, previews.with_link)
        return saving.over_form(form, refused, words, lambda: _page(screen, declared, form, chosen))
    if declared.answer is not None and outcome.secret:
        return declared.answer(outcome)
    return saving.done(screen, outcome, declared.then)


def _start(declared: RowAction, form: Form, chosen: Selection) -> Any:
    """Queue the action as a run, and lead to its page."""
    assert chosen.many is not None
    if declared.action.danger:
        runner.check_confirmed(request.form.get("confirm"), chosen.confirmation)
    given = declared.given(form)
    asked = call(reason=str(given.get("reason") or ""), key=saving.key())
    run_id = runs.start(db.engine, declared.action.code, asked, chosen.many, given)
    url = registry().screens["run"].url_to("details_view", id=run_id, tab="run_item")
    return Response(status=204, headers={"HX-Redirect": url}) if saving.in_drawer() else redirect(url)


def _named(invalid: Invalid) -> dict[str, str]:
    """Return what is wrong by field, with the row it is about where there are several."""
    if invalid.about is None:
        return dict(invalid.errors)
    return {name: f"{invalid.about}: {sentence(text)}" for name, text in invalid.errors.items()}


def said(refused: Refused, words: Callable[[Refused], str] = translated) -> str:
    """Return why an action was refused, with the row it is about where there are several."""
    text = words(refused)
    if refused.about is None:
        return text
    return (Markup("{}: {}") if isinstance(text, Markup) else "{}: {}").format(refused.about, text)


def _page(
    screen: ScreenSpec,
    declared: RowAction,
    form: Form,
    chosen: Selection,
    *,
    new_key: bool = False,
    wrong: str = "",
    reauth_error: str = "",
) -> str:
    label = _(declared.action.label)
    page = FormPage(
        title=_title(screen, label, chosen, numbered=bool(declared.action.other_rows)),
        form=form,
        action=_address(),
        cancel=screen.url_to("index_view"),
        submit=_submit(screen, label, chosen),
        drawer=saving.in_drawer(),
        danger=declared.action.danger,
        intro=together.why_suggested(declared, form, chosen) or (_(declared.intro) if declared.intro else ""),
        key=saving.fresh_key(new_key),
        hidden=chosen.carried,
        preview_url=_address(preview="1"),
        preview=_seen(screen, declared, form, chosen),
        confirm=chosen.confirmation if declared.action.danger else "",
        confirm_error=wrong,
        reauth=(asking := needs_reauth(declared.action)),
        reauth_code=asking and reauth.wants_code(),
        reauth_error=reauth_error,
        swaps=bool(declared.action.other_rows),
        swapped=together.swapping(),
        about=(screen.resource, chosen.row.id) if chosen.row is not None and screen.can("show") else None,
    )
    return saving.render("admin/drawer.html" if page.drawer else "admin/form.html", page, screen)


def _title(screen: ScreenSpec, label: str, chosen: Selection, *, numbered: bool) -> str:
    """Return what the form is called; ``numbered`` where rows of the same name are told apart."""
    if chosen.row is not None:
        return f"{label}: {chosen.row} #{chosen.row.id}" if numbered else f"{label}: {chosen.row}"
    return f"{label}: {_count(screen, chosen)}" if chosen.bulk else label


def _submit(screen: ScreenSpec, label: str, chosen: Selection) -> str:
    return f"{label} ({_count(screen, chosen)})" if chosen.bulk else label


def _count(screen: ScreenSpec, chosen: Selection) -> str:
    things = within(_(screen.singular if chosen.count == 1 else screen.plural))
    return _("%(count)s %(things)s", count=format_decimal(chosen.count, locale=shop().locale), things=things)


def _address(**more: str) -> str:
    """Return this view's address with the arguments that say which row it is about."""
    kept: Mapping[str, str] = {k: v for k, v in request.args.items() if k not in DROPPED}
    query = "&".join(f"{k}={v}" for k, v in {**kept, **more}.items() if v.isascii() and v.isalnum())
    return f"{request.path}?{query}" if query else request.path
