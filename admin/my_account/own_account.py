"""Your account: what people see and change of their own way in (rule 16.6). Open to everybody who is signed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask import session as browser_session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import NotFound
from wtforms import Form, PasswordField
from wtforms.validators import EqualTo, InputRequired

from actions.core.base import Invalid
from actions.staff import credentials, passwords, sessions, sign_out, two_factor
from admin.auth import sign_in
from admin.editing import saving
from admin.layout import formatters
from admin.layout.frame import frame
from admin.request.context import call, has_passwords, live, perform, person, sign_in_url
from admin.viewmodels.pages import Text
from models.access import SessionChannel, StaffSession
from models.base import db
from web import user_agent
from web.arguments import parse_id
from web.passwords import hash_password
from web.request import now, session, shop

blueprint = Blueprint("account", __name__, url_prefix="/admin/account")


def _present() -> PasswordField:
    return PasswordField(
        _l("Current password"),
        [InputRequired(_l("Enter your current password."))],
        render_kw={"autocomplete": "current-password"},
    )


def _new() -> PasswordField:
    return PasswordField(
        _l("New password"),
        [InputRequired(_l("Enter a new password."))],
        description=_l("At least 12 characters. A few unrelated words work well."),
        render_kw={"autocomplete": "new-password"},
    )


def _again() -> PasswordField:
    return PasswordField(
        _l("Confirm new password"),
        [
            InputRequired(_l("Enter the new password again.")),
            EqualTo("password", _l("The passwords do not match.")),
        ],
        render_kw={"autocomplete": "new-password"},
    )


class NewPasswordForm(Form):
    """A new password, typed twice because it is not shown."""

    password = _new()
    again = _again()


class PasswordForm(Form):
    """Another password in place of the present one."""

    current = _present()
    password = _new()
    again = _again()


@dataclass(frozen=True, slots=True)
class OwnSession:
    """Where somebody is signed in; ``here`` is the session that asks."""

    id: int
    what: str
    address: str
    began: Text
    seen: Text
    here: bool


@dataclass(slots=True)
class AccountPage:
    """What the page shows."""

    title: str
    username: str
    email: str
    form: Form | None
    """For another password; None where people sign in by one that we do not keep."""
    has_factor: bool = False
    sessions: Sequence[OwnSession] = ()


@blueprint.before_request
def _only_signed_in() -> Any:
    """Lead anyone who is not signed in to the sign-in page, and back here."""
    if person() is None:
        return redirect(sign_in_url(next=url_for("account.show")))
    return None


@blueprint.get("/")
def show() -> str:
    """Show what somebody has here."""
    return _page(PasswordForm())


@blueprint.post("/password/")
def change_password() -> Any:
    """Change one's own password: the present one is asked, and counted like a sign-in."""
    if not has_passwords():
        raise NotFound
    form = PasswordForm(request.form)
    if not form.validate() or not _is_theirs(form):
        return _page(form), 422
    try:
        stored = passwords.hashed(form.password.data, person(), hash_password)
    except Invalid as invalid:
        saving.attach_errors(form, invalid.errors)
        return _page(form), 422
    account, found = person(), live()
    token = credentials.change(db.engine, call(), account.id, stored, found.id if found else None)
    session().rollback()  # on SQLite, what this transaction reads would still be as before the action
    browser_session.renewed = token  # type: ignore[attr-defined]
    flash(_("Your password was changed. You were signed out everywhere else."), "success")
    response = cast(Response, redirect(url_for("account.show")))
    sign_in.remember_browser(account, response)
    return response


@blueprint.post("/sessions/")
def end_sessions() -> Any:
    """Sign out everywhere else; with ``id`` in one place alone. :raises NotFound: that is none of theirs."""
    if "id" in request.form:
        row = session().get(StaffSession, parse_id("id", request.form["id"]))
        if row is None or row.user_id != person().id:
            raise NotFound
        perform(sign_out.end, row.id)
        flash(_("Session ended."), "success")
    else:
        here = live()
        count = sign_out.end_others(db.engine, call(), person().id, here.id if here else 0)
        flash(
            _("Signed out everywhere else.") if count else _("You are not signed in anywhere else."),
            "success",
        )
    return redirect(url_for("account.show"))


def _is_theirs(form: PasswordForm) -> bool:
    """Return whether the present password is right, and the new one another."""
    if not sign_in.confirm(person(), form.current.data):
        form.current.errors = [_("Wrong password.")]
    elif form.current.data == form.password.data:
        form.password.errors = [_("This is already your password.")]
    return not form.errors


def _page(form: Form) -> str:
    account = person()
    page = AccountPage(
        _("Your account"),
        account.username,
        account.email,
        form if has_passwords() else None,
        two_factor.has(session(), account.id),
        _sessions(),
    )
    return render_template("admin/account.html", page=page, frame=frame("account"))


def _sessions() -> list[OwnSession]:
    """Return where the person asking is signed in."""
    here = live()
    return [
        OwnSession(
            row.id,
            _("A program") if row.channel == SessionChannel.API else user_agent.words(row.agent),
            row.address,
            formatters.moment(row.created_at, now(), shop()),
            formatters.moment(row.last_seen_at, now(), shop()),
            here is not None and row.id == here.id,
        )
        for row in sessions.good_ones(session(), person().id, now())
    ]
