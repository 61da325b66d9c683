"""What the database refuses by itself: every case goes round the models, by a plain SQL insert or update."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import DatabaseError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from models.account import AccountEntry
from models.address import Address
from models.attribute import AttributeValue
from models.base import Base
from models.credit import CreditEntry
from models.customer import Customer
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyLot
from models.note import Note
from models.order import ExternalId, Order
from models.phone import Phone
from tests import factories as make


def values(row: Base, **changes: Any) -> dict[str, Any]:
    """Return the row's columns, without its id, as an insert takes them."""
    return {c.key: getattr(row, c.key) for c in make.table_of(row).columns if c.key != "id"} | changes


def insert_copy(session: Session, row: Base, **changes: Any) -> None:
    """Insert another row like this one, past every check in Python."""
    with session.begin_nested():
        session.connection().execute(insert(make.table_of(row)).values(values(row, **changes)))


def refuses(session: Session, row: Base, constraint: str, **changes: Any) -> None:
    with pytest.raises(IntegrityError) as error:
        insert_copy(session, row, **changes)
    if session.connection().dialect.name == "postgresql" or constraint.startswith("ck_"):
        assert constraint in str(error.value.orig), error.value.orig


def set_raw(session: Session, row: Any, **changes: Any) -> None:
    table = make.table_of(row)
    with session.begin_nested():
        session.connection().execute(update(table).where(table.c.id == row.id).values(changes))


# ---------------------------------------------------------------------------------------------------- checks
CHECKS = [
    ("customer", "ck_customer_points_range", {"points": -1}),
    ("customer", "ck_customer_credit_balance_range", {"credit_balance": -1}),
    ("customer", "ck_customer_credit_limit_range", {"credit_limit": -1}),
    ("customer", "ck_customer_currency_shape", {"currency": "gbp"}),
    ("customer", "ck_customer_currency_shape", {"currency": "GB"}),
    ("phone", "ck_phone_country_shape", {"country": "gb"}),
    ("address", "ck_address_country_shape", {"country": "G"}),
    ("payment_term", "ck_payment_term_days_range", {"days": 366}),
    ("payment_term", "ck_payment_term_full_payment_days", {"days": 1, "full_payment_first": True}),
    ("customer_class", "ck_customer_class_free_tastings_range", {"free_tastings": -1}),
    ("note", "ck_note_due_on_task", {"due_on": dt.date(2026, 9, 1)}),
    ("note", "ck_note_done_not_note", {"done_at": make.NOW}),
    ("loyalty_entry", "ck_loyalty_entry_points_range", {"points": 0, "kind": "adjustment"}),
    ("loyalty_entry", "ck_loyalty_entry_points_range", {"points": 10_000_001}),
    ("loyalty_entry", "ck_loyalty_entry_points_range", {"points": -10_000_001, "kind": "redeemed"}),
    ("loyalty_entry", "ck_loyalty_entry_points_sign", {"points": -5, "kind": "earned"}),
    ("loyalty_entry", "ck_loyalty_entry_points_sign", {"points": -5, "kind": "goodwill"}),
    ("loyalty_entry", "ck_loyalty_entry_points_sign", {"points": 5, "kind": "redeemed"}),
    ("loyalty_entry", "ck_loyalty_entry_points_sign", {"points": 5, "kind": "expired"}),
    (
        "loyalty_entry",
        "ck_loyalty_entry_expires_positive",
        {"points": -5, "kind": "adjustment", "expires_at": make.NOW},
    ),
    ("loyalty_entry", "ck_loyalty_entry_reversal_names_entry", {"kind": "reversal"}),
    ("loyalty_lot", "ck_loyalty_lot_unspent_range", {"unspent": 101, "points": 100}),
    ("loyalty_lot", "ck_loyalty_lot_unspent_range", {"unspent": -1}),
    ("loyalty_lot", "ck_loyalty_lot_points_range", {"points": 0, "unspent": 0}),
    ("loyalty_allocation", "ck_loyalty_allocation_points_range", {"points": 0}),
    ("account_entry", "ck_account_entry_amount_sign", {"amount": 0}),
    ("account_entry", "ck_account_entry_amount_sign", {"amount": 5}),
    ("account_entry", "ck_account_entry_amount_sign", {"amount": -5, "kind": "refund"}),
    ("account_entry", "ck_account_entry_invoice_named", {"amount": 5, "kind": "invoice"}),
    ("account_entry", "ck_account_entry_reversal_names_entry", {"amount": 5, "kind": "reversal"}),
    ("invoice", "ck_invoice_amount_range", {"amount": 0}),
    ("invoice", "ck_invoice_due_after_issue", {"due_on": dt.date(2026, 8, 31)}),
    ("credit_entry", "ck_credit_entry_amount_sign", {"amount": -5}),
    ("credit_entry", "ck_credit_entry_amount_sign", {"amount": 5, "kind": "redeemed"}),
    ("credit_entry", "ck_credit_entry_reversal_names_entry", {"kind": "reversal"}),
    ("tasting_entry", "ck_tasting_entry_year_range", {"year": 0}),
    ("tasting_entry", "ck_tasting_entry_reversal_names_entry", {"kind": "reversal"}),
    ("order", "ck_sales_order_sums_range", {"total": -1}),
    ("order", "ck_sales_order_item_count_range", {"item_count": -1}),
    ("order_line", "ck_order_line_quantity_range", {"quantity": 0}),
    ("external_id", "ck_external_id_one_owner", {"customer_id": None}),
]


