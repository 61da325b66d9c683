"""What a shop reports: customers by any handle, orders by their number (rule 24)."""

from typing import Any

import pytest

from actions.core.base import Invalid, Refused
from actions.ledgers import accounts, loyalty, shop_api
from actions.ledgers.credit import adjust as adjust_credit
from actions.ledgers.credit import reverse as reverse_credit
from actions.merging.merge import merge
from actions.undo.undo import undo
from models.account import AccountEntry, Invoice
from models.choices import Status
from models.credit import CreditEntry
from models.customer import Customer
from models.loyalty import LoyaltyEntry
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import put_together, trouble

ORDER = {"order_ref": "SO-77"}
CANCELLED = {**ORDER, "reason": "Order cancelled"}


def earn(desk: Desk, customer: Any, points: int = 100, **values: Any) -> Any:
    return desk.do(shop_api.earn, customer=customer, points=points, **ORDER | values)


def merged(desk: Desk, survivor: int, other: int) -> None:
    with desk.changeset("customer.merge") as ctx:
        kept, _gone = ctx.lock(Customer, [survivor, other])
        merge(ctx, kept if kept.id == survivor else _gone, others=[other], reason="The same person")


# -- whom a shop means ----------------------------------------------------------------------------------------------


def code() -> str:
    """A card or account code that nobody else has."""
    return f"LC-{factories.number()}"


def test_a_customer_is_named_by_what_the_shop_knows(desk: Desk) -> None:
    card, account = code(), code()
    customer = desk.customer(email=f"{card}@example.org", loyalty_code=card, account_code=account)
    desk.make(factories.make_external_id, customer_id=customer, system="shop", value=f"User {card}")
    handles = (
        customer,
        f"id:{customer}",
        f"email:{card.upper()}@Example.org",
        f"loyalty_code:{card.lower()}",
        f"account_code:{account}",
        f"shop:user{card}",
        f"\ufeffloyalty_code:\u200b{card} ",
    )
    for handle in handles:
        earn(desk, handle, 1)
    assert desk.of(customer).points == len(handles)


NOBODY: tuple[Any, ...] = (
    0, -1, 2**63, True, None, "", ":", "id:", "id:x", "id: ", "card:LC-1", "loyalty_code", "loyalty_code:NOBODYS", "id:²",
    "email:nobody@example.org", "shop:nobody", "id:999999", 999_999, "email:" + "x" * 400, 1.0, "merged_into_id:1",
)  # fmt: skip


def test_nobody_is_named_by_anything_else(desk: Desk) -> None:
    for handle in NOBODY:
        with pytest.raises(Invalid) as invalid:
            earn(desk, handle)
        assert set(invalid.value.errors) == {"customer"}, handle


def test_a_registered_customer_comes_before_guests_with_the_same_email(desk: Desk) -> None:
    guests = [desk.customer(email="a@example.org", status=Status.GUEST) for _ in range(2)]
    with pytest.raises(Invalid, match="Several"):
        earn(desk, "email:a@example.org")
    registered = desk.customer(email="a@example.org")
    earn(desk, "email:a@example.org")
    assert [desk.of(who).points for who in (*guests, registered)] == [0, 0, 100]


def test_what_was_a_merged_records_leads_to_its_survivor(desk: Desk) -> None:
    old, first, second = code(), desk.customer(loyalty_code=code()), desk.customer()
    third = desk.customer(email=f"{old}@example.org", loyalty_code=old)
    desk.make(factories.make_external_id, customer_id=third, system="shop", value=old)
    merged(desk, second, third)
    merged(desk, first, second)
    for handle in (third, f"id:{third}", f"email:{old}@example.org", f"loyalty_code:{old}", f"shop:{old}"):
        done = earn(desk, handle, 1)
        by_id = handle == third or str(handle).startswith("id:")
        assert bool(done.warnings) == by_id, "who names the old record is told of the new one"
    assert desk.of(first).points == 5


def test_a_code_that_was_given_anew_names_who_has_it_now(desk: Desk) -> None:
    old = code()
    first, other = desk.customer(loyalty_code=code()), desk.customer(loyalty_code=old)
    merged(desk, first, other)
    newcomer = desk.customer(loyalty_code=old)
    earn(desk, f"loyalty_code:{old}")
    assert (desk.of(first).points, desk.of(newcomer).points) == (0, 100)


