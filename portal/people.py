"""Other people on a customer's account, whom the shop may talk to about it."""

from __future__ import annotations

from typing import Any

from flask import render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import EmailField, StringField, TelField
from wtforms.validators import InputRequired

from actions.customers import contacts
from models.contact import AccountHolder
from portal import entry, inside
from portal.request import customer, perform
from web.request import session

blueprint = inside.pages("people", "/people")
PERSON = f"/<{inside.ROW}:person_id>"


class PersonForm(entry.EntryForm):
    """Somebody on the account."""

    name = StringField(_l("Name"), [InputRequired(_l("Enter the person's name."))])
    role = StringField(_l("Role"), description=_l("What they do for you, such as Buyer or Bookkeeper."))
    email = EmailField(_l("Email address"))
    phone = TelField(_l("Phone"))


@blueprint.get("/")
def index() -> str:
    """List the people, by name."""
    mine = select(AccountHolder).where(AccountHolder.customer_id == customer().id)
    people = session().scalars(mine.order_by(AccountHolder.name, AccountHolder.id)).all()
    return render_template("portal/people.html", people=people)


def _words(title: str) -> dict[str, Any]:
    return {"title": title, "button": _("Save"), "back": url_for("people.index")}


@blueprint.route("/add/", methods=("GET", "POST"))
def add() -> Any:
    """Ask who it is, and add them."""
    form, words = PersonForm(entry.sent()), _words(_("Add a person"))
    if not entry.is_sent():
        form.opened()
        return entry.page(form, **words)
    theirs = {"customer_id": customer().id, **form.values}
    return entry.send(form, lambda: perform(contacts.ADD_PERSON, key=form.own_key, values=theirs), **words)


@blueprint.route(f"{PERSON}/", methods=("GET", "POST"))
def edit(person_id: int) -> Any:
    """Show what is known of somebody, and change it unless it was changed in the meantime."""
    person = inside.own(AccountHolder, person_id)
    form = PersonForm(entry.sent(), obj=person)
    words = _words(_("Edit person"))
    if not entry.is_sent():
        form.opened(person.version)
        return entry.page(form, **words)
    given: dict[str, Any] = {"values": form.values, "version": form.own_version}
    return entry.send(
        form, lambda: perform(contacts.EDIT_PERSON, person_id, key=form.own_key, **given), **words
    )


@blueprint.route(f"{PERSON}/remove/", methods=("GET", "POST"))
def remove(person_id: int) -> Any:
    """Ask, and then take somebody off the account."""
    person, back = inside.own(AccountHolder, person_id), url_for("people.index")
    if entry.is_sent():
        return entry.done(perform(contacts.REMOVE_PERSON, person_id), back)
    question = _("Take %(name)s off your account?", name=person.name)
    return entry.ask(title=_("Remove person"), question=question, button=_("Remove"), back=back)
