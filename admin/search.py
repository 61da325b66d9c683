"""Search: the clause behind every list's box, and the one box at the top that finds everything.

Normalised keys are matched by prefix, which is an index range on both databases; other text by containment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask import Blueprint, redirect, render_template, request
from flask_babel import gettext as _
from sqlalchemy import false, func, or_, select, union
from werkzeug.exceptions import Unauthorized

from actions import cards
from admin.context import allowed, clientele, person, session
from admin.frame import frame
from admin.pages import Hit, HitGroup
from admin.query import BadArgument
from models import masks
from models.address import Address
from models.base import Invalid
from models.customer import Customer
from models.order import Order
from models.search import begins

if TYPE_CHECKING:
    from admin.base import Screen

PER_GROUP = 6
blueprint = Blueprint("search", __name__, url_prefix="/admin/search")


def word_clause(screen: Screen, word: str) -> Any:
    """Return the clause for rows that hold ``word`` in a searchable column, or are number ``word``."""
    terms = [_term(screen, name, word) for name in screen.column_searchable_list]
    if word.isascii() and word.removeprefix("#").isdigit() and len(word) < 18:
        terms.append(screen.identity == int(word.removeprefix("#")))
    return or_(false(), *terms)


def _term(screen: Screen, name: str, word: str) -> Any:
    field = screen.field(name)
    if field.kind == "lookup":
        other = screen.lookup_screen(field)()
        return field.column.in_(select(other.identity).where(other.search_clause(word)))
    if screen.is_search_key(name):
        return begins(field.attribute, word)
    if masks.is_hidden(screen.model, name):
        return func.lower(field.column) == func.lower(word)
    return field.column.icontains(word, autoescape=True)


@blueprint.get("/")
def results() -> Any:
    """Answer the top search box: grouped hits as one types, a page of them on Enter."""
    if person() is None:
        raise Unauthorized
    text = request.args.get("q", "").strip()
    if len(text) > 200:
        raise BadArgument("q", _("at most 200 characters"))
    typing = bool(request.headers.get("HX-Request"))
    if not typing and (scanned := card_url(text)) is not None:
        return redirect(scanned)
    groups = find(text) if len(text) >= 2 or text.isdigit() else []
    if typing:
        return render_template("admin/_search.html", groups=groups, q=text)
    return render_template("admin/search.html", groups=groups, q=text, frame=frame())


def card_url(text: str) -> str | None:
    """Return the address of the customer whose loyalty card was scanned: the whole of its number, then Enter.

    The card of a merged record leads to its survivor (rule 3.6); one that could mean several leads nowhere.
    """
    screen = clientele().screens["customer"]
    try:
        code = cards.read(text)
    except Invalid:
        return None
    if code is None or not screen.can("show"):
        return None
    mine = screen.base_select().with_only_columns(screen.identity)
    for whose in (cards.holder(code), cards.former_holders(code)):
        wanted = mine.where(screen.identity.in_(whose.with_only_columns(Customer.id)))
        found = session().scalars(wanted.limit(2)).all()
        if found:
            return screen.row_url("details_view", found[0]) if len(found) == 1 else None
    return None


def find(text: str) -> list[HitGroup]:
    """Return what the person asking may see of customers, addresses and orders that match every word."""
    groups = [_customers(text), _addresses(text), _orders(text)]
    return [group for group in groups if group is not None and group.hits]


def _customers(text: str) -> HitGroup | None:
    if not allowed("list", "customer"):
        return None
    screen = clientele().screens["customer"]
    statement = screen.search(screen.base_select(), text).where(Customer.merged_into_id.is_(None))
    rows = session().scalars(
        statement.order_by(Customer.last_name_key, Customer.first_name_key, Customer.id).limit(PER_GROUP)
    )
    hits = [
        Hit(
            c.sort_name,
            _line(c.email, c.company_name, c.loyalty_code, c.account_code),
            _open(screen, c),
            "user",
        )
        for c in rows
    ]
    return HitGroup(_("Customers"), hits, screen.url_to("index_view", q=text, view="all"))


def _addresses(text: str) -> HitGroup | None:
    if not allowed("list", "address"):
        return None
    screen = clientele().screens["address"]
    whole = (
        begins(Address.postcode_key, text),
        begins(Address.line1_key, text),
        begins(Address.town_key, text),
    )
    few = [
        screen.base_select().with_only_columns(Address.id).where(term).limit(PER_GROUP).subquery()
        for term in whole
    ]
    ids = union(*(select(part.c.id) for part in few)).subquery()
    rows = session().execute(
        screen.base_select().add_columns(Customer)
        .join(Customer)
        .where(Address.id.in_(select(ids.c.id)))
        .order_by(Address.id)
        .limit(PER_GROUP)
    )  # fmt: skip
    hits = [Hit(str(a), c.sort_name, _open(screen, a), "map-pin") for a, c in rows]
    return HitGroup(_("Addresses"), hits, screen.url_to("index_view", q=text))


def _orders(text: str) -> HitGroup | None:
    if not allowed("list", "sales_order"):
        return None
    screen = clientele().screens["sales_order"]
    by_number = begins(Order.number, text.removeprefix("#").upper(), folded=False)
    rows = session().execute(
        screen.base_select().add_columns(Customer).join(Customer).where(by_number)
        .order_by(Order.number).limit(PER_GROUP)
    )  # fmt: skip
    hits = [
        Hit(
            _("Order %(number)s", number=o.number),
            _line(c.sort_name, f"{o.placed_at:%Y-%m-%d}"),
            _open(screen, o),
            "package",
        )
        for o, c in rows
    ]
    return HitGroup(_("Orders"), hits, screen.url_to("index_view", q=text))


def _open(screen: Screen, row: Any) -> str:
    return screen.line_url(row) or screen.url_to("index_view", id__eq=row.id)


def _line(*parts: str | dt.date | None) -> str:
    return " · ".join(str(part) for part in parts if part)


__all__: Sequence[str] = ("blueprint", "find", "word_clause")
