"""Further addresses that get the mail of a customer's account, once they are confirmed (rule 12.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from actions.core.base import Invalid, Outcome, Refused, TooMany
from actions.customers import contacts
from actions.execution import rate_limit
from actions.portal import contact_emails
from models.base import N_, db
from models.contact import ContactEmail
from portal import forms, inside
from portal.forms import EditPage, Form, text
from portal.request import customer, perform
from web.request import now, session

blueprint = inside.pages("emails", "/emails")
ONE = f"/<{inside.ROW}:email_id>"
TOO_MANY = N_("We have sent enough emails for now. Try again in %(minutes)s min.")


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
    """Add an address, which waits until the link that goes to it is followed; sent twice it is one."""
    key, form = forms.sent_key(), EmailForm(request.form)
    page, values = _page(form, key), forms.values(form)
    values["email"] = values["email"] or ""

    def add(_version: int | None) -> Outcome:
        return _counted(values["email"], lambda: perform(contacts.ADD_EMAIL, key=key, values=values))

    said = _("Email address added. It gets our emails once the link that we are sending to it is followed.")
    return forms.submit(page, add, page.back, said)


@blueprint.post(f"{ONE}/send-link/")
def send_link(email_id: int) -> Any:
    """Send the link to an address that waits once more."""
    row, back = inside.own(ContactEmail, email_id), url_for("emails.index")
    said = _("We are sending the link to %(email)s again.", email=row.email)
    return inside.done(
        lambda: _counted(row.email, lambda: perform(contact_emails.send_link, email_id)), said, back
    )


def _counted(email: str, change: Callable[[], Outcome]) -> Outcome:
    """Run what mails an address that anybody may have typed, as often as pages for anybody do (rule 5.4).

    :raises TooMany: three emails to that address within the hour, or twenty from one network.
    """
    from_here = rate_limit.of_portal_mail_from(request.remote_addr or "")
    limits = [rate_limit.of_portal_mail(email), from_here]
    if wait := rate_limit.consume(db.engine, limits, now()):
        raise TooMany("too_many_links", TOO_MANY, wait)
    try:
        return change()
    except (Invalid, Refused):
        rate_limit.refund(db.engine, limits, now())
        raise


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
