"""What the journal and the record tell of customers who come by: signed in, failed to, signed out (rule 9.1)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Engine, update

from actions.core.base import CUSTOMER, Actor
from actions.execution.runner import Call, changeset
from actions.staff import security_events
from models.customer import Customer
from models.dialect import WRITE


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


def seen(engine: Engine, customer_id: int, now: dt.datetime) -> None:
    """Note that a customer was active."""
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        table = Customer.__table__
        connection.execute(update(Customer).where(table.c.id == customer_id).values(last_activity_at=now))
