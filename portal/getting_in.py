"""Signing in and out of the portal (rules 16.1 to 16.3): limited, counted and answered as that of staff is."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask import session as browser_session
from flask_babel import gettext as _
from sqlalchemy import Table

from actions.execution import rate_limit
from actions.portal import links, requests, visits
from actions.staff.security_events import NOBODY
from models.base import db
from models.choices import Status
from models.portal import PortalBrowser, PortalRequestKind
from portal import language, login_as
from portal.login_as import customers_only
from portal.request import HOLDER, call, customer, live, logged_in_as
from web.arguments import local_path
from web.known_browsers import KnownBrowsers
from web.passwords import count, is_right, of_address
from web.request import now, session

blueprint = Blueprint("getting_in", __name__)
BROWSERS = KnownBrowsers(cast(Table, PortalBrowser.__table__), "customer_id", "portal_known")


@blueprint.get("/sign-in/")
def sign_in() -> Any:
    """Show the form; those who are signed in are led to their account."""
    if live() is not None:
        return redirect(url_for("account.overview"))
    return render_template("portal/sign_in.html", wrong="", email="")


@blueprint.post("/sign-in/")
@customers_only
def signed_in() -> Any:
    """Sign a customer in, and lead to where they wanted to be."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    found = authenticate(email, password)
    if found is None:
        wrong = _("Wrong email address or password.")
        return render_template("portal/sign_in.html", wrong=wrong, email=email), 401
    browser_session[HOLDER] = str(found)
    visits.signed_in(db.engine, call(visits.themselves(found)), found)
    answer = make_response(redirect(_target()))
    BROWSERS.remember(found, answer)
    return answer


def _target() -> str:
    """Return where to go on to: a page of the portal, as it was asked for."""
    asked = local_path(request.args.get("next", ""))
    return request.script_root + asked if asked else url_for("account.overview")


@blueprint.post("/sign-out/")
def sign_out() -> Any:
    """End the session; that of staff who are logged in as a customer, in their way."""
    if logged_in_as() is not None:
        return login_as.end()
    if (found := live()) is not None:
        visits.signed_out(db.engine, call(visits.themselves(found.holder_id)), found.holder_id)
        browser_session.pop(HOLDER, None)
    language.leave()
    flash(_("You are signed out."))
    return redirect(url_for("getting_in.sign_in"))


@blueprint.get("/forgotten/")
@customers_only
def forgotten() -> str:
    """Ask for the email address that a link is sent to."""
    return render_template("portal/forgotten.html", asked=False, wrong="")


@blueprint.post("/forgotten/")
@customers_only
def ask() -> Any:
    """Write down that a link is wanted, alike for every address; a worker decides (rule 5.4).

    :raises TooManyRequests: from one address. Too many for one mailbox are ignored, which only its owner sees.
    """
    typed = request.form.get("email", "").strip()
    if not typed:
        wrong = _("Enter your email address.")
        return render_template("portal/forgotten.html", asked=False, wrong=wrong), 422
    count([rate_limit.of_portal_mail_from(request.remote_addr or "")])
    if not rate_limit.consume(db.engine, [rate_limit.of_portal_mail(typed)], now()):
        requests.ask(db.engine, PortalRequestKind.RESET, typed, now(), call(NOBODY).request_id or "")
    return render_template("portal/forgotten.html", asked=True, wrong="")


def authenticate(email: str, password: str) -> int | None:
    """Return the id of the customer whose email and password these are and who may sign in, or None.

    Whether there is such an account cannot be told from the answer, nor from how long it takes.

    :raises TooManyRequests: after too many failures, before any password is looked at.
    """
    account = requests.known(session(), email)
    own = BROWSERS.limit(account.id if account is not None else None)
    limits = [own or rate_limit.of_portal_name(email), of_address()]
    count(limits)
    may = account is not None and account.status == Status.REGISTERED and links.may_choose(account)
    stored = account.password_hash if account is not None and may else None
    if not is_right(stored, password) or account is None:
        visits.failed(db.engine, call(NOBODY), account.id if account is not None else None)
        return None
    rate_limit.refund(db.engine, limits, now())
    return account.id


def is_theirs(password: str) -> bool:
    """Return whether it is the customer who asks, by the password they type once more, counted like a sign-in.

    :raises TooManyRequests: after five failures.
    """
    who = customer()
    limits = [BROWSERS.limit(who.id) or rate_limit.of_portal_person(who.id), of_address()]
    count(limits)
    if is_right(who.password_hash, password):
        rate_limit.refund(db.engine, limits, now())
        return True
    visits.confirmation_failed(db.engine, call(), who.id)
    return False
