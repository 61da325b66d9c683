"""Points expire in the night: each lot once, the person doing it and however often they are stopped (rule 1.6)."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.orm import Session

from actions.ledgers import loyalty
from actions.ledgers.expiry import expire_lots
from actions.maintenance.verify import verify
from jobs import loyalty as job_file
from jobs.base import JOBS, start
from models.customer import Customer
from models.dialect import WRITE
from models.loyalty import LoyaltyEntry, LoyaltyKind, LoyaltyLot
from models.run import ItemState, Run, RunItem, RunState
from tests.actions.desk import Desk
from tests.jobs.test_clock import work

EXPIRE = JOBS["loyalty.expire"]


def give(desk: Desk, customer: int, points: int, days: int | None) -> None:
    """Give points that expire after so many days."""
    desk.do(loyalty.adjust, customer=customer, points=points, comment="for the test", expires_after_days=days)


def expire(desk: Desk, as_of: dt.datetime | None = None) -> Run:
    """Run the job to its end."""
    run_id = start(desk.engine, EXPIRE, desk.now, as_of or desk.now)
    work(desk)
    return desk.get(Run, run_id)


def expired(desk: Desk) -> list[tuple[int, int]]:
    """(customer, points) of what expired, by id."""
    rows = desk.all(LoyaltyEntry, kind=LoyaltyKind.EXPIRED)
    return [(row.customer_id, row.points) for row in rows]


def in_order(desk: Desk) -> None:
    """Every balance, lot and cache is right."""
    with desk.look() as session:
        assert verify(session) == []


def test_what_is_left_of_each_lot_expires_and_stays_in_the_history(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    give(desk, one, 100, 10)
    give(desk, one, 50, None)
    give(desk, two, 30, 5)
    give(desk, two, 70, 400)
    desk.do(loyalty.adjust, customer=one, points=-40, comment="spent some")
    desk.later(days=12)
    foreseen = None
    with desk.look() as session:
        foreseen = EXPIRE.preview(session, desk.now)
    assert str(foreseen) == "90 points of 2 customers will expire."
    run = expire(desk)
    assert (run.state, run.size, run.done, run.refused) == (RunState.DONE, foreseen.size, 2, 0)
    assert expired(desk) == [(one, -60), (two, -30)]
    assert (desk.of(one).points, desk.of(two).points) == (50, 70)
    assert desk.lots(one) == [(100, 0), (50, 50)]
    in_order(desk)
    again = expire(desk)
    assert (again.size, again.done) == (0, 0)
    assert len(expired(desk)) == 2


def test_it_writes_what_expiring_one_by_one_would(desk: Desk) -> None:
    by_hand, by_the_night = desk.customer(), desk.customer()
    for customer in (by_hand, by_the_night):
        for points, days in ((10, 3), (20, 5), (30, 9)):
            give(desk, customer, points, days)
    desk.later(days=20)
    for lot in desk.all(LoyaltyLot, customer_id=by_hand):
        with desk.changeset() as ctx:
            owner = ctx.lock_one(Customer, by_hand)
            loyalty.expire_lot(ctx, owner, ctx.session.get_one(LoyaltyLot, lot.id))
    expire(desk)

    def written(customer: int) -> list[tuple[Any, ...]]:
        rows = desk.all(LoyaltyEntry, customer_id=customer, kind=LoyaltyKind.EXPIRED)
        lots = [lot.id for lot in desk.all(LoyaltyLot, customer_id=customer)]
        assert [row.key for row in rows] == [f"lapse:{lot}" for lot in lots]
        return [(row.points, row.comment, row.created_at, row.expires_at, row.order_ref) for row in rows]

    assert written(by_hand) == written(by_the_night) != []
    assert desk.lots(by_hand) == desk.lots(by_the_night)
    in_order(desk)


def test_as_of_an_earlier_moment_only_what_was_due_by_then_expires(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 10, 1)
    give(desk, customer, 20, 5)
    early = desk.now + dt.timedelta(days=3)
    desk.later(days=10)
    assert expire(desk, early).done == 1
    assert expired(desk) == [(customer, -10)]
    assert expire(desk).done == 1


@pytest.mark.parametrize("chunk", [1, 4])
def test_one_that_cannot_expire_is_named_and_the_others_do(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(job_file, "CHUNK", chunk)
    customers = [desk.customer() for _n in range(10)]
    for customer in customers:
        give(desk, customer, 10, 1)
    desk.later(days=5)
    with Session(desk.engine.execution_options(**{WRITE: True})) as session, session.begin():
        session.execute(update(Customer).where(Customer.id == customers[6]).values(points=3))
    run = expire(desk)
    assert (run.state, run.done, run.refused) == (RunState.WITH_ERRORS, 9, 1)
    bad = next(lot.entry_id for lot in desk.all(LoyaltyLot) if lot.customer_id == customers[6])
    items = desk.all(RunItem, run_id=run.id)
    assert [(item.row_id, item.state) for item in items] == [(bad, ItemState.FAILED)]
    assert [customer for customer, _points in expired(desk)] == [c for c in customers if c != customers[6]]


def test_who_spends_meanwhile_spends_what_is_there(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 10, 1)
    desk.later(days=5)
    lot = desk.all(LoyaltyLot)[0]
    with desk.changeset() as ctx:
        ctx.session.execute(update(LoyaltyLot).where(LoyaltyLot.id == lot.id).values(unspent=0))
        assert expire_lots(ctx, [lot.id]) == 0
        ctx.session.rollback()
    assert expire(desk).done == 1


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_lots_that_a_merge_takes_elsewhere_meanwhile_expire_under_the_lock_of_who_has_them(
    desk: Desk,
) -> None:
    one, two = desk.customer(), desk.customer(points=10)
    give(desk, one, 10, 1)
    desk.later(days=5)
    lot = desk.all(LoyaltyLot)[0].id
    locked = 0

    def merged(connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        nonlocal locked
        if "FOR UPDATE" in statement:
            locked += 1
            if locked == 1:
                with desk.engine.execution_options(**{WRITE: True}).begin() as other:
                    other.execute(update(LoyaltyLot.__table__).values(customer_id=two))

    with desk.changeset() as ctx:
        event.listen(desk.engine, "after_cursor_execute", merged)
        try:
            assert expire_lots(ctx, [lot]) == 1
        finally:
            event.remove(desk.engine, "after_cursor_execute", merged)
        assert locked == 2, "looked who has them by now, and locked them too"
        ctx.session.rollback()
