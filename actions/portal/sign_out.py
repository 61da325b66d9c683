"""Ending sessions of a customer from elsewhere in their portal (rule 6.9)."""

from __future__ import annotations

from sqlalchemy import Engine

from actions.core.base import Context, Outcome, Portal, Refused, action
from actions.core.eligibility import EVERY_LIVE
from actions.execution import session_store
from actions.execution.runner import Call, changeset
from actions.portal import sessions, visits
from models.base import N_
from models.customer import Customer
from models.portal import PortalSession

ENDED = "ended", N_("This session has already ended.")


@action(
    "portal_session.end_own",
    PortalSession,
    label=N_("End own session"),
    final=True,
    portal=Portal.CUSTOMER,
    customers=EVERY_LIVE,
)
def end_own(ctx: Context, row: PortalSession) -> Outcome:
    """End one session of the customer who asks. :raises Refused: ``ended``."""
    if row.ended_at is not None:
        raise Refused(*ENDED)
    ctx.set_subject(ctx.session.get_one(Customer, row.customer_id))
    _ = ctx.changeset_id
    row.ended_at, row.ended_because, row.data = ctx.now, session_store.REVOKED, ""
    return Outcome(N_("Session ended."))


def end_others(engine: Engine, call: Call, customer_id: int, besides: int) -> int:
    """End a customer's own sessions but the one they ask from; return the number of rows.

    :raises Refused: ``not_in_portal``, where it is not the customer who asks.
    """
    visits.only_themselves(call, customer_id)
    with changeset(engine, "customer.signed_out_elsewhere", call) as ctx:
        ctx.set_subject(ctx.lock_one(Customer, customer_id))
        _ = ctx.changeset_id
        return sessions.STORE.end_all(ctx.session, customer_id, ctx.now, session_store.REVOKED, besides)
