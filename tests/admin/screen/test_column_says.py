"""What a screen need not declare, because the columns of its model say it of themselves (models/presentation.py)."""

import csv
import io
from typing import Any

import pytest

from admin.screen_spec.column_info import OPERATORS
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.factories import make_address, make_customer, make_phone, make_tasting_entry


@pytest.fixture
def customer(shop: Shop) -> Any:
    with shop.arrange() as session:
        made = make_customer(
            session,
            first_name="Ada",
            last_name="Lind",
            account_balance=-1250,
            credit_balance=0,
            currency="GBP",
        )
        make_phone(session, customer=made, number="020 7946 0000", is_primary=True)
        make_address(session, customer=made, postcode="SW1A 1AA", is_primary=True)
        make_tasting_entry(session, customer_id=made.id, year=2024)
    return made


def _row(shop: Shop, path: str) -> dict[str, str]:
    (row,) = csv.DictReader(io.StringIO(shop.client().get(path).get_data(as_text=True).lstrip("\ufeff")))
    return row


def test_a_column_is_called_what_its_model_calls_it_unless_the_screen_says_otherwise(shop: Shop) -> None:
    labels = shop.screen("customer"), shop.screen("invoice")
    with shop.app.test_request_context():
        customers, invoices = labels
        assert customers.get_column_name("loyalty_code") == "Loyalty card"  # of a column
        assert customers.get_column_name("customer_class") == "Class"  # of the key of a relation
        assert customers.get_column_name("primary_phone") == "Phone"  # of a relation without a key here
        assert customers.get_column_name("trading_name") == "Trading name"  # by its name
        assert (
            invoices.get_column_name("created_at") == "Entered"
        )  # by the screen, where the model says "Date"
        assert shop.screen("owing").get_column_name("account_balance") == "Balance"  # wherever it is listed


def test_a_relation_is_shown_and_written_to_files_by_what_it_names(shop: Shop, customer: Any) -> None:
    page = page_of(shop.client().get("/admin/customer/")).text
    assert "020 7946 0000" in page
    assert "SW1A 1AA" in page
    row = _row(shop, "/admin/customer/export/csv/")
    assert (row["Phone"], row["Postcode"]) == ("020 7946 0000", "SW1A 1AA")


def test_the_sign_of_an_amount_is_said_in_words_and_nothing_is_left_out(shop: Shop, customer: Any) -> None:
    client = shop.client()
    record = page_of(client.get(f"/admin/customer/details/?id={customer.id}")).text
    assert "in credit £12.50" in " ".join(record.split())
    assert "−" not in record
    assert "£0.00" not in record
    row = _row(shop, "/admin/owing/export/csv/?view=in_credit")
    assert (row["Balance"], row["Balance in words"]) == ("-12.50", "in credit")


def test_a_year_has_no_thousands(shop: Shop, customer: Any) -> None:
    page = page_of(shop.client().get("/admin/tasting_entry/")).text
    assert "2024" in page
    assert "2,024" not in page


@pytest.mark.parametrize(
    ("resource", "column", "by"),
    [
        ("customer", "last_name", ("last_name_key", "first_name_key")),
        ("customer", "email", ("email_key",)),
        ("customer", "primary_phone", ("phone_key",)),
        ("address", "town", ("town_key",)),
        ("bank_account", "name", ("name_key",)),
        ("shipment", "tracking_number", ("tracking_key",)),
        ("invoice", "number", ("number",)),
    ],
)
def test_a_list_is_sorted_by_the_key_of_a_column(
    stocked: Shop, resource: str, column: str, by: tuple[str, ...]
) -> None:
    assert tuple(stocked.screen(resource).sort_paths(column)) == by


def test_a_list_is_filtered_by_every_column_that_can_be_compared_unless_it_says_otherwise(
    stocked: Shop,
) -> None:
    orders = stocked.screen("sales_order")
    assert set(orders.offered_filters) == {n for n in orders.column_list if orders.field(n).kind in OPERATORS}
    assert stocked.screen("shop_setting").offered_filters == ()
    assert "gender" not in stocked.screen("customer").offered_filters
