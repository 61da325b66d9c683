"""Staff who are logged in as a customer: the hand-over, the banner on every page, and what is shut to them (rule 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as browser_session
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError

from actions.core.base import SYSTEM, Refused
from actions.execution.session_store import SIGNED_OUT
from actions.portal import login_as, login_as_rules, sessions
from actions.portal.login_as_standing import ENDED, Standing
from models import outage
from models.base import db
from models.login_as import Audience
from portal import errors
from portal.request import CUSTOMERS, HOLDER, actor, call, customer, live, logged_in_as
from web.application import allow_posting_to
from web.fitness import READS
from web.request import now, session
from web.sessions import MARK

blueprint = Blueprint("login_as", __name__, url_prefix="/log-in-as")
GONE = 410
SEE_OTHER = 303
ALWAYS = ("login_as.begin", "login_as.end", "login_as.allow", "getting_in.sign_out")
"""What staff send though they can only look."""
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Banner:
    """What stands over every page: who is logged in as whom, for how long, and what they may do."""

    staff: str
    customer: str
    minutes: int
    may_act: bool
    could_act: bool


def customers_only(view: View) -> View:
    """Mark a page as the customer's alone: staff who are logged in as them are told that it is not available."""
    view.customers_only = True  # type: ignore[attr-defined]
    return view


def register(app: Flask) -> None:
    """Install what is asked before each request, and what is noted of it."""
    app.before_request(_prepare)
    app.before_request(_refuse)
    app.after_request(_note)
    app.context_processor(lambda: {"logged_in_as": banner})


def _prepare() -> Response | None:
    """Read what the banner says, so that even the page of an error has it; tell those whose session is over why."""
    staff = logged_in_as()
    if staff is not None:
        g.login_as = staff, str(customer())
        allow_posting_to(_office())
        return None
    return _over() if getattr(browser_session, "emptied", False) else None


def _over() -> Response | None:
    """Say once why staff are no longer logged in as a customer, with a way back to the record."""
    cookie = request.cookies.get(current_app.config["SESSION_COOKIE_NAME"], "").removeprefix(MARK)
    found = login_as.notice(db.engine, call(SYSTEM), cookie)
    if found is None or request.endpoint in ("static", "login_as.begin"):
        return None
    page = render_template("portal/login_as_over.html", why=_(found.why), record=_record(found.customer_id))
    return make_response(page, GONE)


def _refuse() -> None:
    """Keep staff from what is the customer's alone, and from every change while they can only look.

    :raises CustomersOnly: the page is for the customer. :raises Refused: ``read_only``.
    """
    staff = logged_in_as()
    if staff is None:
        return
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "customers_only", False):
        raise login_as_rules.CustomersOnly
    if request.method not in READS and request.endpoint is not None and request.endpoint not in ALWAYS:
        login_as_rules.check_changes(staff)


def _note(response: Response) -> Response:
    """Write down which page was seen; nobody is kept from reading where that cannot be."""
    known: tuple[Standing, str] | None = g.get("login_as")
    if (
        known is None
        or request.method != "GET"
        or response.status_code != 200
        or request.endpoint == "static"
    ):
        return response
    try:
        login_as.see(db.engine, known[0].id, request.path, now())
    except SQLAlchemyError as error:
        if outage.trouble(error) is None:
            raise
    return response


def banner() -> Banner | None:
    """Return what stands over the page; None where a customer or nobody is signed in."""
    known: tuple[Standing, str] | None = g.get("login_as")
    if known is None:
        return None
    staff, name = known
    return Banner(staff.staff_name, name, staff.minutes_left(now()), staff.may_act, staff.could_act)


# -- pages ----------------------------------------------------------------------------------------------------------


@blueprint.post("/")
def begin() -> Any:
    """Take the token of a hand-over and begin a session, in place of any other of this browser.

    It comes from a page of the back office, so it has no token of a form of ours; it is one itself.
    """
    token = request.form.get("token", "")
    asked = login_as.waiting(session(), token, Audience.PORTAL, now())
    session().rollback()
    if asked is None:
        return _void()
    try:
        login_as.begin(db.engine, call(asked.actor), asked, token, Audience.PORTAL)
    except Refused:
        return _void()
    if (former := live()) is not None:
        _leave(former)
    browser_session.clear()
    browser_session.live = None  # type: ignore[attr-defined]
    browser_session[HOLDER], browser_session["login_as_id"] = str(asked.customer_id), asked.id
    return redirect(url_for("account.overview"), SEE_OTHER)


def _leave(former: sessions.PortalLiveSession) -> None:
    """End the session that this browser had before."""
    CUSTOMERS.store.end(db.engine, former.id, now(), SIGNED_OUT)


def _void() -> Response:
    g.pop("login_as", None)
    return errors.answer(GONE, _(login_as.VOID[1]))


@blueprint.post("/end/")
def end() -> Any:
    """End the session at once, and lead back to the record in the back office."""
    staff = logged_in_as()
    if staff is None:
        return redirect(url_for("account.overview"), SEE_OTHER)
    back, by = _record(customer().id), actor()
    session().rollback()
    login_as.end(db.engine, call(by), staff.id, ENDED)
    browser_session.clear()
    return redirect(back, SEE_OTHER)


@blueprint.post("/changes/")
def allow() -> Any:
    """Turn changes on, for those who may act for customers. :raises Refused: they may not."""
    staff = logged_in_as()
    if staff is not None:
        by = actor()
        session().rollback()
        login_as.turn_changes_on(db.engine, call(by), staff.id)
    return redirect(url_for("account.overview"), SEE_OTHER)


def _record(customer_id: int) -> str:
    """Return the address of a customer's record in the back office."""
    return f"{_office()}/admin/customer/details/?id={customer_id}"


def _office() -> str:
    """Return the address of the back office; nothing where the portal is a path of the same host."""
    settings = current_app.extensions["clientele.settings"]
    return str(settings.base_url) if settings.portal_base_url else ""
