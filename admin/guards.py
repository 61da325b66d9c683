"""Checks before any request is served."""

from __future__ import annotations

import time

from flask import Flask, request
from flask_babel import gettext as _
from werkzeug.exceptions import ServiceUnavailable

from admin import health
from admin.context import session
from admin.second_step import lead_to_factor
from config import LOOPBACK
from models.demo import has_demo_staff

ASK_AGAIN_AFTER = 60.0
"""Seconds for which an answer about demo accounts is believed."""


def register(app: Flask) -> None:
    """Install the checks."""
    state = {"asked": -ASK_AGAIN_AFTER, "demo": 0.0}

    def refuse_demo_elsewhere() -> None:
        """Refuse any address but this machine's own while somebody could sign in with the well-known password."""
        if (
            request.endpoint == "static"
            or health.is_asked()
            or request.host.rsplit(":", 1)[0].strip("[]") in LOOPBACK
        ):
            return
        if time.monotonic() - state["asked"] >= ASK_AGAIN_AFTER:
            state.update(asked=time.monotonic(), demo=float(has_demo_staff(session())))
        if state["demo"]:
            raise ServiceUnavailable(
                _("The demo accounts still exist. Deactivate them before letting others in.")
            )

    app.before_request(refuse_demo_elsewhere)
    app.before_request(lead_to_factor)
