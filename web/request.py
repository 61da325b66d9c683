"""What every request knows, for all who ask: the time, the database and the shop. Each costs one statement at most."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask import current_app, g
from sqlalchemy.orm import Session

from models.base import db
from models.shop import Shop, load_shop

STATE = "clientele"
"""Where an application keeps its own state, which has a ``clock``: a function that returns the present instant."""


def now() -> dt.datetime:
    """Return the instant this request began, the same throughout it."""
    found = g.get("now")
    if found is None:
        found = g.now = current_app.extensions[STATE].clock()
    return cast(dt.datetime, found)


def session() -> Session:
    """Return the request's session, which only reads."""
    return cast(Session, db.session)


def shop() -> Shop:
    """Return the shop's settings."""
    found = g.get("shop")
    if found is None:
        found = g.shop = load_shop(session())
    return cast(Shop, found)


def zone() -> ZoneInfo:
    """Return the shop's time zone."""
    return ZoneInfo(shop().time_zone)


def today() -> dt.date:
    """Return the shop's local date."""
    return now().astimezone(zone()).date()


def memo(key: Hashable, make: Callable[[], Any]) -> Any:
    """Return what ``make`` gave the first time this request asked for ``key``: lists ask for the same things a row."""
    known: dict[Hashable, Any] | None = g.get("memo")
    if known is None:
        known = g.memo = {}
    if key not in known:
        known[key] = make()
    return known[key]


def forget(key: Hashable) -> None:
    """Have :func:`memo` ask again for ``key``."""
    g.get("memo", {}).pop(key, None)
