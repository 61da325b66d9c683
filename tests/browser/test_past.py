"""The time machine at work: from an event to the record as it was, and one value back."""

import pytest
from playwright.sync_api import Page, expect

from models.customer import Customer
from tests.browser.accessibility import check_everywhere
from tests.browser.conftest import Problems
from tests.browser.people import RASHID
from tests.browser.test_tasks import drawer, record, toast

Shop = dict[str, Customer]


def rename(page: Page, customer: Customer, name: str) -> None:
    """Save the customer under another first name."""
    page.goto(f"/admin/customer/edit/?id={customer.id}")
    page.get_by_label("First name").fill(name)
    page.get_by_role("button", name="Save").click()
    expect(toast(page)).to_contain_text("was saved")


@pytest.fixture
def past(desk: Page, shop: Shop) -> Page:
    """The record as it was when its customer was called Omar; now it is Rami."""
    for name in ("Omar", "Rami"):
        rename(desk, shop[RASHID], name)
    with desk.expect_navigation():
        desk.locator("#record-activity li").nth(1).get_by_role("link", name="Version at that time").click()
    expect(desk.get_by_text("1 field differs from now")).to_be_visible()
    return desk


def test_a_value_is_restored_from_an_event_of_the_activity_line_and_taken_back(past: Page) -> None:
    check_everywhere(past)
    line = past.locator(".past-differs")
    expect(line).to_contain_text("Omar")
    line.get_by_role("link", name="Restore this value").click()
    expect(drawer(past).locator("[data-preview]")).to_contain_text("Rami → Omar")
    check_everywhere(past, "#drawer")
    drawer(past).get_by_role("button", name="Restore this value").click()
    expect(toast(past)).to_contain_text("First name restored to its value on")
    expect(past.get_by_text("no differences from now")).to_be_visible()
    toast(past).get_by_role("link", name="Undo").click()
    expect(past.get_by_text("1 field differs from now")).to_be_visible()


def test_a_page_that_somebody_overtook_says_so_and_changes_nothing(
    past: Page, colleague: Page, shop: Shop, problems: Problems
) -> None:
    problems.expect("409")
    past.locator(".past-differs").get_by_role("link", name="Restore this value").click()
    button = drawer(past).get_by_role("button", name="Restore this value")
    expect(button).to_be_visible()
    rename(colleague, shop[RASHID], "Sami")
    button.click()
    expect(drawer(past).get_by_role("alert").first).to_contain_text("Support")
    expect(drawer(past)).to_contain_text("Reload it before you restore anything")
    past.goto(record(shop[RASHID]))
    expect(past.locator("#record-header h1")).to_contain_text("Sami")


def test_a_moment_is_typed_on_the_record_s_page(desk: Page, shop: Shop) -> None:
    desk.goto(record(shop[RASHID]))
    desk.get_by_label("Show this record as it was at").fill("2026-11-01T10:00")
    with desk.expect_navigation():
        desk.locator("#record-activity").get_by_role("button", name="Show").click()
    assert "at=2026-11-01T10" in desk.url
