"""Changing the email address of one's own account, and the links that confirm it and take it back (rule 5.9)."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, PasswordField
from wtforms.validators import DataRequired, InputRequired

from actions.core.base import Invalid, Refused
from actions.execution import rate_limit
from actions.portal import email_changes, passwords, visits
from models.base import db
from models.customer import Customer
from models.portal import PortalLinkKind
from models.validate import email as checked_email
from portal.forms import Form
from portal.getting_in import is_theirs
from portal.inside import only_signed_in
from portal.login_as import customers_only
from portal.passwords import GONE
from portal.request import call, customer, live, perform
from web.messages import sentence, translated
from web.passwords import count
from web.request import now, session

blueprint = Blueprint("email_address", __name__)
KIND = {"confirm": PortalLinkKind.EMAIL_CHANGE, "return": PortalLinkKind.EMAIL_RETURN}


class EmailForm(Form):
    """Another address, and the password that says it is them."""

    email = EmailField(
        _l("New email address"),
        [DataRequired(_l("Enter your new email address."))],
        filters=[lambda value: value.strip() if isinstance(value, str) else value],
        render_kw={"autocomplete": "email"},
    )
    password = PasswordField(
        _l("Current password"),
        [InputRequired(_l("Enter your current password."))],
        render_kw={"autocomplete": "current-password"},
    )


@blueprint.get("/details/email/")
@customers_only
@only_signed_in
def change() -> str:
    """Show the form."""
    return _page(EmailForm())


@blueprint.post("/details/email/")
@customers_only
@only_signed_in
def ask() -> Any:
    """Have a link sent to the address; what the page says is the same for every address.

    :raises TooManyRequests: wrong passwords, or requests from one network. Too many for one mailbox are ignored.
    """
    form = EmailForm(request.form)
    try:
        email = _checked(form)
        count([rate_limit.of_portal_mail_from(request.remote_addr or "")])
        if not rate_limit.consume(db.engine, [rate_limit.of_portal_mail(email)], now()):
            perform(email_changes.ask, customer().id, email=email)
    except Invalid as invalid:
        for name, text in invalid.errors.items():
            form[name].errors = [sentence(text)]
        return _page(form), 422
    flash(
        _("We are sending an email to %(email)s. Follow the link in it to change your address.", email=email)
    )
    return redirect(url_for("email_address.change"))


def _checked(form: EmailForm) -> str:
    """Return the address, once the password is right. :raises Invalid: by field."""
    if not form.validate():
        raise Invalid({})
    email = cast(str, checked_email("email", form.email.data))
    if email == customer().email:
        raise Invalid({"email": email_changes.SAME})
    if not is_theirs(form.password.data):
        raise Invalid({"password": _l("Wrong password.")})
    return email


def _page(form: Form) -> str:
    return render_template("portal/email_address.html", form=form, email=customer().email or "")


@blueprint.get("/email/confirm/")
def look_at_change() -> Any:
    """Show what confirming does. Looking at it, as programs that check mail do, uses nothing up."""
    return _look("confirm")


@blueprint.get("/email/return/")
def look_at_return() -> Any:
    """Show what taking an address back does; looking at it uses nothing up either."""
    return _look("return")


def _look(step: str) -> Any:
    token = request.args.get("token", "")
    found = email_changes.whose(session(), token, now(), KIND[step])
    if found is None:
        return _void()
    return render_template("portal/email_link.html", step=step, token=token, email=found[1])


@blueprint.post("/email/confirm/")
def confirm() -> Any:
    """Change the address, and lead to the account or the sign-in page."""
    return _do("confirm")


@blueprint.post("/email/return/")
def take_back() -> Any:
    """Take the address back, and lead to the sign-in page."""
    return _do("return")


def _do(step: str) -> Any:
    token = request.form.get("token", "")
    found = email_changes.whose(session(), token, now(), KIND[step])
    if found is None:
        return _void()
    try:
        _perform(step, token, found[0])
    except Refused as refused:
        return _void(translated(refused))
    if step == "return":
        flash(_("Your email address is %(email)s again. We are sending it a link to choose a new password.",
                email=found[1]))  # fmt: skip
        return redirect(url_for("getting_in.sign_in"))
    flash(_("Your email address is now %(email)s.", email=found[1]))
    return redirect(url_for("account.overview" if live() is not None else "getting_in.sign_in"))


def _perform(step: str, token: str, whose: Customer) -> None:
    act = email_changes.take_back if step == "return" else email_changes.confirm
    act(db.engine, call(visits.themselves(whose.id)), token, whose.id)


def _void(told: str = "") -> Any:
    """Say that a link is no good, the same for each reason but an address that somebody has by now."""
    again = url_for("email_address.change")
    return render_template("portal/link_void.html", sentence=told or _(passwords.VOID[1]), again=again), GONE
