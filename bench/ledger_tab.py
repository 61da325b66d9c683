"""A customer's Loyalty tab and record with a hundred thousand entries, beside one with a hundred."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, cast

import sqlalchemy as sa

from bench.data import application
from bench.lists import Timing, ask_for, take_turns
from demo import PASSWORD
from models.base import db
from models.customer import Customer
from models.dialect import WRITE
from models.journal import Changeset
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyKind, LoyaltyLot
from tests.application import Client

CUSTOMER = cast(sa.Table, Customer.__table__)
ROUNDS = 25
FEW = 100
BATCH = 5_000
BEGAN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
EVEN = {"account_balance": 0, "credit_balance": 0}
PAGES = {
    "tab": "/admin/loyalty_entry/?embed=1&customer__eq={id}",
    "record": "/admin/customer/details/?id={id}&tab=loyalty_entry",
}


def compare(url: str, many: int, rounds: int = ROUNDS) -> dict[str, tuple[Timing, ...]]:
    """Return page -> (few, many): the timings of the same page of two customers who differ in their entries alone."""
    app = application(url)
    with app.app_context():
        people = {count: _customer(db.engine, count) for count in (FEW, many)}
        _tell_planner(db.engine)
    app.test_client_class = Client
    client = app.test_client()
    client.send("/login/", {"username": "admin", "password": PASSWORD})

    def asker(path: str, count: int) -> Callable[[], int]:
        return lambda: ask_for(client, path.format(id=people[count]))

    return {
        name: take_turns({f"{count:,} entries": asker(path, count) for count in (FEW, many)}, rounds)
        for name, path in PAGES.items()
    }


def _customer(engine: sa.Engine, count: int) -> int:
    """Write a customer with ``count`` entries, each other one of them spending the points of the one before."""
    writer = engine.execution_options(**{WRITE: True})
    with writer.begin() as connection:
        like = connection.execute(sa.select(CUSTOMER).order_by(CUSTOMER.c.id).limit(1)).mappings().one()
        given = {k: v for k, v in like.items() if k not in ("id", "merged_into_id")}
        unlike = {
            "email_key": "",
            "email": None,
            "loyalty_code": None,
            "account_code": None,
            "points": 0,
            **EVEN,
        }
        made = connection.execute(sa.insert(CUSTOMER).values(**given | unlike | {"last_name": f"Of {count}"}))
        customer = int(made.inserted_primary_key[0])
    for first in range(0, count, BATCH):
        with writer.begin() as connection:
            _entries(connection, customer, range(first, min(first + BATCH, count)))
        if first == 0:
            _tell_planner(
                engine
            )  # PostgreSQL would go on checking references as it did when there was nothing
    return customer


def _entries(connection: sa.Connection, customer: int, numbers: range) -> None:
    changesets = _made(connection, Changeset, [
        {"at": BEGAN + dt.timedelta(minutes=n), "action": "loyalty_entry.adjust", "actor_name": "bench", "reason": "",
         "subject_table": "customer", "subject_id": customer}
        for n in numbers
    ])  # fmt: skip
    entries = _made(connection, LoyaltyEntry, [
        {
            "customer_id": customer, "kind": LoyaltyKind.REDEEMED if n % 2 else LoyaltyKind.EARNED,
            "points": -100 if n % 2 else 100, "created_at": BEGAN + dt.timedelta(minutes=n), "actor_name": "bench",
            "comment": "", "changeset_id": changeset,
        }
        for n, changeset in zip(numbers, changesets, strict=True)
    ])  # fmt: skip
    lots = _made(connection, LoyaltyLot, [
        {"entry_id": entry, "customer_id": customer, "points": 100, "unspent": 0} for entry in entries[::2]
    ])  # fmt: skip
    spent = [
        {"entry_id": e, "lot_id": lot, "points": 100} for e, lot in zip(entries[1::2], lots, strict=True)
    ]
    _made(connection, LoyaltyAllocation, spent)


def _made(connection: sa.Connection, model: Any, rows: list[dict[str, Any]]) -> list[int]:
    """Insert rows and return their ids, which follow each other."""
    table = model.__table__
    connection.execute(sa.insert(table), rows)
    last = connection.scalar(sa.select(sa.func.max(table.c.id)))
    return list(range(last - len(rows) + 1, last + 1))


def _tell_planner(engine: sa.Engine) -> None:
    with engine.connect().execution_options(**{WRITE: True}) as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
