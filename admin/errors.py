"""Every error as a sentence: a page for people, JSON for programs, never SQL, a traceback or a path."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, cast

from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request
from flask import session as browser_session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, HTTPException, SecurityError

from actions import events
from actions.base import Conflict, Invalid, Refused, TooMany
from actions.journal import plain
from admin.context import VIEW_AS, call, person, viewing
from admin.query import BadArgument
from admin.sentences import sentence, translated
from models.base import db
from models.dialect import PATIENCE

log = logging.getLogger(__name__)
LONGEST_NOTE = 500
PATIENCE_MS = 500
"""A note of a refusal waits no longer than this for others who write."""


def register(app: Flask) -> None:
    """Install the handlers and the check that no argument carries a NUL byte, which PostgreSQL would choke on."""
    app.before_request(_no_nul)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(SecurityError, _unknown_host)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(Invalid, _invalid)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(PoolTimeout, _database)
    app.register_error_handler(Exception, _unexpected)
    app.after_request(_headers)


def _no_nul() -> None:
    """Refuse text no database can hold: NUL characters and, in JSON, halves of surrogate pairs."""
    for name, value in (*request.args.items(multi=True), *request.form.items(multi=True)):
        if "\x00" in name or "\x00" in value:
            raise BadArgument(name.replace("\x00", ""), _("this cannot hold a NUL character"))
    if "\x00" in request.path:
        raise BadRequest(_("The address cannot hold a NUL character."))
    if request.is_json and not all(_storable(text) for text in _texts_in_json()):
        raise BadRequest(_("A text in the request holds a character that is no character."))


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
        _l("That request cannot be read"),
        _l("Something in the address or the form is not as it should be."),
    ),
    401: (_l("Please sign in"), _l("You need to sign in to see this.")),
    403: (_l("Not for your role"), _l("Your role does not include this. An admin can change that.")),
    404: (_l("Not found"), _l("This page or record does not exist, or is not yours to see.")),
    405: (_l("Not that way"), _l("This address does not take that kind of request.")),
    409: (_l("That cannot be done"), _l("Something stands in the way. Nothing was changed.")),
    413: (_l("Too large"), _l("What was sent is larger than 10 MB.")),
    422: (_l("Please look at it again"), _l("Something in the form is not as it should be.")),
    429: (_l("Too many attempts"), _l("Wait a while, then try again.")),
    500: (
        _l("Something went wrong"),
        _l("It is our fault, and nothing was saved. Tell your admin the request id."),
    ),
    503: (_l("The database does not answer"), _l("Nothing was saved. Please try again in a moment.")),
}
"""Status -> (title, what to do)."""


def answer(
    status: int, sentence: str = "", *, field: str | None = None, code: str | None = None, back: str = ""
) -> Response:
    """Return an error answer in the form the caller reads. ``back`` is the list to go back to, where there is one."""
    title, default = TITLES.get(status, TITLES[400 if status < 500 else 500])
    sentence = sentence or str(default)
    request_id = g.get("request_id", "")
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        body = {"message": sentence, "field": field, "code": code, "request_id": request_id}
        response = jsonify({k: v for k, v in body.items() if v})
    else:
        page = render_template(
            "admin/error.html",
            status=status,
            title=title,
            sentence=sentence,
            request_id=request_id,
            back=back,
            viewing=_viewed(status),
        )
        response = make_response(page)
    response.status_code = status
    return response


def _viewed(status: int) -> str:
    """Return as which role the page is looked at; while the database may be away nobody asks it."""
    if status >= 500 or VIEW_AS not in browser_session or (role := viewing()) is None:
        return ""
    return role.name


def _csrf(error: CSRFError) -> Response:
    return answer(400, _("This form has expired. Go back, reload the page and try again."))


def _unknown_host(error: SecurityError) -> Response:
    """Answer in plain text: for a host that is not ours no address can be built, so no page either."""
    return Response("400: this is not an address of this server.\n", 400, mimetype="text/plain")


def _http(error: HTTPException) -> Any:
    status = error.code or 500
    if 300 <= status < 400:
        return error.get_response()
    field = error.field if isinstance(error, BadArgument) else None
    own = (
        error.description
        if type(error).__module__ != "werkzeug.exceptions" or error.description != type(error).description
        else ""
    )
    if status == 403:
        _note_refusal()
    response = answer(status, own or "", field=field)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "WWW-Authenticate"):
            response.headers[name] = value
    return response


def _note_refusal() -> None:
    """Write down that somebody was refused for want of permission; whatever comes of that, the answer is the same."""
    user = person()
    if user is None or g.get("viewing") is not None:
        return
    try:
        asked = call(reason=f"{request.method} {request.path}"[:LONGEST_NOTE])
        patient = db.engine.execution_options(**{PATIENCE: PATIENCE_MS})
        events.record(cast(Engine, patient), "staff.refused", asked, user.id)
    except Exception:
        log.warning("request %s: a refusal could not be written down", g.get("request_id"), exc_info=True)


def _refused(error: Refused) -> Response:
    if isinstance(error, Conflict) and request.path.startswith("/api/"):
        response = answer(412, translated(error), code=error.code)
        seen = {"base": error.base, "theirs": error.theirs, "mine": error.mine, "version": error.version}
        return _with(response, {name: _json(value) for name, value in seen.items()})
    response = answer(error.status, translated(error), code=error.code)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.wait)
    return response


def _invalid(error: Invalid) -> Response:
    field, text = next(iter(error.errors.items()))
    response = answer(422, f"{field}: {sentence(text)}", field=field)
    if response.is_json:
        _with(response, {"errors": {name: sentence(text) for name, text in error.errors.items()}})
    return response


def _with(response: Response, more: dict[str, Any]) -> Response:
    """Add to an answer's JSON object."""
    response.set_data(current_app.json.dumps({**(response.get_json() or {}), **more}))
    return response


def _json(value: Any) -> Any:
    return {name: plain(part) for name, part in value.items()} if isinstance(value, dict) else value


def _database(error: Exception) -> Response:
    """Tell a database that is away (503) from a value it will not take (400); neither answer shows what it said."""
    db.session.rollback()
    if isinstance(error, (OperationalError, PoolTimeout)) or getattr(error, "connection_invalidated", False):
        log.warning("database unavailable, request %s: %s", g.get("request_id"), type(error).__name__)
        return answer(503)
    log.exception("database error, request %s", g.get("request_id"))
    return answer(500)


def _unexpected(error: Exception) -> Response:
    log.exception("request %s failed", g.get("request_id"))
    db.session.rollback()
    return answer(500)


def _headers(response: Response) -> Response:
    response.headers.setdefault("X-Request-Id", g.get("request_id", ""))
    if not request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
