"""The customer itself: names, keys, lookups and the related rows it shows."""

from decimal import Decimal

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from models.account import Invoice
from models.customer import Customer
from tests import factories as make


@pytest.mark.parametrize(
    ("values", "full", "sort"),
    [
        ({"first_name": "Rashid", "last_name": "Karim"}, "Rashid Karim", "Karim, Rashid"),
        ({"last_name": "Karim"}, "Karim", "Karim"),
        ({"first_name": "Rashid"}, "Rashid", "Rashid"),
        ({"company_name": "Vine Ltd", "email": "a@example.com"}, "Vine Ltd", "Vine Ltd"),
        ({"trading_name": "The Vine"}, "The Vine", "The Vine"),
        ({"email": "a@example.com"}, "a@example.com", "a@example.com"),
        ({"id": 7}, "#7", "#7"),
    ],
)
def test_names(values: dict, full: str, sort: str):
    customer = Customer(**values)
    assert (customer.full_name, customer.sort_name, str(customer), customer.display_name) == (
        full,
        sort,
        full,
        full,
    )


def test_keys_are_current_after_every_save(session: Session):
    customer = make.make_customer(
        session, first_name="José", last_name=" Müller ", email="J.M+x@Example.com", company_name="Ünter GmbH"
    )
    assert (customer.first_name_key, customer.last_name_key) == ("jose", "muller")
    assert (customer.email_key, customer.company_key) == ("j.m+x@example.com", "unter gmbh")
    customer.last_name, customer.company_name, customer.trading_name, customer.email = (
        "Łoś",
        None,
        "The Vine",
        None,
    )
    session.flush()
    session.refresh(customer)
    assert (customer.last_name_key, customer.company_key, customer.email_key) == ("los", "the vine", "")


def test_a_new_customer_is_an_active_retail_one_who_owes_nothing(session: Session):
    customer = make.make_customer(session)
    session.refresh(customer)
    assert (customer.status, customer.account_type, customer.is_active) == ("registered", "retail", True)
    assert (customer.points, customer.account_balance, customer.credit_balance, customer.version) == (
        0,
        0,
        0,
        1,
    )
    assert (customer.free_delivery, customer.pay_on_account, customer.global_discount) == (
        False,
        False,
        Decimal(0),
    )
    assert customer.is_live


def test_primary_rows_and_the_order_of_the_others(session: Session):
    customer = make.make_customer(session)
    assert (customer.primary_address, customer.primary_phone) == (None, None)
    first, second = (
        make.make_address(session, customer=customer),
        make.make_address(session, customer=customer, is_primary=True),
    )
    mobile, work = (
        make.make_phone(session, customer=customer),
        make.make_phone(session, customer=customer, kind="work", is_primary=True),
    )
    session.expire_all()
    assert (customer.primary_address, customer.addresses) == (second, [second, first])
    assert (customer.primary_phone, customer.phones) == (work, [work, mobile])


def test_agents_have_sub_customers(session: Session):
    agent = make.make_agent(session)
    customer = make.make_customer(session, agent=agent)
    session.expire_all()
    assert agent.sub_customers == [customer]
    assert customer.agent is agent


FEATURES = {
    17: "first_name last_name email",
    18: "title",
    19: "phones",
    20: "primary_address",
    21: "acquisition_source",
    22: "account_type status language",
    23: "registered_at last_login_at last_activity_at last_password_reset_at created_at",
    24: "gender date_of_birth",
    26: "membership_group created_at",
    27: "company_name trading_name",
    28: "company_number vat_number",
    29: "attributes",
    33: "agent sub_customers",
    41: "customer_class",
    43: "membership_group",
    44: "account_type",
    46: "status is_active",
    50: "price_list",
    51: "sales_channel",
    52: "free_delivery",
    53: "global_discount",
    54: "account_code",
    55: "bank_account",
    56: "is_active",
    57: "payment_term",
    59: "status account_type",
    14: "created_via",
    16: "verified_at verified_by",
    62: "account_balance",
    63: "pay_on_account",
    67: "points",
    75: "loyalty_code",
    77: "credit_balance",
    5: "external_ids",
}


@pytest.mark.parametrize("row", sorted(FEATURES))
def test_the_fields_of_a_feature_are_there(row: int):
    assert set(FEATURES[row].split()) <= set(inspect(Customer).attrs.keys())


def test_a_void_is_the_reversal_of_the_invoices_entry(session: Session):
    customer = make.make_customer(session)
    open_one, voided = (make.make_invoice(session, customer=customer) for _ in range(2))
    for invoice in (open_one, voided):
        make.make_account_entry(
            session, customer=customer, kind="invoice", amount=invoice.amount, invoice=invoice
        )
    payment = make.make_account_entry(session, customer=customer, invoice=open_one)
    make.make_account_entry(
        session, customer=customer, kind="reversal", amount=5_000, reverses=payment, invoice=open_one
    )
    make.make_account_entry(
        session, customer=customer, kind="reversal", amount=-voided.amount, reverses=voided.entry
    )
    session.expire_all()
    assert (open_one.voided, voided.voided) == (False, True)
    assert session.scalars(
        select(Invoice).where(Invoice.voided, Invoice.customer_id == customer.id)
    ).all() == [voided]
    assert session.scalars(
        select(Invoice).where(~Invoice.voided, Invoice.customer_id == customer.id)
    ).all() == [open_one]


def test_nothing_is_loaded_that_was_not_asked_for(session: Session):
    customer = make.make_customer(session)
    session.expire_all()
    session.get(Customer, customer.id)
    loaded = set(inspect(customer).dict)
    assert not loaded & set(inspect(Customer).relationships.keys())
