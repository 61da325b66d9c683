"""Pages that read beyond a first page in its own order: searches, sorted lists, Today and Customers owing.

``python -m bench.pages URL`` prints them for any shop. It needs nothing that an older checkout lacks, so that the same
file in both says how long each page took before a change and after it, in one sitting.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from functools import partial
from html import unescape

from bench.data import application
from bench.lists import Timing, take_turns
from demo import PASSWORD
from tests.application import Client

ROUNDS = 15
PEER = "customer list"
PAGES = {
    PEER: "/admin/customer/?view=all",
    "top box, smith": "/admin/search/?q=smith",
    "top box, two words": "/admin/search/?q=john+smith",
    "list, smith": "/admin/customer/?view=all&q=smith",
    "list by phone": "/admin/customer/?view=all&sort=primary_phone",
    "list by postcode": "/admin/customer/?view=all&sort=-primary_address",
    "list by class": "/admin/customer/?view=all&sort=customer_class",
    "addresses": "/admin/address/",
    "Today": "/admin/",
    "Customers owing": "/admin/owing/",
}
LATER = "and what is fetched after it"
"""Follows the name of a page that is read with the figures it leaves out at first, worked out again each time."""
PAGES |= {f"{name} {LATER}": PAGES[name] for name in ("Today", "Customers owing")}
FETCHED = re.compile(r'hx-get="([^"]+)" hx-trigger="load"')


def compare(url: str, rounds: int = ROUNDS) -> tuple[Timing, ...]:
    """Return a timing for each page, the customer list's first."""
    app = application(url)
    app.test_client_class = Client
    if hasattr(app.extensions["clientele"], "keeps"):
        app.extensions["clientele"].keeps = 0.0
    client = app.test_client()
    client.send("/login/", {"username": "admin", "password": PASSWORD})
    askers: dict[str, Callable[[], object]] = {
        name: partial(_ask, client, path, typing="top box" in name, whole=name.endswith(LATER))
        for name, path in PAGES.items()
    }
    return take_turns(askers, rounds)


def _ask(client: Client, path: str, *, typing: bool, whole: bool = False) -> int:
    """Return how long a page is in bytes, with the figures it has fetched if it is read ``whole``.

    :raises SystemExit: it did not come.
    """
    answer = client.get(path, headers={"HX-Request": "true"} if typing else {})
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status}")
    later = FETCHED.findall(answer.text) if whole else []
    return len(answer.data) + sum(_ask(client, unescape(url), typing=True) for url in later)


def main() -> None:
    """Print what the pages of one shop take."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("url")
    arguments.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = arguments.parse_args()
    for found in compare(chosen.url, chosen.rounds):
        print(f"{found.name:<45} median {found.median:8.1f} ms   p95 {found.p95:8.1f} ms", flush=True)


if __name__ == "__main__":
    main()
