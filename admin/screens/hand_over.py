"""The page that hands a member of staff over to the customer portal, or to the shop's own site (rule 6.10).

It is the answer to the form and exists only there: the token is in the body of a form that sends itself, in no address.
"""

from __future__ import annotations

import json
from typing import Any

from flask import current_app, make_response, render_template
from sqlalchemy import select

from actions.core.base import Outcome
from actions.execution.session_store import digest
from admin.editing import saving
from admin.layout.frame import frame
from admin.request.context import has_portal
from config import PORTAL_PATH
from models.login_as import Audience, LoginAs
from web.application import allow_posting_to
from web.request import session, shop


def is_possible() -> bool:
    """Return whether there is anywhere to log in as a customer: a portal, or a site of the shop's own."""
    return has_portal() or shop().login_as_url is not None


def page(outcome: Outcome) -> Any:
    """Answer with the form that posts the token to where it is for."""
    where = session().scalar(select(LoginAs.audience).where(LoginAs.token_hash == digest(outcome.secret)))
    url = (shop().login_as_url if where == Audience.SHOP else None) or _portal_url()
    allow_posting_to(url)
    drawer = saving.in_drawer()
    values = {"url": url, "token": outcome.secret, "name": outcome.values["customer"], "drawer": drawer}
    around = None if drawer else frame("customer")
    answered = make_response(render_template("admin/hand_over.html", frame=around, **values))
    if drawer:
        answered.headers["HX-Trigger"] = json.dumps({"made": {"resource": "customer"}})
    return answered


def _portal_url() -> str:
    """Return where the portal takes hand-overs: on its own host, or at a path of the host that is asked."""
    own: str | None = current_app.extensions["clientele.settings"].portal_base_url
    return f"{own.rstrip('/') if own else PORTAL_PATH}/log-in-as/"
