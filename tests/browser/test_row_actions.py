"""Seeing what a click will do before it does it, doing it to one or to many, and taking it back."""

import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from models.customer import Customer
from models.job import JobRow
from models.note import Note, NoteKind
from models.run import Run, RunState
from tests import factories
from tests.browser.accessibility import check_accessibility
from tests.browser.conftest import Problems
from tests.browser.people import RASHID
from tests.browser.test_tasks import Arrange, Shop, drawer, record, rows, toast


def preview(page: Page):
    """The part of the drawer that says what will change."""
    return drawer(page).locator("[data-preview]")


def test_a_class_is_changed_with_a_preview_and_taken_back_from_the_message(
    desk: Page, shop: Shop, arrange: Arrange
) -> None:
    customer = shop[RASHID]
    with arrange() as session:
        factories.make_customer_class(session, name="Club of ten")
        session.get_one(Customer, customer.id).customer_class = factories.make_customer_class(
            session, name="Everybody"
        )
    desk.goto(record(customer))
    desk.locator("#record-header").get_by_label("More actions").click()
    desk.get_by_role("link", name="Change class").click()
    expect(preview(desk)).to_contain_text("Nothing would change")
    drawer(desk).get_by_label("Customer class").select_option(label="Club of ten")
    expect(preview(desk)).to_contain_text(re.compile("Class:.*Everybody.*→.*Club of ten"))
    drawer(desk).get_by_role("button", name="Change class").click()
    expect(toast(desk)).to_contain_text("Class of")
    expect(desk.locator("#record-overview")).to_contain_text("Club of ten")
    toast(desk).get_by_role("link", name="Undo").click()
    expect(toast(desk)).to_contain_text("Undone.")
    expect(desk.locator("#record-overview")).to_contain_text("Everybody")
    expect(desk.locator("#record-activity")).to_contain_text("undone by")


def test_what_stands_in_the_way_is_said_before_the_click(desk: Page, shop: Shop, problems: Problems) -> None:
    problems.expect("409")
    desk.goto(record(shop[RASHID], "loyalty_entry"))
    desk.locator("[data-list]").get_by_role("link", name="Adjust points").click()
    drawer(desk).get_by_label("Points", exact=True).fill("-99999")
    drawer(desk).get_by_label("Why").fill("Far too many")
    drawer(desk).get_by_label("Order number").click()
    expect(preview(desk)).to_contain_text("This cannot be done")
    expect(preview(desk)).to_contain_text("Not enough points")
    drawer(desk).get_by_role("button", name="Adjust points").click()
    expect(drawer(desk).get_by_role("alert")).to_contain_text("Not enough points")


def test_a_form_changed_after_its_preview_is_not_held_to_it(desk: Page, shop: Shop) -> None:
    desk.goto(record(shop[RASHID], "note"))
    desk.locator("#record-header").get_by_role("link", name="Add note").click()
    drawer(desk).get_by_label("Kind").select_option(label="Note")
    drawer(desk).get_by_label("Text").fill("Likes Rioja")
    drawer(desk).get_by_label("Due on").focus()
    expect(preview(desk)).to_contain_text("Likes Rioja")
    expect(drawer(desk).locator("[data-fingerprint]")).to_have_count(1)
    drawer(desk).get_by_label("Text").fill("Likes Barolo")
    drawer(desk).get_by_role("button", name="Add note").click()
    expect(toast(desk)).to_contain_text("The note was added")
    expect(rows(desk).filter(has_text="Likes Barolo")).to_have_count(1)


def test_ticked_tasks_are_done_together_and_undone_together(desk: Page, shop: Shop, arrange: Arrange) -> None:
    with arrange() as session:
        for n in range(3):
            factories.make_note(
                session, customer=shop[RASHID], kind=NoteKind.TASK, body=f"Ring back {n}", due_on=factories.TODAY
            )  # fmt: skip
    desk.goto("/admin/note/?view=tasks")
    desk.get_by_role("checkbox", name="Select all rows on this page").check()
    count = rows(desk).count()
    desk.locator("[data-bulk]").get_by_role("button", name="Mark as done").click()
    expect(drawer(desk)).to_contain_text(f"Mark as done: {count} notes")
    expect(preview(desk)).to_contain_text("Ring back 1")
    drawer(desk).get_by_role("button", name="Mark as done").click()
    expect(rows(desk)).to_have_count(0)
    toast(desk).get_by_role("link", name="Undo").click()
    expect(rows(desk)).to_have_count(count)
    with arrange() as session:
        assert session.query(Note).filter(Note.done_at.is_(None), Note.body.like("Ring back%")).count() == 3


