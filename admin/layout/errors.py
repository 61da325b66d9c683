"""Every error as a sentence: a page for people, JSON for programs, never SQL, a traceback or a path."""

from __future__ import annotations

import logging
import re
from typing import Any, cast

from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from actions.core.base import Busy, Conflict, Invalid, Refused, TooMany
from actions.core.journal import plain
from actions.core.row_guards import is_guarded
from actions.staff import security_events
from admin.layout import warned
from admin.layout.frame import frame
from admin.request.context import call, person
from admin.screen_spec.registry import registry
from models import outage, schema
from models.base import Base, db
from models.dialect import PATIENCE, limit_reads, ran_out
from models.member import Member
from models.renamed_codes import former
from web import errors
from web.arguments import BadArgument
from web.errors import TITLES, leave_session, let_go
from web.messages import called, sentence, translated

log = logging.getLogger(__name__)
LONGEST_NOTE = 500
VIEWING = "view_as.start"
"""Where somebody asks to see what the holders of a role see."""
PATIENCE_MS = 500
"""A note of a refusal waits no longer than this for others who write."""


def register(app: Flask) -> None:
    """Install the handlers, and the checks that stand before any answer."""
    errors.register(app)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(Invalid, _invalid)
    app.register_error_handler(SQLAlchemyError, _database)
    app.register_error_handler(Exception, _unexpected)


TRY_AGAIN_AFTER = "10"
"""Seconds, for programs: the header Retry-After of an answer that the database is in no state to serve."""
FRAME_SECONDS = 1.0
"""What the menu around the page of a database that answers some may take to read, whatever has been used up."""

TOO_LONG = _l(
    "This took too long and was stopped. Try a longer search, more filters or the default sort order."
)


def answer(
    status: int,
    sentence: str = "",
    *,
    title: str = "",
    field: str | None = None,
    code: str | None = None,
    back: str = "",
    framed: bool | None = None,
) -> Response:
    """Return an error answer in the form the caller reads. ``back`` is the list to go back to, where there is one.

    :param framed: whether the database may be asked for the menu around a page; by itself only below 500.
    """
    usual, default = TITLES.get(status, TITLES[400 if status < 500 else 500])
    sentence = sentence or str(default)
    request_id = g.get("request_id", "")
    if wants_json():
        body = {"message": sentence, "field": field, "code": code, "request_id": request_id}
        body["former_code"] = former(code)
        response = jsonify({k: v for k, v in body.items() if v})
    else:
        told = {"title": title or usual, "sentence": sentence, "request_id": request_id}
        response = make_response(_page(status, back, told, framed=status < 500 if framed is None else framed))
    response.status_code = status
    return response


def wants_json() -> bool:
    """Return whether the person asking is a program."""
    return request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json"


def _page(status: int, back: str, told: dict[str, Any], *, framed: bool) -> str:
    """Return an error as a page: within the frame for anyone who is signed in, bare for a part of a page.

    While the database may be away nobody asks it for a menu.
    """
    around: dict[str, Any] = {"around": "admin/outside.html", "back": back}
    if request.headers.get("HX-Request"):
        around["around"] = "admin/_bare.html"
    elif framed and person() is not None:
        try:
            let_go()
            limit_reads(FRAME_SECONDS)
            around = _framed(back)
        except SQLAlchemyError:
            ask_nothing_more()
    return render_template("admin/error.html", status=status, **around, **told)


def _framed(back: str) -> dict[str, Any]:
    """Return what a page of an error in the frame needs, with the way back to the list it is about."""
    around = {"frame": frame(), "around": "admin/layout.html"}
    parts = request.path.split("/")
    screen = registry().screens.get(parts[2]) if len(parts) > 3 and parts[1] == "admin" else None
    if back or screen is None or not screen.can("list"):
        return {**around, "back": back}
    return {**around, "back": screen.url_to("index_view"), "back_to": screen.heading}


def _csrf(error: CSRFError) -> Response:
    return answer(400, _("This form has expired. Go back, reload the page and try again."))


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
    if isinstance(error, BadArgument) and not wants_json():
        own = error.told
    if status == 403:
        note_refusal(f"{request.method} {_asked_for()}", *_whom())
    response = answer(status, own or "", field=field, framed=getattr(error, "framed", None))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "WWW-Authenticate"):
            response.headers[name] = value
    return response


def _asked_for() -> str:
    """Return the address that was asked for, with the id of the record where it names one, and nothing typed."""
    row_id = request.args.get("id", "")
    return f"{request.path}?id={row_id}" if row_id.isascii() and row_id.isdigit() else request.path


