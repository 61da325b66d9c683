"""Taking money on the Account tab, and seeing what is owed change without leaving it."""

import datetime as dt

from playwright.sync_api import Page, expect

from tests import factories
from tests.browser.accessibility import check_accessibility
from tests.browser.test_tasks import Arrange, Shop, drawer, record, toast


def test_a_payment_on_the_account_tab_settles_the_oldest_invoice_before_ones_eyes(
    desk: Page, shop: Shop, arrange: Arrange
) -> None:
    with arrange() as session:
        debtor = factories.make_customer(session, first_name="Ida", last_name="Late", account_balance=15_000)
        for amount, late in ((5_000, 40), (10_000, 5)):
            due = dt.date.today() - dt.timedelta(days=late)
            owned = {"customer": debtor, "amount": amount}
            invoice = factories.make_invoice(session, issued_on=due, due_on=due, **owned)
            factories.make_account_entry(session, kind="invoice", invoice=invoice, value_date=due, **owned)
        session.flush()
        url = record(debtor, "account_entry")
    desk.goto(url)
    facts = desk.locator(".facts-strip")
    expect(facts).to_contain_text("owes £150.00")
    expect(facts.get_by_role("listitem").filter(has_text="31–60 days late")).to_contain_text("£50.00")
    check_accessibility(desk)
    desk.locator("[data-list]").get_by_role("link", name="Add payment").click()
    drawer(desk).get_by_label("Amount").fill("60")
    drawer(desk).get_by_label("Method").select_option(label="Cash")
    drawer(desk).get_by_role("button", name="Add payment").click()
    expect(toast(desk)).to_contain_text("£60.00")
    expect(facts).to_contain_text("owes £90.00")
    expect(facts.get_by_role("listitem").filter(has_text="1–30 days late")).to_contain_text("£90.00")
    expect(facts.get_by_role("listitem").filter(has_text="31–60 days late")).not_to_contain_text("£")
    expect(desk.locator("#record-tabs")).to_contain_text("owes £90.00")
