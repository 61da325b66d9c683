"""Merging in a browser: the other record is found by typing, the sheet is read, the name typed, and it is undone."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from tests import factories
from tests.browser.accessibility import check_everywhere
from tests.browser.test_tasks import drawer, record, toast

Arrange = Callable[[], AbstractContextManager[Session]]


def test_two_records_become_one_and_two_again(desk: Page, arrange: Arrange) -> None:
    with arrange() as session:
        one = factories.make_customer(session, first_name="Orla", last_name="Keane", email=None)
        two = factories.make_customer(session, first_name="Orla", last_name="Keene", email="orla@example.com")
        factories.make_note(session, customer=two, body="Prefers the telephone")
    desk.goto(record(one))
    desk.locator("summary[aria-label='More actions']").click()
    desk.get_by_role("link", name="Merge into this record").click()
    panel = drawer(desk)
    box = panel.get_by_role("combobox", name="Records to merge into this one")
    expect(box).to_be_focused()
    desk.keyboard.type("keene")
    panel.get_by_role("option", name="Orla Keene").click()
    panel.get_by_label("Reason").fill("Signed up twice")
    desk.keyboard.press("Tab")
    sheet = panel.get_by_role("table")
    expect(sheet.get_by_role("columnheader", name="Result")).to_be_visible()
    expect(sheet.get_by_role("row", name="Notes 0 1 1")).to_be_visible()
    expect(panel.get_by_text("Moved")).to_be_visible()
    check_everywhere(desk, "dialog#drawer")
    panel.get_by_label("Type “Orla Keane” to confirm").fill("Orla Keane")
    panel.get_by_role("button", name="Merge into this record").click()
    expect(toast(desk)).to_contain_text("Orla Keene was merged into Orla Keane")
    expect(desk.get_by_text("orla@example.com").first).to_be_visible()
    toast(desk).get_by_role("link", name="Undo").click()
    expect(toast(desk)).to_contain_text("Undone")
    desk.goto(record(two))
    expect(desk.get_by_text("was merged into")).to_be_hidden()
