"""A customer with a long ledger opens like one with a short one: nothing goes through all of it, or of anybody's.

What that takes in milliseconds is for bench/ledger_tab.py to measure; here SQLite is asked how it would go about it.
"""

import datetime as dt
import re
from typing import Any, cast

import pytest
import sqlalchemy as sa

from models.journal import Changeset
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyKind, LoyaltyLot
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.pages import links_of
from tests.databases import recorded_statements

ENTRIES = 3_000
OURS = r"(?:loyalty_\w+|changeset\w*)"
WHOLE = re.compile(rf"SCAN {OURS}\b|SEARCH {OURS} USING AUTOMATIC")
"""What reads a table from end to end, or makes an index of it for a single question."""


def long_ledger(shop: Shop) -> int:
    """A customer whose points come and go; return the id."""
    with shop.arrange() as session:
        owner = factories.make_customer(session).id
        first = factories.make_changeset(session).id + 1
        times = [factories.NOW - dt.timedelta(minutes=ENTRIES - n) for n in range(ENTRIES)]
        rows: dict[Any, list[dict[str, Any]]] = {
            Changeset: [],
            LoyaltyEntry: [],
            LoyaltyLot: [],
            LoyaltyAllocation: [],
        }
        for n, at in enumerate(times, 1):
            changeset = {
                "id": first + n,
                "at": at,
                "action": "loyalty_entry.adjust",
                "actor_name": "x",
                "reason": "",
            }
            rows[Changeset].append({**changeset, "subject_table": "customer", "subject_id": owner})
            kind, points = (LoyaltyKind.EARNED, 10) if n % 2 else (LoyaltyKind.REDEEMED, -10)
            rows[LoyaltyEntry].append(
                {"id": n, "customer_id": owner, "kind": kind, "points": points, "created_at": at, "actor_name": "x",
                 "comment": "", "changeset_id": first + n}
            )  # fmt: skip
            if n % 2:
                rows[LoyaltyLot].append(
                    {"id": n, "entry_id": n, "customer_id": owner, "points": 10, "unspent": 0}
                )
            else:
                rows[LoyaltyAllocation].append({"entry_id": n, "lot_id": n - 1, "points": 10})
        for model, made in rows.items():
            session.connection().execute(sa.insert(cast(sa.Table, model.__table__)), made)
        session.connection().exec_driver_sql("ANALYZE")
        return int(owner)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_no_page_of_a_long_ledger_reads_all_of_it(shop: Shop) -> None:
    owner = long_ledger(shop)
    client, wrong = shop.client(), set()
    tab = f"/admin/loyalty_entry/?embed=1&customer__eq={owner}"
    onward = next(link for link in links_of(client.get(tab)) if "after=" in link)
    pages = (tab, onward, f"/admin/customer/details/?id={owner}&tab=loyalty_entry")
    for path in pages:
        with recorded_statements() as seen:
            assert client.get(path).status_code == 200
        with shop.look() as session:
            for text in seen:
                if text.lstrip().upper().startswith("SELECT"):
                    asked = f"EXPLAIN QUERY PLAN {text}"
                    plan = session.connection().exec_driver_sql(asked, (None,) * text.count("?"))
                    wrong |= {f"{step[-1]}: {text[:200]}" for step in plan if WHOLE.search(step[-1])}
    assert wrong == set()
