"""The pages behind the links in mails to staff, and the one to ask for such a link (rule 16.7). Open to everybody."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from wtforms import Form

from actions.core.base import Actor, Invalid, Refused
from actions.execution import rate_limit
from actions.staff import credentials, password_links, passwords
from actions.staff.security_events import NOBODY
from admin.auth import sign_in
from admin.editing import saving
from admin.my_account.own_account import NewPasswordForm
from admin.request.context import has_passwords, link_base, sign_in_url
from models.base import Staff, db
from models.member import Member
from web.passwords import count, hash_password
from web.request import now, session

blueprint = Blueprint("password", __name__, url_prefix="/password")
GONE = 410


@blueprint.before_request
def _only_ours() -> None:
    """Know no passwords where they are kept elsewhere. :raises NotFound: so they are."""
    if not has_passwords():
        raise NotFound


@blueprint.get("/")
def choose() -> Any:
    """Show the form that a link leads to. Looking at it, as programs that check mail do, uses nothing up."""
    token = request.args.get("token", "")
    member = password_links.holder(session(), token, now())
    return _form(NewPasswordForm(), token, member) if member is not None else _void()


@blueprint.post("/")
def chosen() -> Any:
    """Store the password, use the link up, and lead to the sign-in page."""
    token, form = request.form.get("token", ""), NewPasswordForm(request.form)
    member = password_links.holder(session(), token, now())
    if member is None:
        return _void()
    if not form.validate():
        return _form(form, token, member), 422
    try:
        stored = passwords.hashed(form.password.data, member, hash_password)
    except Invalid as invalid:
        saving.attach_errors(form, invalid.errors)
        return _form(form, token, member), 422
    who = sign_in.as_somebody(Actor(member.id, str(member)))
    try:
        credentials.redeem(db.engine, who, token, member.id, stored)
    except Refused:
        return _void()
    flash(_("Password saved. Sign in with your new password."), "success")
    return redirect(sign_in_url())


@blueprint.get("/forgotten/")
def forgotten() -> str:
    """Ask whose password it is, unless no mail can go out: then nothing is promised."""
    return render_template("admin/forgotten.html", asked=False, wrong="", mails=link_base() is None)


@blueprint.post("/forgotten/")
def ask() -> Any:
    """Send a link, and say the same whether or not there is such an account.

    :raises TooManyRequests: from one address. Too many for one account are ignored, which only its owner sees.
    """
    if link_base() is not None:
        return forgotten()
    typed = request.form.get("username", "").strip()
    if not typed:
        wrong = _("Enter your user name or email address.")
        return render_template("admin/forgotten.html", asked=False, wrong=wrong, mails=True), 422
    count([rate_limit.of_reset_from(request.remote_addr or "")])
    account = sign_in.find(typed)
    password_links.send_if_known(db.engine, sign_in.as_somebody(NOBODY), _to_whom(account, typed))
    return render_template("admin/forgotten.html", asked=True, wrong="", mails=True)


def _to_whom(account: Staff | None, typed: str) -> int | None:
    """Return who gets a link: nobody we do not know, and nobody who was sent several just now."""
    name = str(account.id) if account is not None else f"named {rate_limit.as_typed(typed)}"
    wait = rate_limit.consume(db.engine, [rate_limit.of_reset(name)], now())
    return account.id if account is not None and account.active and not wait else None


def _form(form: Form, token: str, member: Member) -> str:
    return render_template("admin/choose_password.html", form=form, token=token, username=member.username)


def _void() -> Any:
    return render_template("admin/link_void.html", sentence=_(credentials.VOID[1])), GONE
