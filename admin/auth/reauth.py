"""The password, asked in place before what is dangerous when the sign-in is a while ago (rule 16.4).

Nothing typed is lost by it. Programs are told to sign in again instead; see :func:`admin.request.context.perform`.
"""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, session, url_for
from flask_babel import gettext as _

from actions.staff import sessions
from actions.staff import two_factor as factors
from admin.auth import sign_in, two_factor
from admin.request.context import has_passwords, live, person
from models.base import db
from web.request import now
from web.request import session as reading

FIELD, CODE = "reauth", "reauth_code"
NEXT = "reauth_next"
"""Where the session keeps what was asked for before the password: an address may hold what somebody searched for."""
BACK = "reauth_back"
"""And, where that is a file, which leaves the page as it is: (resource, address) of the list to lead back to."""


def take() -> str:
    """Check the password that a form brings, and the code where two-factor is on; return what is wrong, or nothing.

    :raises TooManyRequests: after too many wrong ones.
    """
    typed = request.form.get(FIELD, "")
    if not typed:
        return _("Enter your password: you signed in a while ago.")
    if not has_passwords():
        return _("Sign out and sign in again: your password is managed elsewhere.")
    if not sign_in.confirm(person(), typed):
        return _("Wrong password.")
    try:
        if wants_code() and not two_factor.is_right(person(), request.form.get(CODE, "")):
            return _("Wrong code.")
    except factors.TwoFactorClosed as closed:
        return _(closed.message)
    g.reauthenticated = True
    if (found := live()) is not None:
        sessions.confirm(db.engine, found, now())
    return ""


def wants_code() -> bool:
    """Return whether the person asking proves who they are by a code too."""
    return has_passwords() and factors.has(reading(), person().id)


def ask(target: str = "", *, file_of: tuple[str, str] | None = None) -> Any:
    """Lead to a page that asks for the password, and from there to ``target``, or back to what is asked for now.

    :param file_of: (resource, address) of the list whose file that is.
    """
    session[NEXT] = target or request.full_path.rstrip("?")
    session[BACK] = file_of
    return redirect(url_for("reauth.page"))
