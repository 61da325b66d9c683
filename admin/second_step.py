"""The second step of signing in: between password and code nobody is in yet (rule 16.9).

What is pending is in the signed cookie of nobody: who it was, when, and a mark that is worth nothing once the
password is another. It opens nothing, and does not count as proof of anything but the password.
"""

from __future__ import annotations

import datetime as dt
import hmac
from typing import Any, cast

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask import session as browser_session
from flask_babel import gettext as _
from flask_login import login_user

from actions import events, factors, throttle
from actions.base import Actor, Refused
from admin import sign_in
from admin.context import has_passwords, now, person, session, sign_in_url
from admin.query import local_path
from models.base import N_, Staff, db

PENDING = "pending"
LASTS = dt.timedelta(minutes=10)
blueprint = Blueprint("second_step", __name__, url_prefix="/login/code")
OPEN = {"static", "factor.page", "factor.begin", "factor.confirm", "proof.page", "second_step.page"}
"""What is open to who has to set up a second step first, besides signing out."""
NEEDED = N_("Your role needs a second step at sign-in. Set it up under Your account first.")
NO_CODE = N_("Send the code of your authenticator app too, as code.")
WRONG = N_("That code is not right.")


class NotIn(Refused):
    """A program showed the right password and not what is needed besides (HTTP 401)."""

    status = 401


class FactorNeeded(Refused):
    """Somebody has to set up a second step before anything else (HTTP 403)."""

    status = 403

    def __init__(self) -> None:
        super().__init__("second_factor_needed", NEEDED)


# -- by the form ----------------------------------------------------------------------------------------------------


def go_on(account: Staff, target: str) -> Response:
    """Sign somebody in who showed the right password; who has a second step is asked for it before."""
    if not factors.has(session(), account.id):
        return _sign_in(account, target)
    since = now().timestamp()
    browser_session[PENDING] = {"user": account.id, "at": since, "mark": _mark(account, since)}
    return cast(Response, redirect(url_for("second_step.page", next=target)))


@blueprint.route("/", methods=["GET", "POST"])
def page() -> Any:
    """Ask for the code, and sign in."""
    target = local_path(request.args.get("next", "")) or url_for("admin.index")
    if person() is not None:
        return redirect(target)
    account = _pending()
    if account is None:
        return redirect(sign_in_url())
    if request.method == "GET":
        return _form()
    if not is_right(account, request.form.get("code", "")):
        return _form(_(WRONG)), 401
    browser_session.pop(PENDING)
    return _sign_in(account, target)


def is_right(account: Staff, code: str) -> bool:
    """Return whether a code is good, and use it up; counted on the same limits as a password.

    :raises TooManyRequests: after too many wrong ones, before the code is looked at.
    """
    limits = sign_in.limits_of(account)
    sign_in.count(limits)
    who = sign_in.as_somebody(Actor(account.id, account.get_full_name()))
    if factors.take(db.engine, who, account.id, code):
        throttle.give_back(db.engine, limits, now())
        return True
    events.record(db.engine, "staff.code_failed", sign_in.as_somebody(events.NOBODY), account.id)
    return False


def _sign_in(account: Staff, target: str) -> Response:
    login_user(account)
    sign_in.signed_in(account)
    response = cast(Response, redirect(target))
    sign_in.remember_browser(account, response)
    return response


def _pending() -> Staff | None:
    """Return who has shown the right password not long ago, and may still sign in by it."""
    kept = browser_session.get(PENDING)
    if kept is None:
        return None
    account = session().get(Staff, kept["user"])
    fresh = 0 <= now().timestamp() - kept["at"] <= LASTS.total_seconds()
    if account is None or not account.active or not fresh:
        return None
    return account if hmac.compare_digest(kept["mark"], _mark(account, kept["at"])) else None


def _mark(account: Staff, since: float) -> str:
    secret = str(current_app.config["SECRET_KEY"]).encode()
    text = f"{account.id} {since} {account.password}"
    return hmac.new(secret, text.encode(), "sha256").hexdigest()


def _form(wrong: str = "") -> str:
    return render_template("admin/second_step.html", wrong=wrong, again=sign_in_url())


# -- by a program ---------------------------------------------------------------------------------------------------


def check_program(account: Staff, code: str) -> None:
    """Hold a program that showed the right password to the second step too.

    :raises FactorNeeded: a role of theirs needs one and they have none. :raises NotIn: ``code_needed``, ``wrong_code``.
    """
    if factors.is_due(session(), account.id):
        raise FactorNeeded
    if not factors.has(session(), account.id):
        return
    if not code:
        raise NotIn("code_needed", NO_CODE)
    if not is_right(account, code):
        raise NotIn("wrong_code", WRONG)


# -- who has to set one up ------------------------------------------------------------------------------------------


def lead_to_factor() -> Any:
    """Lead who has to set up a second step there, whatever page they ask for; installed before every request."""
    live = getattr(browser_session, "live", None)
    if live is None or not live.must_enrol or not has_passwords() or request.endpoint in OPEN:
        return None
    if (request.endpoint or "").endswith(".logout"):
        return None
    url = url_for("factor.page")
    return (
        Response(status=204, headers={"HX-Redirect": url})
        if request.headers.get("HX-Request")
        else redirect(url)
    )
