"""The page behind a balance of points: the lots it was made of at that moment, and what became of each (rule 1.12)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from babel.dates import format_datetime
from flask import render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import joinedload

from actions.ledgers import loyalty, points_breakdown
from actions.ledgers.balances import balances_after
from admin.layout import formatters
from admin.layout.frame import frame
from admin.listing.columns import related_cell
from admin.listing.paging import Page, count_up_to, fetch_page
from admin.listing.query import Grammar, ListQuery
from admin.screen_spec.column_info import label_of
from admin.screen_spec.sorting import Key
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Cell, Fact, Text
from models.days import last_day
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyLot
from web.arguments import BadArgument
from web.request import now, session, shop

PAGE = 25
TERMS = 8
"""So many lots at most are written out as a sum."""


@dataclass(frozen=True, slots=True)
class Took:
    """A line of what took points from a lot or gave them back."""

    points: Text
    what: Cell


@dataclass(frozen=True, slots=True)
class LotLine:
    """A lot as it stood: ``gone`` are its figures, spent, expired and taken back."""

    given: Text
    what: Cell
    gone: Sequence[Text]
    left: Text
    expires: Text
    took: Sequence[Took]
    more: int


@dataclass(frozen=True, slots=True)
class LotsPage:
    """The lots after one entry. ``others`` is the address of the same with, or without, the lots that were empty."""

    id: int
    title: Text
    customer: Cell
    when: Text
    told: Text
    facts: Sequence[Fact]
    lines: Sequence[LotLine]
    everything: bool
    others: str
    next_url: str | None
    previous_url: str | None


def show(screen: ScreenSpec, entry: LoyaltyEntry) -> str:
    """Answer the page of the lots right after an entry."""
    query = _query()
    everything = request.args.get("all") == "1"
    newest = points_breakdown.is_newest(session(), entry)
    statement = points_breakdown.lots_then(entry, now=newest, left=not everything)
    found = _read(statement, query)
    shown = LotsPage(
        id=entry.id,
        title=_("Where %(points)s points come from", points=_number(balance := _balance(entry))),
        customer=_customer(entry),
        when=_when(entry, newest=newest),
        told=_told(entry, statement, found, balance) if not everything else "",
        facts=_facts(entry, balance, newest=newest),
        lines=_lines(screen, entry, found.rows, now() if newest else entry.created_at),
        everything=everything,
        others=_url(screen, entry, all="" if everything else "1"),
        next_url=_url(screen, entry, after=found.next) if found.next else None,
        previous_url=_url(screen, entry, before=found.previous) if found.previous else None,
    )
    return render_template("admin/lots.html", page=shown, frame=frame(screen.resource))


def _customer(entry: LoyaltyEntry) -> Cell:
    """Return whose points they are, with the way back to the tab."""
    found = related_cell(entry.customer)
    return replace(found, url=f"{found.url}&tab={LoyaltyEntry.resource_name()}") if found.url else found


def _query() -> ListQuery:
    """Return where in the pages one is. :raises BadArgument: it asks for what there is not."""
    unknown = set(request.args) - {"id", "all", "after", "before"}
    if unknown:
        raise BadArgument(min(unknown), _("this argument does not exist"))
    if request.args.get("all", "1") not in ("", "1"):
        raise BadArgument("all", _("1 to include empty lots"))
    grammar = Grammar({}, frozenset(), frozenset(), shop().zone, PAGE, frozenset({"id", "all"}))
    return grammar.parse(request.args)


def _url(screen: ScreenSpec, entry: LoyaltyEntry, **more: Any) -> str:
    kept = {"all": request.args.get("all", ""), **more}
    return screen.url_to("lots_view", id=entry.id, **{k: v for k, v in kept.items() if v})


def _read(statement: Any, query: ListQuery) -> Page:
    """Return a page of lots, the one given last first: their ids are in the order in which they were given."""
    keys = [Key(LoyaltyLot.id, descending=True, nullable=False)]
    loaded = [joinedload(LoyaltyLot.entry)]
    return fetch_page(session(), statement, keys, LoyaltyLot.id, query, loaded)


def _balance(entry: LoyaltyEntry) -> int:
    return balances_after(session(), LoyaltyEntry, [entry])[entry.id]


def _when(entry: LoyaltyEntry, *, newest: bool) -> str:
    at = format_datetime(formatters.local(entry.created_at, shop()), "d MMM yyyy HH:mm", locale=shop().locale)
    points = f"{'+' if entry.points > 0 else '−'}{_number(abs(entry.points))}"
    if newest:
        return _("Now, after the entry of %(at)s (%(points)s)", at=at, points=points)
    return _("After the entry of %(at)s (%(points)s)", at=at, points=points)


def _told(entry: LoyaltyEntry, statement: Any, found: Page, balance: int) -> str:
    """Say how what is left of the lots adds up to the balance."""
    if not found.rows and not found.previous:
        return _("No lots have points left.")
    if found.next or found.previous or len(found.rows) > TERMS:
        count = count_up_to(session(), statement, LoyaltyLot.id)
        return _(
            "%(count)s lots have points left: %(sum)s in all.", count=_number(count), sum=_number(balance)
        )
    left = points_breakdown.left_then(session(), entry, found.rows)
    first, *others = [left[lot.id] for lot in reversed(found.rows)]
    if not others:
        return _("One lot has points left.")
    signs = "".join(f" {'+' if points > 0 else '−'} {_number(abs(points))}" for points in others)
    return f"{_number(first)}{signs} = {_number(balance)}"


def _facts(entry: LoyaltyEntry, balance: int, *, newest: bool) -> Sequence[Fact]:
    facts = [Fact(_("Balance"), Cell(_number(balance)))]
    if newest:
        there = loyalty.available(session(), entry.customer_id, now())
        facts.append(Fact(_("Available now"), Cell(_number(there))))
    return facts


def _lines(
    screen: ScreenSpec, entry: LoyaltyEntry, rows: Sequence[LoyaltyLot], at: dt.datetime
) -> list[LotLine]:
    left = points_breakdown.left_then(session(), entry, rows)
    fates = points_breakdown.fates(session(), entry, rows)
    return [_line(screen, lot, left[lot.id], fates[lot.id], at) for lot in rows]


def _line(
    screen: ScreenSpec, lot: LoyaltyLot, left: int, fate: points_breakdown.Fate, at: dt.datetime
) -> LotLine:
    return LotLine(
        given=_number(lot.points),
        what=_entry(screen, lot.entry),
        gone=[_number(figure) if figure else "" for figure in (fate.spent, fate.expired, fate.taken_back)],
        left=_number(left),
        expires=_expires(lot, past=left > 0 and lot.expires_at is not None and lot.expires_at <= at),
        took=[_took(screen, allocation) for allocation in fate.latest],
        more=fate.entries - len(fate.latest),
    )


def _expires(lot: LoyaltyLot, *, past: bool) -> Text:
    if lot.expires_at is None:
        return _("Never")
    when = formatters.day(last_day(lot.expires_at, shop().zone), shop())
    return _("%(day)s, expired", day=when) if past else when


def _took(screen: ScreenSpec, allocation: LoyaltyAllocation) -> Took:
    return Took(formatters.signed(-allocation.points, shop()), _entry(screen, allocation.entry))


def _entry(screen: ScreenSpec, entry: LoyaltyEntry) -> Cell:
    """Return an entry as one line: its kind and day, linked, and why and by whom."""
    day = formatters.day(formatters.local(entry.created_at, shop()).date(), shop())
    why = " · ".join(part for part in (entry.order_ref, entry.comment, entry.actor_name) if part)
    return Cell(f"{label_of(entry.kind)}, {day}", screen.line_url(entry), formatters.shorten(why))


def _number(points: int) -> str:
    return formatters.number(points, shop())
