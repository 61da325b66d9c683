"""Look-ups: the options of a picker, in the target screen's own scope and order."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.exceptions import Forbidden

from admin.listing.order import in_order, ordered, with_groups
from admin.listing.search import ENOUGH
from admin.screen_spec.registry import screen_over
from admin.screen_spec.spec import ScreenSpec
from web.arguments import BadArgument
from web.request import session


def options(screen: ScreenSpec, text: str, offset: int, limit: int) -> list[tuple[int, str]]:
    """Return (id, label) pairs in the list's own order, live rows only where the model knows retired ones."""
    statement = screen.base_select()
    if text:
        statement = screen.search(statement, text, ENOUGH) if screen.column_searchable_list else statement
    model: Any = screen.model
    if hasattr(model, "merged_into_id"):
        statement = statement.where(model.merged_into_id.is_(None), model.anonymised_at.is_(None))
    elif hasattr(model, "is_active"):
        statement = statement.where(model.is_active)
    keys = with_groups(session(), screen.sort_keys(None, False))
    ids, _found = in_order(statement, keys, screen.identity, offset + limit)
    wanted = select(model).where(screen.identity.in_(ids.limit(limit).offset(offset)))
    rows = session().scalars(ordered(wanted.options(*screen.eager(screen.lookup_columns)), keys)).unique()
    return [(row.id, screen.lookup_label(row)) for row in rows]


def answer(screen: ScreenSpec) -> Response:
    """Answer a picker: ``name`` is the relation, ``query`` what was typed, ``offset`` where to go on.

    ``without`` is an id that is not offered.
    """
    name = request.args.get("name", "")
    allowed_names = {
        *screen.form_columns,
        *screen.filters,
        *(p for a in screen.actions() for p in a.action.parameters),
    }
    try:
        field = screen.field(name) if name in allowed_names else None
    except AttributeError:
        field = None
    if name == screen.resource and any(a.action.other_rows for a in screen.actions()):
        target = screen  # an action on these rows names further ones of them
    elif field is None or field.kind != "lookup":
        raise BadArgument("name", _("this look-up does not exist"))
    else:
        target = screen_over(field.target)
    if not target.can("list"):
        raise Forbidden(_("You do not have permission for this."))
    offset = request.args.get("offset", "0")
    if not (offset.isascii() and offset.isdigit() and len(offset) <= 5):
        raise BadArgument("offset", _("a whole number"))
    text = request.args.get("query", "").strip()[:200]
    found = target.lookup_options(text, int(offset))
    without = request.args.get("without")
    return jsonify([[row_id, label] for row_id, label in found if str(row_id) != without])
