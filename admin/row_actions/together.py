"""Actions that are about a row and further ones of its kind (``other_rows``): ticked ones, and changing places.

Which of several rows is the one that is kept is for the person to say, at any time before it is done: the form of the
other one comes with all that was typed, and is looked at as any form of that row is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, request
from flask_babel import gettext as _
from wtforms import Form

from actions.core.base import Refused
from admin.forms.form_fields import ChosenField
from admin.row_actions.selection import Selection, ticked
from admin.screen_spec.declare import RowAction
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Text
from models.base import N_
from web.arguments import parse_id

SWAP = "swap"
"""The argument that names the row whose place the one in the address takes."""
SUGGESTED = "suggested"
"""The argument that says that the row in the address was suggested."""


def of_ticked(screen: ScreenSpec, declared: RowAction) -> Any:
    """Lead from rows ticked on a list to the form of the one that is suggested; None where that is not asked.

    :raises Refused: ``too_many``.
    """
    if declared.together is None or request.method != "POST" or "id" in request.args:
        return None
    ids = ticked(screen).ids
    if len(ids) > declared.together.most:
        text = N_("You ticked more than %(most)s records. Tick fewer.")
        raise Refused("too_many", text, most=declared.together.most)
    survivor, _why = declared.together.suggest(ids)
    others = ",".join(str(i) for i in ids if i != survivor)
    named = {declared.action.other_rows: others, SUGGESTED: 1} if others else {}
    return redirect(screen.url_to("act_view", verb=declared.action.verb, id=survivor, **named))


def why_suggested(declared: RowAction, form: Form, chosen: Selection) -> Text:
    """Return why the row of a form was suggested, where it was and still would be."""
    if declared.together is None or chosen.row is None or SUGGESTED not in request.args:
        return ""
    survivor, why = declared.together.suggest([chosen.row.id, *_others(declared, form)])
    return why if survivor == chosen.row.id else ""


def swapping() -> bool:
    """Return whether the request is the button's that keeps another row."""
    return request.method == "POST" and SWAP in request.args


def swap(declared: RowAction, form: Form, row: Any) -> None:
    """Have a form, which came with another row kept, be about this one; what was chosen of that row's is forgotten."""
    before = parse_id(SWAP, request.args.get(SWAP))
    field = form[declared.action.other_rows]
    field.data = list(dict.fromkeys(i for i in (*_others(declared, form), before) if i != row.id))
    for choices in form:
        if isinstance(choices, ChosenField):
            choices.data = []


def swaps(
    screen: ScreenSpec, declared: RowAction, form: Form, chosen: Selection
) -> Mapping[int, tuple[Text, str]]:
    """Return further row -> the words of the button that keeps it instead, and its address."""
    if not declared.action.other_rows or chosen.row is None:
        return {}
    rows = [row for i in _others(declared, form) if (row := screen.get_one(str(i))) is not None]
    words = _("Keep the other record instead") if len(rows) == 1 else ""
    return {
        row.id: (
            words or _("Keep #%(id)s instead", id=row.id),
            screen.url_to("act_view", verb=declared.action.verb, id=row.id, swap=chosen.row.id),
        )
        for row in rows
    }


def _others(declared: RowAction, form: Form) -> list[int]:
    data = form[declared.action.other_rows].data
    return [i for i in data if type(i) is int] if isinstance(data, list) else []
