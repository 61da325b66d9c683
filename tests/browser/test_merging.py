"""Merging in a browser: the other record is found by typing, the sheet is read, the name typed, and it is undone."""

import datetime as dt
import re
from collections.abc import Callable
from contextlib import AbstractContextManager

from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from tests import factories
from tests.browser.accessibility import check_everywhere
from tests.browser.conftest import Problems
from tests.browser.test_tasks import drawer, record, toast

Arrange = Callable[[], AbstractContextManager[Session]]
PREVIEW = re.compile("preview=1")


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
    sheet = panel.get_by_role("table")
    expect(sheet.get_by_role("columnheader", name="Result")).to_be_visible()
    expect(sheet.get_by_role("row", name="Notes 0 1 1")).to_be_visible()
    expect(panel.get_by_text(f"What moves to Orla Keane #{one.id}: 1 note.")).to_be_visible()
    check_everywhere(desk, "dialog#drawer")
    panel.get_by_label("Reason").fill("Signed up twice")
    desk.keyboard.press("Tab")
    expect(panel.locator("[data-fingerprint]")).to_have_count(1)
    panel.get_by_label("Type “Orla Keane” to confirm").fill("Orla Keane")
    panel.get_by_role("button", name="Merge into this record").click()
    expect(toast(desk)).to_contain_text("Orla Keene was merged into Orla Keane")
    expect(desk.get_by_text("orla@example.com").first).to_be_visible()
    toast(desk).get_by_role("link", name="Undo").click()
    expect(toast(desk)).to_contain_text(
        re.compile(r"Orla Keene #\d+ and Orla Keane #\d+ are separate records again")
    )
    desk.goto(record(two))
    expect(desk.get_by_text("was merged into")).to_be_hidden()


def test_a_merge_is_undone_from_the_record_that_went_and_staff_say_whose_a_note_is(
    desk: Page, arrange: Arrange
) -> None:
    with arrange() as session:
        one = factories.make_customer(session, first_name="Orla", last_name="Keane")
        two = factories.make_customer(session, first_name="Orla", last_name="Keene", merged_into_id=one.id)
        factories.make_merge(session, merged_id=two.id, survivor_id=one.id, merged_at=dt.datetime.now(dt.UTC))
        later = factories.make_changeset(session)
        note = factories.make_note(session, customer=one, body="Call back on Monday")
        told = {"before": None, "after": {"body": note.body}}
        factories.make_change(
            session, changeset_id=later.id, table_name="note", row_id=note.id, customer_id=one.id, **told
        )
    desk.goto(record(two))
    desk.get_by_role("link", name="Unmerge").click()
    panel = drawer(desk)
    whose = panel.get_by_label("Note: Call back on Monday")
    expect(whose).to_have_value(f"note_{note.id}:{one.id}")
    expect(panel.get_by_role("columnheader", name=f"Orla Keane #{one.id} now")).to_be_visible()
    whose.select_option(f"note_{note.id}:{two.id}")
    expect(panel.get_by_role("row", name="Notes 1 0 1")).to_be_visible()
    check_everywhere(desk, "dialog#drawer")
    panel.get_by_role("button", name="Unmerge").click()
    expect(toast(desk)).to_contain_text("are separate records again")
    desk.goto(f"{record(two)}&tab=note")
    expect(desk.get_by_text("Call back on Monday").first).to_be_visible()


