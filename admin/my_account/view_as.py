"""Looking at everything as the holders of a role do (rule 18.5): their menu, their screens, nothing changed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, redirect, request, url_for
from flask import session as browser_session
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden

from actions.staff import security_events
from admin.request.context import VIEW_AS, allowed, call, person, sign_in_url, viewing
from admin.request.grantable import roles_beyond
from admin.screen_spec.registry import registry
from models.base import db
from web.arguments import parse_id

blueprint = Blueprint("view_as", __name__, url_prefix="/admin/view_as")
READS = frozenset({"GET", "HEAD", "OPTIONS"})
STILL_DONE = ("view_as.end", ".logout")
"""How the endpoints end of what is done all the same: going back to one's own view, and signing out."""


def register(app: Flask) -> None:
    """Install the two addresses, and the refusal of everything that would change something in the meantime."""
    app.register_blueprint(blueprint)
    app.before_request(_only_read)


def _only_read() -> None:
    if request.method in READS or VIEW_AS not in browser_session or _is_done_still():
        return
    if person() is not None and (role := viewing()) is not None:
        raise Forbidden(
            _(
                "You are viewing this as %(role)s, so nothing can be changed. End the view first.",
                role=role.name,
            )
        )


def _is_done_still() -> bool:
    return (request.endpoint or "").endswith(STILL_DONE)


@blueprint.post("/")
def start() -> Any:
    """Begin, with the id of a role that holds nothing the person asking does not hold."""
    if person() is None:
        return redirect(sign_in_url())
    if not allowed(VIEW_AS, "role"):
        raise Forbidden(_("You do not have permission for this."))
    role = registry().screens["role"].get_or_404(parse_id("id", request.form.get("id")))
    if role.id in roles_beyond():
        raise Forbidden(_("%(role)s has permissions you do not have.", role=role.name))
    security_events.record(db.engine, "staff.view_as", call(reason=role.name), person().id)
    browser_session[VIEW_AS] = role.id
    return redirect(url_for("admin.index"))


@blueprint.post("/end/")
def end() -> Any:
    """Go back to what one may do oneself."""
    if person() is None:
        return redirect(sign_in_url())
    role_id = browser_session.pop(VIEW_AS, None)
    if role_id is None:
        return redirect(url_for("admin.index"))
    return redirect(url_for("screen_role.details_view", id=role_id))
