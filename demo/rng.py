"""Repeatable chance and believable times."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

DAY = 86_400
OPENS, CLOSES = 7 * 3600, 22 * 3600


class Chance(random.Random):
    """A source of random numbers that is the same for the same seed, on every machine."""

    def yes(self, share: float) -> bool:
        """Return True in ``share`` of all cases (0 to 1)."""
        return self.random() < share

    def weighted(self, table: dict[Any, int]) -> Any:
        """Return a key of ``table``, as often as its weight says."""
        return self.choices(tuple(table), tuple(table.values()))[0]

    def few(self, mean: float, most: int) -> int:
        """Return a small number, mostly near zero and sometimes large (geometric), at most ``most``."""
        count, go_on = 0, mean / (1 + mean)
        while count < most and self.random() < go_on:
            count += 1
        return count

    def between(self, first: dt.datetime, last: dt.datetime) -> dt.datetime:
        """Return an instant between two others, in the hours when people are up."""
        if last <= first:
            return first
        found = first + dt.timedelta(seconds=int(self.random() * (last - first).total_seconds()))
        return min(max(awake(found), first), last)


def awake(instant: dt.datetime) -> dt.datetime:
    """Squeeze an instant of a day into its waking hours, keeping the order of instants."""
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = (instant - midnight).total_seconds()
    return midnight + dt.timedelta(seconds=int(OPENS + passed * (CLOSES - OPENS) / DAY))
