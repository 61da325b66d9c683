"""Further addresses that get the mail of a customer's account."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from actions.customers import contacts
from models.contact import ContactEmail
from portal import forms, inside
from portal.forms import EditPage, Form, text
from portal.request import customer, perform
from web.request import session

blueprint = inside.pages("emails", "/emails")
ONE = f"/<{inside.ROW}:email_id>"


class EmailForm(Form):
    """A further address."""

    email = text(_l("Email address"), 254, "email")
    label = text(_l("Whose it is"), 60, description=_l("For example Accounts department. Optional."))


@blueprint.get("/")
def index() -> str:
    """List the addresses in the order in which they were added."""
    mine = select(ContactEmail).where(ContactEmail.customer_id == customer().id)
    emails = session().scalars(mine.order_by(ContactEmail.id)).all()
    return render_template("portal/emails.html", emails=emails)


@blueprint.get("/new/")
def new() -> str:
    """Show the empty form."""
    return _page(EmailForm(), forms.fresh_key()).render()


@blueprint.post("/new/")
def create() -> Any:
    """Add an address; sent twice it is one."""
    key, form = forms.sent_key(), EmailForm(request.form)
    page, values = _page(form, key), forms.values(form)
    values["email"] = values["email"] or ""
    said = _("Email address added.")
    return forms.submit(page, lambda _v: perform(contacts.ADD_EMAIL, key=key, values=values), page.back, said)


@blueprint.get(f"{ONE}/delete/")
def ask_to_delete(email_id: int) -> str:
    """Ask first."""
    row = inside.own(ContactEmail, email_id)
    title = _("Stop sending emails to this address?")
    return render_template("portal/delete.html", title=title, what=[row.email], back=url_for("emails.index"))


@blueprint.post(f"{ONE}/delete/")
def delete(email_id: int) -> Any:
    """Write to an address no more."""
    back = url_for("emails.index")
    return inside.done(lambda: perform(contacts.REMOVE_EMAIL, email_id), _("Email address removed."), back)


def _page(form: Form, key: str) -> EditPage:
    return EditPage(
        title=_("Add an email address"),
        form=form,
        submit=_("Add"),
        back=url_for("emails.index"),
        back_words=_("All additional emails"),
        key=key,
    )
