"""Redeeming a gift card by its code, as at a till with a scanner."""

from playwright.sync_api import Page, expect

from models.codes import digest
from tests import factories
from tests.browser.accessibility import check_accessibility
from tests.browser.conftest import Problems
from tests.browser.people import RASHID
from tests.browser.test_row_actions import preview
from tests.browser.test_tasks import Arrange, Shop, drawer, record, toast


def test_a_code_is_scanned_into_the_tab_and_credited_once(
    desk: Page, shop: Shop, arrange: Arrange, problems: Problems
) -> None:
    problems.expect("422")
    with arrange() as session:
        factories.make_gift_card(session, code_key=digest("KR7M2XQH9TVAC4WD"), last4="C4WD")
    desk.goto(record(shop[RASHID], "credit_entry"))
    desk.get_by_role("link", name="Redeem gift card").click()
    code = drawer(desk).get_by_label("Code")
    code.fill("KR7M-2XQH-9TVA-C4WX")
    code.press("Enter")
    expect(drawer(desk)).to_contain_text("No gift card has this code")
    code.fill("kr7m 2xqh 9tva c4wd")
    code.blur()
    expect(preview(desk)).to_contain_text("£25.00")
    check_accessibility(desk)
    code.press("Enter")
    expect(toast(desk)).to_contain_text("£25.00 from a gift card was credited")
    expect(desk.get_by_role("row").filter(has_text="C4WD")).to_contain_text("Gift card")
