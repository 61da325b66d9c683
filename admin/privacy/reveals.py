"""A look at one masked value: one field of one record, for one person, for one minute, and written down (rule 19.6)."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from flask import Blueprint, g, get_template_attribute, redirect, request, url_for
from flask import session as browser_session
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.exceptions import Forbidden, TooManyRequests, Unauthorized

from actions.execution import rate_limit
from actions.staff import security_events
from admin.request.context import REVEALED, allowed, call, live, person
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Text
from models import masks
from models.base import db
from models.customer import Customer
from models.masks import Masked
from web.arguments import BadArgument, local_path, parse_id
from web.request import memo, now, session

FOR = dt.timedelta(minutes=1)
blueprint = Blueprint("reveal", __name__, url_prefix="/admin/reveal")


def control(mask: Masked) -> Text:
    """Return a mask as a page shows it: for users who may, as the button that shows what is behind."""
    if mask.place is None or not _may(mask.place[0]):
        return mask
    return cast(Markup, _macro("mask")(mask, url_for("reveal.show"), *mask.place, _here()))


def _macro(name: str) -> Any:
    return memo(("macro", name), lambda: get_template_attribute("admin/_macros.html", name))


def _may(table: str) -> bool:
    return bool(memo(("reveal", table), lambda: _allowed(registry().screens.get(table))))


def _allowed(screen: ScreenSpec | None) -> bool:
    """Whether the person asking may reveal values of a screen: with a browser, as a token remembers nothing."""
    return (
        screen is not None
        and screen.can("show")
        and allowed(masks.REVEAL, masks.OWNER)
        and live() is not None
        and not request.path.startswith("/api/")
    )


def _here() -> str:
    """Return the page to come back to without scripts; from a part of one, that is its record."""
    part = request.headers.get("HX-Request") or request.method != "GET"
    return "" if part else request.full_path.rstrip("?")


@blueprint.get("/")
def look() -> Any:
    """Answer how a value stands now: masked again, once its minute is over."""
    screen, row, name = _asked(request.args)
    return _shown(screen, row, name)


@blueprint.post("/")
def show() -> Any:
    """Show one value for a minute, count it and write it down."""
    screen, row, name = _asked(request.form)
    if isinstance(getattr(row, name), Masked):
        _reveal(row, name)
        masks.forget(session())
    if request.headers.get("HX-Request"):
        return _shown(screen, row, name)
    back = local_path(request.form.get("next", ""))
    return redirect(back or screen.url_to("details_view", id=row.id))


def _asked(given: Any) -> tuple[ScreenSpec, Any, str]:
    """Return the field that is asked about.

    :raises BadArgument: there is none. :raises Forbidden: not theirs to look at. :raises NotFound: nor the record.
    """
    if person() is None:
        raise Unauthorized
    screen = registry().screens.get(given.get("table", ""))
    name = given.get("field", "")
    if screen is None or name not in masks.sensitive(screen.model):
        raise BadArgument("field", _("nothing is masked here"))
    if not _allowed(screen):
        raise Forbidden(_("You do not have permission for this."))
    return screen, screen.get_or_404(parse_id("id", given.get("id"))), name


def _reveal(row: Any, name: str) -> None:
    """:raises TooManyRequests: this person has looked at too many."""
    place = f"{row.__tablename__}:{row.id}:{name}"
    if wait := rate_limit.consume(db.engine, [rate_limit.of_reveals(person().id)], now()):
        minutes = -(-wait // 60)
        raise TooManyRequests(
            _("You have revealed too many masked values. Try again in %(minutes)s min.", minutes=minutes),
            retry_after=wait,
        )
    owner = getattr(row, "customer_id", None)
    about = (Customer, owner) if owner is not None else (type(row), row.id)
    security_events.record(db.engine, "customer.revealed", call(reason=place), about[1], about[0])
    kept: dict[str, float] = browser_session.get(REVEALED, {})
    still = {shown: until for shown, until in kept.items() if until > now().timestamp()}
    browser_session[REVEALED] = {**still, place: (now() + FOR).timestamp()}
    g.pop("mask_context", None)


def _shown(screen: ScreenSpec, row: Any, name: str) -> Text:
    """Return a value with the question how it stands in a minute, or its mask."""
    cell = screen.cell(row, name)
    if isinstance(getattr(row, name), Masked):
        return cell.html
    place = {"table": screen.resource, "id": row.id, "field": name}
    return cast(
        Markup, _macro("unmasked")(cell.html, url_for("reveal.look", **place), int(FOR.total_seconds()))
    )
