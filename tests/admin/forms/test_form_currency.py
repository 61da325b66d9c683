"""Amounts are typed in the currency of the account they are about, whatever the shop's own is (rules 2.1, 2.3)."""

from typing import Any

import pytest
import sqlalchemy as sa

from models.account import AccountEntry
from models.credit import CreditEntry
from models.customer import Customer
from models.gift_card import GiftCard
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.forms.test_forms import form_of, sent
from tests.admin.pages import page_of
from tests.admin.screens.test_ledgers import act

pytestmark = pytest.mark.either_database


def somebody(shop: Shop, currency: str, **values: Any) -> int:
    return int(shop.make(factories.make_customer, currency=currency, **values).id)


def amounts(shop: Shop, model: Any) -> list[int]:
    with shop.look() as session:
        return list(session.scalars(sa.select(model.amount).order_by(model.id)))


@pytest.mark.parametrize(
    ("currency", "typed", "minor"), [("GBP", "12.50", 1250), ("JPY", "1250", 1250), ("KWD", "12.50", 12500)]
)
def test_what_is_typed_is_in_the_customers_currency(
    shop: Shop, currency: str, typed: str, minor: int
) -> None:
    customer = somebody(shop, currency)
    paid = act(shop, "account_entry.pay", customer=str(customer), amount=typed, method="card")
    assert paid.status_code == 302
    given = act(shop, "credit_entry.adjust", customer=str(customer), amount=typed, comment="Sorry")
    assert given.status_code == 302
    assert (amounts(shop, AccountEntry), amounts(shop, CreditEntry)) == ([-minor], [minor])


def test_a_currency_without_hundredths_takes_whole_amounts_alone(shop: Shop) -> None:
    customer = somebody(shop, "JPY")
    answer = act(shop, "account_entry.pay", customer=str(customer), amount="12.50", method="card")
    assert answer.status_code == 422
    assert "JPY has fewer decimals than this" in page_of(answer).error("amount")
    assert amounts(shop, AccountEntry) == []


def test_a_credit_limit_opens_and_is_saved_as_the_account_is_kept(shop: Shop) -> None:
    customer = somebody(shop, "JPY", credit_limit=5000)
    path = f"/admin/customer/edit/?id={customer}"
    form = form_of(shop, path)
    assert form.fields["credit_limit"] == "5000"
    assert sent(shop, form, title="Dr").status_code == 302
    assert shop.get(Customer, customer).credit_limit == 5000
    terms = page_of(shop.client().get(f"/admin/customer/act/set_terms/?id={customer}")).form("/act/")
    assert terms.fields["credit_limit"] == "5000"
    assert sent(shop, terms, credit_limit="7000").status_code == 302
    assert shop.get(Customer, customer).credit_limit == 7000


def test_a_new_record_is_read_in_the_currency_it_is_given(shop: Shop) -> None:
    form = form_of(shop, "/admin/customer/new/")
    made = sent(shop, form, first_name="Aya", last_name="Mori", currency="JPY", credit_limit="5000")
    assert made.status_code == 302
    assert shop.get(Customer, int(made.location.rpartition("=")[2])).credit_limit == 5000
    answer = act(shop, "gift_card.issue", amount="3000", currency="JPY")
    assert answer.status_code == 200
    assert amounts(shop, GiftCard) == [3000]


def test_many_accounts_take_one_limit_in_one_currency_alone(shop: Shop) -> None:
    yen, other, pounds = (somebody(shop, code) for code in ("JPY", "JPY", "GBP"))

    def limited(*ids: int) -> Any:
        chosen = {"ids": [str(i) for i in ids], "csrf_token": shop.client().csrf_token()}
        form = page_of(shop.client().post("/admin/customer/act/set_pay_on_account/", data=chosen)).form(
            "/act/"
        )
        return shop.client().post(
            form.action, data={**form.filled(credit_limit="9000", pay_on_account="n"), "ids": chosen["ids"]}
        )

    refused = limited(yen, pounds)
    assert refused.status_code == 422
    assert "different currencies" in page_of(refused).error("credit_limit")
    assert limited(yen, other).status_code == 302
    assert [shop.get(Customer, i).credit_limit for i in (yen, other, pounds)] == [9000, 9000, None]


def test_a_program_sends_minor_units_whatever_the_currency(shop: Shop) -> None:
    customer = somebody(shop, "JPY")
    body = {"customer": customer, "amount": 1250, "method": "card"}
    assert shop.api().send("POST", "/api/v1/account_entry/actions/pay", body).status_code == 200
    assert amounts(shop, AccountEntry) == [-1250]


def test_the_command_line_reads_amounts_as_the_form_does(shop: Shop) -> None:
    customer = somebody(shop, "JPY")
    args = ["act", "account_entry.pay", "--as", "admin", "--set", "amount=1250", "--set", "method=card"]
    done = shop.app.test_cli_runner().invoke(args=[*args, "--set", f"customer={customer}"])
    assert done.exit_code == 0, done.output
    assert amounts(shop, AccountEntry) == [-1250]


def test_nobody_learns_the_currency_of_a_customer_out_of_scope(world: Any) -> None:
    theirs = [world.customers[kind] for kind in ("own", "foreign")]
    with world.shop.arrange() as session:
        session.execute(sa.update(Customer).where(Customer.id.in_(theirs)).values(currency="JPY"))
    pages = [world.shop.client().get(f"/admin/account_entry/act/pay/?customer={id_}") for id_ in theirs]
    with world.shop.arrange() as session:
        session.execute(sa.update(Customer).where(Customer.id.in_(theirs)).values(currency="GBP"))
    assert [">JPY</span>" in page.get_data(as_text=True) for page in pages] == [True, False]
