"""Every error as a page a customer can read: never SQL, a traceback or a path, and never why a record is not theirs."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, make_response, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from actions.core.base import Busy, Invalid, Refused, TooMany
from models import outage
from models.dialect import ran_out
from portal import language
from web import errors
from web.arguments import BadArgument
from web.messages import sentence, translated

log = logging.getLogger(__name__)
TRY_AGAIN_AFTER = "10"
"""Seconds, in the header Retry-After of an answer that the database is in no state to serve."""

TITLES = {
    400: (_l("Bad request"), _l("Something in the address or the form is not valid.")),
    403: (_l("Not available"), _l("You do not have access to this.")),
    404: (_l("Not found"), _l("This page does not exist or you do not have access to it.")),
    405: (_l("Method not allowed"), _l("This address does not accept this kind of request.")),
    409: (_l("This cannot be done"), _l("This is not possible right now. Nothing was changed.")),
    410: (_l("This has expired"), _l("This cannot be used any more.")),
    413: (_l("Too large"), _l("The request is too large.")),
    422: (_l("Check the form"), _l("Something in the form is not valid.")),
    429: (_l("Too many attempts"), _l("Wait a few minutes and try again.")),
    500: (_l("Something went wrong"), _l("Sorry, there is a problem on our side. Nothing was saved.")),
    503: (_l("Service unavailable"), _l("Nothing was saved. Try again in a moment.")),
}
"""Status -> (title, what to do)."""


def register(app: Flask) -> None:
    """Install the handlers, and the checks that stand before any answer."""
    errors.register(app)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(Invalid, _invalid)
    app.register_error_handler(SQLAlchemyError, _database)
    app.register_error_handler(Exception, _unexpected)


def answer(status: int, told: str = "") -> Response:
    """Return an error as a page; while the database may be away it is asked for nothing, the shop's name included."""
    if status >= 500:
        language.ask_nothing()
    title, usual = TITLES.get(status, TITLES[400 if status < 500 else 500])
    page = render_template(
        "portal/error.html", title=title, sentence=told or str(usual), request_id=g.get("request_id", "")
    )
    response = make_response(page)
    response.status_code = status
    return response


def _csrf(error: CSRFError) -> Response:
    return answer(400, _("This form has expired. Go back, reload the page and try again."))


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if 300 <= status < 400:
        return make_response(error.get_response())
    response = answer(status, _told(error))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _told(error: HTTPException) -> str:
    """Return what an error says for itself, in a customer's words; nothing where it is for those who run this."""
    if isinstance(error, BadArgument):
        return error.told
    own = error.description if error.description != type(error).description else ""
    return "" if error.code == 503 else own or ""


def _refused(error: Refused) -> Response:
    response = answer(error.status, "" if error.status == 404 else translated(error))
    if isinstance(error, TooMany | Busy):
        response.headers["Retry-After"] = str(error.wait)
    return response


def _invalid(error: Invalid) -> Response:
    return answer(422, sentence(next(iter(error.errors.values()))))


def _database(error: SQLAlchemyError) -> Response:
    """Tell a database that is in no state to serve (503) from a fault of ours (500); neither shows what it said."""
    language.ask_nothing()
    if isinstance(error, DBAPIError) and ran_out(error):
        log.warning("%s took too long, request %s", request.path, g.get("request_id"))
        errors.let_go()
        return answer(503, _("This took too long and was stopped. Try again in a moment."))
    if outage.trouble(error) is None:
        return _unexpected(error)
    errors.let_go()
    errors.leave_session()
    response = answer(503)
    response.headers["Retry-After"] = TRY_AGAIN_AFTER
    return response


def _unexpected(error: Exception) -> Response:
    log.exception("request %s failed", g.get("request_id"))
    errors.let_go()
    return answer(500)
