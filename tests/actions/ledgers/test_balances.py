"""The balance each entry left behind, reckoned back from today's, is the plain sum so far (rule 2.8)."""

import datetime as dt
import random
from collections import defaultdict
from typing import Any

import pytest
from sqlalchemy.orm import Session

from actions.ledgers.balances import balances_after
from models.account import AccountEntry
from models.credit import CreditEntry, CreditKind
from models.customer import Customer
from models.loyalty import LoyaltyEntry, LoyaltyKind
from tests import factories
from tests.actions.desk import Desk

LEDGERS = [
    (LoyaltyEntry, factories.make_loyalty_entry, "points", "points", {"kind": LoyaltyKind.ADJUSTMENT}),
    (AccountEntry, factories.make_account_entry, "amount", "account_balance", {}),
    (CreditEntry, factories.make_credit_entry, "amount", "credit_balance", {"kind": CreditKind.ADJUSTMENT}),
]


@pytest.mark.parametrize(("model", "make", "figure", "cache", "kind"), LEDGERS)
def test_whatever_the_page_and_however_the_clocks_went(
    desk: Desk, model: Any, make: Any, figure: str, cache: str, kind: dict[str, Any]
) -> None:
    chance = random.Random(11)
    with Session(desk.engine) as session, session.begin():
        people = [factories.make_customer(session) for _n in range(3)]
        entries = []
        for _n in range(60):
            owner = chance.choice(people)
            at = factories.NOW + dt.timedelta(seconds=chance.randint(0, 12))
            value = -chance.randint(1, 90) if model is AccountEntry else chance.randint(1, 90)
            entries.append(make(session, customer=owner, created_at=at, **{figure: value}, **kind))
        sums: dict[int, int] = defaultdict(int)
        wanted: dict[int, int] = {}
        for entry in sorted(entries, key=lambda entry: (entry.created_at, entry.id)):
            sums[entry.customer_id] += getattr(entry, figure)
            wanted[entry.id] = sums[entry.customer_id]
        for owner in people:
            setattr(owner, cache, sums[owner.id])
        session.flush()
        assert balances_after(session, model, entries) == wanted
        for size in (1, 2, 7, 25):
            page = chance.sample(entries, size)
            assert balances_after(session, model, page) == {entry.id: wanted[entry.id] for entry in page}
        assert balances_after(session, model, []) == {}
        assert session.get_one(Customer, people[0].id)
