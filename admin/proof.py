"""The password, asked in place before what is dangerous when the sign-in is a while ago (rule 16.4).

Nothing typed is lost by it. Programs are told to sign in again instead; see :func:`admin.context.perform`.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from actions import factors, sessions
from admin import second_step, sign_in
from admin.context import has_passwords, live, now, person, sign_in_url
from admin.context import session as reading
from models.base import db

FIELD, CODE = "proof", "proof_code"
NEXT = "proof_next"
"""Where the session keeps what was asked for before the proof: an address may hold what somebody searched for."""

blueprint = Blueprint("proof", __name__, url_prefix="/admin/proof")


def take() -> str:
    """Look at the password a form brings, and at the code of who has a second step; return what is wrong, or nothing.

    :raises TooManyRequests: after too many wrong ones.
    """
    typed = request.form.get(FIELD, "")
    if not typed:
        return _("Type your password: you signed in a while ago.")
    if not has_passwords():
        return _("Sign out and in again: your password is not kept here.")
    if not sign_in.confirm(person(), typed):
        return _("That is not your password.")
    if wants_code() and not second_step.is_right(person(), request.form.get(CODE, "")):
        return _("That code is not right.")
    g.proved = True
    if (found := live()) is not None:
        sessions.confirm(db.engine, found, now())
    return ""


def wants_code() -> bool:
    """Return whether the person asking proves who they are by a code too."""
    return has_passwords() and factors.has(reading(), person().id)


def ask(target: str = "") -> Any:
    """Lead to a page that asks for the password, and from there to ``target``, or back to what is asked for now."""
    session[NEXT] = target or request.full_path.rstrip("?")
    return redirect(url_for("proof.page"))


@blueprint.route("/", methods=["GET", "POST"])
def page() -> Any:
    """Ask for the password, then go on."""
    if person() is None:
        return redirect(sign_in_url())
    wrong = take() if request.method == "POST" else ""
    if request.method == "POST" and not wrong:
        return redirect(session.pop(NEXT, None) or url_for("admin.index"))
    return render_template("admin/proof.html", wrong=wrong, with_code=wants_code()), 422 if wrong else 200
