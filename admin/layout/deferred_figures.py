"""Figures that take long: fetched after the page that shows them, and worked out once for all who ask within a minute.

A person who sees other rows, by sales channels or by masks, is never given what was worked out for somebody else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from flask import request
from flask_babel import gettext as _
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from admin.layout import formatters
from admin.request.context import app_state, channels, mask_context
from models.base import db
from models.dialect import ran_out
from web import time_limits
from web.request import now, shop, today

MOST_KEPT = 200
_one_at_a_time = Lock()


@dataclass(frozen=True, slots=True)
class Worked:
    """What was worked out, and when. ``value`` is None where it took too long."""

    value: Any
    at: dt.datetime

    @property
    def said(self) -> str:
        """ "As of 10:32", or what to do where there is nothing."""
        if self.value is None:
            return _("Calculating the totals took too long. Filter the list or try again later.")
        return _("As of %(time)s", time=f"{formatters.local(self.at, shop()):%H:%M}")


def asked(name: str) -> bool:
    """Return whether the request is for a figure that its page leaves out: by htmx, or a link without scripts."""
    return request.args.get(name) == "1"


def alone(name: str) -> bool:
    """Return whether the request is for that figure and nothing else."""
    return asked(name) and "HX-Request" in request.headers and "HX-Boosted" not in request.headers


def worked_out(what: Hashable, make: Callable[[Session], Any]) -> Worked:
    """Return what ``make`` gives, or gave less than a minute ago to somebody who sees the same rows."""
    known = app_state().worked
    key = what, channels(), mask_context().hidden, today(), shop().currency
    if (found := _fresh(key)) is not None:
        return found
    with _one_at_a_time:  # who waited here finds what the one before has worked out
        if (found := _fresh(key)) is not None:
            return found
        if len(known) >= MOST_KEPT:
            known.clear()
        found = known[key] = Worked(_value(make), now())
    return found


def _fresh(key: Hashable) -> Worked | None:
    found: Worked | None = app_state().worked.get(key)
    fresh = found is not None and now() - found.at < dt.timedelta(seconds=app_state().keeps)
    return found if fresh else None


def _value(make: Callable[[Session], Any]) -> Any:
    """Return the figures, read on a connection of their own: what takes too long there leaves the page alone."""
    time_limits.allow_figures()
    try:
        with Session(db.engine) as own:
            return make(own)
    except DBAPIError as error:
        if not ran_out(error):
            raise
        return None
