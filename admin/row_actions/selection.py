"""Which rows an action is about: the one that is open, those ticked, or all of a list's query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from werkzeug.exceptions import Forbidden, NotFound

from actions.core.base import Refused
from actions.execution.runner import MOST_AT_ONCE
from admin.listing import list_page
from admin.screen_spec.declare import RowAction
from admin.screen_spec.spec import ScreenSpec
from models.customer import Customer
from web.arguments import BadArgument, parse_id
from web.request import session


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows an action is about. ``row`` is the one opened by its id; ``bulk`` that they were ticked on a list."""

    ids: tuple[int, ...] = ()
    row: Any = None
    bulk: bool = False
    count: int = 0
    many: Select[Any] | None = None
    """The statement for the rows where they are too many for one transaction: the action is then a run."""
    carried: tuple[tuple[str, str], ...] = ()
    """What the form of a bulk action takes along: the ticks, or the list's own query."""

    @property
    def confirmation(self) -> str:
        """What is typed to confirm a dangerous action: the name, or how many there are."""
        return str(self.row) if self.row is not None else str(self.count)


def find(screen: ScreenSpec, verb: str) -> RowAction:
    """Return a screen's declared action. :raises NotFound: there is none of that verb."""
    declared = next((a for a in screen.actions() if a.action.verb == verb), None)
    if declared is None:
        raise NotFound
    return declared


def choose(screen: ScreenSpec, declared: RowAction) -> Selection:
    """Return the rows the request is about: by ``id``, ticked (``ids``), or all of a list's query (``all=1``).

    :raises BadArgument: none or too many. :raises Refused: ``list_changed``, the query matches others by now.
    """
    if not declared.action.targeted:
        return Selection()
    if "id" in request.args:
        row = screen.get_or_404(parse_id("id", request.args.get("id")))
        check_allowed(declared, row)
        return Selection((row.id,), row, count=1)
    if not declared.bulk or request.method != "POST":
        raise BadArgument("id", _("give one record"))
    return ticked(screen)


def check_allowed(declared: RowAction, row: Any) -> None:
    """Refuse what the person may do in general, but not to this row. :raises Forbidden: so it is."""
    if not declared.permitted_if(row):
        raise Forbidden(_("You do not have permission for this."))


def ticked(screen: ScreenSpec) -> Selection:
    """Return the rows that were ticked on a list, or all of its query."""
    names = list_page.query_names(screen)
    statement = list_page.ticked(screen, MOST_AT_ONCE, names if "key" in request.form else None)
    wanted = statement.with_only_columns(screen.identity).order_by(screen.identity)
    ids = tuple(session().scalars(wanted.limit(MOST_AT_ONCE + 1)))
    if not ids:
        raise NotFound(_("None of these records exist any more."))
    list_page.check_all_there(len(ids))
    many = wanted if len(ids) > MOST_AT_ONCE else None
    count = len(ids) if many is None else _size(wanted)
    check_unchanged(count)
    if request.form.get("all") != "1":
        return Selection(ids, bulk=True, count=len(ids), carried=tuple(("ids", str(i)) for i in ids))
    query = [(k, v) for k, v in request.form.items(multi=True) if k in names]
    carried = (("all", "1"), ("count", str(count)), *query)
    return Selection(ids, bulk=True, count=count, many=many, carried=carried)


def _size(wanted: Select[Any]) -> int:
    """Return how many rows a list's query matches; where the action counts them anyway, what the form carries."""
    carried = request.form.get("count", "")
    if counting() and carried.isascii() and carried.isdigit() and len(carried) < 10:
        return int(carried)
    return session().scalar(select(func.count()).select_from(wanted.subquery())) or 0


def check_unchanged(count: int) -> None:
    """Hold a selection to the count it was made with. :raises Refused: ``list_changed``."""
    counted = request.form.get("count")
    if counted is not None and counted != str(count):
        text = _("The list has changed from %(then)s to %(now)s records. Check it again.")
        raise Refused("list_changed", text, then=counted[:10], now=count)


def counting() -> bool:
    """Return whether the request is the button's that has counted what a filled-in form would change."""
    asked = request.args.get("preview"), request.args.get("count")
    return asked == ("1", "1") and "key" in request.form


def people(declared: RowAction, chosen: Selection) -> Select[Any] | None:
    """Return the statement for the ids of the customers that an action on ticked rows is about."""
    if not chosen.bulk or declared.action.model is not Customer:
        return None
    return chosen.many if chosen.many is not None else select(Customer.id).where(Customer.id.in_(chosen.ids))


def targets(declared: RowAction, chosen: Selection) -> tuple[int, ...] | None:
    """Return the ids as the runner takes them."""
    return chosen.ids if declared.action.targeted else None
