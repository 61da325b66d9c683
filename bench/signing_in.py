"""A wrong password for somebody who is here beside one for somebody who is not: neither takes longer (SAFETY.md)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from bench.data import application
from bench.lists import Timing, take_turns
from tests.application import Client

ROUNDS = 60


class Clock:
    """Goes an hour on at every look, so that no attempt is one too many."""

    def __init__(self) -> None:
        self._now = dt.datetime.now(dt.UTC)

    def __call__(self) -> dt.datetime:
        self._now += dt.timedelta(hours=1)
        return self._now


def compare(url: str) -> tuple[Timing, ...]:
    """Return (known, unknown)."""
    app = application(url, clock=Clock())
    app.test_client_class = Client
    names = {"known user name": "admin", "unknown user name": "nobody-here"}
    return take_turns(
        {name: _attempt(app.test_client(), username) for name, username in names.items()}, ROUNDS
    )


def _attempt(client: Client, username: str) -> Callable[[], None]:
    sent = {"csrf_token": client.csrf_token(), "username": username, "password": "wrong, and long enough"}

    def ask() -> None:
        answer = client.post("/login/", data=sent)
        if answer.status_code != 401:
            raise SystemExit(f"/login/ answered {answer.status}")

    return ask
