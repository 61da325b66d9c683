"""Points and cards at the till: scanned, changed, explained."""

import re

from playwright.sync_api import Page, expect

from models.customer import Customer
from tests import factories
from tests.browser.accessibility import check_accessibility
from tests.browser.people import FINDS_RASHID, RASHID
from tests.browser.test_tasks import Arrange, Shop, drawer, record, toast

CARD = FINDS_RASHID["loyalty card"]


def test_a_scan_opens_the_customer_before_any_result_is_there(desk: Page, shop: Shop) -> None:
    there = re.compile(rf"/admin/customer/details/\?id={shop[RASHID].id}$")
    desk.goto("/admin/address/")
    desk.keyboard.press("/")
    desk.keyboard.type(CARD)
    desk.keyboard.press("Enter")
    expect(desk).to_have_url(there)
    expect(desk.get_by_role("heading", level=1)).to_contain_text(RASHID)


def test_a_scan_is_not_taken_for_the_result_that_was_marked(desk: Page, shop: Shop) -> None:
    desk.goto("/admin/")
    box = desk.get_by_role("combobox", name="Search everything")
    box.press_sequentially("byrne")
    expect(desk.locator("#search-results").get_by_role("option").first).to_be_visible()
    box.press("ArrowDown")
    expect(desk.locator("#search-results [aria-selected=true]")).to_be_visible()
    box.select_text()
    desk.keyboard.type(CARD)
    desk.keyboard.press("Enter")
    expect(desk).to_have_url(re.compile(rf"/admin/customer/details/\?id={shop[RASHID].id}$"))


def test_a_new_card_is_scanned_over_the_old_one(desk: Page, shop: Shop, arrange: Arrange) -> None:
    desk.goto(record(shop[RASHID], "loyalty_entry"))
    desk.get_by_role("link", name="Change card").click()
    field = drawer(desk).get_by_label("Loyalty card")
    expect(drawer(desk).locator("[data-preview]")).to_contain_text("Nothing would change")
    expect(field).to_be_focused()
    expect(field).to_have_value(CARD)
    desk.keyboard.type("55510001")
    desk.keyboard.press("Enter")
    expect(toast(desk)).to_contain_text("changed to 55510001")
    expect(desk.locator(".facts-strip")).to_contain_text("55510001")
    with arrange() as session:
        assert session.get_one(Customer, shop[RASHID].id).loyalty_code == "55510001"


def test_the_orders_of_whoever_is_chosen_are_offered(desk: Page, shop: Shop) -> None:
    desk.goto("/admin/loyalty_entry/")
    desk.get_by_role("link", name="Adjust points").first.click()
    offered = drawer(desk).locator("datalist option")
    expect(offered).to_have_count(0)
    drawer(desk).get_by_label("Customer").select_option(value=str(shop[RASHID].id))
    expect(offered.first).to_have_attribute("value", re.compile("^SO-"))
    drawer(desk).get_by_label("Order number").fill("ANY-1")
    expect(drawer(desk).get_by_label("Order number")).to_have_value("ANY-1")


def test_a_balance_leads_to_its_lots_on_a_phone_too(desk: Page, shop: Shop, arrange: Arrange) -> None:
    owner = shop[RASHID]
    with arrange() as session:
        for points in (120, 300):
            entry = factories.make_loyalty_entry(session, customer_id=owner.id, points=points)
            factories.make_loyalty_lot(session, entry=entry, points=points)
        taken = factories.make_loyalty_entry(
            session, customer_id=owner.id, kind="redeemed", points=-20, created_at=factories.NOW
        )
        lot = session.get_one(type(entry), entry.id).lot
        assert lot is not None
        lot.unspent = 280
        factories.make_loyalty_allocation(session, entry=taken, lot=lot, points=20)
        session.get_one(Customer, owner.id).points = 400
    desk.goto(record(owner, "loyalty_entry"))
    desk.locator(".facts-strip").get_by_role("link", name="400", exact=True).click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("Where 400 points come from")
    expect(desk.get_by_text("120 + 280 = 400")).to_be_visible()
    desk.get_by_text("1 entry used or restored points").click()
    expect(desk.locator(".lot-took li")).to_contain_text("−20")
    check_accessibility(desk)
    desk.set_viewport_size({"width": 360, "height": 740})
    assert desk.evaluate("document.documentElement.scrollWidth") <= 360
    check_accessibility(desk)
    desk.get_by_role("main").get_by_role("link", name=RASHID).click()
    expect(desk).to_have_url(re.compile("tab=loyalty_entry"))