def test_an_erased_customer_takes_nothing(desk: Desk) -> None:
    customer = desk.customer(anonymised_at=desk.now)
    with pytest.raises(Refused) as refused:
        earn(desk, customer)
    assert refused.value.code == "erased"


# -- points ---------------------------------------------------------------------------------------------------------


def test_an_order_is_linked_if_it_is_theirs_and_kept_as_typed_otherwise(desk: Desk) -> None:
    customer = desk.customer()
    order = desk.make(factories.make_order, customer_id=customer, number="SX-1")
    desk.make(factories.make_order, number="SX-2")
    for number in ("sx-1", "SX-2", "SX-3"):
        earn(desk, customer, order_ref=number)
    found = [(row.order_ref, row.order_id) for row in desk.all(LoyaltyEntry, customer_id=customer)]
    assert found == [("SX-1", order), ("SX-2", None), ("SX-3", None)]


def test_a_cancelled_order_gives_back_what_it_took_and_takes_what_it_gave(desk: Desk) -> None:
    customer = desk.customer()
    earn(desk, customer, 500, order_ref="SO-1")
    desk.do(shop_api.redeem, customer=customer, points=500, **ORDER)
    earn(desk, customer, 60)
    desk.do(shop_api.correct_points, customer=customer, points=-20, **ORDER)
    desk.do(shop_api.cancel_points, customer=customer, **CANCELLED)
    assert desk.of(customer).points == 500
    assert desk.lots(customer)[0] == (500, 500)
    with pytest.raises(Refused) as refused:
        desk.do(shop_api.cancel_points, customer=customer, **CANCELLED)
    assert refused.value.code == "nothing_to_cancel"


def test_a_cancelled_order_leaves_other_orders_and_goodwill_alone(desk: Desk) -> None:
    customer, other = desk.customer(), desk.customer()
    earn(desk, customer, 10, order_ref="SO-78")
    earn(desk, other, 20)
    desk.do(loyalty.adjust, customer=customer, points=5, comment="Came late", **ORDER)
    with pytest.raises(Refused):
        desk.do(shop_api.cancel_points, customer=customer, **CANCELLED)
    earn(desk, customer, 30)
    desk.do(shop_api.cancel_points, customer=customer, **CANCELLED)
    assert (desk.of(customer).points, desk.of(other).points) == (15, 20)


def refused(code: str, desk: Desk, hook: Any, target: int | None = None, **values: Any) -> Refused:
    """See that something is refused with a code, and nothing is written."""
    before = len(desk.all(LoyaltyEntry)), len(desk.all(CreditEntry))
    with pytest.raises(Refused) as found:
        desk.do(hook, target, **values)
    assert found.value.code == code
    assert (len(desk.all(LoyaltyEntry)), len(desk.all(CreditEntry))) == before
    return found.value


def correct(desk: Desk, customer: int, points: int, order: str = "SO-77") -> int:
    """Give back or take back a part; return the entry."""
    done = desk.do(shop_api.correct_points, customer=customer, points=points, order_ref=order)
    assert done.record_id is not None
    return done.record_id


def test_a_part_of_an_order_and_the_rest_never_make_more_than_all(desk: Desk) -> None:
    customer = desk.customer()
    earn(desk, customer, 500, order_ref="SO-1")
    taken = desk.do(shop_api.redeem, customer=customer, points=100, **ORDER)
    correct(desk, customer, 40)
    again = {"customer": customer, "points": 61, **ORDER}
    assert refused("more_than_taken", desk, shop_api.correct_points, **again).values["left"] == "60"
    refused("more_than_taken", desk, loyalty.reverse, taken.record_id, reason="Mistake")
    refused("nothing_to_undo", desk, undo, taken.changeset_id)
    by_hand = refused("more_than_taken", desk, loyalty.adjust, **again, comment="Came back")
    assert "leave the order number blank" in str(by_hand)
    desk.do(shop_api.cancel_points, customer=customer, **CANCELLED)
    assert (desk.of(customer).points, desk.lots(customer)) == (500, [(500, 500)])
    refused("nothing_to_cancel", desk, shop_api.cancel_points, customer=customer, **CANCELLED)
    refused("more_than_taken", desk, shop_api.correct_points, customer=customer, points=1, **ORDER)