def _whom() -> tuple[type[Base], int] | tuple[()]:
    """Return the member of staff, role or group that a request was about, and so whom its refusal is about."""
    found = re.match(r"/(?:admin|api/v1)/([a-z_]+)/", request.path)
    noun = "role" if request.endpoint == VIEWING else found[1] if found is not None else ""
    screen = registry().screens.get(noun)
    named = (request.view_args or {}).get("row_id") or request.values.get("id", "")
    if screen is None or not is_guarded(screen.model) or not re.fullmatch("[0-9]{1,18}", str(named)):
        return ()
    return screen.model, int(named)


def note_refusal(what: str, model: type[Base] = Member, row_id: int | None = None) -> None:
    """Write down that somebody was refused for want of permission; whatever comes of that, the answer is the same.

    :param model: of the row it was about, by ``row_id``; themselves where it was about nobody.
    """
    user = person()
    if user is None or g.get("viewing") is not None:
        return
    try:
        asked = call(reason=what[:LONGEST_NOTE])
        patient = db.engine.execution_options(**{PATIENCE: PATIENCE_MS})
        security_events.record(cast(Engine, patient), "staff.refused", asked, row_id or user.id, model)
    except Exception as error:
        if outage.trouble(error) is None:
            log.warning("request %s: a refusal could not be written down", g.get("request_id"), exc_info=True)


def _refused(error: Refused) -> Response:
    if isinstance(error, Conflict) and request.path.startswith("/api/"):
        response = answer(412, translated(error), code=error.code)
        seen = {"base": error.base, "theirs": error.theirs, "mine": error.mine, "version": error.version}
        return _with(response, {name: _json(value) for name, value in seen.items()})
    response = answer(error.status, translated(error), code=error.code, framed=True)
    if isinstance(error, TooMany | Busy):
        response.headers["Retry-After"] = str(error.wait)
    return response


def _invalid(error: Invalid) -> Response:
    field, text = next(iter(error.errors.items()))
    named = field if wants_json() else called(field)
    response = answer(422, f"{named}: {sentence(text)}", field=field)
    if response.is_json:
        errors = {name: sentence(text) for name, text in error.errors.items()}
        _with(response, {"errors": errors, **_taken_by(error)})
    return response


def _taken_by(error: Invalid) -> dict[str, Any]:
    """Return the record that stands in the way, for users who may see it."""
    if error.see is None or not warned.may_see(error.see):
        return {}
    return {"taken_by": {"resource": error.see[0], "id": error.see[1]}}


def _with(response: Response, more: dict[str, Any]) -> Response:
    """Add to an answer's JSON object."""
    response.set_data(current_app.json.dumps({**(response.get_json() or {}), **more}))
    return response


def _json(value: Any) -> Any:
    return {name: plain(part) for name, part in value.items()} if isinstance(value, dict) else value


def _database(error: SQLAlchemyError) -> Response:
    """Tell a database that is in no state to serve (503) from a fault of ours (500); neither shows what it said.

    The log is told of the former once for each time it happens, by models.outage.
    """
    if isinstance(error, DBAPIError) and ran_out(error):
        log.warning("%s took too long, request %s", request.path, g.get("request_id"))
        let_go()
        return answer(503, str(TOO_LONG), title=_("That took too long"), code="too_long", framed=True)
    found = outage.trouble(error)
    if found is None:
        return _unexpected(error)
    if isinstance(error, PoolTimeout):
        outage.overloaded(db.engine)
    if found.is_read:
        let_go()
    else:
        ask_nothing_more()
    response = answer(503, _(found.sentence), code=f"database_{found.name.lower()}", framed=found.is_read)
    response.headers["Retry-After"] = TRY_AGAIN_AFTER
    leave_session()
    return response


def ask_nothing_more() -> None:
    """Let the rest of this request, the page of the error and the session, be made without the database."""
    let_go()
    g._login_user = g.user = AnonymousUserMixin()
    leave_session()


def _unexpected(error: Exception) -> Response:
    """Answer a fault: one of ours, or, where a newer release upgraded the database under us, what we cannot serve."""
    log.exception("request %s failed", g.get("request_id"))
    let_go()
    if _is_outdated():
        return answer(503, _(outage.Trouble.SCHEMA.sentence), code="database_schema", framed=False)
    return answer(500)


def _is_outdated() -> bool:
    try:
        return schema.is_newer(db.engine)
    except (schema.SchemaError, SQLAlchemyError):
        return False
