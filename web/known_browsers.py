"""Browsers in which somebody has signed in before: strangers who guess at the account do not lock those out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from flask import Response, current_app, request
from sqlalchemy import Table, exists, insert

from actions.execution import rate_limit
from actions.execution.rate_limit import Limit
from actions.execution.session_store import digest
from models.base import db
from models.dialect import WRITE
from web.request import now, session

KEPT_SECONDS = 180 * 24 * 3600


@dataclass(frozen=True, slots=True)
class KnownBrowsers:
    """The known browsers of staff, or those of customers.

    :param holder: the column of ``table`` with whose it is.
    :param cookie: tells a browser in which its holder has signed in before; it opens nothing.
    """

    table: Table
    holder: str
    cookie: str

    def limit(self, holder_id: int | None) -> Limit | None:
        """Return the limit on a browser in which somebody has signed in before; None where they have not."""
        known = self._is_known(holder_id)
        return rate_limit.of_browser(digest(request.cookies[self.cookie])) if known else None

    def remember(self, holder_id: int, response: Response) -> None:
        """Let this browser be told from strangers' from now on."""
        if self._is_known(holder_id):
            return
        token = secrets.token_urlsafe(32)
        row = {self.holder: holder_id, "token_hash": digest(token), "created_at": now()}
        with db.engine.execution_options(**{WRITE: True}).begin() as connection:
            connection.execute(insert(self.table).values(row))
        response.set_cookie(
            self.cookie,
            token,
            max_age=KEPT_SECONDS,
            path=current_app.config["SESSION_COOKIE_PATH"] or "/",
            httponly=True,
            secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
            samesite="Lax",
        )

    def _is_known(self, holder_id: int | None) -> bool:
        """Return whether somebody has signed in here before; the same is asked where there is no such account."""
        token = request.cookies.get(self.cookie)
        if not token:
            return False
        columns = self.table.c
        theirs = columns[self.holder] == (holder_id or 0), columns.token_hash == digest(token)
        return bool(session().scalar(exists().where(*theirs).select()))
