"""What the journal and the record tell of customers who come by: signed in, failed to, signed out (rule 9.1)."""

from __future__ import annotations

from sqlalchemy import Engine, update

from actions.core.actors import NOT_IN_PORTAL
from actions.core.base import CUSTOMER, Actor, Refused
from actions.execution.runner import Call, changeset
from actions.staff import security_events
from models.customer import Customer


def themselves(customer_id: int) -> Actor:
    """Return a customer as the actor in their own portal."""
    return Actor(None, CUSTOMER, customer_id)


def signed_in(engine: Engine, call: Call, customer_id: int) -> None:
    """Write down that a customer signed in, in the journal and on the record."""
    with changeset(engine, "customer.sign_in", call) as ctx:
        customer = ctx.session.get(Customer, customer_id)
        if customer is not None:
            ctx.set_subject(customer)
        _ = ctx.changeset_id
        visit = {"last_login_at": ctx.now, "last_activity_at": ctx.now}
        ctx.session.execute(update(Customer).where(Customer.id == customer_id).values(visit))


def failed(engine: Engine, call: Call, customer_id: int | None) -> None:
    """Write down that somebody failed to sign in; whose account it was, where there is one."""
    security_events.record(engine, "customer.sign_in_failed", call, customer_id, Customer)


def signed_out(engine: Engine, call: Call, customer_id: int) -> None:
    """Write down that a customer signed out."""
    security_events.record(engine, "customer.sign_out", call, customer_id, Customer)


def confirmation_failed(engine: Engine, call: Call, customer_id: int) -> None:
    """Write down that somebody in a customer's session did not know the present password."""
    security_events.record(engine, "customer.confirmation_failed", call, customer_id, Customer)


def only_themselves(call: Call, customer_id: int) -> None:
    """Refuse what a customer alone does, to staff who are logged in as them and to all others (rule 6.5).

    :raises Refused: ``not_in_portal``.
    """
    if call.actor.id is not None or call.actor.customer_id != customer_id:
        raise Refused(*NOT_IN_PORTAL)
