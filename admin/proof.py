"""The password, asked in place before what is dangerous when the sign-in is a while ago (rule 16.4).

Nothing typed is lost by it. Programs are told to sign in again instead; see :func:`admin.context.perform`.
"""

from __future__ import annotations

from flask import g, request
from flask_babel import gettext as _

from actions import sessions
from admin import sign_in
from admin.context import live, now, person
from models.base import db

FIELD = "proof"


def take() -> str:
    """Look at the password a form brings; return what is wrong with it, or nothing.

    :raises TooManyRequests: after too many wrong ones.
    """
    typed = request.form.get(FIELD, "")
    if not typed:
        return _("Type your password: you signed in a while ago.")
    if not sign_in.confirm(person(), typed):
        return _("That is not your password.")
    g.proved = True
    if (found := live()) is not None:
        sessions.confirm(db.engine, found, now())
    return ""
