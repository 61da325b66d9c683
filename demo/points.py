"""Loyalty points lived through event by event, so that every entry, lot and allocation obeys rule 1."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from demo.bulk import Row
from demo.plan import Author, Known, Plan
from demo.words import GOODWILL
from models.choices import Status
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyKind, LoyaltyLot
from models.order import OrderStatus
from models.shop import Shop

SYSTEM = Author(None, "system")
NIGHTLY = dt.timedelta(hours=2, minutes=15)
LAST = dt.datetime.max.replace(tzinfo=dt.UTC)


def make_points(plan: Plan, people: list[Known]) -> None:
    """Add the points of everybody who takes part: about two thirds of those who are not guests."""
    for known in people:
        member = (
            known.row["status"] in {Status.REGISTERED, Status.IN_STORE} and known.segment != "marketplace"
        )
        if member and (known.row["loyalty_code"] or plan.chance.yes(0.3)):
            _live(plan, known)


def _live(plan: Plan, known: Known) -> None:
    chance, purse = plan.chance, Purse(plan, known.row["id"])
    events: list[tuple[dt.datetime, Row | None]] = [(order["placed_at"], order) for order in known.orders]
    if chance.yes(0.1):
        events.append((chance.between(known.joined, plan.now), None))
    for when, order in sorted(events, key=lambda event: event[0]):
        purse.expire(when)
        if order is None:
            _by_hand(plan, purse, when)
        else:
            _shopping(plan, purse, when, order)
    purse.expire(plan.now)
    known.row["points"] = purse.balance()


def _by_hand(plan: Plan, purse: Purse, when: dt.datetime) -> None:
    chance, author = plan.chance, plan.author()
    if chance.yes(0.3) and purse.available(when) >= 40:
        purse.spend(when, 40, LoyaltyKind.ADJUSTMENT, author, "Counted twice by mistake")
        return
    days = chance.choice((365, 365, 730, None))
    purse.earn(
        when, chance.choice((50, 100, 250)), LoyaltyKind.GOODWILL, author, chance.choice(GOODWILL), days
    )


def _shopping(plan: Plan, purse: Purse, when: dt.datetime, order: Row) -> None:
    """Perhaps redeem, then earn two points a pound; a cancelled order gives back what it took and earned."""
    chance, later = plan.chance, min(when + dt.timedelta(hours=3), plan.now)
    there = purse.available(when)
    spent = None
    if there >= 200 and chance.yes(0.35):
        spent = purse.spend(when, chance.randrange(100, there + 1, 50), order=order)
    earned = purse.earn(when, max(1, order["subtotal"] * 2 // 100), order=order)
    if order["status"] == OrderStatus.CANCELLED:
        purse.take_back(later, earned)
        if spent is not None:
            purse.give_back(later, spent)


def expiry_instant(given: dt.datetime, days: int | None, zone: ZoneInfo) -> dt.datetime | None:
    """Return when points expire: the start of the day after local date + ``days`` (rule 1.5)."""
    if days is None:
        return None
    day = given.astimezone(zone).date() + dt.timedelta(days=days + 1)
    return dt.datetime.combine(day, dt.time.min, tzinfo=zone).astimezone(dt.UTC)


class Purse:
    """The points of one customer while their history is played."""

    def __init__(self, plan: Plan, customer_id: int) -> None:
        self._plan, self._customer_id = plan, customer_id
        self._lots: list[Row] = []
        self._taken: dict[int, list[tuple[Row, int]]] = {}
        self._zone = Shop().zone

    def balance(self) -> int:
        """Return the sum of unspent lots (rule 1.3)."""
        return sum(lot["unspent"] for lot in self._lots)

    def available(self, when: dt.datetime) -> int:
        """Return what can be spent at an instant (rule 1.4)."""
        return sum(lot["unspent"] for lot in self._lots if _expiry(lot) > when)

    def earn(
        self,
        when: dt.datetime,
        points: int,
        kind: LoyaltyKind = LoyaltyKind.EARNED,
        author: Author = SYSTEM,
        comment: str = "",
        days: int | None = 365,
        order: Row | None = None,
    ) -> Row:
        """Add an entry and open its lot (rule 1.2)."""
        expires = expiry_instant(when, days, self._zone)
        entry = self._entry(when, kind, points, author, comment=comment, order=order, expires_at=expires)
        lot = self._plan.batch.add(
            LoyaltyLot,
            entry_id=entry["id"],
            customer_id=self._customer_id,
            points=points,
            unspent=points,
            expires_at=expires,
        )
        self._lots.append(lot)
        return entry

    def spend(
        self,
        when: dt.datetime,
        points: int,
        kind: LoyaltyKind = LoyaltyKind.REDEEMED,
        author: Author = SYSTEM,
        comment: str = "",
        order: Row | None = None,
    ) -> Row:
        """Take points from lots, soonest-expiring first (rule 1.4); there must be enough."""
        entry = self._entry(when, kind, -points, author, comment=comment, order=order)
        for lot in sorted(self._lots, key=lambda lot: (_expiry(lot), lot["id"])):
            if points and lot["unspent"] and _expiry(lot) > when:
                taken = min(points, lot["unspent"])
                self._take(entry, lot, taken)
                points -= taken
        return entry

    def expire(self, until: dt.datetime) -> None:
        """Write the ``expired`` entry of every lot whose date has passed (rule 1.6)."""
        for lot in self._lots:
            if lot["unspent"] and _expiry(lot) <= until:
                when = min(lot["expires_at"] + NIGHTLY, self._plan.now)
                self._expire(lot, when, f"lapse:{lot['id']}")

    def take_back(self, when: dt.datetime, earned: Row) -> None:
        """Reverse an earning of which nothing was spent (rule 1.8)."""
        lot = self._lots[-1]
        back = self._reversal(when, earned)
        self._take(back, lot, earned["points"])

    def give_back(self, when: dt.datetime, spent: Row) -> None:
        """Reverse a redemption: points return to their lots, and expire again if their date has passed (rule 1.8)."""
        back = self._reversal(when, spent)
        for lot, points in self._taken[spent["id"]]:
            self._take(back, lot, -points)
            if _expiry(lot) <= when:
                self._expire(lot, when, f"lapse:{lot['id']}:{back['id']}")

    def _reversal(self, when: dt.datetime, entry: Row) -> Row:
        kind, comment = LoyaltyKind.REVERSAL, "Order cancelled"
        return self._entry(when, kind, -entry["points"], comment=comment, reverses=entry)

    def _expire(self, lot: Row, when: dt.datetime, key: str) -> None:
        points = lot["unspent"]
        entry = self._entry(when, LoyaltyKind.EXPIRED, -points, key=key)
        self._take(entry, lot, points)

    def _take(self, entry: Row, lot: Row, points: int) -> None:
        lot["unspent"] -= points
        self._taken.setdefault(entry["id"], []).append((lot, points))
        self._plan.batch.add(LoyaltyAllocation, entry_id=entry["id"], lot_id=lot["id"], points=points)

    def _entry(
        self, when: dt.datetime, kind: LoyaltyKind, points: int, author: Author = SYSTEM, **columns: Any
    ) -> Row:
        order, reverses = columns.pop("order", None), columns.pop("reverses", None)
        return self._plan.batch.add(
            LoyaltyEntry,
            customer_id=self._customer_id,
            kind=kind,
            points=points,
            order_ref=order["number"] if order else None,
            order_id=order["id"] if order else None,
            reverses_id=reverses["id"] if reverses else None,
            created_at=when,
            actor_id=author.id,
            actor_name=author.name,
            changeset_id=self._plan.batch.changeset_id,
            **columns,
        )


def _expiry(lot: Row) -> dt.datetime:
    found: dt.datetime | None = lot["expires_at"]
    return found or LAST
