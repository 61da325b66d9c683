"""Amounts and other figures are typed as the product prints them, in whatever form, filter or file (rule 2.3)."""

from typing import Any

import pytest
import sqlalchemy as sa

from models.account import AccountEntry
from models.customer import Customer
from models.loyalty import LoyaltyEntry
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.forms.test_forms import form_of, sent
from tests.admin.pages import page_of, rows_of
from tests.admin.screens.test_ledgers import act

pytestmark = pytest.mark.either_database


def german(shop: Shop) -> None:
    shop.make(factories.make_shop_setting, code="locale", value="de_DE")


def somebody(shop: Shop, **values: Any) -> int:
    return int(shop.make(factories.make_customer, **values).id)


def paid(shop: Shop, customer: int, amount: str) -> Any:
    return act(shop, "account_entry.pay", customer=str(customer), amount=amount, method="card")


def amounts(shop: Shop) -> list[int]:
    with shop.look() as session:
        return list(session.scalars(sa.select(AccountEntry.amount).order_by(AccountEntry.id)))


@pytest.mark.parametrize(
    ("currency", "text", "minor"),
    [
        ("GBP", "1,030.46", 103046),
        ("GBP", "£1,000.50", 100050),
        ("KWD", "1.250 KWD", 1250),
        ("JPY", "JP¥1,200", 1200),
    ],
)
def test_a_payment_takes_what_a_list_shows(shop: Shop, currency: str, text: str, minor: int) -> None:
    assert paid(shop, somebody(shop, currency=currency), text).status_code == 302
    assert amounts(shop) == [-minor]


def test_in_a_german_shop_figures_are_german(shop: Shop) -> None:
    german(shop)
    customer = somebody(shop, currency="EUR")
    assert paid(shop, customer, "1.234,56 €").status_code == 302
    refused = paid(shop, customer, "30.00")
    assert refused.status_code == 422
    assert "such as 12,50. Did you mean 30,00?" in page_of(refused).error("amount")
    assert page_of(refused).form("/act/pay/").fields["amount"] == "30.00"
    assert amounts(shop) == [-123456]


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "1e5", "1_000", "１２", "12.505", "€5", "-5", "1234567890"]
)
def test_what_is_no_amount_names_the_field(shop: Shop, text: str) -> None:
    refused = paid(shop, somebody(shop), text)
    assert refused.status_code == 422
    assert page_of(refused).error("amount")
    assert amounts(shop) == []


@pytest.mark.parametrize(("locale", "shown"), [("en_GB", "1.250"), ("de_DE", "1,250")])
def test_a_customer_in_dinars_with_a_credit_limit_is_saved(shop: Shop, locale: str, shown: str) -> None:
    shop.make(factories.make_shop_setting, code="locale", value=locale)
    customer = somebody(shop, currency="KWD", credit_limit=1250)
    form = form_of(shop, f"/admin/customer/edit/?id={customer}")
    assert form.fields["credit_limit"] == shown
    assert sent(shop, form, title="Dr").status_code == 302
    assert shop.get(Customer, customer).credit_limit == 1250


def test_points_and_days_take_grouping(shop: Shop) -> None:
    customer = somebody(shop)
    given = act(
        shop,
        "loyalty_entry.adjust",
        customer=str(customer),
        points="1,200",
        expires_after_days="1,000",
        comment="Sorry",
    )
    assert given.status_code == 302
    with shop.look() as session:
        assert session.scalars(sa.select(LoyaltyEntry.points)).all() == [1200]


def test_filters_take_amounts_as_they_stand_in_the_list(shop: Shop) -> None:
    pounds, dinars, euros = (
        somebody(shop, currency=code, account_balance=minor)
        for code, minor in (("GBP", 100050), ("KWD", 1000500), ("EUR", 100049))
    )

    def found(**arguments: str) -> set[int]:
        return set(rows_of(shop.client().get("/admin/customer/", query_string=arguments)))

    assert found(account_balance__ge="1,000.50") == {pounds, dinars}
    assert found(account_balance__eq="£1,000.50") == {pounds}
    assert found(account_balance__eq="KWD1,000.500") == {dinars}
    assert shop.client().get("/admin/customer/?account_balance__ge=1,00").status_code == 400
    german(shop)
    assert found(account_balance__le="1.000,49") == {euros}
    refused = shop.client().get("/admin/customer/?account_balance__ge=1000.50")
    assert refused.status_code == 400
    assert "Did you mean 1.000,500?" in refused.get_data(as_text=True)


def test_programs_send_plain_figures_in_whatever_shop(shop: Shop) -> None:
    german(shop)
    customer = somebody(shop, currency="EUR", account_balance=123456)
    api = shop.api()
    listed = api.get("/api/v1/customer/", account_balance__eq="1234.56").json["result"]
    assert [row["id"] for row in listed] == [customer]
    assert api.get("/api/v1/customer/", account_balance__eq="1.234,56").status_code == 400
    body = {"customer": customer, "amount": 1250, "method": "card"}
    assert api.send("POST", "/api/v1/account_entry/actions/pay", body).status_code == 200
    wrong = api.send("POST", "/api/v1/account_entry/actions/pay", {**body, "amount": "12,50"})
    assert wrong.status_code == 422
    version = api.get(f"/api/v1/customer/{customer}").headers["ETag"]
    changed = api.send("PATCH", f"/api/v1/customer/{customer}", {"global_discount": "7.5"}, If_Match=version)
    assert (changed.status_code, amounts(shop)) == (200, [-1250])
    assert str(shop.get(Customer, customer).global_discount) == "7.50"
