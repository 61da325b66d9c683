"""The statement of an account in a browser: found, narrowed, printed and sent."""

import re

from playwright.sync_api import Page, expect

from models.customer import Customer
from tests import factories
from tests.browser.accessibility import check_accessibility, check_everywhere
from tests.browser.people import RASHID
from tests.browser.test_tasks import Arrange, Shop, drawer, record, toast


def test_a_statement_is_found_printed_and_sent_from_the_account(
    desk: Page, shop: Shop, arrange: Arrange
) -> None:
    customer: Customer = shop[RASHID]
    with arrange() as session:
        factories.make_account_entry(session, customer_id=customer.id, reference="BACS 4711")
    desk.add_init_script("window.print = () => document.body.setAttribute('data-printed', '');")
    desk.goto(record(customer, "account_entry"))
    desk.locator("#record-panel").get_by_role("link", name="Statement").click()
    expect(desk.get_by_role("heading", name="Statement: Rashid Karim")).to_be_visible()
    desk.get_by_label("From").fill("2020-01-01")
    desk.get_by_role("button", name="Show").click()
    expect(desk).to_have_url(re.compile("since=2020-01-01"))
    sheet = desk.get_by_role("article", name="Account statement")
    expect(sheet).to_contain_text("BACS 4711")
    expect(sheet).to_contain_text("Opening balance")
    check_everywhere(desk)
    desk.get_by_role("button", name="Print").click()
    expect(desk.locator("body[data-printed]")).to_have_count(1)
    desk.emulate_media(media="print")
    expect(desk.get_by_role("navigation", name="Main menu")).to_be_hidden()
    expect(desk.get_by_label("From")).to_be_hidden()
    expect(sheet).to_be_visible()
    desk.emulate_media(media="screen")
    with desk.expect_download() as started:
        desk.get_by_role("link", name="Download PDF").click()
    assert started.value.suggested_filename.startswith(f"statement-{customer.id}-2020-01-01-")
    desk.get_by_role("link", name="Send by email").click()
    expect(drawer(desk).get_by_label("From")).to_have_value("2020-01-01")
    drawer(desk).get_by_label("Message").fill("As you asked.")
    drawer(desk).get_by_label("To").focus()
    expect(drawer(desk).locator("[data-preview]")).to_contain_text("r***@example.com")
    check_accessibility(desk)
    drawer(desk).get_by_role("button", name="Send statement").click()
    expect(toast(desk)).to_contain_text("The statement will be sent to r***@example.com")
    desk.goto(record(customer, "mail"))
    desk.locator("#record-panel").get_by_role("link", name="Account statement").click()
    expect(desk.get_by_role("link", name=re.compile(r"statement-\d+-2020-01-01-.*\.pdf"))).to_be_visible()
