"""Two years of orders with their lines, parcels and marketplace numbers."""

from __future__ import annotations

import datetime as dt
from typing import Any

from demo.bulk import Row
from demo.plan import ORDERS, Known, Plan
from demo.words import CARRIERS, ORDER_NOTES, WINES
from models import normalise
from models.order import ExternalId, ExternalKind, ExternalSystem, Order, OrderLine, OrderStatus, Shipment

# Segment: orders that are certain, how many more on average, and the most.
HABITS = {
    "online": (0, 1.6, 30),
    "guest": (1, 0.1, 3),
    "store": (1, 1.0, 20),
    "marketplace": (1, 0.3, 6),
    "trade": (1, 5.0, 40),
    "agent": (0, 2.0, 20),
    "pending": (0, 0, 0),
}
FIRST_NUMBER = 10_000


def make_orders(plan: Plan, people: list[Known]) -> None:
    """Add every order of this chunk, oldest first, and hang it on its customer."""
    wanted = [(when, place) for place, known in enumerate(people) for when in _times(plan, known)]
    numbers = Numbers(plan, each=3)
    for when, place in sorted(wanted):
        known = people[place]
        row = _order(plan, known, when, f"{FIRST_NUMBER + numbers.at(when)}")
        known.orders.append(row)
        known.row["last_activity_at"] = max(known.row["last_activity_at"], when)


class Numbers:
    """Numbers that rise with time over all chunks, though each chunk gives out its own.

    Time is cut into slots, ``each`` for every customer of a chunk; the n-th of as many chunks takes the n-th number
    of every slot, so no two chunks meet.
    """

    def __init__(self, plan: Plan, each: int) -> None:
        self._plan, self._last = plan, -1
        self._slots = each * min(plan.size, plan.total)

    def at(self, when: dt.datetime) -> int:
        """Return the next number for an instant; call in the order of time."""
        share = 1 - (self._plan.now - when) / ORDERS
        self._last = max(self._last + 1, int(share * self._slots))
        return self._last * self._plan.chunks + self._plan.number + 1


def _times(plan: Plan, known: Known) -> list[dt.datetime]:
    certain, mean, most = HABITS[known.segment]
    first = max(known.joined, plan.now - ORDERS)
    count = certain + plan.chance.few(mean, most)
    if known.row["account_code"] == "KAR-0042":
        count = 28
    latest = plan.now - dt.timedelta(minutes=2)
    found = [plan.chance.between(first, latest) for _ in range(count)]
    if certain and known.joined >= first and found:
        found[0] = min(known.joined + dt.timedelta(seconds=40), latest)
    return found


def _order(plan: Plan, known: Known, when: dt.datetime, number: str) -> Row:
    chance, customer = plan.chance, known.row
    status, sent = _progress(plan, when)
    row = plan.batch.add(
        Order,
        created_at=when,
        updated_at=sent or when,
        number=number,
        customer_id=customer["id"],
        status=status,
        placed_at=when,
        sales_channel_id=customer["sales_channel_id"],
        currency=customer["currency"],
        note=chance.choice(ORDER_NOTES) if chance.yes(0.05) else None,
    )
    _lines(plan, known, row)
    if sent is not None:
        _parcel(plan, row, sent)
    if known.segment == "marketplace":
        _marketplace_number(plan, row)
    return row


def _progress(plan: Plan, when: dt.datetime) -> tuple[OrderStatus, dt.datetime | None]:
    """Return the status an order of that age has, and when it was sent."""
    chance, age = plan.chance, plan.now - when
    if chance.yes(0.04):
        return OrderStatus.CANCELLED, None
    waiting = 0.85 if age < dt.timedelta(days=2) else 0.15 if age < dt.timedelta(days=5) else 0.004
    if chance.yes(waiting):
        return (OrderStatus.ALLOCATED if chance.yes(0.6) else OrderStatus.UNALLOCATED), None
    sent = when + dt.timedelta(hours=chance.randrange(3, 60), minutes=chance.randrange(60))
    return OrderStatus.DISPATCHED, min(sent, plan.now - dt.timedelta(minutes=1))


def _lines(plan: Plan, known: Known, order: Row) -> None:
    chance, trade = plan.chance, known.segment in {"trade", "agent"}
    subtotal = items = 0
    for name, price in chance.sample(WINES, 1 + chance.few(1.6 if trade else 0.8, 7)):
        quantity = chance.choice((6, 6, 12, 24)) if trade else chance.choice((1, 1, 2, 3, 6))
        cost = price * 80 // 100 if trade else price
        subtotal, items = subtotal + cost * quantity, items + quantity
        plan.batch.add(
            OrderLine,
            order_id=order["id"],
            sku=f"W{price:05d}-{len(name):02d}",
            name=name,
            quantity=quantity,
            unit_price=cost,
            total=cost * quantity,
        )
    shipping = 0 if subtotal >= 15_000 or known.row["free_delivery"] or known.segment == "store" else 695
    tax = (subtotal + shipping) // 5
    sums: dict[str, Any] = {"subtotal": subtotal, "tax": tax, "shipping": shipping, "item_count": items}
    order |= sums | {"total": subtotal + tax + shipping}


def _parcel(plan: Plan, order: Row, sent: dt.datetime) -> None:
    carrier, pattern = plan.chance.choice(CARRIERS)
    tracking = pattern.format(order["id"])
    plan.batch.add(
        Shipment,
        created_at=sent,
        order_id=order["id"],
        carrier=carrier,
        tracking_number=tracking,
        tracking_key=normalise.compact(tracking),
        dispatched_at=sent,
    )


def _marketplace_number(plan: Plan, order: Row) -> None:
    amazon = order["sales_channel_id"] == plan.lists.channels["AMAZON"]
    serial = order["id"]
    mixed = serial * 7919 % 10_000_000
    value = (
        f"206-{serial:07d}-{mixed:07d}" if amazon else f"{mixed % 100:02d}-{serial:05d}-{mixed % 99_991:05d}"
    )
    plan.batch.add(
        ExternalId,
        created_at=order["placed_at"],
        order_id=serial,
        system=ExternalSystem.AMAZON if amazon else ExternalSystem.EBAY,
        kind=ExternalKind.ORDER,
        value=value,
        value_key=normalise.compact(value),
    )
