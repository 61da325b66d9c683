"""Points against a plain model that knows nothing of tables: whatever staff do in whatever order (rule 1)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.balances import balances_after
from actions.base import Action
from actions.lapsing import lapse_lots
from actions.ledger import live_customer
from actions.lots import fates, is_newest, left_then, lots_then
from actions.loyalty import adjust, available, due, earn, lapse, lapse_instant, reverse
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyKind, LoyaltyLot
from tests.actions.desk import Desk
from tests.rules.plain import MODEST, Entry, Pair, of
from tests.scale import FULL

LONDON = ZoneInfo("Europe/London")
lifetimes = st.sampled_from([3, None, 1, 2])
people = st.integers(0, 1)


@dataclass(eq=False)
class Lot:
    """What is left of points given, in the model's own words."""

    entry: Entry
    left: int
    lapses: dt.date | None
    given: dt.datetime

    def alive(self, today: dt.date) -> bool:
        return self.lapses is None or today <= self.lapses

    @property
    def order(self) -> tuple[Any, ...]:
        """Which is spent first (rule 1.4)."""
        return self.lapses is None, self.lapses or dt.date.max, self.given, self.entry.row


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


class Points(Pair):
    """Lots in a list, and what each spend took."""

    ledger, figure, cache = LoyaltyEntry, "points", "points"

    def __init__(self) -> None:
        super().__init__()
        self.lots: list[Lot] = []
        self.took: dict[Entry, list[tuple[Lot, int]]] = {}

    @property
    def today(self) -> dt.date:
        return self.desk.now.astimezone(LONDON).date()

    def available(self, owner: int) -> int:
        return sum(lot.left for lot in self.lots if lot.entry.owner == owner and lot.alive(self.today))

    def lot_of(self, entry: Entry) -> Lot:
        return next(lot for lot in self.lots if lot.entry is entry)

    def deed(self, customer: int) -> tuple[Action, dict[str, Any]]:
        return adjust, {"customer": customer, "points": 5, "comment": "Sorry"}

    def reverser(self, entry: Entry) -> Action:
        return reverse

    def why_not(self, entry: Entry) -> str:
        if entry.reverses is not None:
            return "is_reversal"
        if entry.reversed:
            return "already_reversed"
        return "points_spent" if entry.amount > 0 and self.lot_of(entry).left < entry.amount else ""

    def take_back(self, entry: Entry, row: int | None, changeset: int | None) -> None:
        super().take_back(entry, row, changeset)
        if entry.amount > 0:
            self.lot_of(entry).left = 0
            return
        took = self.took[entry]
        self.entries[-1].beside += [lot.entry for lot, _points in took]
        for lot, points in took:
            lot.left += points
        self.lapse([lot for lot, _points in took])

    def lapse(self, lots: list[Lot]) -> None:
        for lot in lots:
            if not lot.alive(self.today) and lot.left:
                lost = Entry(lot.entry.owner, -lot.left, beside=[lot.entry], kind="expired")
                self.note(lost)
                lot.left = 0

    def opened(self, entry: Entry, days: int | None) -> None:
        lapses = None if days is None else self.today + dt.timedelta(days=days)
        self.note(entry)
        self.lots.append(Lot(entry, entry.amount, lapses, self.desk.now))

    # -- what happens

    def begin(self, data: st.DataObject) -> None:
        gifts = st.lists(st.tuples(people, st.integers(1, 300), lifetimes), min_size=2, max_size=5)
        for which, points, days in data.draw(gifts):
            self.give(which, points, days)

    @rule(which=people, points=st.integers(1, 300), days=lifetimes)
    def give(self, which: int, points: int, days: int | None) -> None:
        owner = self.who(which)
        values = {"customer": owner, "points": points, "comment": "Sorry", "expires_after_days": days}
        done = self.send(adjust, **values)
        self.opened(Entry(owner, points, done.record_id, done.changeset_id), days)

    @rule(which=people, points=st.integers(1, 300), days=lifetimes)
    def an_order_earns_them(self, which: int, points: int, days: int | None) -> None:
        owner = self.who(which)
        with self.desk.deed() as ctx:
            lapses = lapse_instant(ctx.now, days, ctx.shop.zone)
            row = earn(ctx, live_customer(ctx, owner), points, expires_at=lapses, order_ref="W-1001").id
        self.opened(Entry(owner, points, row, ctx.journal.written), days)

    @rule(which=people, part=st.integers(1, 100))
    def redeem_a_part(self, which: int, part: int) -> None:
        if there := self.available(self.who(which)):
            self.redeem(which, max(1, there * part // 100))

    @rule(which=people, points=st.integers(1, 400))
    def redeem(self, which: int, points: int) -> None:
        owner = self.who(which)
        values = {"customer": owner, "points": -points, "comment": "Voucher"}
        if points > self.available(owner):
            self.refused("too_few_points", adjust, **values)
            return
        done = self.send(adjust, **values)
        entry = Entry(owner, -points, done.record_id, done.changeset_id)
        alive = [lot for lot in self.lots if lot.entry.owner == owner and lot.alive(self.today) and lot.left]
        self.took[entry] = []
        for lot in sorted(alive, key=lambda lot: lot.order):
            if part := min(points, lot.left):
                lot.left -= part
                points -= part
                self.took[entry].append((lot, part))
        entry.beside = [lot.entry for lot, _part in self.took[entry]]
        self.note(entry)

    @rule(chunk=st.integers(1, 4))
    def the_night_lapses_what_is_due(self, chunk: int) -> None:
        ids = [lot.id for lot in self.due()]
        for turn in (0, 1):
            for start in range(0, len(ids), chunk):
                with self.desk.deed("loyalty.expire") as ctx:
                    part = ids[start : start + chunk]
                    assert lapse_lots(ctx, part) == (0 if turn else len(part))
        self.lapse(self.lots)

    @rule()
    def each_lapses_by_itself(self) -> None:
        for lot in self.due():
            with self.desk.deed() as ctx:
                lapse(ctx, live_customer(ctx, lot.customer_id), ctx.session.get_one(LoyaltyLot, lot.id))
        self.lapse(self.lots)

    def due(self) -> list[LoyaltyLot]:
        mine = LoyaltyLot.customer_id.in_(self.people)
        with self.desk.look() as session:
            return list(
                session.scalars(select(LoyaltyLot).where(mine, due(self.desk.now)).order_by(LoyaltyLot.id))
            )

    @precondition(lambda self: any(entry.kind == "expired" for entry in self.entries))
    @rule(data=st.data())
    def what_lapsed_does_not_come_back(self, data: st.DataObject) -> None:
        owner = self.who(0)
        lapsed = self.desk.all(LoyaltyEntry, customer_id=owner, kind=LoyaltyKind.EXPIRED)
        if lapsed:
            self.refused(
                "lapsed", reverse, data.draw(st.sampled_from([row.id for row in lapsed])), reason="Sorry"
            )

    @invariant()
    def so_do_the_lots(self) -> None:
        for person in self.people:
            with self.desk.look() as session:
                assert available(session, person, self.desk.now) == self.available(person)
            lots = self.desk.all(LoyaltyLot, customer_id=person)
            mine = {lot.entry.row: lot.left for lot in self.lots if lot.entry.owner == person}
            assert {lot.entry_id: lot.unspent for lot in lots} == mine
            assert sum(mine.values()) == self.balance(person)

    @invariant()
    def the_lots_behind_every_balance_add_up_to_it(self) -> None:
        for person in self.people:
            with self.desk.look() as session:
                mine = select(LoyaltyEntry).where(LoyaltyEntry.customer_id == person)
                entries = session.scalars(mine.order_by(LoyaltyEntry.created_at, LoyaltyEntry.id)).all()
                lots = session.scalars(select(LoyaltyLot).where(LoyaltyLot.customer_id == person)).all()
                balances = balances_after(session, LoyaltyEntry, entries)
                for entry in dict.fromkeys([*entries[:3], *entries[-3:]] if FULL else entries[-1:]):
                    explain(session, entry, lots, balances[entry.id])

    @invariant()
    def every_lot_is_its_points_less_its_allocations(self) -> None:
        taken = func.coalesce(func.sum(LoyaltyAllocation.points), 0)
        query = select(LoyaltyLot.points, LoyaltyLot.unspent, taken).outerjoin(LoyaltyLot.allocations)
        mine = query.where(LoyaltyLot.customer_id.in_(self.people)).group_by(LoyaltyLot.id)
        with self.desk.look() as session:
            assert all(unspent == points - gone for points, unspent, gone in session.execute(mine))


@pytest.mark.slow
@pytest.mark.soak
def test_points_do_what_the_plain_model_does(desk: Desk) -> None:
    run_state_machine_as_test(of(desk, Points), settings=MODEST)


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
