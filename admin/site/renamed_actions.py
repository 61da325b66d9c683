"""Addresses of actions that got another name: the old ones answer for one release more, and say so to programs.

A program that calls an old address gets the same answer with a ``Deprecation`` header (RFC 9745) and a ``Link`` to the
new one, which alone is in the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from flask import Flask, Response, g, request

from models.renamed_codes import current

SINCE = "@1796083200"
"""When the old names were given up: 1 December 2026."""
ENDS = (".act_view", ".act", ".act_on")
"""How the endpoints end that run a declared action."""


def register(app: Flask) -> None:
    """Read an old verb in an address as the new one, before anything looks at it."""
    app.url_value_preprocessor(_read_as_new)
    app.after_request(_deprecate)


def _read_as_new(endpoint: str | None, values: MutableMapping[str, Any] | None) -> None:
    if values is None or "verb" not in values or not (endpoint or "").endswith(ENDS):
        return
    parts = request.path.strip("/").split("/")
    resource, old = parts[2 if parts[0] == "api" else 1], values["verb"]
    values["verb"] = current(f"{resource}.{old}").removeprefix(f"{resource}.")
    if values["verb"] != old:
        g.new_address = request.path.removesuffix(old) + values["verb"]


def _deprecate(response: Response) -> Response:
    if (address := g.get("new_address")) is not None and request.path.startswith("/api/"):
        response.headers["Deprecation"] = SINCE
        response.headers["Link"] = f'<{address}>; rel="successor-version"'
    return response
