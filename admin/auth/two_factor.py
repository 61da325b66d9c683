"""The second step of signing in: between password and code nobody is in yet (rule 16.9).

What is pending is in the signed cookie of nobody: who it was, when, and a mark that is worth nothing once the
password is another. It opens nothing, and does not count as proof of anything but the password.
"""

from __future__ import annotations

import datetime as dt
import hmac
import logging
from typing import Any, cast

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask import session as browser_session
from flask_babel import gettext as _
from flask_login import login_user

from actions.core.base import Actor, Refused
from actions.execution import rate_limit
from actions.maintenance import encryption
from actions.staff import security_events, two_factor
from admin.auth import sign_in
from admin.request.context import has_passwords, person, sign_in_url
from models.base import N_, Staff, db
from web.arguments import local_path
from web.passwords import count
from web.request import now, session

log = logging.getLogger(__name__)
PENDING = "pending"
LASTS = dt.timedelta(minutes=10)
blueprint = Blueprint("two_factor", __name__, url_prefix="/login/code")
OPEN = {
    "static",
    "two_factor_setup.page",
    "two_factor_setup.begin",
    "two_factor_setup.confirm",
    "reauth.page",
    "two_factor.page",
}
"""What is open to anyone who has to set up a second step first, besides signing out."""
NEEDED = N_("Your role requires two-factor authentication. Set it up under Your account first.")
NO_CODE = N_("Send the code from your authenticator app too, as code.")
WRONG = N_("Wrong code.")


class NotIn(Refused):
    """A program showed the right password and not what is needed besides (HTTP 401)."""

    status = 401


class TwoFactorRequired(Refused):
    """Somebody has to set up a second step before anything else (HTTP 403)."""

    status = 403

    def __init__(self) -> None:
        super().__init__("two_factor_required", NEEDED)


# -- by the form ----------------------------------------------------------------------------------------------------


def go_on(account: Staff, target: str) -> Response:
    """Sign somebody in who showed the right password; who has a second step is asked for it before."""
    if not two_factor.has(session(), account.id):
        return _sign_in(account, target)
    since = now().timestamp()
    browser_session[PENDING] = {"user": account.id, "at": since, "mark": _mark(account, since)}
    return cast(Response, redirect(url_for("two_factor.page", next=target)))


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
    try:
        right = is_right(account, request.form.get("code", ""))
    except two_factor.TwoFactorClosed as closed:
        return _form(_(closed.message)), closed.status
    if not right:
        return _form(_(WRONG)), 401
    browser_session.pop(PENDING)
    return _sign_in(account, target)


def is_right(account: Staff, code: str) -> bool:
    """Return whether a code is good, and use it up; counted on the same limits as a password.

    :raises TooManyRequests: after too many wrong ones, before the code is looked at. :raises TwoFactorClosed: it cannot
        be looked at, which counts as none.
    """
    limits = sign_in.limits_of(account)
    count(limits)
    who = sign_in.as_somebody(Actor(account.id, account.get_full_name()))
    try:
        right = two_factor.take(db.engine, who, account.id, code)
    except two_factor.TwoFactorClosed:
        rate_limit.refund(db.engine, limits, now())
        log.error("The second step of account %s: %s", account.id, encryption.CLOSED)
        raise
    if right:
        rate_limit.refund(db.engine, limits, now())
        return True
    security_events.record(
        db.engine, "staff.two_factor_failed", sign_in.as_somebody(security_events.NOBODY), account.id
    )
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
    return render_template("admin/two_factor.html", wrong=wrong, again=sign_in_url())


# -- by a program ---------------------------------------------------------------------------------------------------


def check_program(account: Staff, code: str) -> None:
    """Hold a program that showed the right password to the second step too.

    :raises TwoFactorRequired: a role of theirs needs one and they have none. :raises NotIn: ``code_needed``,
        ``wrong_code``.
    """
    if two_factor.is_due(session(), account.id):
        raise TwoFactorRequired
    if not two_factor.has(session(), account.id):
        return
    if not code:
        raise NotIn("code_needed", NO_CODE)
    if not is_right(account, code):
        raise NotIn("wrong_code", WRONG)


# -- who has to set one up ------------------------------------------------------------------------------------------


def lead_to_two_factor() -> Any:
    """Lead who has to set up a second step there, whatever page they ask for; installed before every request."""
    live = getattr(browser_session, "live", None)
    if live is None or not live.must_enrol or not has_passwords() or request.endpoint in OPEN:
        return None
    if (request.endpoint or "").endswith(".logout"):
        return None
    url = url_for("two_factor_setup.page")
    return (
        Response(status=204, headers={"HX-Redirect": url})
        if request.headers.get("HX-Request")
        else redirect(url)
    )
