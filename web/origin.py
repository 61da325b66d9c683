"""Where a request really comes from: by the sockets it came over, never by its headers. And what hosts it may name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from flask import current_app, request

from config import is_loopback

TOLD_BY_PROXIES = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")
"""Headers in which a proxy names the address it asks for."""
MARKS_OF_PROXIES = (
    "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_CLIENT_IP", "HTTP_TRUE_CLIENT_IP", "HTTP_CF_CONNECTING_IP",
    "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_SERVER", "HTTP_X_FORWARDED_SSL",
)  # fmt: skip
"""Headers that only a proxy sends."""
OF_CONFIGURED = tuple(name for name in MARKS_OF_PROXIES if name.startswith("HTTP_X_FORWARDED"))
"""Those among them that a proxy we know of may send for somebody on this machine."""


class _Literal(str):
    """An IPv6 address as a Host header has it, [::1].

    Werkzeug (3.1) takes what is behind the first colon of a trusted host for its port, and so would trust "[" only.
    """

    def partition(self, sep: str, /) -> tuple[str, str, str]:
        """Return it whole: it has no port."""
        return str(self), "", ""


def trusted_hosts(named: Iterable[str]) -> list[str]:
    """Return hosts as Werkzeug compares them with what a request asks for."""
    return [_Literal(literal) if (literal := _literal(name)) else name for name in named]


def _literal(name: str) -> str | None:
    """Return a host that is an IPv6 address, with or without a port, as browsers name it; None for any other."""
    inner = name[1:].partition("]")[0] if name.startswith("[") else name
    try:
        return f"[{ipaddress.IPv6Address(inner)}]"
    except ValueError:
        return None


def is_this_machine() -> bool:
    """Return whether the person asking is on this machine.

    The other end of the connection has to be, and so does everybody that a configured proxy (TRUSTED_PROXIES) says it
    asks for. What a proxy asks that nobody configured may be anybody's, however near the proxy is.
    """
    settings = current_app.extensions["clientele.settings"]
    return _is_local(request.environ, settings.trusted_proxies)


def _is_local(environ: dict[str, Any], proxies: int) -> bool:
    if not is_loopback(peer(environ)):
        return False
    if proxies == 0:
        return not any(name in environ for name in (*TOLD_BY_PROXIES, *MARKS_OF_PROXIES))
    if any(name in environ for name in MARKS_OF_PROXIES if name not in OF_CONFIGURED):
        return False
    named = [part for name in TOLD_BY_PROXIES if name in environ for part in environ[name].split(",")]
    return all(is_loopback(part.strip()) for part in named)


def peer(environ: dict[str, Any]) -> str:
    """Return the address at the other end of the connection, whatever a proxy says; nothing for a Unix socket."""
    before_proxies = environ.get("werkzeug.proxy_fix.orig") or environ
    return str(before_proxies.get("REMOTE_ADDR") or "")
