"""Checks before any request is served."""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import Flask, request
from flask_babel import gettext as _
from werkzeug.exceptions import ServiceUnavailable

from models import rescaling
from models.base import db
from models.demo_accounts import has_demo_accounts
from web.origin import is_this_machine
from web.request import session

ASK_AGAIN_AFTER = 60.0
"""Seconds for which an answer about demo accounts is believed."""


def check_host() -> str:
    """Refuse a host that is not ours before any page is made, for which no address could be built.

    :raises SecurityError: it is none of TRUSTED_HOSTS.
    """
    return request.host


def register(app: Flask, is_exempt: Callable[[], bool] = lambda: False) -> None:
    """Install the checks.

    :param is_exempt: says of the request that is served whether it is one of those that answer all the same.
    """
    agreed: list[bool] = []
    state = {"asked": -ASK_AGAIN_AFTER, "demo": 0.0}

    def refuse_demo_elsewhere() -> None:
        """Answer nobody but this machine while somebody could sign in with the well-known password."""
        if request.endpoint == "static" or is_exempt() or is_this_machine():
            return
        check_host()
        if time.monotonic() - state["asked"] >= ASK_AGAIN_AFTER:
            state.update(asked=time.monotonic(), demo=float(has_demo_accounts(session())))
        if state["demo"]:
            raise ServiceUnavailable(
                _("The demo accounts are still active. Deactivate them before going live.")
            )

    def refuse_other_scale() -> None:
        """Serve nothing while stored amounts would be read at another scale than they were written with (rule 2.1)."""
        if agreed or request.endpoint == "static" or is_exempt():
            return
        try:
            rescaling.refuse_differences(db.engine)
        except rescaling.ScaleError as error:
            raise ServiceUnavailable(str(error)) from None
        agreed.append(True)

    app.before_request(refuse_other_scale)
    app.before_request(refuse_demo_elsewhere)
