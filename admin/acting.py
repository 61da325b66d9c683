"""Declared actions on a screen: the form, what the deed would do, and the deed, on one row or on many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from babel.numbers import format_decimal
from flask import Response, redirect, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import Select, func, select
from werkzeug.exceptions import Forbidden, NotFound
from wtforms import Form

from actions import census, runner, runs
from actions.base import Invalid, Outcome, Refused
from actions.census import Tally
from actions.runner import MOST_AT_ONCE
from admin import bodies, kept_in, lists, previews, proof, saving
from admin.context import call, clientele, must_prove, now, perform, rehearse, session, shop
from admin.declare import RowAction
from admin.pages import FormPage
from admin.preview_pages import PreviewPage
from admin.query import BadArgument, parse_id
from admin.sentences import fill, sentence, translated, with_link, within
from models.base import db
from models.customer import Customer

if TYPE_CHECKING:
    from admin.base import Screen


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows a deed is about. ``row`` is the one opened by its id; ``bulk`` that they were ticked on a list."""

    ids: tuple[int, ...] = ()
    row: Any = None
    bulk: bool = False
    count: int = 0
    many: Select[Any] | None = None
    """The statement for the rows where they are too many for one transaction: the deed is then a run."""
    carried: tuple[tuple[str, str], ...] = ()
    """What the form of a bulk deed takes along: the ticks, or the list's own query."""

    @property
    def confirmation(self) -> str:
        """What is typed to confirm a dangerous deed: the name, or how many there are."""
        return str(self.row) if self.row is not None else str(self.count)


def act(screen: Screen, verb: str) -> Any:
    """Show a declared action's form, say what it would do (``preview=1``), or do it."""
    declared = find(screen, verb)
    chosen = choose(screen, declared)
    form = _form(declared, chosen)
    opening = request.method == "GET" or (chosen.bulk and "key" not in request.form)
    if opening:
        return _page(screen, declared, form, chosen)
    if request.args.get("preview") == "1" and (saving.in_drawer() or not counting()):
        return _preview(declared, form, chosen)
    if not form.validate():
        return _page(screen, declared, form, chosen), 422
    if counting():
        return _page(screen, declared, form, chosen)
    return _do(screen, declared, form, chosen)


def counting() -> bool:
    """Return whether the request is the button's that has counted what a filled-in form would change."""
    asked = request.args.get("preview"), request.args.get("count")
    return asked == ("1", "1") and "key" in request.form


def find(screen: Screen, verb: str) -> RowAction:
    """Return a screen's declared action. :raises NotFound: there is none of that verb."""
    declared = next((a for a in screen.actions() if a.action.verb == verb), None)
    if declared is None:
        raise NotFound
    return declared


def choose(screen: Screen, declared: RowAction) -> Chosen:
    """Return the rows the request is about: by ``id``, ticked (``ids``), or all of a list's query (``all=1``).

    :raises BadArgument: none or too many. :raises Refused: ``list_changed``, the query matches others by now.
    """
    if not declared.action.targeted:
        return Chosen()
    if "id" in request.args:
        row = screen.get_or_404(parse_id("id", request.args.get("id")))
        check_allowed(declared, row)
        return Chosen((row.id,), row, count=1)
    if not declared.bulk or request.method != "POST":
        raise BadArgument("id", _("name one record"))
    return _ticked(screen)


def check_allowed(declared: RowAction, row: Any) -> None:
    """Refuse what the person may do in general, but not to this row. :raises Forbidden: so it is."""
    if not declared.allow(row):
        raise Forbidden(_("Your role does not include this."))


def _ticked(screen: Screen) -> Chosen:
    names = lists.query_names(screen)
    statement = lists.ticked(screen, MOST_AT_ONCE, names if "key" in request.form else None)
    wanted = statement.with_only_columns(screen.identity).order_by(screen.identity)
    ids = tuple(session().scalars(wanted.limit(MOST_AT_ONCE + 1)))
    if not ids:
        raise NotFound(_("None of these records is there any more."))
    many = wanted if len(ids) > MOST_AT_ONCE else None
    count = len(ids) if many is None else _size(wanted)
    _check_unchanged(count)
    if request.form.get("all") != "1":
        return Chosen(ids, bulk=True, count=len(ids), carried=tuple(("ids", str(i)) for i in ids))
    query = [(k, v) for k, v in request.form.items(multi=True) if k in names]
    carried = (("all", "1"), ("count", str(count)), *query)
    return Chosen(ids, bulk=True, count=count, many=many, carried=carried)


def _size(wanted: Select[Any]) -> int:
    """Return how many rows a list's query matches; where a census counts them anyway, what the form takes along."""
    carried = request.form.get("count", "")
    if counting() and carried.isascii() and carried.isdigit() and len(carried) < 10:
        return int(carried)
    return session().scalar(select(func.count()).select_from(wanted.subquery())) or 0


