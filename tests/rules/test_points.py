"""Points against a plain model that knows nothing of tables: whatever staff do in whatever order (rule 1)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.balances import balances_after
from actions.base import Refused
from actions.ledger import live_customer
from actions.lots import fates, is_newest, left_then, lots_then
from actions.loyalty import adjust, available, due, lapse, lapse_instant, reverse
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyLot
from tests import factories
from tests.actions.desk import Desk
from tests.scale import scaled

LONDON = ZoneInfo("Europe/London")
lifetimes = st.sampled_from([3, None, 1, 2])


@dataclass
class Lot:
    """What is left of points given, in the model's own words."""

    entry: int
    points: int
    left: int
    lapses: dt.date | None
    given: dt.datetime

    def alive(self, today: dt.date) -> bool:
        return self.lapses is None or today <= self.lapses


@dataclass
class Model:
    """The rules of points without a database: lots in a list, and what each spend took."""

    lots: list[Lot] = field(default_factory=list)
    spends: dict[int, list[tuple[Lot, int]]] = field(default_factory=dict)
    reversed: set[int] = field(default_factory=set)
    rows: list[int] = field(default_factory=list)

    def balance(self) -> int:
        return sum(self.rows)

    def available(self, today: dt.date) -> int:
        return sum(lot.left for lot in self.lots if lot.alive(today))

    def spend(self, entry: int, points: int, today: dt.date) -> None:
        alive = [lot for lot in self.lots if lot.alive(today) and lot.left]
        alive.sort(key=lambda lot: (lot.lapses is None, lot.lapses or dt.date.max, lot.given, lot.entry))
        self.rows.append(-points)
        self.spends[entry] = []
        for lot in alive:
            took = min(points, lot.left)
            if took:
                lot.left -= took
                points -= took
                self.spends[entry].append((lot, took))

    def lapse(self, lots: list[Lot], today: dt.date) -> None:
        for lot in lots:
            if not lot.alive(today) and lot.left:
                self.rows.append(-lot.left)
                lot.left = 0


def explain(session: Session, entry: LoyaltyEntry, lots: Sequence[LoyaltyLot], balance: int) -> None:
    """Hold the explanation of one balance to it, and what it says of each lot to the lot."""
    left = left_then(session, entry, lots)
    told = fates(session, entry, lots)
    assert sum(left.values()) == balance
    newest = is_newest(session, entry)
    shown = {
        some: set(session.scalars(lots_then(entry, now=newest, left=some).with_only_columns(LoyaltyLot.id)))
        for some in (True, False)
    }
    assert shown[True] == {lot for lot, points in left.items() if points}
    for lot in lots:
        given = lot.points if lot.id in shown[False] else 0
        assert given - told[lot.id].gone == left[lot.id]
        assert sum(taken.points for taken in told[lot.id].latest) == told[lot.id].gone
        assert not newest or left[lot.id] == lot.unspent


