"""The first page of the customer list, signed in, beside stock Flask-Admin's list of the same rows."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bench.data import application
from bench.peer import PATH, stock_app
from demo import PASSWORD
from tests.application import Client

ROUNDS = 40
WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one page: median and 95th percentile."""

    name: str
    median: float
    p95: float


def compare(url: str, rounds: int = ROUNDS) -> tuple[Timing, ...]:
    """Return (ours, stock)."""
    return take_turns({"Clientele": _ours(url), "stock Flask-Admin": _stock(url)}, rounds)


def take_turns(askers: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> tuple[Timing, ...]:
    """Return a timing for each, taken in turn so that all see the same machine."""
    found: dict[str, list[float]] = {name: [] for name in askers}
    for number in range(rounds + WARM_UP):
        for name, ask in askers.items():
            taken = asked(ask)
            if number >= WARM_UP:
                found[name].append(taken)
    return tuple(timing(name, times) for name, times in found.items())


def _ours(url: str) -> Callable[[], int]:
    return pages_of(url, {"list": "/admin/customer/?view=all"})["list"]


def pages_of(url: str, paths: dict[str, str]) -> dict[str, Callable[[], int]]:
    """Return name -> how an admin who is signed in gets a page of ours."""
    app = application(url)
    app.test_client_class = Client
    client = app.test_client()
    client.send("/login/", {"username": "admin", "password": PASSWORD})
    return {name: partial(ask_for, client, path) for name, path in paths.items()}


def _stock(url: str) -> Callable[[], int]:
    client = stock_app(url).test_client()
    return lambda: ask_for(client, PATH)


def ask_for(client: object, path: str) -> int:
    """Return how long a page is in bytes. :raises SystemExit: it did not come."""
    answer = client.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status}")
    return len(answer.data)


def asked(ask: Callable[[], object]) -> float:
    """Return the milliseconds that a page takes."""
    gc.collect()
    start = time.perf_counter()
    ask()
    return (time.perf_counter() - start) * 1000


def timing(name: str, found: list[float]) -> Timing:
    """Return what is said of a page, by its milliseconds."""
    return Timing(name, statistics.median(found), sorted(found)[int(len(found) * 0.95) - 1])