def test_an_order_nobody_heard_of_gives_and_takes_nothing(desk: Desk) -> None:
    customer, other = desk.customer(), desk.customer()
    for who in (customer, other):
        earn(desk, who, 500, order_ref="SO-1")
    desk.do(shop_api.redeem, customer=other, points=100, **ORDER)
    refused("more_than_taken", desk, shop_api.correct_points, customer=customer, points=1, **ORDER)
    refused("more_than_earned", desk, shop_api.correct_points, customer=customer, points=-1, **ORDER)
    refused("more_than_taken", desk, shop_api.correct_credit, customer=customer, amount=1, **ORDER)
    refused("nothing_to_cancel", desk, shop_api.cancel_credit, customer=customer, **CANCELLED)


def test_what_goes_back_keeps_its_dates_the_last_taken_first(desk: Desk) -> None:
    customer = desk.customer()
    for days in (10, 20):
        earn(desk, customer, 50, order_ref="SO-1", expires_after_days=days)
    desk.do(shop_api.redeem, customer=customer, points=80, **ORDER)
    correct(desk, customer, 40)
    assert desk.lots(customer) == [(50, 10), (50, 50)]
    desk.later(days=15)
    correct(desk, customer, 30)
    assert desk.lots(customer) == [(50, 0), (50, 50)]
    assert desk.entries(customer)[-2:] == [("adjustment", 30), ("expired", -40)]
    refused("more_than_taken", desk, shop_api.correct_points, customer=customer, points=11, **ORDER)
    assert trouble(desk, customer) == []


def test_what_is_taken_back_of_an_order_comes_from_its_own_points(desk: Desk) -> None:
    customer = desk.customer()
    earn(desk, customer, 100, order_ref="SO-1", expires_after_days=5)
    earn(desk, customer, 60)
    correct(desk, customer, -20)
    assert desk.lots(customer) == [(100, 100), (60, 40)]
    desk.do(loyalty.adjust, customer=customer, points=-110, comment="Voucher")
    assert desk.lots(customer) == [(100, 0), (60, 30)]
    short = refused("points_spent", desk, shop_api.correct_points, customer=customer, points=-31, **ORDER)
    assert short.values["shortfall"] == "1"
    refused("more_than_earned", desk, shop_api.correct_points, customer=customer, points=-41, **ORDER)


def test_taking_back_a_correction_is_right_either_way(desk: Desk) -> None:
    customer = desk.customer()
    earn(desk, customer, 100, order_ref="SO-1", expires_after_days=5)
    earn(desk, customer, 60)
    desk.do(shop_api.redeem, customer=customer, points=100, **ORDER)
    back, off = correct(desk, customer, 40), correct(desk, customer, -20)
    desk.do(loyalty.reverse, back, reason="Typing error")
    desk.do(loyalty.reverse, off, reason="Typing error")
    assert desk.lots(customer) == [(100, 0), (60, 60)]
    desk.do(shop_api.cancel_points, customer=customer, **CANCELLED)
    assert desk.lots(customer) == [(100, 100), (60, 0)]
    assert trouble(desk, customer) == []


def test_a_correction_whose_points_were_spent_again_stays(desk: Desk) -> None:
    customer = desk.customer()
    earn(desk, customer, 100, order_ref="SO-1")
    desk.do(shop_api.redeem, customer=customer, points=100, **ORDER)
    back = desk.do(shop_api.correct_points, customer=customer, points=40, **ORDER)
    desk.do(loyalty.adjust, customer=customer, points=-30, comment="Voucher")
    short = refused("points_spent", desk, loyalty.reverse, back.record_id, reason="Typing error")
    assert short.values["shortfall"] == "30"
    refused("nothing_to_undo", desk, undo, back.changeset_id)


