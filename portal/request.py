"""What one request of the portal knows: which customer it is, and how the runner is told so.

The customer is the session's and never one that a request names.
"""

from __future__ import annotations

from typing import Any, cast

from flask import current_app, g, request
from flask import session as browser_session

from actions.core.base import Action, Actor, Outcome
from actions.execution import runner
from actions.execution.runner import Call
from actions.portal import sessions, visits
from models.base import db
from models.choices import CreatedVia
from models.customer import Customer
from models.masks import EVERYTHING, MaskContext
from web.request import now, session
from web.sessions import Holders

HOLDER = "customer_id"
CUSTOMERS = Holders(
    store=sessions.STORE,
    find=sessions.find,
    key=HOLDER,
    of_nobody=("csrf_token", "_flashes"),
    without=("/static/",),
)
"""Whose sessions the portal keeps: those of customers."""


def live() -> sessions.PortalLiveSession | None:
    """Return the session of the customer who asks; None for nobody."""
    return cast("sessions.PortalLiveSession | None", getattr(browser_session, "live", None))


def mask_context() -> MaskContext:
    """Return what the person asking sees: customers see all that we know of themselves (rule 19.1)."""
    return EVERYTHING


def customer() -> Customer:
    """Return the customer who is signed in, read once a request. To be asked on pages for the signed-in only."""
    found = live()
    assert found is not None, "this page is for customers who are signed in"
    if "customer" not in g:
        g.customer = session().get_one(Customer, found.holder_id)
    return cast(Customer, g.customer)


def call(actor: Actor | None = None, *, key: str | None = None) -> Call:
    """Return who asks, when and from where, for the runner: the customer, unless another ``actor`` is given."""
    who = actor or visits.themselves(customer().id)
    own_key = f"portal:{who.customer_id}:{key}" if key else None
    where = g.get("request_id"), request.remote_addr
    link_base = None if _sends_mail() else current_app.extensions["clientele.settings"].base_url
    return Call(who, now(), "", own_key, *where, via=CreatedVia.ONLINE, link_base=link_base)


def perform(
    action: Action, targets: runner.Targets = None, *, key: str | None = None, **values: Any
) -> Outcome:
    """Run an action for the customer, then forget what this request had read.

    :raises Refused: it is none for the portal, or the rules say no. :raises Missing: a target is not theirs.
    """
    outcome = runner.perform(db.engine, action, call(key=key), targets, **values)
    session().rollback()
    g.pop("customer", None)
    return outcome


def _sends_mail() -> bool:
    return current_app.extensions["clientele.settings"].mail is not None
