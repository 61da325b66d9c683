"""The pages behind the links in mails to staff, and the one to ask for such a link (rule 16.7). Open to everybody."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from wtforms import Form

from actions import credentials, links, passwords, throttle
from actions.base import Actor, Invalid, Refused
from actions.events import NOBODY
from admin import saving, sign_in
from admin.context import has_passwords, now, session, sign_in_url
from admin.own_account import NewPasswordForm
from models.base import Staff, db
from models.member import Member

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
    member = links.holder(session(), token, now())
    return _form(NewPasswordForm(), token, member) if member is not None else _void()


@blueprint.post("/")
def chosen() -> Any:
    """Store the password, use the link up, and lead to the sign-in page."""
    token, form = request.form.get("token", ""), NewPasswordForm(request.form)
    member = links.holder(session(), token, now())
    if member is None:
        return _void()
    if not form.validate():
        return _form(form, token, member), 422
    try:
        stored = passwords.hashed(form.password.data, member, sign_in.hash_password)
    except Invalid as invalid:
        saving.spread(form, invalid.errors)
        return _form(form, token, member), 422
    who = sign_in.as_somebody(Actor(member.id, str(member)))
    try:
        credentials.redeem(db.engine, who, token, member.id, stored)
    except Refused:
        return _void()
    flash(_("Your password is stored. Sign in with it now."), "success")
    return redirect(sign_in_url())


@blueprint.get("/forgotten/")
def forgotten() -> str:
    """Ask whose password it is."""
    return render_template("admin/forgotten.html", asked=False, wrong="")


@blueprint.post("/forgotten/")
def ask() -> Any:
    """Send a link, and say the same whether or not there is such an account.

    :raises TooManyRequests: from one address. Too many for one account are ignored, which only its owner sees.
    """
    typed = request.form.get("username", "").strip()
    if not typed:
        wrong = _("Type your user name or your email address.")
        return render_template("admin/forgotten.html", asked=False, wrong=wrong), 422
    sign_in.count([throttle.of_reset_from(request.remote_addr or "")])
    account = sign_in.find(typed)
    links.send_if_known(db.engine, sign_in.as_somebody(NOBODY), _to_whom(account, typed))
    return render_template("admin/forgotten.html", asked=True, wrong="")


def _to_whom(account: Staff | None, typed: str) -> int | None:
    """Return who gets a link: nobody we do not know, and nobody who was sent several just now."""
    name = str(account.id) if account is not None else f"named {typed.casefold()[:320]}"
    wait = throttle.take(db.engine, [throttle.of_reset(name)], now())
    return account.id if account is not None and account.active and not wait else None


def _form(form: Form, token: str, member: Member) -> str:
    return render_template("admin/choose_password.html", form=form, token=token, username=member.username)


def _void() -> Any:
    return render_template("admin/link_void.html", sentence=_(credentials.VOID[1])), GONE
