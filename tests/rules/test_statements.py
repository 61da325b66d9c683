"""A statement against a plain list of what happened: by value date, nothing lost between two of them (rule 2.11)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from actions.ledgers.ageing import Ageing, ageing
from actions.statements.statements import Part, statement
from tests import factories
from tests.actions.desk import Desk
from tests.rules.test_ageing import TODAY, Move, moves, plain, settled, write
from tests.scale import scaled

MODEST = settings(
    max_examples=scaled(1_000, least=10),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
LONG_AGO = TODAY - dt.timedelta(days=1_000)


def back(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


def entries(history: Sequence[Move]) -> list[tuple[dt.date, int]]:
    """(value date, amount) of all that a history writes; a void counts from today at the earliest."""
    found = []
    for move in history:
        amount = -move.amount if move.kind == "payment" else move.amount
        found += [(move.day, amount), *([(move.voided_on, -amount)] if move.voided else [])]
    return found


def between(history: Sequence[Move], since: dt.date, until: dt.date) -> list[tuple[dt.date, int]]:
    return [entry for entry in entries(history) if since <= entry[0] <= until]


def total(history: Sequence[Move], until: dt.date) -> int:
    return sum(amount for _day, amount in between(history, LONG_AGO, until))


def as_of(history: Sequence[Move], until: dt.date) -> Ageing:
    """What an ageing of that day would have said: what came later had not happened, voids neither."""
    past = (TODAY - until).days
    known = [replace(m, ago=m.ago - past, voided=m.voided and not past) for m in history if m.day <= until]
    return plain(known)


def check(part: Part, history: Sequence[Move], since: dt.date, until: dt.date) -> None:
    assert part.opening == total(history, since - dt.timedelta(days=1))
    shown = [(line.value_date, line.amount) for line in part.lines]
    assert sorted(shown) == sorted(between(history, since, until))
    assert [day for day, _amount in shown] == sorted(day for day, _amount in shown)
    balance = part.opening
    for line in part.lines:
        balance += line.amount
        assert (line.balance, line.debit - line.credit) == (balance, line.amount)
        assert min(line.debit, line.credit) == 0
    assert part.closing == balance == total(history, until)
    assert part.opening + part.debits - part.credits == part.closing


@pytest.mark.either_database
@pytest.mark.soak
@MODEST
@given(history=moves, before=moves, days=st.lists(st.integers(0, 135), min_size=3, max_size=3))
def test_a_statement_says_what_happened_and_the_next_goes_on_from_it(
    desk: Desk, history: list[Move], before: list[Move], days: list[int]
) -> None:
    far, middle, near = (back(n) for n in sorted(days, reverse=True))
    first, second = (far, middle), (middle + dt.timedelta(days=1), near)
    before = settled(before)
    with Session(desk.engine) as session:
        customer = factories.make_customer(session)
        session.flush()
        write(session, customer, before, "EUR")
        write(session, customer, history, "GBP")
        found = [statement(session, customer, *days) for days in (first, second)]
        session.rollback()
    for told, (since, until) in zip(found, (first, second), strict=True):
        parts = {part.currency: part for part in told.parts}
        assert told.currency == "GBP"
        check(parts["GBP"], history, since, until)
        if "EUR" in parts:
            check(parts["EUR"], before, since, until)
        else:
            assert between(before, since, until) == []
            assert total(before, since - dt.timedelta(days=1)) == 0
        assert told.owed == as_of(history, until)
        assert told.owed.total - told.owed.credit == parts["GBP"].closing
    if middle < near:
        assert found[1].parts[0].opening == found[0].parts[0].closing


@pytest.mark.either_database
@pytest.mark.soak
@MODEST
@given(history=moves)
def test_today_it_is_as_late_as_the_ageing_says(desk: Desk, history: list[Move]) -> None:
    history = [move for move in history if move.ago >= 0]
    with Session(desk.engine) as session:
        customer = factories.make_customer(session)
        session.flush()
        write(session, customer, history, "GBP")
        session.refresh(customer)
        found, other = statement(session, customer, back(30), TODAY), ageing(session, [customer.id], TODAY)
        session.rollback()
    assert found.owed == other[customer.id]
    assert found.parts[0].closing == customer.account_balance
