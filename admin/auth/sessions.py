"""Whose sessions the back office keeps: those of staff, whom Flask-Login names under its own key."""

from __future__ import annotations

from actions.staff import sessions
from web.sessions import Holders

STAFF = Holders(
    store=sessions.STORE,
    find=sessions.find,
    key="_user_id",
    of_nobody=("csrf_token", "_flashes", "view_as", "pending"),
    # Files are anybody's, programs show tokens, and watchers ask for nobody.
    without=("/static/", "/api/", "/healthz", "/readyz"),
)
