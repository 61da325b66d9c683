"""Payments, refunds, invoices and voids (rules 2.1 to 2.6)."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.core.base import Invalid, Refused
from actions.ledgers import accounts
from actions.ledgers.balances import balances_after
from models.account import AccountEntry, Invoice
from models.journal import Changeset
from tests import factories
from tests.actions.desk import Desk

TODAY = factories.TODAY
DAY = dt.timedelta(days=1)


def pay(desk: Desk, customer: int, amount: int = 5_000, **more) -> int:
    return desk.do(accounts.pay, customer=customer, amount=amount, **{"method": "cash", **more}).record_id


def invoice(desk: Desk, customer: int, amount: int = 12_000, **more) -> int:
    return desk.do(accounts.raise_invoice, customer=customer, amount=amount, **more).record_id


def balance(desk: Desk, customer: int) -> int:
    found = desk.of(customer).account_balance
    assert found == sum(entry.amount for entry in desk.all(AccountEntry, customer_id=customer))
    return found


def test_a_payment_lowers_what_the_customer_owes_and_keeps_its_details(desk: Desk) -> None:
    customer = desk.customer()
    entry = desk.get(
        AccountEntry,
        pay(
            desk,
            customer,
            5_025,
            method="card",
            value_date=TODAY - DAY,
            reference="AB 12",
            comment="By phone",
        ),
    )
    assert (entry.kind, entry.amount, entry.currency, entry.method) == ("payment", -5_025, "GBP", "card")
    assert (entry.value_date, entry.reference, entry.comment) == (TODAY - DAY, "AB 12", "By phone")
    assert balance(desk, customer) == -5_025


def test_a_payment_without_a_date_counts_from_the_shops_today(desk: Desk) -> None:
    desk.now = dt.datetime(2026, 8, 31, 23, 30, tzinfo=dt.UTC)
    entry = desk.get(AccountEntry, pay(desk, desk.customer()))
    assert entry.value_date == dt.date(2026, 9, 1)


def test_a_refund_raises_the_balance_again(desk: Desk) -> None:
    customer = desk.customer()
    pay(desk, customer, 5_000)
    desk.do(accounts.refund, customer=customer, amount=2_000, method="bank_transfer")
    assert balance(desk, customer) == -3_000


def test_an_invoice_is_raised_with_its_entry_and_due_by_the_payment_terms(desk: Desk) -> None:
    terms = desk.make(factories.make_payment_term, days=14)
    customer = desk.customer(pay_on_account=True, payment_term_id=terms)
    row = desk.get(Invoice, invoice(desk, customer, description="Rioja"))
    entry = desk.all(AccountEntry, invoice_id=row.id)[0]
    assert (row.amount, row.currency, row.comment) == (12_000, "GBP", "Rioja")
    assert (row.issued_on, row.due_on) == (TODAY, TODAY + 14 * DAY)
    assert (entry.kind, entry.amount, entry.value_date) == ("invoice", 12_000, TODAY)
    assert row.changeset_id == entry.changeset_id
    assert balance(desk, customer) == 12_000


def test_without_terms_an_invoice_is_due_at_once_and_a_typed_date_wins(desk: Desk) -> None:
    customer = desk.customer(pay_on_account=True)
    assert desk.get(Invoice, invoice(desk, customer)).due_on == TODAY
    assert desk.get(Invoice, invoice(desk, customer, due_on=TODAY + 3 * DAY)).due_on == TODAY + 3 * DAY


def test_numbers_continue_the_series_and_a_typed_number_is_taken_once(desk: Desk) -> None:
    customer = desk.customer(pay_on_account=True)
    first = desk.get(Invoice, invoice(desk, customer)).number
    second = desk.get(Invoice, invoice(desk, customer)).number
    assert first.startswith("INV-")
    assert int(second[4:]) == int(first[4:]) + 1
    typed = f"2026/{factories.number()}"
    assert desk.get(Invoice, invoice(desk, customer, number=typed)).number == typed
    with pytest.raises(Invalid) as invalid:
        invoice(desk, customer, number=typed)
    assert set(invalid.value.errors) == {"number"}
    with pytest.raises(Invalid):
        invoice(desk, customer, number="INV-12B")
    assert int(desk.get(Invoice, invoice(desk, customer)).number[4:]) == int(second[4:]) + 1


def test_invoices_raised_at_once_get_different_numbers(desk: Desk) -> None:
    customers = [desk.customer(pay_on_account=True) for _ in range(12)]
    with ThreadPoolExecutor(6) as pool:
        ids = list(pool.map(lambda customer: invoice(desk, customer), customers))
    assert len({desk.get(Invoice, row).number for row in ids}) == 12


def test_without_pay_on_account_invoices_are_refused_and_payments_taken(desk: Desk) -> None:
    customer = desk.customer(pay_on_account=False)
    with pytest.raises(Refused) as refused:
        invoice(desk, customer)
    assert refused.value.code == "pay_on_account_off"
    pay(desk, customer)
    assert balance(desk, customer) == -5_000


def test_the_credit_limit_holds_to_the_penny(desk: Desk) -> None:
    customer = desk.customer(pay_on_account=True, credit_limit=20_000)
    invoice(desk, customer, 12_000)
    with pytest.raises(Refused, match=r"the balance to £200.01, over the credit limit of £200.00") as refused:
        invoice(desk, customer, 8_001)
    assert refused.value.code == "credit_limit"
    invoice(desk, customer, 8_000)
    with pytest.raises(Refused):
        desk.do(accounts.refund, customer=customer, amount=1, method="cash")
    assert balance(desk, customer) == 20_000


def test_a_refused_invoice_leaves_neither_row_nor_changeset(desk: Desk) -> None:
    customer = desk.customer(pay_on_account=True, credit_limit=1)
    before = len(desk.all(Changeset))
    with pytest.raises(Refused):
        invoice(desk, customer)
    assert desk.all(Invoice, customer_id=customer) == []
    assert len(desk.all(Changeset)) == before


def test_voiding_a_payment_is_one_opposite_entry_once_with_a_reason(desk: Desk) -> None:
    customer = desk.customer()
    entry = pay(desk, customer)
    with pytest.raises(Invalid):
        desk.do(accounts.void, entry, reason="  ")
    done = desk.do(accounts.void, entry, reason="Bounced")
    reversal = desk.get(AccountEntry, done.record_id)
    assert (reversal.kind, reversal.amount, reversal.reverses_id) == ("reversal", 5_000, entry)
    assert (reversal.comment, reversal.value_date) == ("Bounced", TODAY)
    assert balance(desk, customer) == 0
    for target in (entry, done.record_id):
        with pytest.raises(Refused):
            desk.do(accounts.void, target, reason="Again")


def test_voiding_an_invoice_takes_its_amount_back_once(desk: Desk) -> None:
    customer = desk.customer(pay_on_account=True)
    row = invoice(desk, customer)
    entry = desk.all(AccountEntry, invoice_id=row)[0]
    with pytest.raises(Refused, match="Void the invoice instead"):
        desk.do(accounts.void, entry.id, reason="Wrong customer")
    desk.do(accounts.void_invoice, row, reason="Wrong customer")
    with desk.look() as session:
        assert session.get_one(Invoice, row).voided
    assert balance(desk, customer) == 0
    with pytest.raises(Refused) as refused:
        desk.do(accounts.void_invoice, row, reason="Again")
    assert refused.value.code == "already_voided"


def test_a_void_of_a_payment_may_go_over_the_credit_limit(desk: Desk) -> None:
    customer = desk.customer(pay_on_account=True, credit_limit=10_000)
    invoice(desk, customer, 10_000)
    entry = pay(desk, customer, 4_000)
    invoice(desk, customer, 4_000)
    desk.do(accounts.void, entry, reason="Bounced")
    assert balance(desk, customer) == 14_000


def test_where_an_accounting_package_owns_balances_every_edit_is_refused_with_that_reason(desk: Desk) -> None:
    customer = desk.customer(pay_on_account=True)
    entry, row = pay(desk, customer), invoice(desk, customer)
    for action, target, values in (
        (accounts.pay, AccountEntry, {"customer": customer, "amount": 1, "method": "cash"}),
        (accounts.refund, AccountEntry, {"customer": customer, "amount": 1, "method": "cash"}),
        (accounts.void, entry, {"reason": "Bounced"}),
        (accounts.raise_invoice, Invoice, {"customer": customer, "amount": 1}),
        (accounts.void_invoice, row, {"reason": "Wrong"}),
    ):
        with desk.changeset() as ctx:
            ctx.shop = replace(ctx.shop, external_accounting=True)
            rows = [ctx.lock_one(action.model, target)] if isinstance(target, int) else []
            with pytest.raises(Refused) as refused:
                action(ctx, *rows, **values)
        assert refused.value.code == "external_accounting"
    assert balance(desk, customer) == 7_000


def test_an_entry_from_before_a_change_of_currency_is_not_reversed(desk: Desk) -> None:
    from models.customer import Customer

    customer = desk.customer()
    entry = pay(desk, customer, 5_000)
    desk.do(accounts.refund, customer=customer, amount=5_000, method="cash")
    desk.edit(Customer, customer, currency="EUR")
    with pytest.raises(Refused) as refused:
        desk.do(accounts.void, entry, reason="Bounced")
    assert refused.value.code == "other_currency"


def test_entries_carry_the_currency_of_the_account(desk: Desk) -> None:
    entry = desk.get(AccountEntry, pay(desk, desk.customer(currency="JPY"), 500))
    assert entry.currency == "JPY"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"amount": 100_000_000_000}, "amount"),
        ({"amount": None}, "amount"),
        ({"method": None}, "method"),
        ({"method": "shells"}, "method"),
        ({"value_date": TODAY + DAY}, "value_date"),
        ({"value_date": dt.date(1066, 10, 14)}, "value_date"),
        ({"value_date": "2026-09-01"}, "value_date"),
        ({"value_date": factories.NOW}, "value_date"),
        ({"reference": "a\nb"}, "reference"),
        ({"reference": "x" * 81}, "reference"),
        ({"comment": 7}, "comment"),
    ],
)
def test_bad_payments_are_refused_by_field(desk: Desk, values, field) -> None:
    with pytest.raises(Invalid) as invalid:
        pay(desk, desk.customer(), **{"amount": 100, **values})
    assert set(invalid.value.errors) == {field}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"due_on": TODAY - DAY}, "due_on"),
        ({"due_on": dt.date(9999, 1, 1)}, "due_on"),
        ({"issued_on": TODAY + 400 * DAY}, "issued_on"),
        ({"description": ["a"]}, "description"),
        ({"number": "a b"}, "number"),
        ({"number": 12}, "number"),
    ],
)
def test_bad_invoices_are_refused_by_field(desk: Desk, values, field) -> None:
    with pytest.raises(Invalid) as invalid:
        invoice(desk, desk.customer(pay_on_account=True), **values)
    assert set(invalid.value.errors) == {field}


def test_the_running_balance_is_the_sum_so_far(desk: Desk) -> None:
    customer = desk.customer(pay_on_account=True)
    invoice(desk, customer, 300)
    pay(desk, customer, 100)
    invoice(desk, customer, 50)
    with Session(desk.engine) as session:
        mine = select(AccountEntry).where(AccountEntry.customer_id == customer)
        entries = session.scalars(mine.order_by(AccountEntry.id)).all()
        assert list(balances_after(session, AccountEntry, entries).values()) == [300, 200, 250]
