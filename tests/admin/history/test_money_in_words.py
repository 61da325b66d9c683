"""What previews and Activity say of points and money: words and balances, where there was a sign and a number (rule 2.2)."""

from typing import Any

import pytest

from models.customer import Customer
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.imports import mapped
from tests.admin.pages import page_of
from tests.admin.screens.test_ledgers import act

HTMX = {"HX-Request": "true"}
pytestmark = pytest.mark.either_database


@pytest.fixture
def owner(shop: Shop) -> int:
    """A customer who may buy on account."""
    return int(shop.make(factories.make_customer, pay_on_account=True, currency="GBP").id)


def preview(shop: Shop, where: str, **values: Any) -> str:
    """The text of a preview."""
    resource, verb = where.split(".")
    path = f"/admin/{resource}/act/{verb}/"
    form = page_of(shop.client().get(path, headers=HTMX)).form("/act/")
    answer = shop.client().post(f"{path}?preview=1", data=form.filled(**values), headers=HTMX)
    assert answer.status_code == 200
    return page_of(answer).text


def activity(shop: Shop, owner: int) -> str:
    """The text of a customer's record, with what was done last."""
    return page_of(shop.client().get(f"/admin/customer/details/?id={owner}")).text


def test_a_payment_says_what_is_owed_before_and_after_and_what_it_settles(shop: Shop, owner: int) -> None:
    for number, amount in (("W-1", "100"), ("W-2", "60")):
        act(shop, "invoice.raise", customer=str(owner), amount=amount, number=number)
    paying = {"customer": str(owner), "method": "cash"}
    text = preview(shop, "account_entry.pay", **paying, amount="120")
    assert "Payment Account: owes £160.00 → owes £40.00 (paid £120.00)" in text
    assert "Settles: W-1, W-2 in part, £40.00 left" in text
    assert "#" not in text
    assert "more than" not in text
    assert act(shop, "account_entry.pay", **paying, amount="120").status_code == 302
    assert "Account: owes £160.00 → owes £40.00 (paid £120.00)" in activity(shop, owner)
    over = preview(shop, "account_entry.pay", **paying, amount="50")
    assert "owes £40.00 → in credit £10.00" in over
    assert "This payment of £50.00 is more than the £40.00 due." in over
    assert "owes £40.00 → nothing owed (paid £40.00)" in preview(
        shop, "account_entry.pay", **paying, amount="40"
    )
    refund = preview(shop, "account_entry.refund", **paying, amount="5")
    assert "Refund Account: owes £40.00 → owes £45.00 (refunded £5.00)" in refund


def test_points_say_how_many_there_will_be_and_until_when(shop: Shop, owner: int) -> None:
    given = {"customer": str(owner), "comment": "Sorry"}
    text = preview(shop, "loyalty_entry.adjust", **given, points="120", expires_after_days="")
    assert "Goodwill Points: 0 → 120 (+120) Valid until: no end" in text
    assert act(shop, "loyalty_entry.adjust", **given, points="120", expires_after_days="1").status_code == 302
    dated = preview(shop, "loyalty_entry.adjust", **given, points="5", expires_after_days="1")
    assert "Points: 120 → 125 (+5) Valid until: " in dated
    assert "Redeemed Points: 120 → 90 (−30)" in preview(shop, "loyalty_entry.adjust", **given, points="-30")
    assert "Points: 0 → 120 (+120)" in activity(shop, owner)


def test_credit_says_what_was_added_and_what_there_is(shop: Shop, owner: int) -> None:
    given = {"customer": str(owner), "comment": "Card"}
    text = preview(shop, "credit_entry.adjust", **given, amount="5")
    assert "Gift-card credit: £0.00 → £5.00 (£5.00 added)" in text
    assert act(shop, "credit_entry.adjust", **given, amount="5").status_code == 302
    assert act(shop, "credit_entry.adjust", **given, amount="-2").status_code == 302
    assert "Gift-card credit: £5.00 → £3.00 (£2.00 deducted)" in activity(shop, owner)


def test_an_amount_is_in_the_currency_of_the_record(shop: Shop) -> None:
    owner = shop.make(factories.make_customer, currency="JPY", credit_limit=5_000).id
    path = f"/admin/customer/act/set_pay_on_account/?id={owner}"
    form = page_of(shop.client().get(path, headers=HTMX)).form("/act/")
    data = form.filled(credit_limit="7000", pay_on_account="y")
    seen = shop.client().post(f"{path}&preview=1", data=data, headers=HTMX)
    assert "Credit limit: ¥5,000 → ¥7,000" in page_of(seen).text.replace("JP¥", "¥")
    assert act(shop, "customer.set_pay_on_account", row=owner, credit_limit="7000").status_code == 302
    assert shop.get(Customer, owner).credit_limit == 7_000
    assert "Credit limit: ¥5,000 → ¥7,000" in activity(shop, owner).replace("JP¥", "¥")


def test_a_dry_run_shows_each_amount_in_the_currency_of_its_own_row(shop: Shop) -> None:
    yen = shop.make(factories.make_customer, currency="JPY", credit_limit=500).id
    euro = shop.make(factories.make_customer, currency="EUR", credit_limit=50_000).id
    text = f"Clientele record number,Credit limit\n{yen},700\n{euro},700\n"
    file_id = mapped(shop, "customer", text)
    rows = page_of(shop.client().get(f"/admin/customer/import/rows/?id={file_id}")).text
    assert "Credit limit: ¥500 → ¥700" in rows.replace("JP¥", "¥")
    assert "Credit limit: €500.00 → €700.00" in rows
