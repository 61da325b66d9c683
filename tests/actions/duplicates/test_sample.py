"""How many of the customers whom the demo shop has twice are found, and how many others are taken for one (rule 7.5)."""

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

import demo
from actions.duplicates import checking
from demo import people
from models.duplicate import DuplicatePair
from tests import factories

CUSTOMERS = 400
MANY = 0.2
"""The share of customers who are there twice, so that a few hundred are enough to tell."""
PRECISION, RECALL = 0.88, 0.9


@pytest.mark.either_database
def test_most_duplicates_are_found_and_few_others(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "AGAIN", MANY)
    monkeypatch.setattr(people, "ALIKE", MANY)
    first: dict[int, int] = {}
    demo.load(
        engine, CUSTOMERS, now=factories.NOW, twice=lambda one, two: first.update({two: first.get(one, one)})
    )
    true = {
        (one, two)
        for one in {*first, *first.values()}
        for two in first
        if one < two and first.get(one, one) == first[two]
    }
    checking.check_all(engine, lambda: factories.NOW)
    with Session(engine) as session:
        wanted = select(DuplicatePair.lower_id, DuplicatePair.higher_id).where(DuplicatePair.is_likely)
        found = {(row[0], row[1]) for row in session.execute(wanted)}
    assert len(true) > 60
    assert len(found & true) >= PRECISION * len(found)
    assert len(found & true) >= RECALL * len(true)
