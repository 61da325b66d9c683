"""Other people on a customer's account, whom the shop may talk to about it."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from actions.customers import contacts
from models.contact import AccountHolder
from portal import forms, inside
from portal.forms import EditPage, Form, text
from portal.request import customer, perform
from web.request import session

blueprint = inside.pages("people", "/people")
ONE = f"/<{inside.ROW}:person_id>"


class PersonForm(Form):
    """Somebody on the account."""

    name = text(_l("Name"), 160, "name")
    role = text(_l("Role"), 100, description=_l("What they do for you, such as Buyer or Bookkeeper."))
    email = text(_l("Email address"), 254, "email")
    phone = text(_l("Phone"), 40, "tel")


@blueprint.get("/")
def index() -> str:
    """List the people, by name."""
    mine = select(AccountHolder).where(AccountHolder.customer_id == customer().id)
    people = session().scalars(mine.order_by(AccountHolder.name, AccountHolder.id)).all()
    return render_template("portal/people.html", people=people)


@blueprint.get("/new/")
def new() -> str:
    """Show the empty form."""
    return _page(PersonForm(), key=forms.fresh_key()).render()


@blueprint.post("/new/")
def create() -> Any:
    """Add a person; sent twice it is one."""
    key, form = forms.sent_key(), PersonForm(request.form)
    page = _page(form, key=key)
    values = _values(form)
    said = _("Person added.")
    return forms.submit(
        page, lambda _v: perform(contacts.ADD_PERSON, key=key, values=values), page.back, said
    )


@blueprint.get(f"{ONE}/")
def edit(person_id: int) -> str:
    """Show the form of a person."""
    row = inside.own(AccountHolder, person_id)
    return _page(PersonForm(obj=row), row=row, version=row.version).render()


@blueprint.post(f"{ONE}/")
def save(person_id: int) -> Any:
    """Save what is known of a person, unless somebody saved it since the form was opened."""
    row, form = inside.own(AccountHolder, person_id), PersonForm(request.form)
    page, values = _page(form, row=row, version=forms.sent_version()), _values(form)

    def change(version: int | None) -> Any:
        return perform(contacts.EDIT_PERSON, person_id, values=values, version=version)

    return forms.submit(page, change, page.back, _("Person saved."))


@blueprint.get(f"{ONE}/delete/")
def ask_to_delete(person_id: int) -> str:
    """Ask first."""
    row = inside.own(AccountHolder, person_id)
    title = _("Take this person off your account?")
    return render_template("portal/delete.html", title=title, what=[row.name], back=url_for("people.index"))


@blueprint.post(f"{ONE}/delete/")
def delete(person_id: int) -> Any:
    """Take a person off the account."""
    back = url_for("people.index")
    return inside.done(lambda: perform(contacts.REMOVE_PERSON, person_id), _("Person removed."), back)


def _values(form: Form) -> dict[str, Any]:
    found = forms.values(form)
    return {**found, "name": found["name"] or ""}


def _page(form: Form, *, row: Any = None, version: int | None = None, key: str = "") -> EditPage:
    return EditPage(
        title=_("Edit person") if row is not None else _("Add a person"),
        form=form,
        submit=_("Save"),
        back=url_for("people.index"),
        back_words=_("All people"),
        version=version,
        key=key,
    )
