"""What the back office and the portal are set up with alike: cookies, hosts, headers, limits."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g
from flask_talisman import Talisman

from config import Settings
from web import origin, passwords

CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": ["'self'", "data:"],
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-src": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def configuration(settings: Settings) -> dict[str, Any]:
    """Return Flask's settings that hold for both."""
    return {
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "TESTING": settings.testing,
        passwords.METHOD: settings.password_hash,
        "BABEL_DEFAULT_LOCALE": "en_GB",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "TRUSTED_HOSTS": origin.trusted_hosts(settings.trusted_hosts),
        "WTF_CSRF_TIME_LIMIT": None,
        # Our pages send no Referer, so over TLS the check of it would refuse every form; the token is the protection.
        "WTF_CSRF_SSL_STRICT": False,
        "SEND_FILE_MAX_AGE_DEFAULT": timedelta(hours=1),
    }


def secure(app: Flask, *, behind_tls: bool) -> None:
    """Install the headers that browsers are held by."""
    app.after_request(_widen_form_action)  # after Talisman's: the one installed first is the last to be asked
    Talisman(
        app,
        force_https=False,
        strict_transport_security=behind_tls,
        session_cookie_secure=behind_tls,
        content_security_policy=CONTENT_SECURITY_POLICY,
        frame_options="DENY",
        referrer_policy="no-referrer",
    )


def allow_posting_to(url: str) -> None:
    """Let a form on the page that is being made post to another origin, or be led there by the answer.

    :param url: an address there; one of the same host needs no leave.
    """
    parts = urlsplit(url)
    g.posts_to = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _widen_form_action(response: Response) -> Response:
    if allowed := g.get("posts_to"):
        policy = response.headers.get("Content-Security-Policy", "")
        response.headers["Content-Security-Policy"] = policy.replace(
            "form-action 'self'", f"form-action 'self' {allowed}"
        )
    return response


def name_request() -> None:
    """Give this request the id by which the log and an answer tell of it."""
    g.request_id = secrets.token_hex(8)
