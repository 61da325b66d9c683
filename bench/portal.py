"""The customers' portal: its account page beside the record page, and answers alike for all (rule 5)."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from flask.testing import FlaskClient

from bench.data import application
from bench.lists import Timing, pages_of, take_turns
from bench.signing_in import Clock
from demo import PASSWORD
from models.base import db
from models.customer import Customer
from models.demo_accounts import CUSTOMER_EMAIL
from tests.databases import recorded_statements

ROUNDS = 40
ATTEMPTS = 120
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
SIGN_IN, ASK, REGISTER = "/portal/sign-in/", "/portal/forgotten/", "/portal/register/"


@dataclass(frozen=True, slots=True)
class Account:
    """What the account page takes beside the record page: processor milliseconds, and statements."""

    account: float
    record: float
    statements: int

    @property
    def ratio(self) -> float:
        """How many times as long as the record page the account page works."""
        return self.account / self.record


def compare_pages(url: str, rounds: int = ROUNDS) -> Account:
    """Return what the two pages of the demo customer take, asked in turn."""
    app = application(url)
    with app.app_context():
        one = db.session.scalar(sa.select(Customer.id).where(Customer.email_key == CUSTOMER_EMAIL))
    client = app.test_client()
    _post(client, SIGN_IN, email=CUSTOMER_EMAIL, password=PASSWORD)
    record = pages_of(url, {"record": f"/admin/customer/details/?id={one}"})["record"]
    found: dict[str, list[float]] = {"account": [], "record": []}
    for number in range(rounds + 5):
        for name, ask in {"account": lambda: _get(client, "/portal/"), "record": record}.items():
            taken = _processor(ask)
            if number >= 5:
                found[name].append(taken)
    with recorded_statements() as statements:
        _get(client, "/portal/")
    medians = {name: statistics.median(times) for name, times in found.items()}
    return Account(medians["account"], medians["record"], len(statements))


def compare_answers(url: str, path: str, rounds: int = ATTEMPTS) -> tuple[Timing, ...]:
    """Return what a page takes that is sent the address of a customer, and one of nobody."""
    app = application(url, clock=Clock())
    names = {"known address": CUSTOMER_EMAIL, "unknown address": "nobody.here@example.com"}
    return take_turns(
        {name: _sender(app.test_client(), path, email) for name, email in names.items()}, rounds
    )


def _sender(client: FlaskClient, path: str, email: str) -> Callable[[], None]:
    sent = {"csrf_token": _token(client, path), "email": email, "password": "wrong, and long enough"}

    def ask() -> None:
        answer = client.post(path, data=sent)
        if answer.status_code not in (200, 401):
            raise SystemExit(f"{path} answered {answer.status}")

    return ask


def _processor(ask: Callable[[], object]) -> float:
    start = time.process_time()
    ask()
    return (time.process_time() - start) * 1000


def _get(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status}")


def _post(client: FlaskClient, path: str, **given: str) -> None:
    answer = client.post(path, data={"csrf_token": _token(client, path), **given})
    if answer.status_code != 302:
        raise SystemExit(f"{path} answered {answer.status}")


def _token(client: FlaskClient, path: str) -> str:
    found = TOKEN.search(client.get(path).text)
    if found is None:
        raise SystemExit(f"{path} has no form")
    return found.group(1)
