"""The browser's session: a signed cookie for nobody, a row on the server from sign-in to sign-out (rule 16.1).

Flask's own interface, of which two things are ours: who has signed in holds a token that says nothing, and what it
stands for ends on the server.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, session_json_serializer
from sqlalchemy.exc import SQLAlchemyError

from actions.staff import sessions
from actions.staff.sessions import Caller, SessionInfo
from models.base import db
from models.dialect import limit_reads

MARK = "s."
"""How a token begins in the cookie, to tell it from a signed cookie."""
USER = "_user_id"
"""Where Flask-Login keeps who has signed in."""
OF_NOBODY = ("csrf_token", "_flashes", "view_as", "pending")
"""What a session of nobody holds and the one that begins at sign-in does not take over."""
WITHOUT = ("/static/", "/api/", "/healthz", "/readyz")
"""Addresses that know no browser's session: files are anybody's, programs show tokens, and watchers ask for nobody."""


class BrowserSession(SecureCookieSession):
    """What pages know as ``flask.session``. ``live`` is its row, once somebody has signed in."""

    live: SessionInfo | None = None
    emptied = False
    renewed = ""
    """The token that this session has from now on, where it was given another."""
    unread: SQLAlchemyError | None = None
    """Why nobody can say whose it is: nothing of it is kept then, and its cookie stays as it is."""


class StaffSessions(SecureCookieSessionInterface):
    """Opens and saves the session of each request."""

    session_class = BrowserSession

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session the cookie stands for; an empty one where it stands for none."""
        if request.path.startswith(WITHOUT):
            return BrowserSession()
        cookie = request.cookies.get(self.get_cookie_name(app), "")
        if not cookie.startswith(MARK):
            opened = super().open_session(app, request)
            if opened is not None and USER in opened:
                opened.clear()  # a cookie alone signs nobody in
            return opened
        limit_reads(app.extensions["clientele.settings"].read_seconds)
        try:
            live = sessions.find(db.session(), cookie.removeprefix(MARK), _now(app))
        except SQLAlchemyError as error:
            return _unread(error)
        made = BrowserSession({**_read(live), USER: str(live.user_id)} if live is not None else None)
        made.live, made.emptied = live, live is None
        return made

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """Keep what changed: begin a session for anyone who has signed in, end that of anyone who has signed out."""
        if request.path.startswith(WITHOUT) or session.unread is not None:
            return
        try:
            self._save(app, session, response)
        except SQLAlchemyError as error:
            session.unread = error
            _answer_instead(response, app.make_response(app.handle_user_exception(error)))

    def _save(self, app: Flask, session: BrowserSession, response: Response) -> None:
        live: SessionInfo | None = session.live
        who = session.get(USER)
        if live is not None and who != str(live.user_id):
            because = sessions.SIGNED_OUT if who is None else sessions.SOMEBODY_ELSE
            sessions.end(db.engine, live.id, _now(app), because)
            live = None
        if who is None:
            session.modified = session.modified or session.emptied  # the cookie stands for nothing any more
            super().save_session(app, session, response)
        elif live is None:
            self._begin(app, session, int(who), response)
        else:
            sessions.keep(db.engine, live, _now(app), _written(session) if session.modified else None)
            if session.renewed:
                self._give(app, session.renewed, response)

    def _begin(self, app: Flask, session: BrowserSession, user_id: int, response: Response) -> None:
        carried = {name: value for name, value in session.items() if name not in OF_NOBODY}
        token = sessions.begin(db.engine, user_id, _now(app), caller(), data=_written(carried))
        self._give(app, token, response)

    def _give(self, app: Flask, token: str, response: Response) -> None:
        response.set_cookie(
            self.get_cookie_name(app),
            MARK + token,
            domain=self.get_cookie_domain(app),
            path=self.get_cookie_path(app),
            secure=self.get_cookie_secure(app),
            httponly=self.get_cookie_httponly(app),
            samesite=self.get_cookie_samesite(app),
        )
        response.vary.add("Cookie")


def caller() -> Caller:
    """Return from where the request comes and what it says it is."""
    return Caller(request.remote_addr or "", request.user_agent.string)


def _unread(error: SQLAlchemyError) -> BrowserSession:
    """Return the session of a request that finds out only now that the database is away; it is told so first thing."""
    made = BrowserSession()
    made.unread = error
    return made


def _answer_instead(response: Response, told: Response) -> None:
    """Let an answer say that nobody was signed in or out after all; its headers are on it already."""
    response.headers.remove("Location")
    response.status_code, response.content_type = told.status_code, told.content_type
    response.set_data(told.get_data())


def _written(carried: Any) -> str:
    return str(session_json_serializer.dumps(dict(carried)))


def _read(live: SessionInfo) -> dict[str, Any]:
    return dict(session_json_serializer.loads(live.data)) if live.data else {}


def _now(app: Flask) -> Any:
    return app.extensions["clientele"].clock()
