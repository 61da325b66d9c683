"""Registering: an address is asked for, and the rest behind a link that is mailed to it (rules 5.6 to 5.8)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from actions.core.base import Invalid, Refused
from actions.execution import rate_limit
from actions.portal import passwords, registering, requests
from actions.staff.passwords import Hashed
from actions.staff.security_events import NOBODY
from models.base import db
from models.choices import AccountType, Status
from models.customer import Customer
from models.portal import PortalRequestKind
from models.validate import email as checked_email
from portal.forms import Form
from portal.passwords import GONE, NewPasswordForm
from portal.request import call
from web.messages import sentence, translated
from web.passwords import count, hash_password
from web.request import now, session

blueprint = Blueprint("registering", __name__, url_prefix="/register")
FIELD_OF = {"phones-0-number": "phone", "phones": "phone", "email": "first_name"}
"""Where a form shows what is wrong with a field that it does not have."""

KINDS = {kind.value: kind for kind in (AccountType.RETAIL, AccountType.TRADE)}
"""The accounts that people open themselves, by what a form sends."""


def _text(label: Any, autocomplete: str, longest: int, *more: Any, **given: Any) -> StringField:
    strip = [lambda value: value.strip() or None if isinstance(value, str) else value]
    return StringField(
        label, [*more, Length(max=longest)], filters=strip, render_kw={"autocomplete": autocomplete}, **given
    )


class RegistrationForm(NewPasswordForm):
    """Who registers, and the password."""

    first_name = _text(_l("First name"), "given-name", 100, DataRequired(_l("Enter your first name.")))
    last_name = _text(_l("Last name"), "family-name", 100, DataRequired(_l("Enter your last name.")))
    phone = _text(_l("Phone (optional)"), "tel", 40)
    account_type = RadioField(
        _l("Kind of account"),
        choices=[
            SelectChoice(AccountType.RETAIL.value, _l("Personal")),
            SelectChoice(AccountType.TRADE.value, _l("Trade")),
        ],
        invalid_choice_message=_l("Choose one of the two."),
        default=AccountType.RETAIL.value,
        description=_l("We check trade accounts before you can sign in."),
    )
    company_name = _text(_l("Company (trade accounts)"), "organization", 160)
    vat_number = _text(_l("VAT number (trade accounts, optional)"), "off", 30)
    company_number = _text(_l("Company number (trade accounts, optional)"), "off", 30)

    ORDER = (
        "first_name", "last_name", "phone", "account_type", "company_name", "vat_number", "company_number",
        "password", "again", "hint",
    )  # fmt: skip

    def validate_company_name(self, field: StringField) -> None:
        """A trade account is that of a company."""
        if self.account_type.data == AccountType.TRADE.value and not field.data:
            raise ValidationError(_("Enter the name of your company."))

    @property
    def details(self) -> registering.Details:
        """What was typed, as the action takes it."""
        texts = {f.name: f.data for f in self if f.name not in ("account_type", "password", "again", "hint")}
        return registering.Details(account_type=KINDS[self.account_type.data], **texts)


@blueprint.get("/")
def register() -> str:
    """Ask for the address that a link is sent to."""
    return render_template("portal/register.html", asked=False, wrong="", email="")


@blueprint.post("/")
def ask() -> Any:
    """Write down that somebody wants to register, alike for every address; a worker decides (rule 5.6).

    :raises TooManyRequests: from one address. Too many for one mailbox are ignored, which only its owner sees.
    """
    typed = request.form.get("email", "").strip()
    if wrong := _wrong(typed):
        return render_template("portal/register.html", asked=False, wrong=wrong, email=typed), 422
    count([rate_limit.of_portal_mail_from(request.remote_addr or "")])
    if not rate_limit.consume(db.engine, [rate_limit.of_portal_mail(typed)], now()):
        requests.ask(db.engine, PortalRequestKind.REGISTRATION, typed, now(), call(NOBODY).request_id or "")
    return render_template("portal/register.html", asked=True, wrong="", email="")


def _wrong(typed: str) -> str:
    """Return what is wrong with an address by its form alone."""
    if not typed:
        return _("Enter your email address.")
    try:
        checked_email("email", typed)
    except Invalid as invalid:
        return sentence(invalid.errors["email"])
    return ""


@blueprint.get("/details/")
def details() -> Any:
    """Show the form that a link leads to. Looking at it, as programs that check mail do, uses nothing up."""
    token = request.args.get("token", "")
    email = registering.address_behind(session(), token, now())
    return _form(RegistrationForm(), token, email) if email is not None else _void()


@blueprint.post("/details/")
def registered() -> Any:
    """Register, use the link up, and lead to the sign-in page, or to what happens next with a trade account."""
    token, form = request.form.get("token", ""), RegistrationForm(request.form)
    email = registering.address_behind(session(), token, now())
    if email is None:
        return _void()
    try:
        stored, hint = _checked(form, email), form.typed_hint
        status = registering.register(db.engine, call(registering.NEW), token, form.details, stored, hint)
    except Invalid as invalid:
        _attach(form, invalid.errors)
        return _form(form, token, email), 422
    except Refused as refused:
        return _void(translated(refused))
    if status == Status.PENDING_APPROVAL:
        return redirect(url_for("registering.waiting"))
    flash(_("Your account is ready. Sign in with your email address and password."))
    return redirect(url_for("getting_in.sign_in"))


@blueprint.get("/waiting/")
def waiting() -> str:
    """Say what happens with an application for a trade account."""
    return render_template("portal/registration_waiting.html")


def _checked(form: RegistrationForm, email: str) -> Hashed:
    """Return the password as it is stored. :raises Invalid: a field of the form will not do."""
    if not form.validate():
        raise Invalid({})
    person = Customer(first_name=form.first_name.data, last_name=form.last_name.data, email=email)
    return passwords.hashed(form.password.data, person, hash_password)


def _attach(form: RegistrationForm, errors: dict[str, str]) -> None:
    for name, text in errors.items():
        field = getattr(form, FIELD_OF.get(name, name), form.first_name)
        field.errors = [*field.errors, sentence(text)]


def _form(form: Form, token: str, email: str) -> str:
    return render_template("portal/registration.html", form=form, token=token, email=email)


def _void(told: str = "") -> Any:
    told = told or _(passwords.VOID[1])
    again = url_for("registering.register")
    return render_template("portal/link_void.html", sentence=told, again=again), GONE
