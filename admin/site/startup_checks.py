"""Checks before any request is served."""

from __future__ import annotations

import time

from flask import Flask, request
from flask_babel import gettext as _
from werkzeug.exceptions import ServiceUnavailable

from admin.auth.two_factor import lead_to_two_factor
from admin.importing.budget import MOST_BYTES
from admin.site import health
from models import rescaling
from models.base import db
from models.demo_accounts import has_demo_staff
from web.origin import is_this_machine
from web.request import session

FORM_AROUND = 64 * 1024
"""Bytes of a form around the file in it."""
ASK_AGAIN_AFTER = 60.0
"""Seconds for which an answer about demo accounts is believed."""


def check_host() -> str:
    """Refuse a host that is not ours before any page is made, for which no address could be built.

    :raises SecurityError: it is none of TRUSTED_HOSTS.
    """
    return request.host


def _allow_files(endpoint: str | None, _values: object) -> None:
    """Let a file to import be larger than other requests are, before any check reads the form."""
    if endpoint is not None and endpoint.endswith(".import_view"):
        request.max_content_length = MOST_BYTES + FORM_AROUND


def register(app: Flask) -> None:
    """Install the checks."""
    app.url_value_preprocessor(_allow_files)
    agreed: list[bool] = []
    state = {"asked": -ASK_AGAIN_AFTER, "demo": 0.0}

    def refuse_demo_elsewhere() -> None:
        """Answer nobody but this machine while somebody could sign in with the well-known password."""
        if request.endpoint == "static" or health.is_asked() or is_this_machine():
            return
        check_host()
        if time.monotonic() - state["asked"] >= ASK_AGAIN_AFTER:
            state.update(asked=time.monotonic(), demo=float(has_demo_staff(session())))
        if state["demo"]:
            raise ServiceUnavailable(
                _("The demo accounts are still active. Deactivate them before going live.")
            )

    def refuse_other_scale() -> None:
        """Serve nothing while stored amounts would be read at another scale than they were written with (rule 2.1)."""
        if agreed or request.endpoint == "static" or health.is_asked():
            return
        try:
            rescaling.refuse_differences(db.engine)
        except rescaling.ScaleError as error:
            raise ServiceUnavailable(str(error)) from None
        agreed.append(True)

    app.before_request(refuse_other_scale)
    app.before_request(refuse_demo_elsewhere)
    app.before_request(lead_to_two_factor)