def fresh(session: Session, row: Base) -> dict[str, Any]:
    """Return new values for what would trip a unique index before the check."""
    n = make.number()
    values: dict[str, Any] = {
        "name_key": f"n{n}",
        "number": f"N{n}",
        "code": f"N{n}",
        "email_key": "",
        "value_key": f"n{n}",
    }
    match row:
        case LoyaltyLot():
            values = {"entry_id": make.make_loyalty_entry(session).id}
        case LoyaltyAllocation():
            values = {"lot_id": make.make_loyalty_lot(session).id}
        case Phone():
            values = {}
    return {name: value for name, value in values.items() if name in make.table_of(row).c}


@pytest.mark.parametrize(("factory", "constraint", "changes"), CHECKS)
def test_checks(session: Session, factory: str, constraint: str, changes: dict[str, Any]):
    row = getattr(make, f"make_{factory}")(session)
    insert_copy(session, row, **fresh(session, row))
    refuses(session, row, constraint, **{**fresh(session, row), **changes})


ENUMS = [
    (model, column.name)
    for model in (Customer, Phone, Note, LoyaltyEntry, AccountEntry, CreditEntry, Order, ExternalId)
    for column in make.table_of(model).c
    if hasattr(column.type, "enums")
]


@pytest.mark.parametrize(("model", "column"), ENUMS, ids=lambda value: getattr(value, "__name__", value))
def test_values_outside_the_list_are_refused(session: Session, model: type[Base], column: str):
    name = "order" if model is Order else model.__tablename__
    row = getattr(make, f"make_{name}")(session)
    with pytest.raises(DatabaseError), session.begin_nested():
        session.connection().exec_driver_sql(
            f"UPDATE {model.__tablename__} SET {column} = 'nonsense' WHERE id = {row.id}"
        )


@pytest.mark.parametrize(
    ("table", "column"), [("customer", "global_discount"), ("customer_class", "discount")]
)
@pytest.mark.parametrize("hundredths", [-1, 10_001])
def test_a_discount_is_a_percentage(session: Session, table: str, column: str, hundredths: int):
    row = getattr(make, f"make_{table}")(session)
    with pytest.raises(IntegrityError), session.begin_nested():
        session.connection().exec_driver_sql(
            f"UPDATE {table} SET {column} = {hundredths} WHERE id = {row.id}"
        )


def test_nobody_is_their_own_agent_or_survivor(session: Session):
    customer = make.make_customer(session)
    for column in ("agent_id", "merged_into_id"):
        with pytest.raises(IntegrityError):
            set_raw(session, customer, **{column: customer.id})


# -------------------------------------------------------------------------------------------- partial unique
GONE = [{"anonymised_at": make.NOW}, {"merged_into_id": "other"}]


