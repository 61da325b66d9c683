"""What a shop reports: customers by any handle, orders by their number (rule 24)."""

from typing import Any

import pytest

from actions import accounts, loyalty, shop_hooks
from actions.base import Invalid, Refused
from actions.credit import adjust as adjust_credit
from actions.merge import merge
from models.account import AccountEntry, Invoice
from models.choices import Status
from models.credit import CreditEntry
from models.customer import Customer
from models.loyalty import LoyaltyEntry
from tests import factories
from tests.actions.desk import Desk

ORDER = {"order_ref": "SO-77"}
CANCELLED = {**ORDER, "reason": "Order cancelled"}


def earn(desk: Desk, customer: Any, points: int = 100, **values: Any) -> Any:
    return desk.do(shop_hooks.earn, customer=customer, points=points, **ORDER | values)


def merged(desk: Desk, survivor: int, other: int) -> None:
    with desk.deed("customer.merge") as ctx:
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
    desk.do(shop_hooks.redeem, customer=customer, points=500, **ORDER)
    earn(desk, customer, 60)
    desk.do(shop_hooks.correct_points, customer=customer, points=-20, **ORDER)
    desk.do(shop_hooks.cancel_points, customer=customer, **CANCELLED)
    assert desk.of(customer).points == 500
    assert desk.lots(customer)[0] == (500, 500)
    with pytest.raises(Refused) as refused:
        desk.do(shop_hooks.cancel_points, customer=customer, **CANCELLED)
    assert refused.value.code == "nothing_to_cancel"


def test_a_cancelled_order_leaves_other_orders_and_goodwill_alone(desk: Desk) -> None:
    customer, other = desk.customer(), desk.customer()
    earn(desk, customer, 10, order_ref="SO-78")
    earn(desk, other, 20)
    desk.do(loyalty.adjust, customer=customer, points=5, comment="Came late", **ORDER)
    with pytest.raises(Refused):
        desk.do(shop_hooks.cancel_points, customer=customer, **CANCELLED)
    earn(desk, customer, 30)
    desk.do(shop_hooks.cancel_points, customer=customer, **CANCELLED)
    assert (desk.of(customer).points, desk.of(other).points) == (15, 20)


def test_points_of_an_order_that_were_spent_on_another_are_not_taken_back(desk: Desk) -> None:
    customer = desk.customer()
    earn(desk, customer, 100)
    desk.do(shop_hooks.redeem, customer=customer, points=40, order_ref="SO-78")
    with pytest.raises(Refused) as refused:
        desk.do(shop_hooks.cancel_points, customer=customer, **CANCELLED)
    assert refused.value.code == "points_spent"
    assert desk.of(customer).points == 60


def test_more_than_there_is_is_not_redeemed(desk: Desk) -> None:
    customer = desk.customer(currency="EUR")
    earn(desk, customer, 10)
    with pytest.raises(Refused) as refused:
        desk.do(shop_hooks.redeem, customer=customer, points=11, **ORDER)
    assert refused.value.code == "too_few_points"
    with pytest.raises(Refused) as refused:
        desk.do(shop_hooks.redeem_credit, customer=customer, amount=1, **ORDER)
    assert refused.value.code == "too_little_credit"


def test_bad_input_names_its_field(desk: Desk) -> None:
    customer = desk.customer()
    bad: tuple[tuple[Any, dict[str, Any], str], ...] = (
        (shop_hooks.earn, {"points": 0}, "points"),
        (shop_hooks.earn, {"points": -5}, "points"),
        (shop_hooks.earn, {"points": 5, "order_ref": None}, "order_ref"),
        (shop_hooks.earn, {"points": 5, "order_ref": "a b"}, "order_ref"),
        (shop_hooks.earn, {"points": 5, "expires_after_days": 3651}, "expires_after_days"),
        (shop_hooks.redeem, {"points": -5}, "points"),
        (shop_hooks.redeem_credit, {"amount": -5}, "amount"),
        (shop_hooks.correct_credit, {"amount": 0}, "amount"),
        (shop_hooks.cancel_points, {"reason": "x"}, "reason"),
    )
    for hook, values, field in bad:
        with pytest.raises(Invalid) as invalid:
            desk.do(hook, customer=customer, **ORDER | values)
        assert set(invalid.value.errors) == {field}, values


def test_a_repeated_report_is_written_once_also_after_a_merge(desk: Desk) -> None:
    first, second = desk.customer(), desk.customer()
    one = desk.do(shop_hooks.earn, key="earn-77", customer=second, points=9, **ORDER)
    merged(desk, first, second)
    again = desk.do(shop_hooks.earn, key="earn-77", customer=second, points=9, **ORDER)
    assert (again.record_id, again.changeset_id) == (one.record_id, one.changeset_id)
    assert desk.of(first).points == 9
    with pytest.raises(Invalid) as invalid:
        desk.do(shop_hooks.earn, key="earn-77", customer=second, points=10, **ORDER)
    assert set(invalid.value.errors) == {"key"}


# -- credit and the account -----------------------------------------------------------------------------------------


def test_credit_of_a_cancelled_order_is_given_back(desk: Desk) -> None:
    customer = desk.customer()
    desk.do(adjust_credit, customer=customer, amount=5_000, comment="Card")
    desk.do(shop_hooks.redeem_credit, customer=customer, amount=3_000, **ORDER)
    desk.do(shop_hooks.correct_credit, customer=customer, amount=1_000, **ORDER)
    assert desk.of(customer).credit_balance == 3_000
    desk.do(shop_hooks.cancel_credit, customer=customer, **CANCELLED)
    assert desk.of(customer).credit_balance == 5_000
    assert [row.order_ref for row in desk.all(CreditEntry, customer_id=customer, kind="redeemed")] == [
        "SO-77"
    ]


def test_a_shop_records_payments_refunds_and_invoices(desk: Desk) -> None:
    account = code()
    customer = desk.customer(account_code=account, pay_on_account=True)
    whom = {"customer": f"account_code:{account}"}
    other = desk.do(accounts.raise_invoice, customer=desk.customer(pay_on_account=True), amount=1)
    last = int(desk.get(Invoice, other.record_id).number.removeprefix("INV-"))
    desk.do(shop_hooks.record_invoice, **whom, amount=10_000, **ORDER)
    desk.do(shop_hooks.record, **whom, kind="payment", amount=8_000, method="card", reference="ch_1")
    desk.do(shop_hooks.record, **whom, kind="refund", amount=500, method="card")
    assert desk.of(customer).account_balance == 2_500
    (invoice,) = desk.all(Invoice, customer_id=customer)
    assert (invoice.order_ref, invoice.number) == ("SO-77", f"INV-{last + 1:06}")
    with pytest.raises(Invalid) as invalid:
        desk.do(shop_hooks.record, **whom, kind="invoice", amount=1, method="card")
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
        desk.do(shop_hooks.record_invoice, customer=customer, amount=1)
    assert refused.value.code == "pay_on_account_off"
