"""The queue of duplicates in a browser: gone through by keys, decided, taken back, merged."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from actions.duplicates import keys
from tests import factories
from tests.browser.accessibility import check_everywhere
from tests.browser.test_tasks import drawer, record, toast

Arrange = Callable[[], AbstractContextManager[Session]]


def test_the_queue_is_gone_through_by_keys(desk: Page, arrange: Arrange) -> None:
    with arrange() as session:
        people = [
            factories.make_customer(session, first_name="Orla", last_name=name, email=None)
            for name in ("Keane", "Keene", "Byrne")
        ]
        first, second, third = people
        for pair, score in (((first, second), 30), ((second, third), 20), ((first, third), 10)):
            ids = sorted(customer.id for customer in pair)
            factories.make_duplicate_pair(
                session, lower_id=ids[0], higher_id=ids[1], score=score, evidence=32 | 1024
            )
    desk.goto(record(first))
    expect(desk.locator("#record-header")).to_contain_text("Likely the same customer as Orla Keene")
    desk.get_by_role("link", name="Duplicates 3 likely").click()
    desk.get_by_role("row", name="Orla Keane").first.click()
    title = desk.get_by_role("heading", level=1)
    expect(title).to_contain_text("Orla Keane / Orla Keene")
    check_everywhere(desk, "main")
    desk.keyboard.press("s")
    expect(title).to_contain_text("Orla Keene / Orla Byrne")
    desk.keyboard.press("d")
    expect(toast(desk)).to_contain_text("are not the same customer")
    expect(title).to_contain_text("Orla Keane / Orla Keene")
    desk.keyboard.press("u")
    expect(toast(desk)).to_contain_text("Undone")
    desk.keyboard.press("h")
    expect(toast(desk)).to_contain_text("are people of one household")
    desk.keyboard.press("m")
    expect(desk.get_by_role("heading", level=1)).to_contain_text("Merge into this record: Orla")


def test_a_form_says_whom_it_may_be_about_as_its_fields_are_left(desk: Page, arrange: Arrange) -> None:
    with arrange() as session:
        joan, other = (
            factories.make_customer(session, first_name=first, last_name="Cooke", email=email, status="guest")
            for first, email in (("Joan", "joan.cooke@example.com"), ("Jo", None))
        )
        factories.make_address(session, customer=joan, postcode="LS2 9JT")
        session.flush()
        keys.rewrite(session.connection(), [joan.id, other.id])
    notice = "[data-alike]"
    desk.goto("/admin/customer/new/")
    desk.get_by_label("Email", exact=True).fill("Joan.Cooke@example.com")
    expect(desk.locator(notice)).to_be_empty()
    desk.keyboard.press("Tab")
    said = f"May be the same customer as Joan Cooke #{joan.id} (same email)."
    expect(desk.locator(notice)).to_have_text(said)
    expect(desk.locator(notice)).to_be_in_viewport()
    check_everywhere(desk, "main")
    desk.get_by_role("button", name="Create customer").click()
    expect(toast(desk)).to_contain_text(said)
    desk.goto(record(other, "address"))
    desk.get_by_role("link", name="New address").first.click()
    drawer(desk).get_by_label("Postcode").fill("ls29jt")
    desk.keyboard.press("Tab")
    expect(drawer(desk).locator(notice)).to_contain_text("(same surname and postcode)")
    expect(drawer(desk).get_by_role("link", name="Joan Cooke")).to_be_visible()
    check_everywhere(desk, "#drawer")
