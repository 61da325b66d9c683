"""Free tastings: what the class gives in a calendar year, one entry a use (rule 1.11)."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest

from actions.core.base import Refused
from actions.ledgers.tastings import Tastings, reverse, tastings, use
from actions.maintenance.verify import verify
from actions.undo.undo import undo
from models.customer import Customer
from models.order import Order
from models.tasting import TastingEntry, TastingKind
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import put_together, take_back


def taster(desk: Desk, free: int = 2) -> int:
    """A customer of a class that gives so many."""
    kind = desk.make(factories.make_customer_class, free_tastings=free)
    return desk.customer(customer_class_id=kind)


def there(desk: Desk, customer: int, year: int = factories.NOW.year) -> Tastings:
    """What a customer has of a year."""
    with desk.look() as session:
        return tastings(session, session.get_one(Customer, customer), year)


def refused(desk: Desk, customer: int) -> str:
    """Why one more cannot be used."""
    with pytest.raises(Refused) as why:
        desk.do(use, customer=customer)
    return why.value.code


def wrong(desk: Desk, *customers: int) -> list[str]:
    """What ``flask verify`` says of the tastings of these customers: other tests leave theirs in the same database."""
    ids = [entry.id for customer in customers for entry in desk.all(TastingEntry, customer_id=customer)]
    assert ids, "nothing to look at"
    names = [(f"Tasting entry {i}:", f"tasting_entry.customer_id of row {i} ") for i in ids]
    with desk.look() as session:
        return [said for said in verify(session) if any(said.startswith(name) for name in names)]


def test_the_class_gives_them_and_each_use_is_one_entry(desk: Desk) -> None:
    customer = taster(desk)
    order = desk.make(factories.make_order, customer_id=customer, number="SO-TASTE")
    done = desk.do(use, customer=customer, order_ref="so-taste", comment="The new vintage")
    entry = desk.get(TastingEntry, done.record_id)
    assert (entry.kind, entry.year, entry.order_ref, entry.comment) == (
        TastingKind.USED,
        2026,
        "SO-TASTE",
        "The new vintage",
    )
    assert entry.order_id == desk.get(Order, order).id
    assert there(desk, customer) == Tastings(2, 1)
    desk.do(use, customer=customer)
    assert refused(desk, customer) == "none_left"
    assert there(desk, customer).left == 0


def test_without_a_class_or_with_one_that_gives_none_there_are_none(desk: Desk) -> None:
    assert refused(desk, desk.customer()) == "no_tastings"
    assert refused(desk, taster(desk, 0)) == "no_tastings"


def test_a_new_year_by_the_shops_own_calendar_gives_them_anew(desk: Desk) -> None:
    desk.make(factories.make_shop_setting, code="time_zone", value="Pacific/Auckland")
    customer = taster(desk, 1)
    desk.now = dt.datetime(2026, 12, 31, 10, 59, tzinfo=dt.UTC)
    desk.do(use, customer=customer)
    assert refused(desk, customer) == "none_left"
    desk.now = dt.datetime(2026, 12, 31, 11, 0, tzinfo=dt.UTC)
    desk.do(use, customer=customer)
    assert [entry.year for entry in desk.all(TastingEntry, customer_id=customer)] == [2026, 2027]
    with desk.changeset() as ctx:
        from models.shop import ShopSetting

        ctx.session.delete(ctx.session.query(ShopSetting).filter_by(code="time_zone").one())


def test_a_class_that_gives_fewer_leaves_none_and_owes_none(desk: Desk) -> None:
    customer = taster(desk, 3)
    for _n in range(3):
        desk.do(use, customer=customer)
    fewer = desk.make(factories.make_customer_class, free_tastings=1)
    desk.edit(Customer, customer, customer_class_id=fewer)
    assert (there(desk, customer).used, there(desk, customer).left) == (3, 0)
    assert refused(desk, customer) == "none_left"


def test_one_is_given_back_once_to_its_own_year(desk: Desk) -> None:
    customer = taster(desk, 1)
    entry = desk.do(use, customer=customer).record_id
    desk.later(days=200)
    desk.do(reverse, entry, reason="Wrong person")
    assert (there(desk, customer, 2026).used, there(desk, customer, 2027).used) == (0, 0)
    with pytest.raises(Refused) as why:
        desk.do(reverse, entry, reason="Once more")
    assert why.value.code == "already_reversed"


def test_an_undo_gives_it_back_and_a_repetition_uses_none(desk: Desk) -> None:
    customer = taster(desk, 2)
    done = desk.do(use, customer=customer, key="tap")
    assert desk.do(use, customer=customer, key="tap").record_id == done.record_id
    assert there(desk, customer).used == 1
    desk.do(undo, done.changeset_id)
    assert there(desk, customer).used == 0
    assert wrong(desk, customer) == []


def test_of_two_who_use_the_last_at_once_one_wins(desk: Desk) -> None:
    customer = taster(desk, 1)

    def one(_n: int) -> str:
        try:
            desk.do(use, customer=customer)
        except Refused as why:
            return why.code
        return "used"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, range(2))) == ["none_left", "used"]
    assert there(desk, customer).used == 1


def test_after_a_merge_both_count_and_an_undo_parts_them(desk: Desk) -> None:
    one, two = taster(desk, 3), taster(desk, 3)
    desk.do(use, customer=one)
    entry = desk.do(use, customer=two).record_id
    desk.do(use, customer=two)
    merged = put_together(desk, one, two)
    assert there(desk, one) == Tastings(3, 3)
    assert wrong(desk, one, two) == []
    assert refused(desk, one) == "none_left"
    assert refused(desk, two) == "merged"
    desk.do(reverse, entry, reason="A mistake")
    assert take_back(desk, merged) == [], "what was reversed since goes home with its reversal"
    assert (there(desk, one).used, there(desk, two).used) == (1, 1)
    assert wrong(desk, one, two) == []
