"""The browser's session: a signed cookie for nobody, a row on the server from sign-in to sign-out (rule 16.1).

Flask's own interface, of which two things are ours: who has signed in holds a token that says nothing, and what it
stands for ends on the server.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, session_json_serializer

from actions import sessions
from actions.sessions import Caller, Live
from models.base import db

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

    live: Live | None = None
    lapsed = False
    renewed = ""
    """The token that this session has from now on, where it was given another."""


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
        live = sessions.find(db.engine, cookie.removeprefix(MARK), _now(app))
        made = BrowserSession({**_read(live), USER: str(live.user_id)} if live is not None else None)
        made.live, made.lapsed = live, live is None
        return made

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """Keep what changed: begin a session for who has signed in, end that of who has signed out."""
        if request.path.startswith(WITHOUT):
            return
        live: Live | None = session.live
        who = session.get(USER)
        if live is not None and who != str(live.user_id):
            because = sessions.SIGNED_OUT if who is None else sessions.SOMEBODY_ELSE
            sessions.end(db.engine, live.id, _now(app), because)
            live = None
        if who is None:
            session.modified = session.modified or session.lapsed  # the cookie stands for nothing any more
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


def _written(carried: Any) -> str:
    return str(session_json_serializer.dumps(dict(carried)))


def _read(live: Live) -> dict[str, Any]:
    return dict(session_json_serializer.loads(live.data)) if live.data else {}


def _now(app: Flask) -> Any:
    return app.extensions["clientele"].clock()
