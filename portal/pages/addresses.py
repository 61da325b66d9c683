"""A customer's addresses: listed, added, edited, made primary and deleted by themselves."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import BooleanField, SelectField

from actions.customers.addresses import make_primary
from actions.execution.records import record_actions
from models.address import Address
from models.places import country_choices
from portal import forms, inside
from portal.forms import EditPage, Form, text
from portal.language import locale
from portal.request import customer, perform
from web.request import session, shop

blueprint = inside.pages("addresses", "/addresses")
CREATE, EDIT, DELETE = record_actions(Address)
ONE = f"/<{inside.ROW}:address_id>"


class AddressForm(Form):
    """An address as a customer writes it."""

    label = text(_l("Name of this address"), 60, description=_l("For yourself, such as Summer home."))
    recipient = text(_l("Recipient"), 160, "name", _l("Only if it is someone else."))
    company = text(_l("Company"), 160, "organization")
    line1 = text(_l("Address line 1"), 160, "address-line1")
    line2 = text(_l("Address line 2"), 160, "address-line2")
    town = text(_l("Town or city"), 100, "address-level2")
    county = text(_l("County"), 100, "address-level1")
    postcode = text(_l("Postcode"), 16, "postal-code")
    country = SelectField(_l("Country"), validate_choice=False, render_kw={"autocomplete": "country"})
    is_delivery = BooleanField(_l("Deliver to this address"))

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.country.choices = country_choices(locale())


@blueprint.get("/")
def index() -> str:
    """List the addresses: the primary one, and the others a page at a time."""
    mine = select(Address).where(Address.customer_id == customer().id, Address.is_primary)
    others = inside.newest_first(Address, Address.created_at, Address.is_primary.is_(False))
    primary = session().scalar(mine) if others.first else None
    return render_template("portal/addresses.html", primary=primary, page=others, countries=_countries())


def _countries() -> dict[str, str]:
    """Return the code of each country -> its name."""
    return dict(country_choices(locale()))


@blueprint.get("/new/")
def new() -> str:
    """Show the empty form."""
    return _page(AddressForm(country=shop().country, is_delivery=True), key=forms.fresh_key()).render()


@blueprint.post("/new/")
def create() -> Any:
    """Add an address; sent twice it is one."""
    key, form = forms.sent_key(), AddressForm(request.form)
    page = _page(form, key=key)
    return forms.submit(
        page, lambda _version: perform(CREATE, key=key, values=_values(form)), page.back, _("Address added.")
    )


@blueprint.get(f"{ONE}/")
def edit(address_id: int) -> str:
    """Show the form of an address."""
    row = inside.own(Address, address_id)
    return _page(AddressForm(obj=row), row=row, version=row.version).render()


@blueprint.post(f"{ONE}/")
def save(address_id: int) -> Any:
    """Save an address, unless somebody saved another since the form was opened."""
    row, form = inside.own(Address, address_id), AddressForm(request.form)
    page = _page(form, row=row, version=forms.sent_version())
    return forms.submit(
        page,
        lambda version: perform(EDIT, address_id, values=_values(form), version=version),
        page.back,
        _("Address saved."),
    )


@blueprint.post(f"{ONE}/primary/")
def choose_primary(address_id: int) -> Any:
    """Make an address the primary one."""
    back = url_for("addresses.index")
    return inside.done(lambda: perform(make_primary, address_id), _("This is now your main address."), back)


@blueprint.get(f"{ONE}/delete/")
def ask_to_delete(address_id: int) -> str:
    """Ask first."""
    row = inside.own(Address, address_id)
    lines = [*row.lines[:-1], _countries().get(row.country, row.country)]
    return render_template(
        "portal/delete.html", title=_("Delete this address?"), what=lines, back=url_for("addresses.index")
    )


@blueprint.post(f"{ONE}/delete/")
def delete(address_id: int) -> Any:
    """Delete an address."""
    back = url_for("addresses.index")
    return inside.done(lambda: perform(DELETE, address_id), _("Address deleted."), back)


def _values(form: AddressForm) -> dict[str, Any]:
    found = forms.values(form)
    return {**found, "line1": found["line1"] or ""}


def _page(form: Form, *, row: Address | None = None, version: int | None = None, key: str = "") -> EditPage:
    return EditPage(
        title=_("Edit address") if row is not None else _("New address"),
        form=form,
        submit=_("Save address"),
        back=url_for("addresses.index"),
        back_words=_("All addresses"),
        version=version,
        key=key,
    )