def _check_unchanged(count: int) -> None:
    """Hold a selection to the count it was made with. :raises Refused: ``list_changed``."""
    counted = request.form.get("count")
    if counted is not None and counted != str(count):
        text = _("The list has changed: it was %(then)s records and is %(now)s now. Look at it again.")
        raise Refused("list_changed", text, then=counted[:10], now=count)


def _form(declared: RowAction, chosen: Chosen) -> Form:
    filled_in = request.method == "POST" and not (chosen.bulk and "key" not in request.form)
    kept_in.settle(request.form if filled_in else request.args, chosen.row, _people(declared, chosen))
    if filled_in:
        return declared.form(request.form)
    named = declared.action.parameters - {declared.action.guessed}  # a code stands in no address
    given = {name: raw for name, raw in request.args.items() if name in named}
    data = {name: parse_id(name, raw) for name, raw in given.items() if raw.isdigit()}
    form = declared.form(data={**(declared.start(chosen.row) or {}), **data})
    if hasattr(form, "prefill"):
        form.prefill(shop(), now())
    if hasattr(form, "suggest"):
        form.suggest(shop(), now())
    return form


def _people(declared: RowAction, chosen: Chosen) -> Select[Any] | None:
    """Return the statement for the ids of the customers that a deed on ticked rows is about."""
    if not chosen.bulk or declared.action.model is not Customer:
        return None
    return chosen.many if chosen.many is not None else select(Customer.id).where(Customer.id.in_(chosen.ids))


def targets(declared: RowAction, chosen: Chosen) -> tuple[int, ...] | None:
    """Return the ids as the runner takes them."""
    return chosen.ids if declared.action.targeted else None


def _preview(declared: RowAction, form: Form, chosen: Chosen) -> str:
    if not form.validate():
        return render_template("admin/_preview.html", preview=None)
    show = _rehearsed if chosen.many is None else _of_many
    return render_template("admin/_preview.html", preview=show(declared, form, chosen))


def _of_many(declared: RowAction, form: Form, chosen: Chosen) -> PreviewPage:
    url = _address(preview="1", count="1") if declared.action.census is not None else ""
    wanted = url and counting() and not any(field.errors for field in form)
    return previews.of_many(url, _counted(declared, form, chosen) if wanted else None)


def _counted(declared: RowAction, form: Form, chosen: Chosen) -> Tally | Invalid:
    """Count what the deed would do to each of the rows, in one statement that waits for nobody."""
    assert chosen.many is not None
    try:
        found = census.count(session(), declared.action, chosen.many, declared.given(form), shop())
    except Invalid as invalid:
        return invalid
    _check_unchanged(found.total)
    return found


def _rehearsed(declared: RowAction, form: Form, chosen: Chosen) -> PreviewPage:
    return previews.page(rehearse(declared.action, targets(declared, chosen), **declared.given(form)))


def _seen(declared: RowAction, form: Form, chosen: Chosen) -> PreviewPage | None:
    """Return what a form shows without scripts: the button to count by, or what a dangerous deed would do."""
    if chosen.many is not None:
        return _of_many(declared, form, chosen)
    ready = (declared.action.danger and "key" in request.form) or counting()
    return _rehearsed(declared, form, chosen) if ready and not any(f.errors for f in form) else None


def _do(screen: Screen, declared: RowAction, form: Form, chosen: Chosen) -> Any:
    if must_prove(declared.action) and (unproved := proof.take()):
        return _page(screen, declared, form, chosen, unproved=unproved), 422
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
        saving.spread(form, errors)
        form.form_errors.extend(asked.values())
        wrong = asked.get("confirm", "")
        return _page(screen, declared, form, chosen, new_key="key" in errors, wrong=wrong), 422
    except Refused as refused:
        form.form_errors.append(said(refused, with_link))
        return _page(screen, declared, form, chosen), refused.status
    return saving.done(screen, outcome, final=declared.action.final)


def _start(declared: RowAction, form: Form, chosen: Chosen) -> Any:
    """Queue the deed as a run, and lead to its page."""
    assert chosen.many is not None
    if declared.action.danger:
        runner.check_confirmed(request.form.get("confirm"), chosen.confirmation)
    given = declared.given(form)
    asked = call(reason=str(given.get("reason") or ""), key=saving.key())
    run_id = runs.start(db.engine, declared.action.code, asked, chosen.many, given)
    url = clientele().screens["run"].url_to("details_view", id=run_id, tab="run_item")
    return Response(status=204, headers={"HX-Redirect": url}) if saving.in_drawer() else redirect(url)


def _named(invalid: Invalid) -> dict[str, str]:
    """Return what is wrong by field, with the row it is about where there are several."""
    if invalid.about is None:
        return dict(invalid.errors)
    return {name: f"{invalid.about}: {sentence(text)}" for name, text in invalid.errors.items()}


