"""What all pages of a signed-in customer have in common: who gets in, the menu, and lists of bounded length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Blueprint, flash, g, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import exists, literal, select, tuple_
from werkzeug.exceptions import NotFound
from werkzeug.routing import IntegerConverter

from actions.core.base import Outcome, Refused
from models.account import AccountEntry
from models.credit import CreditEntry
from portal.request import customer, live
from web.arguments import MAX_ID, parse_id
from web.messages import translated
from web.request import session

SIZE = 20
"""Rows of a page."""
ROW = "row"
"""How addresses name a row."""


class RowNumber(IntegerConverter):
    """The id of a row in an address. One that no row can have is taken for 0, which none has, by every method alike.

    With a range of its own the converter would have Werkzeug (3.1) answer 405 to all but the first of two rules.
    """

    def to_python(self, value: str) -> int:
        """Return the id."""
        found = int(super().to_python(value))
        return found if found <= MAX_ID else 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu; ``here`` is the page one is on."""

    words: str
    url: str
    here: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, newest first. ``older`` is the id to go on from; ``first`` whether nothing is newer."""

    rows: Sequence[Any]
    older: int | None
    first: bool


def pages(name: str, prefix: str = "") -> Blueprint:
    """Return the blueprint of some pages for those who are signed in."""
    made = Blueprint(name, __name__, url_prefix=prefix or None)
    made.before_request(_only_signed_in)
    return made


def only_signed_in(view: Callable[[], Any]) -> Callable[[], Any]:
    """Make a view one for customers who are signed in, among pages that are for everybody."""

    @wraps(view)
    def guarded() -> Any:
        return _only_signed_in() or view()

    return guarded


def _only_signed_in() -> Any:
    """Lead those who are not signed in to the sign-in page, and from there to where they wanted to be."""
    if live() is None:
        wanted = request.path if request.method == "GET" else None
        return redirect(url_for("getting_in.sign_in", next=wanted if wanted != "/" else None))
    return None


# -- the menu -----------------------------------------------------------------------------------------------------


def menu() -> list[Entry]:
    """Return the pages there are for the customer who asks: of credit and account only where there is something."""
    wanted = [
        ("account.overview", _("Overview")),
        ("orders.index", _("Orders")),
        ("points.index", _("Points")),
        *([("credit.index", _("Gift-card credit"))] if has_credit() else ()),
        *([("balance.index", _("Account"))] if has_account() else ()),
        ("cards.index", _("Cards")),
        ("addresses.index", _("Addresses")),
        ("details.index", _("Your details")),
        ("people.index", _("People")),
        ("emails.index", _("Emails")),
        ("security.index", _("Sign-in & security")),
    ]
    return [Entry(words, url_for(endpoint), _is_here(endpoint)) for endpoint, words in wanted]


def _is_here(endpoint: str) -> bool:
    return request.blueprint == endpoint.partition(".")[0]


def has_credit() -> bool:
    """Return whether the customer ever had credit from a gift card."""
    return _there()[0]


def has_account() -> bool:
    """Return whether there is anything on the customer's account, or may be."""
    return customer().pay_on_account or _there()[1]


def _there() -> tuple[bool, bool]:
    if "ledgers_there" not in g:
        mine = customer().id
        ledgers = (exists().where(model.customer_id == mine) for model in (CreditEntry, AccountEntry))
        g.ledgers_there = tuple(bool(found) for found in session().execute(select(*ledgers)).one())
    found: tuple[bool, bool] = g.ledgers_there
    return found


# -- lists --------------------------------------------------------------------------------------------------------


def own(model: Any, row_id: int, *options: Any) -> Any:
    """Return a row of the customer's. :raises NotFound: there is none, or it is somebody else's."""
    mine = model.id == row_id, model.customer_id == customer().id
    row = session().scalar(select(model).where(*mine).options(*options))
    if row is None:
        raise NotFound
    return row


def newest_first(model: Any, at: Any, *where: Any, options: Sequence[Any] = ()) -> Page:
    """Return one page of the customer's rows; ``?before=`` names the row of theirs that it follows.

    :param at: the column they are sorted by, together with the id. :param options: what is read with them.
    :raises BadArgument: that is no id. :raises NotFound: that is no row of theirs.
    """
    given = request.args.get("before")
    found = select(model).where(model.customer_id == customer().id, *where).options(*options)
    if given is not None:
        last = own(model, parse_id("before", given))
        place = literal(getattr(last, at.key), at.type), literal(last.id)
        found = found.where(tuple_(at, model.id) < tuple_(*place))
    rows = session().scalars(found.order_by(at.desc(), model.id.desc()).limit(SIZE + 1)).all()
    more = len(rows) > SIZE
    return Page(rows[:SIZE], rows[SIZE - 1].id if more else None, given is None)


def done(change: Callable[[], Outcome], said: str, back: str) -> Any:
    """Run what has no form of its own, and lead back to its list; a refusal is said there.

    :raises Refused: but for what could be tried again, such as a row that is missing.
    """
    try:
        change()
    except Refused as refused:
        if refused.status != 409:
            raise
        said = translated(refused)
    flash(said)
    return redirect(back)
