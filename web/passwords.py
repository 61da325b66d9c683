"""Passwords typed into either application: counted before any is looked at, and looked at alike (rules 16.2, 16.3)."""

from __future__ import annotations

import secrets
from functools import cache

from flask import current_app, request
from flask_babel import gettext as _
from werkzeug.exceptions import TooManyRequests
from werkzeug.security import check_password_hash, generate_password_hash

from actions.execution import rate_limit
from actions.execution.rate_limit import Limit
from actions.staff.passwords import LONGEST
from models.base import db
from web.request import now

METHOD = "PASSWORD_HASH_METHOD"
"""Flask's setting with how a password is hashed."""


def hash_password(password: str) -> str:
    """Return what the database keeps of a password."""
    return generate_password_hash(password, current_app.config[METHOD])


def is_right(stored: str | None, password: str) -> bool:
    """Return whether a password is the one of an account; where there is none, look all the same, and as long.

    :param stored: what the database keeps of the account's; None where there is no account, or none that may sign in.
    """
    matches = check_password_hash(stored or _nobodys_hash(current_app.config[METHOD]), password[:LONGEST])
    return matches and bool(stored) and len(password) <= LONGEST


@cache
def _nobodys_hash(method: str) -> str:
    """Return a hash that no password has, as dear to look at as anybody's."""
    return generate_password_hash(secrets.token_urlsafe(32), method)


def count(limits: list[Limit]) -> None:
    """Count an attempt. :raises TooManyRequests: there were too many."""
    wait = rate_limit.consume(db.engine, limits, now())
    if wait:
        minutes = -(-wait // 60)
        raise TooManyRequests(
            _("Too many failed attempts. Try again in %(minutes)s min.", minutes=minutes), retry_after=wait
        )


def of_address() -> Limit:
    """Return the limit on where the request comes from."""
    return rate_limit.of_address(request.remote_addr or "")
