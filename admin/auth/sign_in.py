"""Signing in: one way for the page and the API, counted before any password is looked at (rules 16.2, 16.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from flask import Response
from sqlalchemy import Table, select

from actions.core.base import Actor
from actions.execution import rate_limit
from actions.execution.rate_limit import Limit
from actions.execution.runner import Call
from actions.staff import security_events
from admin.request.context import call
from models.access import KnownBrowser
from models.base import Staff, db
from web.known_browsers import KnownBrowsers
from web.passwords import count, is_right, of_address
from web.request import now, session

BROWSERS = KnownBrowsers(cast(Table, KnownBrowser.__table__), "user_id", "known")


def authenticate(username: str, password: str) -> Staff | None:
    """Return the active member of staff whose user name (or email) and password these are, or None.

    Whether there is such an account cannot be told from the answer, nor from how long it takes: the same number of
    passwords is looked at, in the same way.

    :raises TooManyRequests: after too many failures, before any password is looked at.
    """
    account = find(username)
    limits = _limits_of_attempt(account, username)
    count(limits)
    stored = account.password if account is not None and account.active else None
    if not is_right(stored, password) or account is None:
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
    if is_right(person.password, password):
        rate_limit.refund(db.engine, limits, now())
        return True
    security_events.record(db.engine, "staff.reauthentication_failed", call(), person.id)
    return False


def signed_in(account: Staff) -> None:
    """Write down that somebody signed in."""
    security_events.record(
        db.engine, "staff.sign_in", as_somebody(Actor(account.id, account.get_full_name())), account.id
    )


def remember_browser(account: Staff, response: Response) -> None:
    """Let this browser be told from strangers' from now on."""
    BROWSERS.remember(account.id, response)


def limits_of(account: Staff) -> list[Limit]:
    """Return what is counted on by people who have shown in part who they are: by a password, or a session."""
    return [BROWSERS.limit(account.id) or rate_limit.of_person(account.id), of_address()]


def _limits_of_attempt(account: Staff | None, username: str) -> list[Limit]:
    """Return what an attempt to sign in is counted on: the name as typed, whether or not anybody is called so.

    The account tells only whether this is a browser of theirs, which strangers do not lock out.
    """
    own = BROWSERS.limit(account.id if account is not None else None)
    return [own or rate_limit.of_name(username), of_address()]


def find(username: str) -> Staff | None:
    """Return whose user name or, where it is nobody's, whose email it is; both are always looked for."""
    by_name = session().scalar(select(Staff).where(Staff.username == username))
    by_email = session().scalar(select(Staff).where(Staff.email == username))
    return by_name or by_email


def as_somebody(actor: Actor) -> Call:
    """Return the request as one of somebody who is not signed in."""
    return replace(call(), actor=actor)