def said(refused: Refused, words: Callable[[Refused], str] = translated) -> str:
    """Return why a deed was refused, with the row it is about where there are several."""
    text = words(refused)
    if refused.about is None:
        return text
    return (Markup("{}: {}") if isinstance(text, Markup) else "{}: {}").format(refused.about, text)


def _page(
    screen: Screen,
    declared: RowAction,
    form: Form,
    chosen: Chosen,
    *,
    new_key: bool = False,
    wrong: str = "",
    unproved: str = "",
) -> str:
    label = _(declared.action.label)
    page = FormPage(
        title=_title(screen, label, chosen),
        form=form,
        action=_address(),
        cancel=screen.url_to("index_view"),
        submit=_submit(screen, label, chosen),
        drawer=saving.in_drawer(),
        danger=declared.action.danger,
        intro=_(declared.intro) if declared.intro else "",
        key=saving.fresh_key(new_key),
        hidden=chosen.carried,
        preview_url=_address(preview="1"),
        preview=_seen(declared, form, chosen),
        confirm=chosen.confirmation if declared.action.danger else "",
        confirm_error=wrong,
        proof=(unproven := must_prove(declared.action)),
        proof_code=unproven and proof.wants_code(),
        proof_error=unproved,
    )
    return saving.render("admin/drawer.html" if page.drawer else "admin/form.html", page, screen)


def _title(screen: Screen, label: str, chosen: Chosen) -> str:
    if chosen.row is not None:
        return f"{label}: {chosen.row}"
    return f"{label}: {_count(screen, chosen)}" if chosen.bulk else label


def _submit(screen: Screen, label: str, chosen: Chosen) -> str:
    return f"{label} ({_count(screen, chosen)})" if chosen.bulk else label


def _count(screen: Screen, chosen: Chosen) -> str:
    things = within(_(screen.singular if chosen.count == 1 else screen.plural))
    return _("%(count)s %(things)s", count=format_decimal(chosen.count, locale=shop().locale), things=things)


def _address(**more: str) -> str:
    """Return this view's address with the arguments that say which row it is about."""
    kept: Mapping[str, str] = {k: v for k, v in request.args.items() if k not in ("preview", "count")}
    query = "&".join(f"{k}={v}" for k, v in {**kept, **more}.items() if v.isascii() and v.isalnum())
    return f"{request.path}?{query}" if query else request.path


# -- the command line -----------------------------------------------------------------------------------------------


def command(
    code: str,
    ids: Sequence[int],
    values: Mapping[str, str],
    preview: bool,
    **given: str | None,
) -> list[str]:
    """Run an action for ``flask act`` by the same form, permission and scope; return the lines to print.

    :param given: ``key``, ``confirm`` and ``fingerprint``, as for :func:`admin.context.perform`.
    :raises NotFound: no such action or row. :raises Forbidden: not for this person. :raises Invalid: by field.
    """
    screen, declared = _declared(code)
    if declared.action.targeted != bool(ids):
        raise Invalid(
            {"ids": _("Name the records this is about.") if not ids else _("This takes no record.")}
        )
    rows = [screen.get_or_404(row_id) for row_id in ids]
    for row in rows:
        check_allowed(declared, row)
    form = _completed(declared, rows, values)
    found = list(ids) if declared.action.targeted else None
    if preview:
        return previews.lines(
            rehearse(declared.action, found, **declared.given(form)), marked=declared.action.danger
        )
    return _told(perform(declared.action, found, **given, **declared.given(form)))


def _declared(code: str) -> tuple[Screen, RowAction]:
    resource, _dot, verb = code.partition(".")
    screen = clientele().screens.get(resource)
    if screen is None:
        raise NotFound(_("There is no action %(code)s.", code=code))
    declared = find(screen, verb)
    if not screen.can(verb):
        raise Forbidden(_("Their role does not include this."))
    return screen, declared


def _completed(declared: RowAction, rows: Sequence[Any], values: Mapping[str, str]) -> Form:
    unknown = set(values) - declared.fields
    if unknown:
        raise Invalid(dict.fromkeys(sorted(unknown), _("There is no such field.")))
    one = rows[0] if len(rows) == 1 else None
    chosen = Chosen(tuple(row.id for row in rows), bulk=len(rows) > 1)
    kept_in.settle(values, one, _people(declared, chosen))
    form = bodies.completed(declared.form, values, declared.start(one))
    if not form.validate():
        raise Invalid(dict(bodies.problems(form)))
    return form


def _told(outcome: Outcome) -> list[str]:
    warnings = (fill(w.message, w.values) for w in outcome.warnings)
    told = [fill(outcome.message, outcome.values), *warnings]
    if outcome.secret:
        told.append(_("It is shown this once: %(secret)s", secret=outcome.secret))
    return [*told, _("Changeset %(id)s.", id=outcome.changeset_id)]
