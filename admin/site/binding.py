"""A server that other machines reach needs a key that somebody chose, however it was told where to listen.

A key that is made at the first start is this machine's own: it is in a file, and another host would have another. A
process that listens beyond this machine when it builds the application refuses to (config.py); where a server binds
later, each request is looked at.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from config import NEEDS_KEY, is_loopback

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)


class OnThisMachine:
    """Passes a request on where the socket it came over is this machine's alone; else says what to set (503).

    :param needs: what the log is told to set.
    """

    def __init__(self, application: WSGIApplication, needs: str = NEEDS_KEY) -> None:
        self._application, self._needs = application, needs
        self._told = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if not _lets_others_in(environ):
            return self._application(environ, start_response)
        if not self._told:
            log.error(self._needs)
            self._told = True
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
        start_response("503 Service Unavailable", headers)
        return [b"This server is not set up yet. Its log says what is missing.\n"]


def _lets_others_in(environ: WSGIEnvironment) -> bool:
    """Return whether other machines reach the socket that a request came over.

    A server names the address it listens at in SERVER_NAME; one that writes a host's name there, or is asked through a
    Unix socket, is judged by who asks.
    """
    listens: Any = environ.get("SERVER_NAME", "")
    if _is_address(listens):
        return not is_loopback(listens)
    caller = environ.get("REMOTE_ADDR", "")
    return _is_address(caller) and not is_loopback(caller)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True