@pytest.mark.parametrize("field", ["loyalty_code", "account_code"])
@pytest.mark.parametrize("gone", GONE, ids=["erased", "merged"])
def test_codes_are_unique_among_live_customers(session: Session, field: str, gone: dict[str, Any]):
    customer, other = make.make_customer(session, **{field: "VB-1"}), make.make_customer(session)
    free = {"email_key": ""}
    refuses(session, customer, f"uq_customer_{field}", **free)
    set_raw(session, customer, **{k: other.id if v == "other" else v for k, v in gone.items()})
    insert_copy(session, customer, **free, **dict.fromkeys(gone))
    refuses(session, customer, f"uq_customer_{field}", **free, **dict.fromkeys(gone))


def test_many_customers_may_have_no_code(session: Session):
    customer = make.make_customer(session)
    insert_copy(session, customer, email_key="")
    insert_copy(session, customer, email_key="")


def test_an_email_is_unique_among_live_registered_customers_only(session: Session):
    customer = make.make_customer(session, email="Ann@example.com")
    other = make.make_customer(session)
    for status in ("guest", "in_store", "pending_approval"):
        insert_copy(session, customer, status=status)
    insert_copy(session, customer, anonymised_at=make.NOW)
    insert_copy(session, customer, merged_into_id=other.id)
    insert_copy(session, customer, email_key="")
    insert_copy(session, customer, email_key="")
    refuses(session, customer, "uq_customer_email")


@pytest.mark.parametrize("factory", ["make_address", "make_phone"])
def test_one_primary_a_customer(session: Session, factory: str):
    row = getattr(make, factory)(session, is_primary=True)
    insert_copy(session, row, is_primary=False)
    insert_copy(session, row, customer_id=make.make_customer(session).id)
    refuses(session, row, "primary")


def test_one_open_watch_note_a_customer(session: Session):
    watch = make.make_note(session, kind="watch")
    insert_copy(session, watch, done_at=make.NOW)
    insert_copy(session, watch, kind="task")
    insert_copy(session, watch, customer_id=make.make_customer(session).id)
    refuses(session, watch, "uq_note_open_watch")


@pytest.mark.parametrize(
    ("factory", "extra"),
    [
        ("loyalty_entry", {"points": -100}),
        ("account_entry", {"amount": 5_000}),
        ("credit_entry", {"amount": -2_500}),
        ("tasting_entry", {}),
    ],
)
def test_an_entry_is_reversed_once(session: Session, factory: str, extra: dict[str, int]):
    make_entry = getattr(make, f"make_{factory}")
    entry = make_entry(session)
    reversal = make_entry(session, kind="reversal", reverses=entry, **extra)
    assert entry.reversed_by is reversal
    refuses(session, reversal, "reverses_id", key=None)


def test_a_key_is_used_once(session: Session):
    entry = make.make_credit_entry(session, key="abc")
    refuses(session, entry, "key")


def test_other_unique_columns(session: Session):
    for row, changes in (
        (make.make_attribute_value(session), {}),
        (make.make_external_id(session), {}),
        (make.make_external_id(session, value="Buyer 7"), {"value": "buyer7"}),
        (make.make_invoice(session), {}),
        (make.make_order(session), {}),
        (make.make_api_key(session), {}),
        (make.make_preference(session), {}),
        (make.make_shop_setting(session), {}),
        (make.make_sales_channel(session), {"name_key": "other"}),
        (make.make_loyalty_lot(session), {}),
        (make.make_loyalty_allocation(session), {}),
    ):
        refuses(session, row, f"uq_{row.__tablename__}", **changes)


@pytest.mark.parametrize("name", ["GOLD", "  gold ", "Göld"])
def test_names_of_a_list_are_unique_whatever_their_capitals_and_accents(session: Session, name: str):
    make.make_customer_class(session, name="Gold")
    with pytest.raises(IntegrityError), session.begin_nested():
        make.make_customer_class(session, name=name)


# ---------------------------------------------------------------------------------------------- foreign keys
def test_a_row_in_use_is_not_deleted(session: Session):
    address, order = make.make_address(session), make.make_order(session)
    for row in (address.customer, order.customer, order.sales_channel):
        with pytest.raises(IntegrityError), session.begin_nested():
            session.connection().execute(make.table_of(row).delete().where(make.table_of(row).c.id == row.id))


