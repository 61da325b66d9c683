"""Points by hand: giving, redeeming, reversing (rules 1.1 to 1.9)."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from actions.core.base import Invalid, Refused
from actions.core.customer_guard import live_customer
from actions.ledgers.balances import balances_after
from actions.ledgers.loyalty import adjust, available, due, expire_lot, expiry_instant, reverse
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyLot
from tests import factories
from tests.actions.desk import Desk


def give(desk: Desk, customer: int, points: int = 100, days: int | None = None, **more) -> int:
    return desk.do(
        adjust, customer=customer, points=points, comment="Sorry", expires_after_days=days, **more
    ).record_id


def redeem(desk: Desk, customer: int, points: int) -> int:
    return desk.do(adjust, customer=customer, points=-points, comment="Voucher").record_id


def can_spend(desk: Desk, customer: int) -> int:
    with desk.look() as session:
        return available(session, customer, desk.now)


def test_points_given_by_hand_are_goodwill_with_a_lot_and_who_gave_them(desk: Desk) -> None:
    customer = desk.customer()
    entry = desk.get(LoyaltyEntry, give(desk, customer, 250))
    assert (entry.kind, entry.points, entry.comment, entry.expires_at) == ("goodwill", 250, "Sorry", None)
    assert (entry.actor_id, entry.actor_name, entry.created_at) == (desk.actor.id, "Mary Kaur", desk.now)
    assert desk.lots(customer) == [(250, 250)]
    assert desk.of(customer).points == 250


def test_redeeming_takes_from_the_lots_and_says_from_which(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 100)
    give(desk, customer, 100)
    entry = redeem(desk, customer, 150)
    assert desk.entries(customer)[-1] == ("redeemed", -150)
    assert desk.lots(customer) == [(100, 0), (100, 50)]
    assert [a.points for a in desk.all(LoyaltyAllocation, entry_id=entry)] == [100, 50]
    assert desk.of(customer).points == 50


def test_the_soonest_to_expire_is_spent_first_and_undated_points_last(desk: Desk) -> None:
    customer = desk.customer()
    for days in (None, 30, 10, 30):
        give(desk, customer, 100, days)
        desk.later(minutes=1)
    redeem(desk, customer, 130)
    assert desk.lots(customer) == [(100, 100), (100, 70), (100, 0), (100, 100)]
    redeem(desk, customer, 180)
    assert desk.lots(customer) == [(100, 90), (100, 0), (100, 0), (100, 0)]


def test_of_equal_dates_the_oldest_entry_is_spent_first_whatever_its_id(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 100)
    desk.later(days=-1)
    give(desk, customer, 100)
    desk.later(days=1)
    redeem(desk, customer, 30)
    assert desk.lots(customer) == [(100, 100), (100, 70)]


def test_a_spend_over_more_lots_than_one_batch_takes_them_all(desk: Desk) -> None:
    customer = desk.customer()
    with desk.changeset() as ctx:
        from actions.ledgers.loyalty import earn

        owner = live_customer(ctx, customer)
        for _ in range(205):
            earn(ctx, owner, 1)
    redeem(desk, customer, 205)
    assert desk.of(customer).points == 0


def test_more_than_is_available_is_refused_with_the_figure_and_leaves_nothing(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 1_200)
    with pytest.raises(Refused, match=r"1,200 available, 1,201 requested") as refused:
        redeem(desk, customer, 1_201)
    assert (refused.value.code, refused.value.status) == ("too_few_points", 409)
    assert len(desk.entries(customer)) == 1


def test_a_lot_past_its_date_is_not_available_even_before_the_job_has_run(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 100, 1)
    desk.now = dt.datetime(2026, 9, 2, 22, 59, 59, tzinfo=dt.UTC)
    assert can_spend(desk, customer) == 100
    desk.later(seconds=1)  # midnight in London, summer time: 3 September begins
    assert can_spend(desk, customer) == 0
    assert desk.of(customer).points == 100
    with pytest.raises(Refused):
        redeem(desk, customer, 1)


def test_an_expired_lot_gets_one_expired_entry_however_often_it_is_expired(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 100, 1)
    redeem(desk, customer, 40)
    desk.later(days=3)
    for _ in range(3):
        with desk.changeset() as ctx:
            owner = live_customer(ctx, customer)
            for lot in ctx.session.scalars(
                select(LoyaltyLot).where(LoyaltyLot.customer_id == customer, due(desk.now))
            ):
                expire_lot(ctx, owner, lot)
    assert desk.entries(customer) == [("goodwill", 100), ("redeemed", -40), ("expired", -60)]
    assert desk.of(customer).points == 0


def test_a_lot_whose_date_has_not_come_does_not_expire(desk: Desk) -> None:
    customer = desk.customer()
    entry = give(desk, customer, 100, 5)
    with desk.changeset() as ctx:
        lot = ctx.session.scalars(select(LoyaltyLot).where(LoyaltyLot.entry_id == entry)).one()
        assert expire_lot(ctx, live_customer(ctx, customer), lot) is None
    assert desk.of(customer).points == 100


@pytest.mark.parametrize(
    ("now", "days", "zone", "expected"),
    [
        ("2026-09-01T12:00Z", 1, "Europe/London", "2026-09-02T23:00Z"),
        ("2026-09-01T23:30Z", 1, "Europe/London", "2026-09-03T23:00Z"),  # already 2 September there
        ("2026-10-20T12:00Z", 4, "Europe/London", "2026-10-24T23:00Z"),  # the night before the clocks go back
        ("2026-10-20T12:00Z", 5, "Europe/London", "2026-10-26T00:00Z"),  # and the night after
        ("2026-03-06T12:00Z", 0, "America/Havana", "2026-03-07T05:00Z"),
        ("2026-03-06T12:00Z", 1, "America/Havana", "2026-03-08T05:00Z"),  # that day begins at one o'clock
    ],
)
def test_points_expire_at_the_start_of_the_day_after_in_the_shops_zone(now, days, zone, expected) -> None:
    instant = expiry_instant(dt.datetime.fromisoformat(now), days, ZoneInfo(zone))
    assert instant == dt.datetime.fromisoformat(expected)


def test_reversing_points_given_takes_them_away_once(desk: Desk) -> None:
    customer = desk.customer()
    entry = give(desk, customer, 100)
    done = desk.do(reverse, entry, reason="Typing error")
    assert desk.entries(customer) == [("goodwill", 100), ("reversal", -100)]
    assert desk.get(LoyaltyEntry, done.record_id).comment == "Typing error"
    assert (desk.lots(customer), desk.of(customer).points) == ([(100, 0)], 0)
    with pytest.raises(Refused, match="already been reversed"):
        desk.do(reverse, entry, reason="Once more")
    with pytest.raises(Refused, match="itself a reversal"):
        desk.do(reverse, done.record_id, reason="Undo the undo")


def test_reversing_points_already_spent_is_refused_with_the_shortfall(desk: Desk) -> None:
    customer = desk.customer()
    entry = give(desk, customer, 1_500)
    redeem(desk, customer, 1_400)
    with pytest.raises(Refused, match=r"1,400 of these 1,500 points"):
        desk.do(reverse, entry, reason="Typing error")


def test_reversing_a_redemption_gives_points_back_to_their_own_lots_with_their_dates(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 100, 10)
    give(desk, customer, 100, None)
    entry = redeem(desk, customer, 150)
    desk.do(reverse, entry, reason="Order cancelled")
    assert desk.lots(customer) == [(100, 100), (100, 100)]
    assert [lot.expires_at is None for lot in desk.all(LoyaltyLot, customer_id=customer)] == [False, True]
    assert desk.of(customer).points == 200


def test_points_given_back_to_a_lot_past_its_date_expire_again_at_once(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 100, 10)
    give(desk, customer, 100, None)
    entry = redeem(desk, customer, 150)
    desk.later(days=20)
    done = desk.do(reverse, entry, reason="Order cancelled")
    assert desk.entries(customer)[-2:] == [("reversal", 150), ("expired", -100)]
    assert desk.lots(customer) == [(100, 0), (100, 100)]
    assert desk.of(customer).points == 100
    written = desk.all(LoyaltyEntry, changeset_id=done.changeset_id)
    assert len(written) == 2


def test_expired_points_cannot_be_reversed(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 100, 1)
    desk.later(days=5)
    with desk.changeset() as ctx:
        lot = ctx.session.scalars(select(LoyaltyLot).where(LoyaltyLot.customer_id == customer)).one()
        expire_lot(ctx, live_customer(ctx, customer), lot)
    expired = desk.all(LoyaltyEntry, customer_id=customer)[-1]
    with pytest.raises(Refused, match="cannot be restored"):
        desk.do(reverse, expired.id, reason="Please")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"points": 0}, "points"),
        ({"points": 10_000_001}, "points"),
        ({"points": -10_000_001}, "points"),
        ({"points": "100"}, "points"),
        ({"points": True}, "points"),
        ({"comment": " ab "}, "comment"),
        ({"comment": None}, "comment"),
        ({"comment": "a\x00bc"}, "comment"),
        ({"expires_after_days": 0}, "expires_after_days"),
        ({"expires_after_days": 3651}, "expires_after_days"),
        ({"order_ref": "no spaces please"}, "order_ref"),
        ({"customer": 0}, "customer"),
        ({"customer": 10**30}, "customer"),
        ({"customer": "1"}, "customer"),
        ({"customer": 999_999_999}, "customer"),
    ],
)
def test_bad_input_is_refused_by_field(desk: Desk, values, field) -> None:
    good = {"customer": desk.customer(), "points": 100, "comment": "Sorry"}
    with pytest.raises(Invalid) as invalid:
        desk.do(adjust, **{**good, **values})
    assert set(invalid.value.errors) == {field}


def test_an_order_of_the_customer_is_linked_and_any_other_number_only_kept(desk: Desk) -> None:
    customer = desk.customer()
    number = f"SO-{factories.number()}"
    order = desk.make(factories.make_order, customer_id=customer, number=number)
    mine = desk.get(LoyaltyEntry, give(desk, customer, order_ref=number.lower()))
    other = desk.get(LoyaltyEntry, give(desk, customer, order_ref="SO-ELSEWHERE"))
    assert (mine.order_ref, mine.order_id) == (number, order)
    assert (other.order_ref, other.order_id) == ("SO-ELSEWHERE", None)


@pytest.mark.parametrize("closed", ["merged", "erased"])
def test_a_closed_record_gets_no_points(desk: Desk, closed: str) -> None:
    customer = desk.customer()
    entry = give(desk, customer)
    from tests.actions.customers.test_customers import close

    close(desk, customer, closed)
    with pytest.raises(Refused) as refused:
        give(desk, customer)
    assert refused.value.code == closed
    with pytest.raises(Refused):
        desk.do(reverse, entry, reason="Typing error")


def test_the_running_balance_is_the_sum_so_far_by_time_then_id(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 100)
    desk.later(days=-1)
    give(desk, customer, 10)
    desk.later(days=1)
    redeem(desk, customer, 30)
    with desk.look() as session:
        entries = session.scalars(select(LoyaltyEntry).filter_by(customer_id=customer)).all()
        after = balances_after(session, LoyaltyEntry, entries)
        assert sorted((entry.points, after[entry.id]) for entry in entries) == [
            (-30, 80),
            (10, 10),
            (100, 110),
        ]
