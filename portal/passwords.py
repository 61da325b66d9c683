"""The pages behind the links in mails to customers, on which they choose a password (rules 5.1, 5.2)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from actions.core.base import Invalid, Refused
from actions.portal import links, passwords, visits
from models.base import db
from models.customer import Customer
from portal.forms import Form
from portal.login_as import customers_only
from portal.request import call
from web.messages import sentence, translated
from web.passwords import hash_password
from web.request import now, session, shop

blueprint = Blueprint("password", __name__, url_prefix="/password")
GONE = 410


class NewPasswordForm(Form):
    """A password, twice."""

    password = PasswordField(
        _l("New password"),
        [InputRequired(_l("Enter a new password."))],
        description=_l("At least 8 characters. A few unrelated words work well."),
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        _l("Confirm new password"),
        [
            InputRequired(_l("Enter the new password again.")),
            EqualTo("password", _l("The passwords do not match.")),
        ],
        render_kw={"autocomplete": "new-password"},
    )
    hint = StringField(
        _l("Password hint (optional)"),
        [Length(max=passwords.LONGEST_HINT)],
        description=_l(
            "Something that reminds you of the password. We put it in your password reset emails."
        ),
        render_kw={"autocomplete": "off"},
    )

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        if not shop().password_hints:
            del self.hint

    @property
    def typed_hint(self) -> str | None:
        """The hint as it is stored. :raises Invalid: under ``hint``, it will not do."""
        typed = self.hint.data if "hint" in self else None
        return passwords.checked_hint(shop(), typed, self.password.data or "")


@blueprint.get("/")
@customers_only
def choose() -> Any:
    """Show the form that a link leads to. Looking at it, as programs that check mail do, uses nothing up."""
    token = request.args.get("token", "")
    found = links.holder(session(), token, now())
    return _form(NewPasswordForm(), token, found) if found is not None else _void()


@blueprint.post("/")
@customers_only
def chosen() -> Any:
    """Store the password, use the link up, and lead to the sign-in page."""
    token, form = request.form.get("token", ""), NewPasswordForm(request.form)
    found = links.holder(session(), token, now())
    if found is None:
        return _void()
    if not form.validate():
        return _form(form, token, found), 422
    try:
        hint = form.typed_hint
        stored = passwords.hashed(form.password.data, found, hash_password)
    except Invalid as invalid:
        for name, text in invalid.errors.items():
            form[name].errors = [sentence(text)]
        return _form(form, token, found), 422
    try:
        passwords.redeem(db.engine, call(visits.themselves(found.id)), token, found.id, stored, hint)
    except Refused as refused:
        return _void(translated(refused))
    flash(_("Password saved. Sign in with your new password."))
    return redirect(url_for("getting_in.sign_in"))


def _form(form: Form, token: str, found: Customer) -> str:
    return render_template("portal/choose_password.html", form=form, token=token, email=found.email or "")


def _void(told: str = "") -> Any:
    return render_template("portal/link_void.html", sentence=told or _(passwords.VOID[1])), GONE
