"""What is looked at before a page of the back office: the two steps of signing in, and how large a form may be."""

from __future__ import annotations

from flask import Flask, request

from admin.auth.two_factor import lead_to_two_factor
from admin.importing.budget import MOST_BYTES
from admin.site import health
from web import startup_checks

FORM_AROUND = 64 * 1024
"""Bytes of a form around the file in it."""


def _allow_files(endpoint: str | None, _values: object) -> None:
    """Let a file to import be larger than other requests are, before any check reads the form."""
    if endpoint is not None and endpoint.endswith(".import_view"):
        request.max_content_length = MOST_BYTES + FORM_AROUND


def register(app: Flask) -> None:
    """Install the checks."""
    app.url_value_preprocessor(_allow_files)
    startup_checks.register(app, health.is_asked)
    app.before_request(lead_to_two_factor)
