"""What changes by itself on a page: whether it does so now, or in how many seconds it will (static/live.js)."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from typing import Any

from admin.screen_spec.spec import ScreenSpec
from web.request import now

LATE = 3
"""Seconds that the scheduler may take to begin what is due."""


def told(screen: ScreenSpec, rows: Iterable[Any]) -> dict[str, Any]:
    """Return for a page of these rows whether any changes by itself and, if none does, the seconds until one will."""
    states = [screen.live(row) for row in rows]
    coming = [state for state in states if isinstance(state, dt.datetime)]
    if True in states or not coming:
        return {"live": True in states}
    return {"wakes": max(0, math.ceil((min(coming) - now()).total_seconds())) + LATE}
