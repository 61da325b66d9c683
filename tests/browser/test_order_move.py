"""An order that stands with the wrong customer goes to the right one, and back, in a browser."""

import re

from playwright.sync_api import Page, expect

from models.loyalty import LoyaltyLot
from tests import factories
from tests.browser.accessibility import check_everywhere
from tests.browser.test_tasks import Arrange, drawer, toast


def test_an_order_is_moved_and_taken_back(desk: Page, arrange: Arrange) -> None:
    with arrange() as session:
        one = factories.make_customer(session, first_name="Orla", last_name="Quane", points=120)
        two = factories.make_customer(session, first_name="Aoife", last_name="Quane")
        order = factories.make_order(session, customer=one)
        entry = factories.make_loyalty_entry(
            session, customer_id=one.id, points=120, order_ref=order.number, order_id=order.id
        )
        session.add(LoyaltyLot(entry_id=entry.id, customer_id=one.id, points=120, unspent=120))
    desk.goto(f"/admin/sales_order/details/?id={order.id}")
    desk.locator("summary[aria-label='More actions']").click()
    desk.get_by_role("link", name="Move to another customer").click()
    panel = drawer(desk)
    box = panel.get_by_role("combobox", name="Customer")
    expect(box).to_be_focused()
    expect(box.get_by_text("Orla Quane")).to_have_count(0)
    box.select_option(str(two.id))
    panel.get_by_label("Reason").fill("Ordered by her sister")
    desk.keyboard.press("Tab")
    sheet = panel.get_by_role("table")
    expect(sheet.get_by_role("row", name="Points after 0 120")).to_be_visible()
    expect(panel.get_by_text("Earned · Aoife Quane")).to_be_visible()
    check_everywhere(desk, "dialog#drawer")
    panel.get_by_role("button", name="Move to another customer").click()
    expect(toast(desk)).to_contain_text(f"Order {order.number} was moved to Aoife Quane")
    expect(desk.get_by_role("link", name=re.compile("Aoife Quane")).first).to_be_visible()
    toast(desk).get_by_role("link", name="Undo").click()
    expect(toast(desk)).to_contain_text("Undone")
    desk.goto(f"/admin/sales_order/details/?id={order.id}")
    expect(desk.get_by_role("link", name=re.compile("Orla Quane")).first).to_be_visible()
