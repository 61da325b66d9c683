"""Declared actions from the command line (``flask act``), by the same form, permission and scope as on screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden, NotFound
from wtforms import Form

from actions.core.base import Invalid, Outcome
from admin.forms import explicit_choices, form_currency, json_body
from admin.history import previews
from admin.layout import warned
from admin.request.context import dry_run, perform
from admin.row_actions.selection import Selection, check_allowed, find, people
from admin.screen_spec.declare import RowAction
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from models.renamed_codes import current
from web.messages import fill


def command(
    code: str,
    ids: Sequence[int],
    values: Mapping[str, str],
    preview: bool,
    **given: str | None,
) -> list[str]:
    """Run an action for ``flask act`` by the same form, permission and scope; return the lines to print.

    :param given: ``key``, ``confirm`` and ``fingerprint``, as for :func:`admin.request.context.perform`.
    :raises NotFound: no such action or row. :raises Forbidden: not for this person. :raises Invalid: by field.
    """
    screen, declared = _declared(code)
    if declared.action.targeted != bool(ids):
        raise Invalid(
            {
                "ids": _("Give the records for this action.")
                if not ids
                else _("This action does not take a record.")
            }
        )
    rows = [screen.get_or_404(row_id) for row_id in ids]
    for row in rows:
        check_allowed(declared, row)
    form = _completed(declared, rows, values)
    found = list(ids) if declared.action.targeted else None
    if preview:
        return previews.lines(
            dry_run(declared.action, found, **declared.given(form)), marked=declared.action.danger
        )
    return _told(perform(declared.action, found, **given, **declared.given(form)))


def _declared(code: str) -> tuple[ScreenSpec, RowAction]:
    resource, _dot, verb = current(code).partition(".")
    screen = registry().screens.get(resource)
    if screen is None:
        raise NotFound(_("Action %(code)s not found.", code=code))
    declared = find(screen, verb)
    if not screen.can(verb):
        raise Forbidden(_("They do not have permission for this."))
    return screen, declared


def _completed(declared: RowAction, rows: Sequence[Any], values: Mapping[str, str]) -> Form:
    unknown = set(values) - declared.fields
    if unknown:
        raise Invalid(dict.fromkeys(sorted(unknown), _("This field does not exist.")))
    one = rows[0] if len(rows) == 1 else None
    chosen = Selection(tuple(row.id for row in rows), bulk=len(rows) > 1)
    form_currency.settle(values, one, people(declared, chosen))
    form = json_body.completed(declared.form, values, declared.start(one))
    errors = {} if form.validate() else dict(json_body.problems(form))
    missing = explicit_choices.unsaid(declared, form, values, many=len(rows) > 1)
    empties = _("Enter a value. Leave it blank after the = to clear the field.")
    if errors := {**dict.fromkeys(missing, empties), **errors}:
        raise Invalid(errors)
    return form


def _told(outcome: Outcome) -> list[str]:
    told = [fill(outcome.message, outcome.values), *warned.texts(outcome.warnings)]
    if outcome.secret:
        told.append(_("This is shown only once: %(secret)s", secret=outcome.secret))
    return [*told, _("Changeset %(id)s.", id=outcome.changeset_id)]
