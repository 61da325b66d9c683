"""The link in a mail to an additional email: the person who reads that mailbox confirms it (rule 12.7)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _

from actions.core.base import Refused
from actions.portal import contact_emails, passwords, visits
from models.base import db
from portal.passwords import GONE
from portal.request import call
from web.request import now, session

blueprint = Blueprint("contact_email", __name__, url_prefix="/emails")


@blueprint.get("/confirm/")
def look() -> Any:
    """Show what confirming does. Looking at it, as programs that check mail do, uses nothing up."""
    token = request.args.get("token", "")
    found = contact_emails.whose(session(), token, now())
    if found is None:
        return _void()
    return render_template("portal/contact_email.html", done=False, token=token, email=found[1])


@blueprint.post("/confirm/")
def confirm() -> Any:
    """Confirm the address, once."""
    token = request.form.get("token", "")
    found = contact_emails.whose(session(), token, now())
    if found is None:
        return _void()
    try:
        contact_emails.confirm(db.engine, call(visits.themselves(found[0].id)), token, found[0].id)
    except Refused:
        return _void()
    return redirect(url_for("contact_email.confirmed"))


@blueprint.get("/confirmed/")
def confirmed() -> str:
    """Say that it is done, and nothing of whose account it is about."""
    return render_template("portal/contact_email.html", done=True)


def _void() -> Any:
    """Say that a link is no good, the same for each reason; a customer who signs in can have another sent."""
    again = url_for("emails.index")
    return render_template("portal/link_void.html", sentence=_(passwords.VOID[1]), again=again), GONE
