"""Who a customer is, how they are reached and what we may send them, changed by themselves."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import BooleanField, SelectField

from actions.core.base import Outcome
from actions.customers.phones import ADD, EDIT, REMOVE
from actions.portal.details import change_details, choose_points_emails
from models.choices import AccountType, Gender
from models.phone import Phone, PhoneKind
from models.places import country_choices, language_choices
from portal import forms, inside
from portal.forms import DayField, EditPage, Form, text
from portal.language import follow_record, locale
from portal.request import customer, perform
from portal.words import phone_number
from web.messages import fill
from web.request import session, shop

blueprint = inside.pages("details", "/details")
PHONE = f"/phones/<{inside.ROW}:phone_id>"
MOST_PHONES = 50
"""Phones that are listed."""
BUSINESS = ("company_name", "trading_name")


class DetailsForm(Form):
    """What a customer says of themselves."""

    title = text(_l("Title"), 30, "honorific-prefix")
    first_name = text(_l("First name"), 100, "given-name")
    last_name = text(_l("Last name"), 100, "family-name")
    company_name = text(_l("Company name"), 160, "organization")
    trading_name = text(_l("Trading name"), 160, description=_l("Only if you trade under another name."))
    date_of_birth = DayField(_l("Date of birth"), render_kw={"autocomplete": "bday"})
    gender = SelectField(_l("Gender"), validate_choice=False, render_kw={"autocomplete": "sex"})
    language = SelectField(
        _l("Language"),
        validate_choice=False,
        description=_l(
            "For these pages and our emails. Until you choose one, these pages follow your browser."
        ),
    )

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.gender.choices = [("", _("Not stated")), *((str(g.value), _(g.label)) for g in Gender)]
        self.language.choices = _languages(customer().language)
        if customer().account_type != AccountType.TRADE:
            for name in BUSINESS:
                del self[name]


def _languages(present: str | None) -> list[tuple[str, str]]:
    """Return the languages on offer, and the present one whether or not it is."""
    offered = language_choices(locale())
    own = [(present, present)] if present and present not in dict(offered) else []
    return [("", _("Not chosen")), *own, *offered]


class PhoneForm(Form):
    """A phone number."""

    kind = SelectField(_l("Kind"), validate_choice=False)
    number = text(_l("Number"), 40, "tel")
    extension = text(_l("Extension"), 10, "tel-extension")
    country = SelectField(
        _l("Country"), validate_choice=False, description=_l("Of a number without + and a country code.")
    )
    is_primary = BooleanField(_l("This is my main number"))

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.kind.choices = [(str(kind.value), _(kind.label)) for kind in PhoneKind]
        self.country.choices = country_choices(locale())


@blueprint.get("/")
def index() -> str:
    """Show a customer's details, phones and what they get by mail."""
    found = customer()
    data = {name: getattr(found, name) for name in DetailsForm()._fields}
    return _page(DetailsForm(data=_typed(data)), found.version).render()


def _typed(data: dict[str, Any]) -> dict[str, Any]:
    """Return values as fields hold them: a choice by what is stored of it."""
    return {
        name: str(value.value) if isinstance(value, Gender | PhoneKind) else value
        for name, value in data.items()
    }


@blueprint.post("/")
def save() -> Any:
    """Save the details, unless somebody saved others since the page was opened."""
    form, who = DetailsForm(request.form), customer().id
    page = _page(form, forms.sent_version())

    def change(version: int | None) -> Outcome:
        outcome = perform(change_details, who, version=version, **forms.values(form))
        follow_record()
        return outcome

    return forms.submit(page, change, url_for("details.index"), _l("Your details were saved."))


@blueprint.post("/points-emails/")
def points_emails() -> Any:
    """Say whether emails are wanted before points expire."""
    outcome = perform(choose_points_emails, customer().id, wanted="wanted" in request.form)
    flash(fill(outcome.message, outcome.values))
    return redirect(url_for("details.index"))


def _page(form: Form, version: int) -> EditPage:
    found = customer()
    theirs = select(Phone).where(Phone.customer_id == found.id).order_by(Phone.is_primary.desc(), Phone.id)
    more = {"customer": found, "phones": session().scalars(theirs.limit(MOST_PHONES)).all()}
    where = url_for("details.index"), ""
    return EditPage(
        _("Your details"), form, _("Save details"), *where, "portal/details.html", version=version, more=more
    )


# -- phones -------------------------------------------------------------------------------------------------------


@blueprint.get("/phones/new/")
def new_phone() -> str:
    """Show the empty form."""
    return _phone_page(PhoneForm(country=shop().country), key=forms.fresh_key()).render()


@blueprint.post("/phones/new/")
def add_phone() -> Any:
    """Add a phone; sent twice it is one."""
    key, form = forms.sent_key(), PhoneForm(request.form)
    page = _phone_page(form, key=key)
    return forms.submit(
        page, lambda _version: perform(ADD, key=key, values=_number(form)), page.back, _("Phone added.")
    )


@blueprint.get(f"{PHONE}/")
def phone(phone_id: int) -> str:
    """Show the form of a phone."""
    row = inside.own(Phone, phone_id)
    data = {name: getattr(row, name) for name in PhoneForm()._fields}
    return _phone_page(PhoneForm(data=_typed(data)), row=row, version=row.version).render()


@blueprint.post(f"{PHONE}/")
def save_phone(phone_id: int) -> Any:
    """Save a phone, unless somebody saved another since the form was opened."""
    row, form = inside.own(Phone, phone_id), PhoneForm(request.form)
    page = _phone_page(form, row=row, version=forms.sent_version())
    return forms.submit(
        page,
        lambda version: perform(EDIT, phone_id, values=_number(form), version=version),
        page.back,
        _("Phone saved."),
    )


@blueprint.get(f"{PHONE}/delete/")
def ask_to_delete(phone_id: int) -> str:
    """Ask first."""
    row = inside.own(Phone, phone_id)
    return render_template(
        "portal/delete.html",
        title=_("Remove this phone?"),
        what=[phone_number(row)],
        back=url_for("details.index"),
    )


@blueprint.post(f"{PHONE}/delete/")
def delete_phone(phone_id: int) -> Any:
    """Remove a phone."""
    back = url_for("details.index")
    return inside.done(lambda: perform(REMOVE, phone_id), _("Phone removed."), back)


def _number(form: PhoneForm) -> dict[str, Any]:
    found = forms.values(form)
    return {**found, "number": found["number"] or ""}


def _phone_page(
    form: Form, *, row: Phone | None = None, version: int | None = None, key: str = ""
) -> EditPage:
    title = _("Edit phone") if row is not None else _("New phone")
    where = url_for("details.index"), _("Your details")
    return EditPage(title, form, _("Save phone"), *where, version=version, key=key)
