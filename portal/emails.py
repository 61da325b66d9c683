"""Further addresses that get the mail of a customer's account."""

from __future__ import annotations

from typing import Any

from flask import render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import EmailField, StringField
from wtforms.validators import InputRequired

from actions.customers import contacts
from models.contact import ContactEmail
from portal import entry, inside
from portal.request import customer, perform
from web.request import session

blueprint = inside.pages("emails", "/emails")
EMAIL = f"/<{inside.ROW}:email_id>"


class AddressForm(entry.EntryForm):
    """A further address."""

    email = EmailField(_l("Email address"), [InputRequired(_l("Enter an email address."))])
    label = StringField(_l("Whose it is"), description=_l("For example Accounts department. Optional."))


@blueprint.get("/")
def index() -> str:
    """List the addresses in the order in which they were added."""
    mine = select(ContactEmail).where(ContactEmail.customer_id == customer().id)
    emails = session().scalars(mine.order_by(ContactEmail.id)).all()
    return render_template("portal/emails.html", emails=emails)


@blueprint.route("/add/", methods=("GET", "POST"))
def add() -> Any:
    """Ask for an address, and add it."""
    form = AddressForm(entry.sent())
    words = {"title": _("Add an email address"), "button": _("Add"), "back": url_for("emails.index")}
    if not entry.is_sent():
        form.opened()
        return entry.page(form, **words)
    theirs = {"customer_id": customer().id, **form.values}
    return entry.send(form, lambda: perform(contacts.ADD_EMAIL, key=form.own_key, values=theirs), **words)


@blueprint.route(f"{EMAIL}/remove/", methods=("GET", "POST"))
def remove(email_id: int) -> Any:
    """Ask, and then write to an address no more."""
    row, back = inside.own(ContactEmail, email_id), url_for("emails.index")
    if entry.is_sent():
        return entry.done(perform(contacts.REMOVE_EMAIL, email_id), back)
    question = _("Stop sending emails to %(email)s?", email=row.email)
    return entry.ask(title=_("Remove email address"), question=question, button=_("Remove"), back=back)