def test_pure_children_go_with_their_owner(session: Session):
    customer = make.make_customer(session)
    make.make_phone(session, customer=customer)
    make.make_attribute_value(session, customer=customer)
    session.connection().execute(
        make.table_of(Customer).delete().where(make.table_of(Customer).c.id == customer.id)
    )
    for model in (Phone, AttributeValue):
        assert session.query(model).filter_by(customer_id=customer.id).count() == 0


def test_the_same_through_the_session(session: Session):
    customer = make.make_customer(session)
    phone = make.make_phone(session, customer=customer)
    session.refresh(customer)
    session.delete(customer)
    session.flush()
    assert phone not in session
    held = make.make_address(session).customer
    session.commit()
    session.delete(held)
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    assert session.query(Address).filter_by(customer_id=held.id).count() == 1


def test_ids_are_never_reused(session: Session):
    customer = make.make_customer(session)
    used = customer.id
    session.delete(customer)
    session.flush()
    assert make.make_customer(session).id > used


# -------------------------------------------------------------------------------------------------- triggers
LEDGERS = [
    "loyalty_entry",
    "account_entry",
    "invoice",
    "credit_entry",
    "tasting_entry",
    "loyalty_expiry_notice",
    "loyalty_allocation",
    "changeset",
    "change",
]
COUNTED = {
    "loyalty_entry": "points",
    "account_entry": "amount",
    "invoice": "amount",
    "credit_entry": "amount",
    "tasting_entry": "year",
    "loyalty_expiry_notice": "mail_id",
    "loyalty_allocation": "points",
    "changeset": "undoes_id",
    "change": "row_id",
}


@pytest.mark.parametrize("table", LEDGERS)
def test_ledgers_and_journal_are_append_only(session: Session, table: str):
    row = getattr(make, f"make_{table}")(session)
    statements = [
        f"UPDATE {table} SET {COUNTED[table]} = {7 if table != 'changeset' else row.id}",
        f"DELETE FROM {table}",
        f"DELETE FROM {table} WHERE id = {row.id}",
    ]
    if session.connection().dialect.name == "postgresql":
        statements.append(f"TRUNCATE {table} CASCADE")
    for statement in statements:
        with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
            session.connection().exec_driver_sql(statement)


REPOINTED = ["loyalty_entry", "account_entry", "invoice", "credit_entry", "tasting_entry"]


@pytest.mark.parametrize("table", REPOINTED)
def test_a_merge_may_move_a_ledger_row_to_the_survivor_only(session: Session, table: str):
    row = getattr(make, f"make_{table}")(session)
    loser, survivor = row.customer, make.make_customer(session)
    move = f"UPDATE {table} SET customer_id = {survivor.id} WHERE id = {row.id}"
    with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
        session.connection().exec_driver_sql(move)
    set_raw(session, loser, merged_into_id=survivor.id)
    session.connection().exec_driver_sql(move)
    session.refresh(row)
    assert row.customer_id == survivor.id


@pytest.mark.parametrize(
    ("table", "column"), [(t, "comment") for t in REPOINTED] + [("account_entry", "reference")]
)
def test_an_erasure_may_blank_free_text_only(session: Session, table: str, column: str):
    row = getattr(make, f"make_{table}")(session, **{column: "for Rashid"})
    blank = f"UPDATE {table} SET {column} = '' WHERE id = {row.id}"
    with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
        session.connection().exec_driver_sql(blank)
    set_raw(session, row.customer, anonymised_at=make.NOW)
    with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
        session.connection().exec_driver_sql(blank.replace("''", "'somebody'"))
    session.connection().exec_driver_sql(blank)
    session.refresh(row)
    assert getattr(row, column) == ""


def test_replace_does_not_slip_past_on_sqlite(session: Session):
    if session.connection().dialect.name != "sqlite":
        return
    row = make.make_loyalty_allocation(session)
    with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
        session.connection().exec_driver_sql(
            f"INSERT OR REPLACE INTO loyalty_allocation (id, entry_id, lot_id, points) "
            f"VALUES ({row.id}, {row.entry_id}, {row.lot_id}, 99)"
        )
    session.refresh(row)
    assert row.points == 10
