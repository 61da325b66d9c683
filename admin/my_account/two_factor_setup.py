"""Setting up the second step under Your account, and switching it off (rule 16.9)."""

from __future__ import annotations

from typing import Any

import pyotp
import segno
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from actions.core.base import Refused
from actions.staff import two_factor
from admin.auth import reauth, sign_in
from admin.request.context import call, has_passwords, is_recent, person, sign_in_url
from models.base import db
from web.messages import translated
from web.request import now, session, shop

blueprint = Blueprint("two_factor_setup", __name__, url_prefix="/admin/account/factor")


@blueprint.before_request
def _only_signed_in() -> Any:
    """Lead anyone not signed in to the sign-in page, and anyone who signed in a while ago to re-authentication."""
    if person() is None:
        return redirect(sign_in_url(next=url_for("two_factor_setup.page")))
    if not has_passwords():
        raise NotFound
    return None if is_recent() else reauth.ask(url_for("two_factor_setup.page"))


@blueprint.get("/")
def page() -> str:
    """Show what is to be done: begin, take up the secret and confirm, or switch it off."""
    return _page()


@blueprint.post("/begin/")
def begin() -> Any:
    """Make a secret for the app."""
    try:
        two_factor.begin(db.engine, person().id, now())
    except Refused as refused:
        flash(translated(refused), "error")
    return redirect(url_for("two_factor_setup.page"))


@blueprint.post("/confirm/")
def confirm() -> Any:
    """Take the secret into use, and show the recovery codes this once."""
    try:
        codes = two_factor.confirm(db.engine, call(), person().id, request.form.get("code", ""))
    except Refused as refused:
        return _page(wrong=translated(refused)), 422
    return render_template("admin/recovery_codes.html", codes=codes)


@blueprint.post("/remove/")
def remove() -> Any:
    """Switch it off; the password is asked, and counted like a sign-in."""
    if not sign_in.confirm(person(), request.form.get("password", "")):
        return _page(wrong=_("Wrong password.")), 422
    try:
        two_factor.remove(db.engine, call(), person().id)
    except Refused as refused:
        flash(translated(refused), "error")
        return redirect(url_for("two_factor_setup.page"))
    flash(_("Two-factor authentication is off. You sign in with your password only."), "success")
    return redirect(url_for("account.show"))


def _page(wrong: str = "") -> str:
    who = person().id
    has, key = two_factor.has(session(), who), two_factor.unconfirmed(session(), who)
    return render_template(
        "admin/two_factor_setup.html",
        has=has,
        due=not has and two_factor.is_due(session(), who),
        key=" ".join(key[i : i + 4] for i in range(0, len(key), 4)),
        picture=_picture(key) if key else "",
        left=two_factor.codes_left(session(), who) if has else 0,
        wrong=wrong,
    )


def _picture(key: str) -> Markup:
    """Return what a phone photographs, as a drawing without styles or scripts."""
    address = pyotp.TOTP(key).provisioning_uri(name=person().username, issuer_name=shop().name)
    drawn = segno.make(address, error="m").svg_inline(
        scale=5,
        dark="#000",
        light="#fff",
        svgclass="qr",
        lineclass=None,
        title=_("Secret for your authenticator app"),
    )
    return Markup(drawn)  # noqa: S704  made of numbers by the library, and of our own title, which it escapes
