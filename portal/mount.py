"""Which application a request is for: the customers' portal has a host of its own, or a path of this one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from config import PORTAL_PATH, Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OF_THE_SERVER = ("/healthz", "/readyz")
"""Addresses that watchers ask on any host."""


class Mount:
    """Gives each request to the portal or to the back office, never to both: neither knows the other's addresses.

    :param host: the portal's own; None where it is at a path of the back office's.
    """

    def __init__(self, office: WSGIApplication, portal: WSGIApplication, host: str | None) -> None:
        self._office, self._portal, self._host = office, portal, host

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if self._host is not None:
            ours = _host_of(environ) == self._host and environ.get("PATH_INFO") not in OF_THE_SERVER
            return (self._portal if ours else self._office)(environ, start_response)
        path = environ.get("PATH_INFO", "")
        if path != PORTAL_PATH and not path.startswith(f"{PORTAL_PATH}/"):
            return self._office(environ, start_response)
        root = environ.get("SCRIPT_NAME", "") + PORTAL_PATH
        inside = {**environ, "SCRIPT_NAME": root, "PATH_INFO": path.removeprefix(PORTAL_PATH)}
        return self._portal(inside, start_response)


def host_of(settings: Settings) -> str | None:
    """Return the host that is the portal's alone; None where it is at a path."""
    return urlsplit(settings.portal_base_url).hostname if settings.portal_base_url else None


def _host_of(environ: WSGIEnvironment) -> str:
    try:
        return urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname or ""
    except ValueError:
        return ""
