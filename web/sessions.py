"""The browser's session: a signed cookie for nobody, a row on the server from sign-in to sign-out (rule 16.1).

Flask's own interface, of which two things are ours: who has signed in holds a token that says nothing, and what it
stands for ends on the server. The back office and the portal have each its own: table, cookie, key and holder.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, session_json_serializer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from actions.execution import session_store
from actions.execution.session_store import Caller, LiveSession, SessionStore
from models.base import db
from models.dialect import limit_reads
from web.request import STATE

MARK = "s."
"""How a token begins in the cookie, to tell it from a signed cookie."""


class Find(Protocol):
    """How the session of a token is found; None where it ended, expired, or its holder may not sign in."""

    def __call__(self, session: Session, token: str, now: dt.datetime) -> LiveSession | None: ...


@dataclass(frozen=True, slots=True)
class Holders:
    """Whose sessions they are.

    :param key: where a session keeps the id of the person who has signed in.
    :param of_nobody: what a session of nobody holds and the one that begins at sign-in does not take over.
    :param without: the beginnings of addresses that know no browser's session.
    :param columns: what a session that begins is told and keeps in columns of its own.
    """

    store: SessionStore
    find: Find
    key: str
    of_nobody: tuple[str, ...]
    without: tuple[str, ...]
    columns: tuple[str, ...] = ()


class BrowserSession(SecureCookieSession):
    """What pages know as ``flask.session``. ``live`` is its row, once somebody has signed in."""

    live: Any = None
    emptied = False
    renewed = ""
    """The token that this session has from now on, where it was given another."""
    unread: SQLAlchemyError | None = None
    """Why nobody can say whose it is: nothing of it is kept then, and its cookie stays as it is."""


class ServerSessions(SecureCookieSessionInterface):
    """Opens and saves the session of each request."""

    session_class = BrowserSession

    def __init__(self, holders: Holders) -> None:
        self.holders = holders

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session the cookie stands for; an empty one where it stands for none."""
        if request.path.startswith(self.holders.without):
            return BrowserSession()
        cookie = request.cookies.get(self.get_cookie_name(app), "")
        if not cookie.startswith(MARK):
            opened = super().open_session(app, request)
            if opened is not None and self.holders.key in opened:
                opened.clear()  # a cookie alone signs nobody in
            return opened
        limit_reads(app.extensions["clientele.settings"].read_seconds)
        try:
            live = self.holders.find(db.session(), cookie.removeprefix(MARK), _now(app))
        except SQLAlchemyError as error:
            return _unread(error)
        made = BrowserSession(self._carried(live) if live is not None else None)
        made.live, made.emptied = live, live is None
        return made

    def _carried(self, live: LiveSession) -> dict[str, Any]:
        carried = dict(session_json_serializer.loads(live.data)) if live.data else {}
        return {**carried, self.holders.key: str(live.holder_id)}

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """Keep what changed: begin a session for anyone who has signed in, end that of anyone who has signed out."""
        if request.path.startswith(self.holders.without) or session.unread is not None:
            return
        try:
            self._save(app, session, response)
        except SQLAlchemyError as error:
            session.unread = error
            _answer_instead(response, app.make_response(app.handle_user_exception(error)))

    def _save(self, app: Flask, session: BrowserSession, response: Response) -> None:
        live: LiveSession | None = session.live
        who = session.get(self.holders.key)
        if live is not None and who != str(live.holder_id):
            because = session_store.SIGNED_OUT if who is None else session_store.SOMEBODY_ELSE
            self.holders.store.end(db.engine, live.id, _now(app), because)
            live = None
        if who is None:
            session.modified = session.modified or session.emptied  # the cookie stands for nothing any more
            super().save_session(app, session, response)
        elif live is None:
            self._begin(app, session, int(who), response)
        else:
            carried = _written(session) if session.modified else None
            self.holders.store.keep(db.engine, live, _now(app), carried)
            if session.renewed:
                self._give(app, session.renewed, response)

    def _begin(self, app: Flask, session: BrowserSession, holder_id: int, response: Response) -> None:
        known, apart = self.holders, (*self.holders.of_nobody, *self.holders.columns)
        carried = _written({name: value for name, value in session.items() if name not in apart})
        more = {name: session[name] for name in known.columns if name in session}
        token = known.store.begin(db.engine, holder_id, _now(app), caller(), data=carried, **more)
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


def _now(app: Flask) -> dt.datetime:
    found: dt.datetime = app.extensions[STATE].clock()
    return found
