"""What the journal tells though nobody changed a record: who signed in, who was turned away (rule 9.1).

An event is a changeset without changes. It is written in a transaction of its own, as what it tells of has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, func, update

from actions.core.base import Actor, Context
from actions.execution.runner import Call, changeset
from models.base import N_, Base
from models.member import USERS, Member

NOBODY = Actor(None, "nobody")

EVENTS = {
    "staff.sign_in": N_("Signed in"),
    "staff.sign_in_failed": N_("Sign-in failed"),
    "staff.sign_out": N_("Signed out"),
    "staff.view_as": N_("Viewed as a role"),
    "staff.refused": N_("Permission denied"),
    "staff.escalation_refused": N_("Change of staff or permissions refused"),
    "staff.reauthentication_failed": N_("Password confirmation failed"),
    "staff.password_changed": N_("Password changed"),
    "staff.two_factor_failed": N_("Two-factor authentication failed"),
    "staff.two_factor_enabled": N_("Two-factor authentication turned on"),
    "staff.two_factor_disabled": N_("Two-factor authentication turned off"),
    "staff.recovery_code_used": N_("Signed in with a recovery code"),
    "staff.reset_asked": N_("Password reset requested"),
    "staff.signed_out_elsewhere": N_("Signed out everywhere else"),
    "staff.all_signed_out": N_("Everyone signed out from the server"),
    "staff.link_printed": N_("Password link created on the server"),
    "customer.sign_in": N_("Customer signed in"),
    "customer.sign_in_failed": N_("Customer sign-in failed"),
    "customer.sign_out": N_("Customer signed out"),
    "customer.confirmation_failed": N_("Customer's password confirmation failed"),
    "customer.signed_out_elsewhere": N_("Customer signed out everywhere else"),
    "customer.password_changed": N_("Customer's password changed"),
    "customer.reset_asked": N_("Customer asked for a password reset"),
    "customer.login_as_started": N_("Logged in as the customer"),
    "customer.login_as_changes": N_("Changes turned on while logged in as the customer"),
    "customer.login_as_ended": N_("Login as the customer ended"),
    "customer.registration_asked": N_("Registration requested"),
    "customer.registered": N_("Customer registered"),
    "customer.email_changed": N_("Customer's email address changed"),
    "customer.email_returned": N_("Customer's email address taken back"),
    "contact_email.confirmed": N_("Additional email confirmed by its link"),
    "customer.revealed": N_("Masked value revealed"),
    "customer.statement": N_("Statement downloaded"),
    "mail.attachment": N_("Attachment downloaded"),
    "shop_setting.rescaled": N_("Amounts of a currency converted"),
}
"""Code -> what the Activity screen calls it."""


def record(
    engine: Engine, code: str, call: Call, about: int | None = None, model: type[Base] = Member
) -> None:
    """Write an event down. :param about: the member of staff, or the row of another ``model``, it is about, by id."""
    assert code in EVENTS, code
    with changeset(engine, code, call) as ctx:
        row = ctx.session.get(
            model, about or 0
        )  # looked for even where it is nobody, who would take less time
        if row is not None:
            ctx.set_subject(row)
        if code == "staff.sign_in":
            count = func.coalesce(USERS.c.login_count, 0) + 1
            counted = {"last_sign_in_at": call.now, "login_count": count, "fail_login_count": 0}
            ctx.session.connection().execute(update(USERS).where(USERS.c.id == about).values(counted))
        _ = ctx.changeset_id


@contextmanager
def happening(engine: Engine, code: str, call: Call, user_id: int) -> Iterator[tuple[Context, Member]]:
    """Open a transaction in which something happens to a member of staff, who is locked; it is one event."""
    assert code in EVENTS, code
    with changeset(engine, code, call) as ctx:
        member = ctx.lock_one(Member, user_id)
        ctx.set_subject(member)
        _ = ctx.changeset_id
        yield ctx, member