def test_an_older_change_is_taken_back_from_the_record_and_what_changed_since_is_named(
    desk: Page, shop: Shop
) -> None:
    customer = shop[RASHID]
    for title, name in (("Dr", "Omar"), ("Dr", "Rami")):
        desk.goto(f"/admin/customer/edit/?id={customer.id}")
        desk.get_by_label("Title").fill(title)
        desk.get_by_label("First name").fill(name)
        desk.get_by_role("button", name="Save").click()
        expect(toast(desk)).to_contain_text("was saved")
    desk.locator("#record-activity li").nth(1).get_by_role("link", name="Undo").click()
    expect(preview(desk)).to_contain_text("first name has been changed since")
    drawer(desk).get_by_role("button", name="Undo").click()
    expect(toast(desk)).to_contain_text("except for what has changed since")
    expect(desk.locator("#record-header h1")).to_contain_text("Rami")


def all_zanders(page: Page, verb: str) -> None:
    """Open an action's form for all customers of that name."""
    page.goto("/admin/customer/?view=all&last_name__eq=Zander")
    page.get_by_role("checkbox", name="Select all rows on this page").check()
    bar = page.locator("[data-bulk]")
    bar.get_by_text("matching", exact=False).click()
    bar.get_by_text("More", exact=True).click()
    bar.get_by_role("button", name=verb).click()
    expect(preview(page)).to_contain_text("in the background")


def test_many_rows_are_counted_at_a_click_and_the_count_goes_with_the_form_it_was_made_for(
    desk: Page, arrange: Arrange
) -> None:
    with arrange() as session:
        for n in range(503):
            factories.make_customer(session, last_name="Zander", email=None, is_active=n > 2)
    all_zanders(desk, "Deactivate")
    button = preview(desk).get_by_role("button")
    expect(button).to_have_text("Count what would change")
    drawer(desk).get_by_label("Reason").fill("Moved away")
    with desk.expect_response(lambda answer: answer.url.endswith("?preview=1")):
        button.click()  # by which the field is left, so that the preview is asked for after the count
    expect(preview(desk)).to_contain_text("500 would change")
    expect(preview(desk)).to_contain_text("3 would be refused: This customer is already inactive.")
    expect(button).to_have_text("Count again")
    expect(button).to_be_focused()
    check_accessibility(desk, "dialog#drawer[open]")
    drawer(desk).get_by_label("Reason").press_sequentially(" to Leeds")
    expect(preview(desk)).not_to_contain_text("500 would change")
    drawer(desk).get_by_label("Reason").blur()
    expect(button).to_have_text("Count what would change")
    button.press("Enter")
    expect(preview(desk)).to_contain_text("500 would change")
    drawer(desk).get_by_role("button", name="Deactivate").click()
    expect(desk.locator("#record-header")).to_contain_text("of 503")


def test_enter_in_a_field_does_the_action_and_does_not_count(desk: Page, arrange: Arrange) -> None:
    with arrange() as session:
        for _n in range(501):
            factories.make_customer(session, last_name="Zander", email=None)
    all_zanders(desk, "Edit credit account")
    drawer(desk).get_by_label("Credit account enabled").select_option("Yes")
    drawer(desk).get_by_label("Credit limit", exact=True).fill("500")
    drawer(desk).get_by_label("Credit limit", exact=True).press("Enter")
    expect(desk.locator("#record-header")).to_contain_text("of 501")


def test_the_latest_action_is_undone_by_a_key(desk: Page, shop: Shop) -> None:
    desk.goto(record(shop[RASHID]))
    desk.locator("#record-header").get_by_label("More actions").click()
    desk.get_by_role("link", name="Mark as verified").click()
    drawer(desk).get_by_role("button", name="Mark as verified").click()
    undo = toast(desk).get_by_role("link", name="Undo")
    expect(undo).to_have_attribute("aria-keyshortcuts", "u")
    expect(drawer(desk)).to_have_count(0)
    desk.keyboard.press("u")
    expect(toast(desk)).to_contain_text("Undone.")


@pytest.mark.parametrize("path", ["/admin/run/", "/admin/job/", "/admin/job/details/"])
def test_what_goes_on_is_watched_without_losing_the_place(desk: Page, arrange: Arrange, path: str) -> None:
    with arrange() as session:
        job = session.scalars(sa.select(JobRow).where(JobRow.code == "loyalty.expire")).one()
    if path.startswith("/admin/job/"):
        desk.goto(f"{path}?id={job.id}" if "details" in path else path)
        begun = desk.locator("[data-wakes]")
        expect(begun).to_have_count(1)
        begun.evaluate("part => { part.dataset.wakes = 0; }")
    with arrange() as session:
        run = factories.make_run(
            session, action="loyalty.expire", job_id=job.id, state=RunState.RUNNING, size=9, done=1
        )
    if not path.startswith("/admin/job/"):
        desk.goto(path)
    rows = desk.locator("#record-overview" if "details" in path else "[data-list] tbody tr")
    row = rows.filter(has_text="Running")
    expect(row).to_have_count(1)
    expect(desk.locator("[data-live]")).to_have_count(1)
    if "details" not in path:
        row.focus()
    with arrange() as session:
        session.get_one(Run, run.id).done = 9
        session.get_one(Run, run.id).state = RunState.DONE
    done = rows.filter(has_text="Completed")
    expect(done).to_have_count(1)
    if "details" not in path:
        expect(done).to_be_focused()
    expect(desk.locator("[data-live]")).to_have_count(0)
