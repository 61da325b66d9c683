"""What the makers of one chunk share, and the customer as they pass it on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from demo.batch import Batch
from demo.bulk import Row
from demo.lists import Lists
from demo.names import Person
from demo.rng import Chance, awake

CHUNK = 5000
"""Customers in one transaction: enough that an index page is written rarely, few enough to fit in memory."""

HISTORY = dt.timedelta(days=1100)
ORDERS = dt.timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Author:
    """A member of the demo staff; ``id`` is None where the shop was loaded without staff."""

    id: int | None
    name: str


@dataclass(slots=True)
class Plan:
    """One chunk: where its rows go, its own chance, and its place among the chunks of ``total`` customers."""

    batch: Batch
    chance: Chance
    seed: int
    now: dt.datetime
    lists: Lists
    staff: Sequence[Author]
    number: int
    total: int
    size: int
    slips: float = 1
    """How many times as much as usual is changed in the record of somebody who is there twice."""

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return -(-self.total // self.size)

    @property
    def serials(self) -> range:
        """The running numbers of this chunk's customers, from 0."""
        return range(self.number * self.size, min((self.number + 1) * self.size, self.total))

    def joined(self, serial: int) -> dt.datetime:
        """Return when a customer came: in the order of serials, and more of them lately."""
        share = ((serial + self.chance.random()) / self.total) ** 0.75
        found = self.now - HISTORY * (1 - share)
        latest = self.now - dt.timedelta(minutes=4)
        return min(found if found.date() == self.now.date() else awake(found), latest).replace(microsecond=0)

    def author(self) -> Author:
        """Return one of the staff."""
        return self.chance.choice(self.staff)


@dataclass(slots=True)
class Home:
    """Where somebody lives or trades."""

    line1: str
    line2: str | None
    town: str
    county: str | None
    postcode: str
    country: str


@dataclass(slots=True)
class Known:
    """A customer of this chunk: the row, and what later makers need to know."""

    row: Row
    person: Person
    home: Home
    segment: str
    phone: str
    phone_country: str
    same_as: Known | None = None
    """The earlier record of the same person."""
    orders: list[Row] = field(default_factory=list)

    @property
    def joined(self) -> dt.datetime:
        """When the record was made."""
        found: dt.datetime = self.row["created_at"]
        return found
