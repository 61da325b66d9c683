"""What every save of a customer keeps (rules 2.1, 3.6, 4.4 and 11)."""

from typing import Any

import pytest
from sqlalchemy import update

from actions.core.base import Invalid, Refused
from models.account import AccountEntry
from models.address import Address
from models.attribute import AttributeValue
from models.choices import AccountType, Status
from models.customer import Customer
from models.lookups import SalesChannel
from models.note import Note
from models.phone import Phone
from tests import factories
from tests.actions.desk import Desk


def close(desk: Desk, customer: int, how: str) -> None:
    """Mark a record as merged or erased, as those changes will."""
    survivor = desk.customer()
    values = {"merged_into_id": survivor} if how == "merged" else {"anonymised_at": desk.now}
    with desk.engine.begin() as connection:
        connection.execute(update(Customer).where(Customer.id == customer).values(**values))


def channel(desk: Desk) -> int:
    return next(row.id for row in desk.all(SalesChannel, code="WEB"))


def test_a_new_customer_is_registered_retail_and_gets_the_shops_defaults(desk: Desk) -> None:
    row = desk.of(desk.create(Customer, last_name="Karim", email=None))
    assert (row.status, row.account_type, row.is_active) == (Status.REGISTERED, AccountType.RETAIL, True)
    assert (row.currency, row.sales_channel_id, row.created_via) == ("GBP", channel(desk), "back_office")
    assert row.registered_at == row.created_at == desk.now


def test_a_new_trade_account_waits_for_approval_switched_off(desk: Desk) -> None:
    row = desk.of(
        desk.create(Customer, company_name="Vine Ltd", account_type=AccountType.TRADE, is_active=True)
    )
    assert (row.status, row.is_active, row.registered_at) == (Status.PENDING_APPROVAL, False, None)


def test_turning_a_customer_into_trade_makes_them_wait_too(desk: Desk) -> None:
    customer = desk.customer()
    desk.edit(Customer, customer, account_type=AccountType.TRADE)
    assert (desk.of(customer).status, desk.of(customer).is_active) == (Status.PENDING_APPROVAL, False)


def test_a_waiting_account_cannot_be_switched_on_by_hand(desk: Desk) -> None:
    customer = desk.create(Customer, company_name="Vine Ltd", account_type=AccountType.TRADE)
    with pytest.raises(Invalid) as invalid:
        desk.edit(Customer, customer, is_active=True)
    assert set(invalid.value.errors) == {"is_active"}


def test_what_stops_being_trade_while_waiting_is_an_active_retail_customer(desk: Desk) -> None:
    customer = desk.create(Customer, company_name="Vine Ltd", account_type=AccountType.TRADE)
    desk.edit(Customer, customer, account_type=AccountType.RETAIL)
    assert (desk.of(customer).status, desk.of(customer).is_active) == (Status.REGISTERED, True)


def test_an_approved_trade_account_stays_approved_through_other_edits(desk: Desk) -> None:
    customer = desk.customer(account_type=AccountType.TRADE)
    desk.edit(Customer, customer, last_name="Other", account_type=AccountType.TRADE)
    assert desk.of(customer).status == Status.REGISTERED


def test_a_record_needs_a_name_a_company_or_an_email(desk: Desk) -> None:
    with pytest.raises(Invalid) as invalid:
        desk.create(Customer, title="Dr")
    assert set(invalid.value.errors) == {"last_name"}
    customer = desk.create(Customer, email=f"a{factories.number()}@example.com")
    with pytest.raises(Invalid):
        desk.edit(Customer, customer, email=None)


def test_an_old_record_without_any_name_can_still_be_edited_elsewhere(desk: Desk) -> None:
    customer = desk.customer(first_name=None, last_name=None, email=None)
    desk.edit(Customer, customer, free_delivery=True)
    assert desk.of(customer).free_delivery


def test_the_currency_changes_only_at_zero(desk: Desk) -> None:
    customer = desk.customer()
    desk.edit(Customer, customer, currency="EUR")
    with desk.engine.begin() as connection:
        connection.execute(update(Customer).where(Customer.id == customer).values(credit_balance=5))
    with pytest.raises(Invalid) as invalid:
        desk.edit(Customer, customer, currency="GBP")
    assert set(invalid.value.errors) == {"currency"}
    with desk.engine.begin() as connection:
        connection.execute(update(Customer).where(Customer.id == customer).values(credit_balance=0))


def test_two_registered_customers_cannot_share_an_email(desk: Desk) -> None:
    email = f"twice{factories.number()}@example.com"
    desk.create(Customer, last_name="One", email=email)
    with pytest.raises(Invalid) as invalid:
        desk.create(Customer, last_name="Two", email=email.upper())
    assert set(invalid.value.errors) == {"email"}


def test_all_fields_at_fault_are_named_at_once(desk: Desk) -> None:
    with pytest.raises(Invalid) as invalid:
        desk.create(Customer, email="nonsense", vat_number="??", currency="ZZZ")
    assert set(invalid.value.errors) >= {"email", "currency", "last_name"}


def test_the_agent_must_be_a_live_agent(desk: Desk) -> None:
    customer, plain = desk.customer(), desk.customer()
    agent = desk.make(factories.make_agent)
    desk.edit(Customer, customer, agent_id=agent)
    with pytest.raises(Invalid):
        desk.edit(Customer, customer, agent_id=plain)
    other = desk.make(factories.make_agent)
    close(desk, other, "merged")
    with pytest.raises(Invalid) as invalid:
        desk.edit(Customer, customer, agent_id=other)
    assert "merged" in invalid.value.errors["agent"]


def test_customers_are_never_deleted(desk: Desk) -> None:
    with pytest.raises(Refused) as refused:
        desk.delete(Customer, desk.customer())
    assert refused.value.code == "never_deleted"


@pytest.mark.parametrize("how", ["merged", "erased"])
def test_a_closed_record_and_what_belongs_to_it_are_read_only(desk: Desk, how: str) -> None:
    customer = desk.customer()
    address = desk.make(factories.make_address, customer_id=customer, is_primary=True)
    phone = desk.make(factories.make_phone, customer_id=customer)
    note = desk.make(factories.make_note, customer_id=customer)
    definition = desk.make(factories.make_attribute_definition)
    value = desk.make(factories.make_attribute_value, customer_id=customer, definition_id=definition)
    close(desk, customer, how)
    edits: list[tuple[Any, ...]] = [
        (desk.edit, Customer, customer, {"last_name": "New"}),
        (desk.edit, Address, address, {"line1": "1 New Street"}),
        (desk.edit, Phone, phone, {"number": "0113 496 0999"}),
        (desk.edit, Note, note, {"body": "New"}),
        (desk.edit, AttributeValue, value, {"value": "New"}),
        *((desk.delete, model, row, {}) for model, row in ((Address, address), (Phone, phone), (Note, note))),
        (desk.delete, AttributeValue, value, {}),
    ]
    for edit, model, row, values in edits:
        with pytest.raises(Refused) as refused:
            edit(model, row, **values)
        assert refused.value.code == how
    with pytest.raises(Refused):
        desk.create(Address, customer_id=customer, line1="2 New Street")
    assert desk.all(AccountEntry, customer_id=customer) == []
