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

from actions.core.base import Action, Outcome
from actions.core.customer_guard import live_customer
from actions.ledgers import shop_api
from actions.ledgers.balances import balances_after
from actions.ledgers.expiry import expire_lots
from actions.ledgers.loyalty import adjust, available, due, expire_lot, expiry_instant, reverse
from actions.ledgers.points_breakdown import fates, is_newest, left_then, lots_then
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyKind, LoyaltyLot
from tests.actions.desk import Desk
from tests.rules.plain import MODEST, Entry, Pair, of
from tests.scale import FULL

LONDON = ZoneInfo("Europe/London")
lifetimes = st.sampled_from([3, None, 1, 2])
people = st.integers(0, 1)
orders = st.sampled_from(["SO-1", "SO-2"])


@dataclass(eq=False)
class Lot:
    """What is left of points given, in the model's own words."""

    entry: Entry
    left: int
    expires: dt.date | None
    given: dt.datetime

    def alive(self, today: dt.date) -> bool:
        return self.expires is None or today <= self.expires

    @property
    def order(self) -> tuple[Any, ...]:
        """Which is spent first (rule 1.4)."""
        return self.expires is None, self.expires or dt.date.max, self.given, self.entry.row


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

    def an_action(self, customer: int) -> tuple[Action, dict[str, Any]]:
        return adjust, {"customer": customer, "points": 5, "comment": "Sorry"}

    def reverser(self, entry: Entry) -> Action:
        return reverse

    def follows(self, entry: Entry) -> bool:
        return entry.kind in ("reversal", "expired", "corrected")

    def rest(self, kept: set[Entry], survivor: int, gone: int, changeset: int | None) -> bool:
        """What is left of lots that stay goes home as lots of the same date."""
        lots = [lot for lot in self.lots if lot.entry in kept]
        spent = sum(
            part
            for entry, parts in self.took.items()
            if entry not in kept
            for lot, part in parts
            if lot in lots
        )
        given = [row.id for row in self.desk.all(LoyaltyEntry, changeset_id=changeset, customer_id=gone)]
        for lot in (lot for lot in lots if lot.left):
            order = lot.entry.order if lot.entry.kind == "earned" else ""
            out = Entry(survivor, -lot.left, kind="corrected", order=order, beside=[lot.entry])
            home = Entry(gone, lot.left, given.pop(0), kind=lot.entry.kind, order=order)
            self.note(out)
            self.note(home)
            self.took[out] = [(lot, lot.left)]
            self.lots.append(Lot(home, lot.left, lot.expires, self.desk.now))
            lot.left = 0
        return spent > 0

    def why_not(self, entry: Entry) -> str:
        if entry.reverses is not None:
            return "is_reversal"
        if entry.reversed:
            return "already_reversed"
        if entry.order and entry.kind == "redeemed":
            there = self.there(entry.owner, entry.order)
            parts = sum(min(part, there.get(lot, 0)) for lot, part in self.took[entry])
            if min(parts, self.to_give(entry.owner, entry.order)) < -entry.amount:
                return "more_than_taken"
        if entry.kind == "earned" and self.to_take(entry.owner, entry.order) < entry.amount:
            return "more_than_earned"
        return "points_spent" if any(lot.left < -part for lot, part in self.parts(entry)) else ""

    def parts(self, entry: Entry) -> list[tuple[Lot, int]]:
        """What an entry took from lots; negative where it gave."""
        return self.took.get(entry) or [(self.lot_of(entry), -entry.amount)]

    def take_back(self, entry: Entry, row: int | None, changeset: int | None) -> None:
        super().take_back(entry, row, changeset)
        parts = self.parts(entry)
        if entry in self.took:
            self.entries[-1].beside += [lot.entry for lot, _points in parts]
        for lot, points in parts:
            lot.left += points
        if entry.amount < 0:
            self.expire_lot([lot for lot, _points in parts])

    # -- orders

    def to_give(self, owner: int, order: str) -> int:
        """What an order took and has not given back."""
        mine = self.of_order(owner, order, "redeemed", "corrected")
        return -sum(entry.amount for entry in mine if entry.kind == "redeemed" or entry.amount > 0)

    def to_take(self, owner: int, order: str) -> int:
        """What an order earned that was not taken back."""
        mine = self.of_order(owner, order, "earned", "corrected")
        return sum(entry.amount for entry in mine if entry.kind == "earned" or entry.amount < 0)

    def pieces(self, owner: int, order: str) -> list[list[Any]]:
        """Lots and points that an order took, oldest first, less what went back: each to the last it can be of."""
        stack: list[list[Any]] = []
        early: dict[Lot, int] = {}
        for entry in self.of_order(owner, order, "redeemed", "corrected"):
            if entry.kind == "redeemed":
                stack += [[lot, part] for lot, part in self.took[entry]]
                continue
            for lot, part in self.took[entry] if entry.amount > 0 else ():
                back = -part
                for piece in reversed(stack):
                    if piece[0] is lot:
                        gone = min(back, piece[1])
                        piece[1] -= gone
                        back -= gone
                early[lot] = early.get(lot, 0) + back
        for piece in reversed(stack):
            gone = min(early.get(piece[0], 0), piece[1])
            piece[1] -= gone
            if gone:
                early[piece[0]] -= gone
        return [piece for piece in stack if piece[1]]

    def there(self, owner: int, order: str) -> dict[Lot, int]:
        """Lot -> what an order took from it that has not gone back."""
        found: dict[Lot, int] = {}
        for lot, part in self.pieces(owner, order):
            found[lot] = found.get(lot, 0) + part
        return found

    def giving(self, owner: int, order: str, points: int) -> dict[Lot, int]:
        """Where points of an order go back to, the last taken first."""
        found: dict[Lot, int] = {}
        for lot, part in reversed(self.pieces(owner, order)):
            if gone := min(points, part):
                found[lot] = found.get(lot, 0) + gone
                points -= gone
        return found

    def own_lots(self, owner: int, order: str) -> list[Lot]:
        """The lots of what an order earned, the last first."""
        mine = [lot for lot in self.lots if lot.entry.kind == "earned" and lot.entry.owner == owner]
        return [lot for lot in reversed(mine) if lot.entry.order == order]

    def gave_back(self, owner: int, order: str, points: int, done: Outcome | None = None) -> None:
        """Write into the model that a part of an order went back."""
        parts = self.giving(owner, order, points)
        row, changeset = (done.record_id, done.changeset_id) if done else (None, None)
        entry = Entry(owner, points, row, changeset, kind="corrected", order=order)
        self.took[entry] = [(lot, -part) for lot, part in parts.items()]
        entry.beside = [lot.entry for lot in parts]
        self.note(entry)
        for lot, part in parts.items():
            lot.left += part
        self.expire_lot(list(parts))

    def took_back(self, owner: int, order: str, points: int, done: Outcome | None = None) -> None:
        """Write into the model that a part of what an order earned was taken back."""
        row, changeset = (done.record_id, done.changeset_id) if done else (None, None)
        entry = Entry(owner, -points, row, changeset, kind="corrected", order=order)
        self.took[entry] = []
        for lot in self.own_lots(owner, order):
            if part := min(points, lot.left):
                lot.left -= part
                points -= part
                self.took[entry].append((lot, part))
        entry.beside = [lot.entry for lot, _part in self.took[entry]]
        self.note(entry)

    def expire_lot(self, lots: list[Lot]) -> None:
        for lot in lots:
            if not lot.alive(self.today) and lot.left:
                lost = Entry(lot.entry.owner, -lot.left, beside=[lot.entry], kind="expired")
                self.note(lost)
                lot.left = 0

    def opened(self, entry: Entry, days: int | None) -> None:
        expires = None if days is None else self.today + dt.timedelta(days=days)
        self.note(entry)
        self.lots.append(Lot(entry, entry.amount, expires, self.desk.now))

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

    @rule(which=people, points=st.integers(1, 300), days=lifetimes, order=orders)
    def an_order_earns_them(self, which: int, points: int, days: int | None, order: str) -> None:
        owner = self.who(which)
        values = {"customer": owner, "points": points, "order_ref": order, "expires_after_days": days}
        done = self.send(shop_api.earn, **values, comment="Order")
        self.opened(Entry(owner, points, done.record_id, done.changeset_id, kind="earned", order=order), days)

    @rule(which=people, part=st.integers(1, 130), order=orders)
    def a_part_of_what_an_order_took_goes_back(self, which: int, part: int, order: str) -> None:
        owner = self.who(which)
        left = self.to_give(owner, order)
        points = max(1, left * part // 100)
        values = {"customer": owner, "points": points, "order_ref": order, "comment": "Came back"}
        if points > left:
            self.refused("more_than_taken", shop_api.correct_points, **values)
            return
        self.gave_back(owner, order, points, self.send(shop_api.correct_points, **values))

    @rule(which=people, part=st.integers(1, 130), order=orders)
    def a_part_of_what_an_order_earned_is_taken_back(self, which: int, part: int, order: str) -> None:
        owner = self.who(which)
        left, there = self.to_take(owner, order), sum(lot.left for lot in self.own_lots(owner, order))
        points = max(1, left * part // 100)
        values = {"customer": owner, "points": -points, "order_ref": order, "comment": "Came back"}
        if points > left or points > there:
            code = "more_than_earned" if points > left else "points_spent"
            self.refused(code, shop_api.correct_points, **values)
            return
        self.took_back(owner, order, points, self.send(shop_api.correct_points, **values))

    @rule(which=people, part=st.integers(1, 130), order=orders)
    def by_hand_with_the_number_of_an_order(self, which: int, part: int, order: str) -> None:
        owner = self.who(which)
        redeemed = [e for e in self.entries if (e.owner, e.order, e.kind) == (owner, order, "redeemed")]
        left = self.to_give(owner, order)
        points = max(1, left * part // 100)
        values = {"customer": owner, "points": points, "order_ref": order, "comment": "Sorry"}
        if redeemed and points > left:
            self.refused("more_than_taken", adjust, **values)
        elif redeemed:
            self.gave_back(owner, order, points, self.send(adjust, **values))
        else:
            done = self.send(adjust, **values)
            self.opened(Entry(owner, points, done.record_id, done.changeset_id, order=order), None)

    @rule(which=people, order=orders)
    def an_order_is_cancelled(self, which: int, order: str) -> None:
        owner = self.who(which)
        values = {"customer": owner, "order_ref": order, "reason": "Cancelled"}
        give, take = self.to_give(owner, order), self.to_take(owner, order)
        if not give and not take:
            self.refused("nothing_to_cancel", shop_api.cancel_points, **values)
        elif self.too_little_is_left(owner, order):
            self.refused("points_spent", shop_api.cancel_points, **values)
        else:
            self.send(shop_api.cancel_points, **values)
            mine = self.of_order(owner, order, "redeemed", "earned", "corrected")
            for left, kind, sign, part in (
                (give, "redeemed", 1, self.gave_back),
                (take, "earned", -1, self.took_back),
            ):
                if left and any(e.kind == "corrected" and e.amount * sign > 0 for e in mine):
                    part(owner, order, left)
                    continue
                for entry in reversed([e for e in mine if left and e.kind == kind]):
                    self.take_back(entry, None, None)

    def too_little_is_left(self, owner: int, order: str) -> bool:
        """Whether an order's own lots lack something of what it earned, once all it took is back."""
        then = {lot: lot.left for lot in self.lots}
        for lot, part in self.there(owner, order).items():
            then[lot] = then[lot] + part if lot.alive(self.today) else 0
        own = self.own_lots(owner, order)
        corrected = [e for e in self.of_order(owner, order, "corrected") if e.amount < 0]
        if corrected:
            return sum(then[lot] for lot in own) < self.to_take(owner, order)
        return any(then[lot] < lot.entry.amount for lot in own if not lot.entry.reversed)

    @rule(which=people, part=st.integers(1, 100))
    def redeem_a_part(self, which: int, part: int) -> None:
        if there := self.available(self.who(which)):
            self.redeem(which, max(1, there * part // 100))

    @rule(which=people, part=st.integers(1, 100), order=orders, shop=st.booleans())
    def redeem_for_an_order(self, which: int, part: int, order: str, shop: bool) -> None:
        if there := self.available(self.who(which)):
            self.redeem(which, max(1, there * part // 100), order, shop=shop)

    @rule(which=people, points=st.integers(1, 400))
    def redeem(self, which: int, points: int, order: str = "", *, shop: bool = False) -> None:
        owner = self.who(which)
        values = {"customer": owner, "points": points if shop else -points, "comment": "Voucher"}
        values |= {"order_ref": order} if order else {}
        action = shop_api.redeem if shop else adjust
        if points > self.available(owner):
            self.refused("too_few_points", action, **values)
            return
        done = self.send(action, **values)
        entry = Entry(owner, -points, done.record_id, done.changeset_id, kind="redeemed", order=order)
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
    def the_night_expires_what_is_due(self, chunk: int) -> None:
        ids = [lot.id for lot in self.due()]
        for turn in (0, 1):
            for start in range(0, len(ids), chunk):
                with self.desk.changeset("loyalty.expire") as ctx:
                    part = ids[start : start + chunk]
                    assert expire_lots(ctx, part) == (0 if turn else len(part))
        self.expire_lot(self.lots)

    @rule()
    def each_expires_by_itself(self) -> None:
        for lot in self.due():
            with self.desk.changeset() as ctx:
                expire_lot(ctx, live_customer(ctx, lot.customer_id), ctx.session.get_one(LoyaltyLot, lot.id))
        self.expire_lot(self.lots)

    def due(self) -> list[LoyaltyLot]:
        mine = LoyaltyLot.customer_id.in_(self.people)
        with self.desk.look() as session:
            return list(
                session.scalars(select(LoyaltyLot).where(mine, due(self.desk.now)).order_by(LoyaltyLot.id))
            )

    @precondition(lambda self: any(entry.kind == "expired" for entry in self.entries))
    @rule(data=st.data())
    def what_expired_does_not_come_back(self, data: st.DataObject) -> None:
        owner = self.who(0)
        expired = self.desk.all(LoyaltyEntry, customer_id=owner, kind=LoyaltyKind.EXPIRED)
        if expired:
            self.refused(
                "expired", reverse, data.draw(st.sampled_from([row.id for row in expired])), reason="Sorry"
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


@pytest.mark.either_database
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
def test_a_lot_expires_at_the_very_first_instant_of_the_day_after(
    now: dt.datetime, days: int, zone: ZoneInfo
) -> None:
    instant = expiry_instant(now, days, zone)
    last_day = now.astimezone(zone).date() + dt.timedelta(days=days)
    assert instant is not None
    assert instant.astimezone(zone).date() == last_day + dt.timedelta(days=1)
    assert (instant - dt.timedelta(microseconds=1)).astimezone(zone).date() == last_day