def test_the_orders_of_merged_records_count_together_until_they_part(desk: Desk) -> None:
    first, second = desk.customer(), desk.customer()
    for who in (first, second):
        earn(desk, who, 100, order_ref="SO-1")
        desk.do(adjust_credit, customer=who, amount=1_000, comment="Card")
        desk.do(shop_api.redeem, customer=who, points=50, **ORDER)
        desk.do(shop_api.redeem_credit, customer=who, amount=500, **ORDER)
    done = put_together(desk, first, second)
    refused("more_than_taken", desk, shop_api.correct_points, customer=first, points=101, **ORDER)
    correct(desk, first, 80)
    desk.do(shop_api.correct_credit, customer=first, amount=800, **ORDER)
    desk.do(undo, done.changeset_id)
    assert trouble(desk, first, second) == []
    refused("nothing_to_cancel", desk, shop_api.cancel_points, customer=second, **CANCELLED)
    assert (desk.of(first).points, desk.of(second).points) == (80, 100)
    assert (desk.of(first).credit_balance, desk.of(second).credit_balance) == (800, 1_000)


def test_what_staff_give_for_an_order_that_took_none_is_goodwill(desk: Desk) -> None:
    customer = desk.customer()
    desk.do(loyalty.adjust, customer=customer, points=50, comment="Bought as a guest", **ORDER)
    assert desk.entries(customer) == [("goodwill", 50)]


def test_what_staff_give_with_the_number_of_an_order_that_took_some_goes_back(desk: Desk) -> None:
    customer = desk.customer()
    earn(desk, customer, 100, order_ref="SO-1")
    desk.do(loyalty.adjust, customer=customer, points=-60, comment="Voucher", **ORDER)
    done = desk.do(loyalty.adjust, customer=customer, points=25, comment="Came back", **ORDER)
    assert [warning.values["order"] for warning in done.warnings] == ["SO-77"]
    assert (desk.entries(customer)[-1], desk.lots(customer)) == (("adjustment", 25), [(100, 65)])
    refused("more_than_taken", desk, shop_api.correct_points, customer=customer, points=36, **ORDER)


def test_points_of_an_order_that_were_spent_on_another_are_not_taken_back(desk: Desk) -> None:
    customer = desk.customer()
    earn(desk, customer, 100)
    desk.do(shop_api.redeem, customer=customer, points=40, order_ref="SO-78")
    with pytest.raises(Refused) as refused:
        desk.do(shop_api.cancel_points, customer=customer, **CANCELLED)
    assert refused.value.code == "points_spent"
    assert desk.of(customer).points == 60


def test_more_than_there_is_is_not_redeemed(desk: Desk) -> None:
    customer = desk.customer(currency="EUR")
    earn(desk, customer, 10)
    with pytest.raises(Refused) as refused:
        desk.do(shop_api.redeem, customer=customer, points=11, **ORDER)
    assert refused.value.code == "too_few_points"
    with pytest.raises(Refused) as refused:
        desk.do(shop_api.redeem_credit, customer=customer, amount=1, **ORDER)
    assert refused.value.code == "too_little_credit"


def test_bad_input_names_its_field(desk: Desk) -> None:
    customer = desk.customer()
    bad: tuple[tuple[Any, dict[str, Any], str], ...] = (
        (shop_api.earn, {"points": 0}, "points"),
        (shop_api.earn, {"points": -5}, "points"),
        (shop_api.earn, {"points": 5, "order_ref": None}, "order_ref"),
        (shop_api.earn, {"points": 5, "order_ref": "a b"}, "order_ref"),
        (shop_api.earn, {"points": 5, "expires_after_days": 3651}, "expires_after_days"),
        (shop_api.redeem, {"points": -5}, "points"),
        (shop_api.redeem_credit, {"amount": -5}, "amount"),
        (shop_api.correct_credit, {"amount": 0}, "amount"),
        (shop_api.cancel_points, {"reason": "x"}, "reason"),
    )
    for hook, values, field in bad:
        with pytest.raises(Invalid) as invalid:
            desk.do(hook, customer=customer, **ORDER | values)
        assert set(invalid.value.errors) == {field}, values


