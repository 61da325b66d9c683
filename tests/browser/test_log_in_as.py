"""Logging in as a customer, as staff do it: from the record into the portal and back."""

from playwright.sync_api import Page, expect

from models.choices import Status
from models.customer import Customer
from tests.browser.accessibility import check_accessibility
from tests.browser.people import RASHID
from tests.browser.test_tasks import Arrange, Shop, record


def test_staff_go_from_the_record_into_the_portal_and_back(desk: Page, shop: Shop, arrange: Arrange) -> None:
    with arrange() as session:
        session.get_one(Customer, shop[RASHID].id).status = Status.REGISTERED
    desk.goto(record(shop[RASHID]))
    desk.get_by_role("link", name="Log in as customer").click()
    desk.get_by_label("Reason").fill("Cannot find the invoice of August")
    check_accessibility(desk)
    desk.get_by_role("button", name="Log in as customer").click()
    banner = desk.get_by_role("region", name="Logged in as a customer")
    expect(banner).to_contain_text("is logged in as Rashid Karim. 30 minutes left. Read-only.")
    assert "token" not in desk.url
    check_accessibility(desk)
    desk.set_viewport_size({"width": 320, "height": 640})
    assert desk.evaluate("document.documentElement.scrollWidth") <= 320
    check_accessibility(desk)
    banner.get_by_role("button", name="Turn changes on").click()
    expect(banner).to_contain_text("Changes are on.")
    banner.get_by_role("button", name="End").click()
    expect(desk.get_by_role("heading", name="Rashid Karim")).to_be_visible()
