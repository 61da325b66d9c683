"""What the journal tells though nobody changed a record: who signed in, who was turned away (rule 9.1).

An event is a changeset without changes. It is written in a transaction of its own, as what it tells of has none.
"""

from __future__ import annotations

from sqlalchemy import Engine, func, update

from actions.base import Actor
from actions.runner import Call, changeset
from models.base import N_, Base
from models.member import USERS, Member

NOBODY = Actor(None, "nobody")

EVENTS = {
    "staff.sign_in": N_("Signed in"),
    "staff.sign_in_failed": N_("Sign-in failed"),
    "staff.sign_out": N_("Signed out"),
    "staff.refused": N_("Refused for want of permission"),
    "staff.confirm_failed": N_("Proof of identity failed"),
    "customer.revealed": N_("Masked value revealed"),
}
"""Code -> what the Activity screen calls it."""


def record(
    engine: Engine, code: str, call: Call, about: int | None = None, model: type[Base] = Member
) -> None:
    """Write an event down. :param about: the member of staff, or the row of another ``model``, it is about, by id."""
    assert code in EVENTS, code
    with changeset(engine, code, call) as ctx:
        if about is not None:
            ctx.concerns(ctx.session.get_one(model, about))
        if code == "staff.sign_in":
            count = func.coalesce(USERS.c.login_count, 0) + 1
            counted = {"last_sign_in_at": call.now, "login_count": count, "fail_login_count": 0}
            ctx.session.connection().execute(update(USERS).where(USERS.c.id == about).values(counted))
        _ = ctx.changeset_id
