"""Your account: what people see and change of their own way in (rule 16.6). Open to everybody who is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask import session as browser_session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Form, PasswordField
from wtforms.validators import EqualTo, InputRequired

from actions import credentials, passwords
from actions.base import Invalid
from admin import saving, sign_in
from admin.context import call, live, person, session
from admin.frame import frame
from models.base import db

blueprint = Blueprint("account", __name__, url_prefix="/admin/account")


class NewPasswordForm(Form):
    """A new password, typed twice because it is not shown."""

    password = PasswordField(
        _l("New password"),
        [InputRequired(_l("Type the new password."))],
        description=_l(
            "At least 12 characters. A few words that have nothing to do with each other are fine."
        ),
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        _l("New password again"),
        [EqualTo("password", _l("This is not the same as above."))],
        render_kw={"autocomplete": "new-password"},
    )


class PasswordForm(Form):
    """Another password in place of the present one."""

    current = PasswordField(
        _l("Present password"),
        [InputRequired(_l("Type the password you have now."))],
        render_kw={"autocomplete": "current-password"},
    )
    password = NewPasswordForm.password
    again = NewPasswordForm.again


@dataclass(slots=True)
class AccountPage:
    """What the page shows."""

    title: str
    username: str
    email: str
    form: Form


@blueprint.before_request
def _only_signed_in() -> Any:
    """Lead whoever is not signed in to the sign-in page, and back here."""
    if person() is None:
        return redirect(url_for("DbSignIn.login", next=url_for("account.show")))
    return None


@blueprint.get("/")
def show() -> str:
    """Show what somebody has here."""
    return _page(PasswordForm())


@blueprint.post("/password/")
def change_password() -> Any:
    """Change one's own password: the present one is asked, and counted like a sign-in."""
    form = PasswordForm(request.form)
    if not form.validate() or not _is_theirs(form):
        return _page(form), 422
    try:
        stored = passwords.hashed(form.password.data, person(), sign_in.hash_password)
    except Invalid as invalid:
        saving.spread(form, invalid.errors)
        return _page(form), 422
    account, found = person(), live()
    token = credentials.change(db.engine, call(), account.id, stored, found.id if found else None)
    session().rollback()  # on SQLite, what this transaction reads would still be as before the deed
    browser_session.renewed = token  # type: ignore[attr-defined]
    flash(_("Your password was changed. You were signed out everywhere else."), "success")
    response = cast(Response, redirect(url_for("account.show")))
    sign_in.remember_browser(account, response)
    return response


def _is_theirs(form: PasswordForm) -> bool:
    """Return whether the present password is right, and the new one another."""
    if not sign_in.confirm(person(), form.current.data):
        form.current.errors = [_("That is not your password.")]
    elif form.current.data == form.password.data:
        form.password.errors = [_("This is the password you have already.")]
    return not form.errors


def _page(form: Form) -> str:
    account = person()
    page = AccountPage(_("Your account"), account.username, account.email, form)
    return render_template("admin/account.html", page=page, frame=frame("account"))