def test_where_they_differ_is_chosen_and_goes_with_the_record_it_was_chosen_for(
    desk: Page, arrange: Arrange, problems: Problems
) -> None:
    problems.expect("422")
    with arrange() as session:
        one, *_others = (
            factories.make_customer(
                session, first_name=name, last_name="Keane", email=f"{name}@example.com".lower()
            )
            for name in ("Orla", "Aoife", "Brid")
        )
    desk.goto(record(one))
    desk.locator("summary[aria-label='More actions']").click()
    desk.get_by_role("link", name="Merge into this record").click()
    panel = drawer(desk)
    box = panel.get_by_role("combobox", name="Records to merge into this one")
    for name in ("aoife", "brid"):
        box.fill(name)
        with desk.expect_response(PREVIEW):
            panel.get_by_role("option", name=f"{name.title()} Keane").click()
    panel.get_by_label("Reason").fill("Signed up thrice")
    desk.keyboard.press("Tab")
    emails = [
        panel.get_by_role("radio", name=f"Email {name}@example.com") for name in ("orla", "aoife", "brid")
    ]
    expect(emails[0]).to_be_checked()
    change = panel.locator(".preview-group", has_text="orla@example.com")
    for place, name in ((1, "aoife"), (2, "brid")):
        emails[place].check()
        expect(change).to_contain_text(f"{name}@example.com")
    expect(emails[2]).to_be_focused()
    panel.get_by_role("radio", name="First name Aoife").check()
    expect(change).to_contain_text("First name: Orla → Aoife")
    expect(panel.locator("[data-preview]")).to_have_attribute("aria-busy", "false")
    check_everywhere(desk, "dialog#drawer")
    panel.get_by_label("Type “Orla Keane” to confirm").fill("Orla Kean")
    with desk.expect_response(PREVIEW):
        panel.get_by_role("button", name="Merge into this record").click()
    expect(panel.locator("[data-form-errors]")).to_be_focused()
    expect(emails[2]).to_be_checked()
    with desk.expect_response(PREVIEW):
        panel.locator(".item", has_text="Brid Keane").locator(".remove").click()
    expect(emails[2]).to_have_count(0)
    expect(emails[0]).to_be_checked()
    expect(panel.get_by_role("radio", name="First name Aoife")).to_be_checked()
    panel.get_by_label("Type “Orla Keane” to confirm").fill("Orla Keane")
    expect(panel.locator("[data-fingerprint]")).to_have_count(1)
    panel.get_by_role("button", name="Merge into this record").click()
    expect(toast(desk)).to_contain_text("Aoife Keane was merged into Aoife Keane")
    expect(desk.get_by_role("heading", name="Aoife Keane", level=1)).to_be_visible()
    expect(desk.get_by_text("orla@example.com").first).to_be_visible()


def test_ticked_rows_become_one_and_which_of_them_is_chosen_in_the_drawer(
    desk: Page, arrange: Arrange
) -> None:
    with arrange() as session:
        old, new = (
            factories.make_customer(session, first_name="Una", last_name="Quirke", created_at=at)
            for at in (factories.NOW - dt.timedelta(days=900), factories.NOW)
        )
    desk.goto("/admin/customer/?view=all&q=quirke")
    for box in desk.get_by_role("checkbox", name="Una").all():
        box.check()
    desk.get_by_role("button", name="More", exact=True).or_(desk.locator(".bulk summary")).first.click()
    desk.get_by_role("button", name="Merge into one…").click()
    panel = drawer(desk)
    expect(panel.get_by_text(f"#{old.id} is the oldest record and is suggested")).to_be_visible()
    expect(panel.get_by_role("columnheader", name=f"Una Quirke #{old.id}")).to_contain_text("Kept")
    panel.get_by_label("Reason").fill("Signed up twice")
    panel.get_by_role("button", name="Keep the other record instead").click()
    expect(panel.get_by_role("heading", name=f"Una Quirke #{new.id}")).to_be_visible()
    expect(panel.get_by_label("Reason")).to_have_value("Signed up twice")
    expect(panel.get_by_role("columnheader", name=f"Una Quirke #{new.id}")).to_contain_text("Kept")
    panel.get_by_label("Type “Una Quirke” to confirm").fill("Una Quirke")
    expect(panel.locator("[data-fingerprint]")).to_have_count(1)
    desk.keyboard.press("Enter")
    expect(toast(desk)).to_contain_text("Una Quirke was merged into Una Quirke")
    desk.goto(record(old))
    expect(desk.get_by_text("was merged into")).to_be_visible()
