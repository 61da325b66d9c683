"""What every error has in common for all who ask: checks before anything is answered, words, headers, letting go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from flask import Flask, Response, g, request
from flask import session as browser_session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import BadRequest, SecurityError

from models.base import db
from web.arguments import BadArgument
from web.messages import called
from web.sessions import BrowserSession


def register(app: Flask) -> None:
    """Install the check that no argument carries what no database can hold, the headers, and the end of a request."""
    app.before_request(_no_nul)
    app.register_error_handler(SecurityError, _unknown_host)
    app.after_request(_headers)
    app.teardown_appcontext(lambda _error: let_go())


def refuse_unknown_host() -> None:
    """Answer nothing that was asked of a host that is none of ours, before anything looks for an address to lead to."""
    if isinstance(request.routing_exception, SecurityError):
        raise request.routing_exception


def give_up_without_session() -> None:
    """Answer first thing where nobody can say whose session it is; installed before whatever asks for the person."""
    error = cast(BrowserSession, browser_session).unread
    if error is not None:
        raise error


def _no_nul() -> None:
    """Refuse text no database can hold: NUL characters and, in JSON, halves of surrogate pairs."""
    for name, value in (*request.args.items(multi=True), *request.form.items(multi=True)):
        if "\x00" in name or "\x00" in value:
            field = name.replace("\x00", "")
            told = _("%(field)s: remove the NUL character.", field=called(field)) if field else ""
            raise BadArgument(field, _("remove the NUL character"), told)
    if "\x00" in request.path:
        raise BadRequest(_("The address contains a NUL character."))
    if request.is_json and not all(_storable(text) for text in _texts_in_json()):
        raise BadRequest(_("The request contains an invalid character."))


def _texts_in_json() -> Iterator[str]:
    try:
        waiting = [request.get_json(silent=True)]
    except RecursionError:
        raise BadRequest(_("The request is nested too deeply.")) from None
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value


def _storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


TITLES = {
    400: (
        _l("Bad request"),
        _l("Something in the address or the form is not valid."),
    ),
    401: (_l("Please sign in"), _l("Sign in to see this page.")),
    403: (
        _l("You do not have access"),
        _l("You do not have permission for this. An admin can give it to you."),
    ),
    404: (
        _l("Not found"),
        _l(
            "This page or record does not exist or you do not have access to it. Try searching by name, "
            "email or number."
        ),
    ),
    405: (_l("Method not allowed"), _l("This address does not accept this kind of request.")),
    409: (_l("This cannot be done"), _l("This action is not possible right now. Nothing was changed.")),
    413: (_l("Too large"), _l("The request is too large. The limit is 10 MB, or 50 MB for an import file.")),
    422: (_l("Check the form"), _l("Something in the form is not valid.")),
    429: (_l("Too many attempts"), _l("Wait a few minutes and try again.")),
    500: (
        _l("Something went wrong"),
        _l("Sorry, there is a problem with the system. Nothing was saved. Give your admin the request ID."),
    ),
    503: (_l("Service unavailable"), _l("Nothing was saved. Try again in a moment.")),
}
"""Status -> (title, what to do)."""


def leave_session() -> None:
    """Write nothing of the browser's session, and leave its cookie as it is."""
    opened = cast(BrowserSession, browser_session)
    opened.unread = opened.unread or SQLAlchemyError()


def let_go() -> None:
    """End what the request's session has begun; a connection that is dead cannot even roll back, and is dropped."""
    try:
        db.session.rollback()
    except SQLAlchemyError:
        db.session().invalidate()


def _unknown_host(error: SecurityError) -> Response:
    """Answer in plain text: for a host that is not ours no address can be built, so no page either."""
    return Response("400: this is not an address of this server.\n", 400, mimetype="text/plain")


def _headers(response: Response) -> Response:
    response.headers.setdefault("X-Request-Id", g.get("request_id", ""))
    if not request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
