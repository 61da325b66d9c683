"""How a customer signs in and where they are signed in, changed by nobody but themselves (rules 5.13, 6.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import Response, flash, redirect, render_template, request, url_for
from flask import session as browser_session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import PasswordField
from wtforms.validators import InputRequired

from actions.core.base import Invalid, Refused
from actions.portal import passwords, sessions, sign_out, visits
from models.base import db
from portal import inside
from portal.forms import Form
from portal.getting_in import BROWSERS, is_theirs
from portal.login_as import customers_only
from portal.passwords import NewPasswordForm
from portal.request import call, customer, live, perform
from web import user_agent
from web.messages import sentence, translated
from web.passwords import hash_password
from web.request import now, session

blueprint = inside.pages("security", "/security")
MOST_SESSIONS = 50
"""Of the sessions of one customer so many are listed, the ones used last."""


class PasswordForm(NewPasswordForm):
    """Another password in place of the present one."""

    current = PasswordField(
        _l("Current password"),
        [InputRequired(_l("Enter your current password."))],
        render_kw={"autocomplete": "current-password"},
    )


@dataclass(frozen=True, slots=True)
class OwnSession:
    """Where the customer is signed in; ``here`` is the session that asks."""

    id: int
    what: str
    address: str
    began: Any
    seen: Any
    here: bool


@blueprint.get("/")
@customers_only
def index() -> str:
    """Show the form for another password, and where the customer is signed in."""
    return _page(PasswordForm())


@blueprint.post("/password/")
@customers_only
def change_password() -> Any:
    """Change the password: the present one is asked, and counted like a sign-in (rule 5.13)."""
    visits.only_themselves(call(), customer().id)
    form = PasswordForm(request.form)
    if not form.validate() or not _is_theirs(form):
        return _page(form), 422
    try:
        stored = passwords.hashed(form.password.data, customer(), hash_password)
    except Invalid as invalid:
        form.password.errors = [sentence(told) for told in invalid.errors.values()]
        return _page(form), 422
    found = live()
    assert found is not None
    token = passwords.change(db.engine, call(), found.holder_id, customer().password_hash, stored, found.id)
    session().rollback()  # on SQLite, what this transaction reads would still be as before
    browser_session.renewed = token  # type: ignore[attr-defined]
    flash(_("Your password was changed. You were signed out everywhere else."))
    response = cast(Response, redirect(url_for("security.index")))
    BROWSERS.remember(found.holder_id, response)
    return response


def _is_theirs(form: PasswordForm) -> bool:
    """Return whether the present password is right, and the new one another."""
    if not is_theirs(form.current.data):
        form.current.errors = [_("Wrong password.")]
    elif form.current.data == form.password.data:
        form.password.errors = [_("This is already your password.")]
    return not form.errors


@blueprint.post(f"/sessions/<{inside.ROW}:session_id>/end/")
@customers_only
def end_session(session_id: int) -> Any:
    """Sign out in one place."""
    try:
        perform(sign_out.end_own, session_id)
        flash(_("Session ended."))
    except Refused as refused:
        if refused.status != 409:
            raise
        flash(translated(refused))
    return redirect(url_for("security.index"))


@blueprint.post("/sessions/end-others/")
@customers_only
def end_others() -> Any:
    """Sign out everywhere else."""
    found = live()
    assert found is not None
    ended = sign_out.end_others(db.engine, call(), found.holder_id, found.id)
    flash(_("Signed out everywhere else.") if ended else _("You are not signed in anywhere else."))
    return redirect(url_for("security.index"))


def _page(form: Form) -> str:
    return render_template(
        "portal/security.html", form=form, sessions=_sessions(), email=customer().email or ""
    )


def _sessions() -> Sequence[OwnSession]:
    here = live()
    rows = sessions.good_ones(session(), customer().id, now())[:MOST_SESSIONS]
    return [
        OwnSession(
            row.id,
            user_agent.words(row.agent),
            row.address,
            row.created_at,
            row.last_seen_at,
            here is not None and row.id == here.id,
        )
        for row in rows
    ]
