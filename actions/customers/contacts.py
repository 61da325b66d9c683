"""Whom a customer's account knows besides: people on it, and addresses that get its mail (rules 12.6, 14.9).

Customers keep both in the portal. Staff who are logged in as them keep the people only: an address is a customer's own
to give (rule 6.5). What a customer adds waits for confirmation (actions/portal/contact_emails.py, rule 12.7).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from actions.core.base import Context, Outcome, Portal, Refused, action
from actions.core.customer_guard import live_customer
from actions.core.eligibility import EVERY_LIVE
from actions.core.texts import required_text
from actions.execution.portal_rows import open_in_portal
from actions.execution.records import before_save, record_actions, save_values
from models.base import N_, Invalid
from models.contact import AccountHolder, ContactEmail

MOST = 20
"""Of each, so that no account becomes a way to write to a crowd."""
TOO_MANY = "too_many", N_("There are %(most)s already. Remove one first.")
THERE = N_("This email address is already there.")
CONFIRMED = "confirmed", N_("This email address has been confirmed already.")

open_in_portal(AccountHolder, ("name", "role", "email", "phone"))
open_in_portal(ContactEmail, ("email", "label"), who=Portal.CUSTOMER, verbs=("create", "delete"))
ADD_PERSON, EDIT_PERSON, REMOVE_PERSON = record_actions(AccountHolder)
ADD_EMAIL, EDIT_EMAIL, REMOVE_EMAIL = record_actions(ContactEmail)


@before_save(AccountHolder)
def keep_to_a_few_people(ctx: Context, row: AccountHolder, changed: set[str], created: bool) -> None:
    """Somebody on the account stays on it, as one of a few."""
    if created:
        _refuse_too_many(ctx, AccountHolder, row.customer_id)


@before_save(ContactEmail)
def keep_to_a_few_emails(ctx: Context, row: ContactEmail, changed: set[str], created: bool) -> None:
    """An address stands once on an account, as one of a few. :raises Invalid: it is there already."""
    if created:
        _refuse_too_many(ctx, ContactEmail, row.customer_id)
    row.derive()
    same = ContactEmail.customer_id == row.customer_id, ContactEmail.email_key == row.email_key
    with ctx.session.no_autoflush:
        if row.email_key and ctx.session.scalar(
            select(ContactEmail.id).where(*same, ContactEmail.id != (row.id or 0))
        ):
            raise Invalid({"email": THERE})


@before_save(ContactEmail, row_only=True)
def confirm_what_staff_write(ctx: Context, row: ContactEmail, changed: set[str], created: bool) -> None:
    """An address counts as confirmed by the person who writes it, unless that is the customer (rule 12.7)."""
    if created or "email" in changed:
        row.confirmed_at = ctx.now if ctx.actor.customer_id is None else None


def _refuse_too_many(ctx: Context, model: Any, customer_id: int) -> None:
    with ctx.session.no_autoflush:
        count = ctx.session.scalar(select(func.count()).where(model.customer_id == customer_id)) or 0
    if count >= MOST:
        raise Refused(*TOO_MANY, most=MOST)


@action("contact_email.confirm", ContactEmail, label=N_("Confirm"), customers=EVERY_LIVE)
def confirm(ctx: Context, row: ContactEmail, *, reason: str) -> Outcome:
    """Have an address get mail without its link, as staff know that it is right (rule 12.7).

    :raises Invalid: no reason. :raises Refused: ``confirmed``.
    """
    required_text("reason", reason)
    live_customer(ctx, row.customer_id)
    if row.confirmed_at is not None:
        raise Refused(*CONFIRMED)
    save_values(ctx, row, {"confirmed_at": ctx.now})
    return Outcome(N_("%(email)s was confirmed."), row, {"email": str(row)})
