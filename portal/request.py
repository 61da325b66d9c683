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
from actions.portal import login_as_rules, sessions, visits
from actions.portal.login_as_standing import Standing
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
    columns=("login_as_id",),
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


def logged_in_as() -> Standing | None:
    """Return the member of staff who is logged in as the customer; None for customers themselves, and for nobody."""
    found = live()
    return found.login_as if found is not None else None


def actor() -> Actor:
    """Return who acts: the customer, or the member of staff who is logged in as them."""
    staff = logged_in_as()
    if staff is None:
        return visits.themselves(customer().id)
    return Actor(staff.staff_id, staff.staff_name, customer().id)


def call(by: Actor | None = None, *, key: str | None = None, reason: str = "") -> Call:
    """Return who asks, when and from where, for the runner: who is signed in, unless it is done ``by`` another.

    :raises CustomersOnly: staff who are logged in as a customer would do it as if they were that customer.
    """
    if by is not None and by.customer_id is not None and by.id is None and logged_in_as() is not None:
        raise login_as_rules.CustomersOnly
    who = by or actor()
    own_key = f"portal:{who.customer_id}:{who.id or ''}:{key}" if key else None
    where = g.get("request_id"), request.remote_addr
    link_base = None if _sends_mail() else current_app.extensions["clientele.settings"].base_url
    return Call(who, now(), reason, own_key, *where, via=CreatedVia.ONLINE, link_base=link_base)


def perform(
    action: Action, targets: runner.Targets = None, *, key: str | None = None, **values: Any
) -> Outcome:
    """Run an action for the customer, then forget what this request had read.

    :raises Refused: ``read_only``: it is asked by staff logged in as the customer, who have not turned changes on;
        ``customers_only``: it is for the customer alone; or the rules say no. :raises Missing: a target is not theirs.
    """
    login_as_rules.check(logged_in_as(), action)
    outcome = runner.perform(db.engine, action, call(key=key), targets, **values)
    session().rollback()
    g.pop("customer", None)
    return outcome


def _sends_mail() -> bool:
    return current_app.extensions["clientele.settings"].mail is not None