def test_a_repeated_report_is_written_once_also_after_a_merge(desk: Desk) -> None:
    first, second = desk.customer(), desk.customer()
    one = desk.do(shop_api.earn, key="earn-77", customer=second, points=9, **ORDER)
    merged(desk, first, second)
    again = desk.do(shop_api.earn, key="earn-77", customer=second, points=9, **ORDER)
    assert (again.record_id, again.changeset_id) == (one.record_id, one.changeset_id)
    assert desk.of(first).points == 9
    with pytest.raises(Invalid) as invalid:
        desk.do(shop_api.earn, key="earn-77", customer=second, points=10, **ORDER)
    assert set(invalid.value.errors) == {"key"}


# -- credit and the account -----------------------------------------------------------------------------------------


def test_credit_of_a_cancelled_order_is_given_back(desk: Desk) -> None:
    customer = desk.customer()
    desk.do(adjust_credit, customer=customer, amount=5_000, comment="Card")
    desk.do(shop_api.redeem_credit, customer=customer, amount=3_000, **ORDER)
    desk.do(shop_api.correct_credit, customer=customer, amount=1_000, **ORDER)
    assert desk.of(customer).credit_balance == 3_000
    desk.do(shop_api.cancel_credit, customer=customer, **CANCELLED)
    assert desk.of(customer).credit_balance == 5_000
    assert [row.order_ref for row in desk.all(CreditEntry, customer_id=customer, kind="redeemed")] == [
        "SO-77"
    ]


def test_credit_of_an_order_never_goes_back_twice(desk: Desk) -> None:
    customer = desk.customer()
    desk.do(adjust_credit, customer=customer, amount=5_000, comment="Card")
    taken = desk.do(shop_api.redeem_credit, customer=customer, amount=3_000, **ORDER)
    part = desk.do(shop_api.correct_credit, customer=customer, amount=1_000, **ORDER)
    more = {"customer": customer, "amount": 2_001, **ORDER}
    assert refused("more_than_taken", desk, shop_api.correct_credit, **more).values["left"] == "£20.00"
    refused("more_than_taken", desk, reverse_credit, taken.record_id, reason="Mistake")
    desk.do(reverse_credit, part.record_id, reason="Typing error")
    desk.do(reverse_credit, taken.record_id, reason="Mistake")
    refused("nothing_to_cancel", desk, shop_api.cancel_credit, customer=customer, **CANCELLED)
    assert desk.of(customer).credit_balance == 5_000


def test_a_shop_records_payments_refunds_and_invoices(desk: Desk) -> None:
    account = code()
    customer = desk.customer(account_code=account, pay_on_account=True)
    resolve_customer = {"customer": f"account_code:{account}"}
    other = desk.do(accounts.raise_invoice, customer=desk.customer(pay_on_account=True), amount=1)
    last = int(desk.get(Invoice, other.record_id).number.removeprefix("INV-"))
    desk.do(shop_api.record_invoice, **resolve_customer, amount=10_000, **ORDER)
    desk.do(
        shop_api.record, **resolve_customer, kind="payment", amount=8_000, method="card", reference="ch_1"
    )
    desk.do(shop_api.record, **resolve_customer, kind="refund", amount=500, method="card")
    assert desk.of(customer).account_balance == 2_500
    (invoice,) = desk.all(Invoice, customer_id=customer)
    assert (invoice.order_ref, invoice.number) == ("SO-77", f"INV-{last + 1:06}")
    with pytest.raises(Invalid) as invalid:
        desk.do(shop_api.record, **resolve_customer, kind="invoice", amount=1, method="card")
    assert set(invalid.value.errors) == {"kind"}
    desk.do(accounts.void_invoice, invoice.id, reason="Cancelled")
    assert [row.amount for row in desk.all(AccountEntry, customer_id=customer)] == [
        10_000,
        -8_000,
        500,
        -10_000,
    ]


def test_the_terms_hold_for_a_shop_too(desk: Desk) -> None:
    customer = desk.customer(pay_on_account=False)
    with pytest.raises(Refused) as refused:
        desk.do(shop_api.record_invoice, customer=customer, amount=1)
    assert refused.value.code == "pay_on_account_off"