class Points(RuleBasedStateMachine):
    """One customer, one clock that only goes forward."""

    desk: Desk

    def __init__(self) -> None:
        super().__init__()
        self.desk.now = factories.NOW
        self.customer = self.desk.customer()
        self.model = Model()

    @property
    def today(self) -> dt.date:
        return self.desk.now.astimezone(LONDON).date()

    @initialize(gifts=st.lists(st.tuples(st.integers(1, 300), lifetimes), min_size=2, max_size=5))
    def some_points_to_begin_with(self, gifts: list[tuple[int, int | None]]) -> None:
        for points, days in gifts:
            self.give(points, days)

    @rule(points=st.integers(1, 300), days=lifetimes)
    def give(self, points: int, days: int | None) -> None:
        values = {"customer": self.customer, "points": points, "comment": "Sorry", "expires_after_days": days}
        entry = self.desk.do(adjust, **values).record_id
        lapses = None if days is None else self.today + dt.timedelta(days=days)
        self.model.lots.append(Lot(entry, points, points, lapses, self.desk.now))
        self.model.rows.append(points)

    @rule(part=st.integers(1, 99))
    def redeem_a_part(self, part: int) -> None:
        if there := self.model.available(self.today):
            self.redeem(max(1, there * part // 100))

    @rule(points=st.integers(1, 400))
    def redeem(self, points: int) -> None:
        values = {"customer": self.customer, "points": -points, "comment": "Voucher"}
        if points > self.model.available(self.today):
            with pytest.raises(Refused) as refused:
                self.desk.do(adjust, **values)
            assert refused.value.code == "too_few_points"
        else:
            self.model.spend(self.desk.do(adjust, **values).record_id, points, self.today)

    @rule()
    def redeem_everything(self) -> None:
        if there := self.model.available(self.today):
            self.redeem(there)

    @precondition(lambda self: self.model.lots)
    @rule(data=st.data())
    def reverse_points_given(self, data: st.DataObject) -> None:
        lot = data.draw(st.sampled_from(self.model.lots))
        if lot.entry in self.model.reversed or lot.left < lot.points:
            code = "already_reversed" if lot.entry in self.model.reversed else "points_spent"
            with pytest.raises(Refused) as refused:
                self.desk.do(reverse, lot.entry, reason="Typing error")
            assert refused.value.code == code
            return
        self.desk.do(reverse, lot.entry, reason="Typing error")
        self.model.reversed.add(lot.entry)
        self.model.rows.append(-lot.points)
        lot.left = 0

    @precondition(lambda self: self.model.spends)
    @rule(data=st.data())
    def reverse_a_redemption(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(sorted(self.model.spends)))
        if entry in self.model.reversed:
            with pytest.raises(Refused):
                self.desk.do(reverse, entry, reason="Cancelled")
            return
        self.desk.do(reverse, entry, reason="Cancelled")
        self.model.reversed.add(entry)
        took = self.model.spends[entry]
        self.model.rows.append(sum(points for _, points in took))
        for lot, points in took:
            lot.left += points
        self.model.lapse([lot for lot, _ in took], self.today)

    @rule(times=st.integers(1, 2))
    def the_job_runs(self, times: int) -> None:
        mine = LoyaltyLot.customer_id == self.customer
        for _ in range(times):
            with self.desk.deed("loyalty.expire") as ctx:
                owner = live_customer(ctx, self.customer)
                for lot in ctx.session.scalars(select(LoyaltyLot).where(mine, due(ctx.now))).all():
                    lapse(ctx, owner, lot)
        self.model.lapse(self.model.lots, self.today)

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        self.desk.later(hours=hours)

    @invariant()
    def the_database_says_the_same(self) -> None:
        assert self.desk.of(self.customer).points == self.model.balance()
        with self.desk.look() as session:
            assert available(session, self.customer, self.desk.now) == self.model.available(self.today)
        lots = self.desk.all(LoyaltyLot, customer_id=self.customer)
        assert {lot.entry_id: lot.unspent for lot in lots} == {lot.entry: lot.left for lot in self.model.lots}
        assert sum(lot.unspent for lot in lots) == self.model.balance()
        entries = self.desk.all(LoyaltyEntry, customer_id=self.customer)
        assert sorted(entry.points for entry in entries) == sorted(self.model.rows)

    @invariant()
    def the_lots_behind_every_balance_add_up_to_it(self) -> None:
        with self.desk.look() as session:
            mine = select(LoyaltyEntry).where(LoyaltyEntry.customer_id == self.customer)
            entries = session.scalars(mine.order_by(LoyaltyEntry.created_at, LoyaltyEntry.id)).all()
            lots = session.scalars(select(LoyaltyLot).where(LoyaltyLot.customer_id == self.customer)).all()
            balances, total = balances_after(session, LoyaltyEntry, entries), 0
            for entry in [*entries[:3], *entries[-3:]] if len(entries) > 6 else entries:
                explain(session, entry, lots, balances[entry.id])
            for entry in entries:
                total += entry.points
                assert balances[entry.id] == total

    @invariant()
    def every_lot_is_its_points_less_its_allocations(self) -> None:
        taken = func.coalesce(func.sum(LoyaltyAllocation.points), 0)
        query = select(LoyaltyLot.points, LoyaltyLot.unspent, taken).outerjoin(LoyaltyLot.allocations)
        mine = query.where(LoyaltyLot.customer_id == self.customer).group_by(LoyaltyLot.id)
        with self.desk.look() as session:
            assert all(unspent == points - gone for points, unspent, gone in session.execute(mine))


@pytest.mark.slow
@pytest.mark.soak
def test_points_do_what_the_plain_model_does(desk: Desk) -> None:
    machine = type("PointsHere", (Points,), {"desk": desk})
    modest = settings(
        max_examples=scaled(400, least=15),
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(machine, settings=modest)


ZONES = [
    "Europe/London",
    "America/Havana",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Pacific/Apia",
]


@given(
    now=st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2040, 1, 1), timezones=st.just(dt.UTC)),
    days=st.integers(1, 3650),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
def test_a_lot_lapses_at_the_very_first_instant_of_the_day_after(
    now: dt.datetime, days: int, zone: ZoneInfo
) -> None:
    instant = lapse_instant(now, days, zone)
    last_day = now.astimezone(zone).date() + dt.timedelta(days=days)
    assert instant is not None
    assert instant.astimezone(zone).date() == last_day + dt.timedelta(days=1)
    assert (instant - dt.timedelta(microseconds=1)).astimezone(zone).date() == last_day
