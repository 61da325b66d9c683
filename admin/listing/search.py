"""Search: the clause behind every list's box, and the one box at the top that finds everything.

Normalised keys are matched by prefix, which is an index range on both databases; other text by containment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, false, intersect, or_, select
from werkzeug.exceptions import Unauthorized

from actions.customers import loyalty_cards
from admin.layout.frame import frame
from admin.listing.order import FOUND, Found
from admin.listing.paging import fetch_page
from admin.listing.query import ListQuery
from admin.request.context import allowed, person
from admin.screen_spec.registry import registry, screen_over
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Hit, HitGroup
from models import masks
from models.address import Address
from models.base import Invalid
from models.customer import Customer
from models.order import Order
from models.row_scope import is_limited
from models.search import (
    BRANCHES,
    Branch,
    begins,
    branches_of,
    either,
    looks_at,
    matches,
    set_aside,
)
from web.arguments import BadArgument
from web.request import session

PER_GROUP = 6
ENOUGH = 500
"""As many rows that one index finds are enough for a picker or the box at the top."""
blueprint = Blueprint("search", __name__, url_prefix="/admin/search")


TOO_SHORT = _l("Type at least two letters.")


def is_short(text: str) -> bool:
    """Return whether a text is one letter of an alphabet; a figure, or a character such as 王, may be a whole word."""
    letters = text.strip()
    return len(letters) == 1 and letters.lower() != letters.upper()


def refuses(screen: ScreenSpec, text: str) -> bool:
    """Return whether a list finds nothing by a text because it is too short: any of what belongs to customers."""
    return is_short(text) and is_limited(screen.model)


def narrow(screen: ScreenSpec, statement: Select[Any], text: str, most: int | None = None) -> Select[Any]:
    """Narrow a list to rows in which every word of ``text``, or the whole of it, is found.

    :param most: so many that each index finds are enough, where a word alone is looked for and a few rows are shown.
        A person who sees only some customers gets theirs from all that are found.
    """
    words = text.split()[:8]
    if not words:
        return statement
    if len(words) == 1:
        found = screen.search_ids(words[0], None if screen.narrowed else most)
        if not screen.searches_keys and found.whereclause is not None:
            return statement.where(found.whereclause)
        how = Found(statement, branches_of(found)) if most is None else True
        return statement.where(screen.identity.in_(found)).execution_options(**{FOUND: how})
    every = intersect(*(screen.search_ids(word) for word in words))
    found = either([select(set_aside(every).c[0]), screen.search_ids(text)])
    return statement.where(screen.identity.in_(found)).execution_options(**{FOUND: True})


def word_ids(screen: ScreenSpec, word: str, most: int | None = None) -> Select[Any]:
    """Return the ids of rows that hold ``word`` in a searchable column, or are number ``word``."""
    names, ids = screen.column_searchable_list, select(screen.identity)
    number = word.removeprefix("#")
    own = [screen.identity == int(number)] if number.isascii() and number.isdigit() and len(word) < 18 else []
    if not screen.searches_keys:
        return ids.where(or_(false(), *(_term(screen, name, word) for name in names), *own))
    found = either([ids.where(term) for term in (*(_term(screen, name, word) for name in names), *own)], most)
    branches = [branch for name in names for branch in _branches(screen, name, word)]
    return found.execution_options(**{BRANCHES: [*branches, *(Branch(ids.where(term)) for term in own)]})


def _branches(screen: ScreenSpec, name: str, word: str) -> list[Branch]:
    """Return the ways by which a word finds rows in a column of keys, or by what the row refers to."""
    field, ids = screen.field(name), select(screen.identity)
    if field.kind != "lookup":
        return [looks_at(ids, field.attribute, word)]
    theirs = branches_of(screen_over(field.target).search_ids(word))
    return [branch.of_those_who(ids, field.column) for branch in theirs]


def _term(screen: ScreenSpec, name: str, word: str) -> Any:
    field = screen.field(name)
    if field.kind == "lookup":
        return field.column.in_(screen_over(field.target).search_ids(word))
    if screen.is_search_key(name):
        return begins(field.attribute, word)
    if masks.is_hidden(screen.model, name):
        return matches(field.column, "is", word)
    return matches(field.column, "contains", word)


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
    short = TOO_SHORT if is_short(text) else ""
    groups = find(text) if text and not short else []
    if typing:
        return render_template("admin/_search.html", groups=groups, q=text, short=short)
    return render_template("admin/search.html", groups=groups, q=text, short=short, frame=frame())


def card_url(text: str) -> str | None:
    """Return the address of the customer whose loyalty card was scanned: the whole of its number, then Enter.

    The card of a merged record leads to its survivor (rule 3.6); one that could mean several leads nowhere.
    """
    screen = registry().screens["customer"]
    try:
        code = loyalty_cards.read(text)
    except Invalid:
        return None
    if code is None or not screen.can("show"):
        return None
    mine = screen.base_select().with_only_columns(screen.identity)
    for whose in (loyalty_cards.holder(code), loyalty_cards.former_holders(code)):
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
    screen = registry().screens["customer"]
    live = screen.base_select().where(Customer.merged_into_id.is_(None))
    page = fetch_page(
        session(),
        screen.search(live, text, ENOUGH),
        screen.sort_keys("sort_name", False),
        screen.identity,
        ListQuery(page_size=PER_GROUP),
    )
    hits = [
        Hit(
            c.sort_name,
            _line(c.email, c.company_name, c.loyalty_code, c.account_code),
            _open(screen, c),
            "user",
        )
        for c in page.rows
    ]
    return HitGroup(_("Customers"), hits, screen.url_to("index_view", q=text, view="all"))


def _addresses(text: str) -> HitGroup | None:
    if not allowed("list", "address"):
        return None
    screen = registry().screens["address"]
    ids = screen.base_select().with_only_columns(Address.id)
    few = [
        ids.where(begins(key, text)).order_by(key, Address.id)
        for key in (Address.postcode_key, Address.line1_key, Address.town_key)
    ]
    rows = session().execute(
        screen.base_select().add_columns(Customer)
        .join(Customer)
        .where(Address.id.in_(either(few, PER_GROUP)))
        .order_by(Address.id)
        .limit(PER_GROUP)
    )  # fmt: skip
    hits = [Hit(str(a), c.sort_name, _open(screen, a), "map-pin") for a, c in rows]
    return HitGroup(_("Addresses"), hits, screen.url_to("index_view", q=text))


def _orders(text: str) -> HitGroup | None:
    if not allowed("list", "sales_order"):
        return None
    screen = registry().screens["sales_order"]
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


def _open(screen: ScreenSpec, row: Any) -> str:
    return screen.line_url(row) or screen.url_to("index_view", id__eq=row.id)


def _line(*parts: str | dt.date | None) -> str:
    return " · ".join(str(part) for part in parts if part)


__all__: Sequence[str] = ("blueprint", "find", "narrow", "word_ids")
