"""Signing in: one way for the page and the API, counted before any password is looked at (rules 16.2, 16.3)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from flask import Response, current_app, request
from flask_babel import gettext as _
from sqlalchemy import exists, insert, select
from werkzeug.exceptions import TooManyRequests
from werkzeug.security import check_password_hash, generate_password_hash

from actions.core.base import Actor
from actions.execution import rate_limit
from actions.execution.rate_limit import Limit
from actions.execution.runner import Call
from actions.execution.session_store import digest
from actions.staff import security_events
from actions.staff.passwords import LONGEST
from admin.request.context import call
from models.access import KnownBrowser
from models.base import Staff, db
from models.dialect import WRITE
from web.request import now, session

BROWSER_COOKIE = "known"
"""Tells a browser in which somebody has signed in before; it opens nothing."""
KEPT_SECONDS = 180 * 24 * 3600


def authenticate(username: str, password: str) -> Staff | None:
    """Return the active member of staff whose user name (or email) and password these are, or None.

    Whether there is such an account cannot be told from the answer, nor from how long it takes: the same number of
    passwords is looked at, in the same way.

    :raises TooManyRequests: after too many failures, before any password is looked at.
    """
    account = find(username)
    limits = _limits_of_attempt(account, username)
    count(limits)
    right = check_password_hash(_hash_of(account), password[:LONGEST]) and len(password) <= LONGEST
    if account is None or not account.active or not account.password or not right:
        about = account.id if account is not None else None
        security_events.record(db.engine, "staff.sign_in_failed", as_somebody(security_events.NOBODY), about)
        return None
    rate_limit.refund(db.engine, limits, now())
    return account


def by_directory(ask: Callable[[str, str], Staff | None], username: str, password: str) -> Staff | None:
    """Return whom a directory knows by a user name and password, or None, counted like a sign-in of ours.

    Without a password it is not asked: many a directory lets in people who send none, as nobody in particular.

    :raises TooManyRequests: after too many failures, before the directory is asked.
    """
    limits = _limits_of_attempt(find(username), username)
    count(limits)
    account = ask(username, password) if password.partition("\0")[0] else None
    if account is None:
        security_events.record(db.engine, "staff.sign_in_failed", as_somebody(security_events.NOBODY))
        return None
    rate_limit.refund(db.engine, limits, now())
    return account


def confirm(person: Staff, password: str) -> bool:
    """Return whether the person asking is who they say, by their password, counted like a sign-in.

    :raises TooManyRequests: after too many failures.
    """
    limits = limits_of(person)
    count(limits)
    known = bool(person.password) and len(password) <= LONGEST
    if known and check_password_hash(str(person.password), password):
        rate_limit.refund(db.engine, limits, now())
        return True
    security_events.record(db.engine, "staff.reauthentication_failed", call(), person.id)
    return False


def hash_password(password: str) -> str:
    """Return what the database keeps of a password."""
    return generate_password_hash(password, current_app.config["FAB_PASSWORD_HASH_METHOD"])


def signed_in(account: Staff) -> None:
    """Write down that somebody signed in."""
    security_events.record(
        db.engine, "staff.sign_in", as_somebody(Actor(account.id, account.get_full_name())), account.id
    )


def remember_browser(account: Staff, response: Response) -> None:
    """Let this browser be told from strangers' from now on."""
    if _is_known(account):
        return
    token = secrets.token_urlsafe(32)
    row = {"user_id": account.id, "token_hash": digest(token), "created_at": now()}
    with db.engine.execution_options(**{WRITE: True}).begin() as connection:
        connection.execute(insert(KnownBrowser).values(row))
    response.set_cookie(
        BROWSER_COOKIE,
        token,
        max_age=KEPT_SECONDS,
        httponly=True,
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        samesite="Lax",
    )


def limits_of(account: Staff) -> list[Limit]:
    """Return what is counted on by people who have shown in part who they are: by a password, or a session."""
    return [_in_own_browser(account) or rate_limit.of_person(account.id), of_address()]


def of_address() -> Limit:
    """Return the limit on where the request comes from."""
    return rate_limit.of_address(request.remote_addr or "")


def _limits_of_attempt(account: Staff | None, username: str) -> list[Limit]:
    """Return what an attempt to sign in is counted on: the name as typed, whether or not anybody is called so.

    The account tells only whether this is a browser of theirs, which strangers do not lock out.
    """
    return [_in_own_browser(account) or rate_limit.of_name(username), of_address()]


def _in_own_browser(account: Staff | None) -> Limit | None:
    """Return the limit on a browser in which a person has signed in before; None where they have not."""
    return rate_limit.of_browser(digest(request.cookies[BROWSER_COOKIE])) if _is_known(account) else None


def _is_known(account: Staff | None) -> bool:
    """Return whether somebody has signed in here before; the same is asked where there is no such account."""
    token = request.cookies.get(BROWSER_COOKIE)
    if not token:
        return False
    owner = account.id if account is not None else 0
    known = exists().where(KnownBrowser.user_id == owner, KnownBrowser.token_hash == digest(token))
    return bool(session().scalar(select(known)))


def count(limits: list[Limit]) -> None:
    """Count an attempt. :raises TooManyRequests: there were too many."""
    wait = rate_limit.consume(db.engine, limits, now())
    if wait:
        minutes = -(-wait // 60)
        raise TooManyRequests(
            _("Too many failed attempts. Try again in %(minutes)s min.", minutes=minutes), retry_after=wait
        )


def find(username: str) -> Staff | None:
    """Return whose user name or, where it is nobody's, whose email it is; both are always looked for."""
    by_name = session().scalar(select(Staff).where(Staff.username == username))
    by_email = session().scalar(select(Staff).where(Staff.email == username))
    return by_name or by_email


def _hash_of(account: Staff | None) -> str:
    if account is not None and account.password and account.active:
        return str(account.password)
    return _nobodys_hash(current_app.config["FAB_PASSWORD_HASH_METHOD"])


@cache
def _nobodys_hash(method: str) -> str:
    """Return a hash that no password has, as dear to look at as anybody's."""
    return generate_password_hash(secrets.token_urlsafe(32), method)


def as_somebody(actor: Actor) -> Call:
    """Return the request as one of somebody who is not signed in."""
    return replace(call(), actor=actor)
