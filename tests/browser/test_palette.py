"""The command palette: go anywhere and do anything to the record in view, without leaving the keys."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from models.customer import Customer
from tests.browser.accessibility import check_everywhere
from tests.browser.conftest import Problems, sign_in, window
from tests.browser.people import RASHID
from tests.browser.test_tasks import drawer, record, toast

Shop = dict[str, Customer]


def palette(page: Page):
    return page.get_by_role("dialog", name="Commands")


def box(page: Page):
    return palette(page).get_by_role("combobox")


def lines(page: Page):
    return palette(page).get_by_role("option")


def chosen(page: Page):
    return palette(page).locator("[role=option][aria-selected=true]")


def opened(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(box(page)).to_be_focused()
    expect(lines(page).first).to_be_visible()


def test_a_screen_is_reached_by_typing_a_part_of_its_name(desk: Page, shop: Shop) -> None:
    desk.goto("/admin/")
    opened(desk)
    desk.keyboard.type("ship memb")
    expect(chosen(desk)).to_have_text("Membership groups")
    expect(lines(desk).nth(1)).to_have_text("New membership group")
    with desk.expect_navigation():
        desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", name="Membership groups", level=1)).to_be_visible()


def test_arrows_walk_through_what_is_offered_and_the_box_says_which(desk: Page, shop: Shop) -> None:
    desk.goto("/admin/")
    opened(desk)
    first = chosen(desk).get_attribute("id")
    expect(box(desk)).to_have_attribute("aria-activedescendant", first)
    desk.keyboard.press("ArrowDown")
    second = chosen(desk).get_attribute("id")
    assert second != first
    expect(box(desk)).to_have_attribute("aria-activedescendant", second)
    desk.keyboard.press("ArrowUp")
    desk.keyboard.press("ArrowUp")
    expect(chosen(desk)).to_have_id(lines(desk).last.get_attribute("id"))
    expect(chosen(desk)).to_be_in_viewport()
    expect(box(desk)).to_be_focused()


def test_what_is_made_is_made_for_the_record_in_view(desk: Page, shop: Shop) -> None:
    desk.goto(record(shop[RASHID]))
    opened(desk)
    desk.keyboard.type("adjust points")
    expect(palette(desk).get_by_role("option", name="Adjust points", exact=True)).to_have_count(1)
    desk.keyboard.press("Enter")
    expect(drawer(desk).locator("[name=customer]")).to_have_value(str(shop[RASHID].id))
    desk.keyboard.press("Escape")
    desk.goto("/admin/customer/?q=karim")
    desk.keyboard.press("j")
    opened(desk)
    desk.keyboard.type("add note")
    desk.keyboard.press("Enter")
    expect(drawer(desk).get_by_role("heading", name="Add note: Rashid Karim")).to_be_visible()


def test_an_action_is_done_to_the_record_in_view_by_keys_alone(desk: Page, shop: Shop) -> None:
    desk.goto(record(shop[RASHID]))
    opened(desk)
    desk.keyboard.type("add NOTE")
    expect(chosen(desk)).to_have_text("Add note")
    desk.keyboard.press("Enter")
    expect(palette(desk)).to_have_count(0)
    expect(drawer(desk).get_by_role("heading", name="Add note")).to_be_visible()
    drawer(desk).get_by_label("Text").fill("Likes Rioja")
    drawer(desk).get_by_label("Text").press("Tab")
    drawer(desk).get_by_role("button", name="Add note").press("Enter")
    expect(toast(desk)).to_contain_text("The note was added")
    expect(desk.locator("#record-activity")).to_contain_text("Likes Rioja")


def test_deleting_asks_first(desk: Page, shop: Shop) -> None:
    desk.goto("/admin/note/?view=all")
    desk.locator("[data-list] tbody tr a").nth(0).wait_for()
    url = desk.locator("[data-list] tbody tr").first.get_attribute("data-url") or ""
    note = re.search(r"\d+", desk.locator("[data-list] tbody tr").first.get_attribute("data-id") or url)
    desk.goto(f"/admin/note/details/?id={note[0]}")
    opened(desk)
    desk.keyboard.type("delete")
    desk.keyboard.press("Enter")
    question = desk.locator("dialog#ask[open]")
    expect(question).to_contain_text("Delete ")
    with desk.expect_navigation():
        question.get_by_role("button", name="Delete").click()
    expect(toast(desk)).to_contain_text("was deleted")


def test_what_is_no_command_can_be_searched_for(desk: Page, shop: Shop) -> None:
    desk.goto("/admin/")
    opened(desk)
    desk.keyboard.type("karim")
    expect(lines(desk)).to_have_count(1)
    expect(chosen(desk)).to_have_text("Search for “karim”")
    with desk.expect_navigation():
        desk.keyboard.press("Enter")
    expect(desk.locator("main")).to_contain_text("Karim")


def test_it_opens_from_within_a_field_and_escape_gives_the_focus_back(desk: Page, shop: Shop) -> None:
    desk.goto("/admin/customer/new/")
    field = desk.get_by_label("First name")
    field.fill("Rashid")
    opened(desk)
    desk.keyboard.press("Escape")
    expect(palette(desk)).to_have_count(0)
    expect(field).to_be_focused()
    expect(field).to_have_value("Rashid")
    opened(desk)
    desk.keyboard.press("Control+k")
    expect(palette(desk)).to_have_count(0)
    opened(desk)
    desk.keyboard.type("go to orders")
    desk.keyboard.press("Enter")
    expect(desk.locator("dialog#ask[open]"), "a changed form is asked about").to_contain_text(
        "Leave without saving?"
    )


def test_over_a_drawer_escape_closes_the_palette_and_not_the_drawer(desk: Page, shop: Shop) -> None:
    desk.goto(record(shop[RASHID]))
    desk.locator("#record-header").get_by_role("link", name="Add note").click()
    drawer(desk).get_by_label("Text").fill("Half a note")
    opened(desk)
    desk.keyboard.press("Escape")
    expect(palette(desk)).to_have_count(0)
    expect(drawer(desk).get_by_label("Text")).to_have_value("Half a note")


def test_whoever_only_reads_is_offered_no_action(
    chromium: Browser, server: str, problems: Problems, shop: Shop
) -> None:
    context = window(chromium, server, problems)
    sign_in(context, "Read-only")
    page = context.new_page()
    page.goto(record(shop[RASHID]))
    opened(page)
    texts = lines(page).all_inner_texts()
    assert {"Overview", "Merges"} <= {*texts}
    assert lines(page).count() == palette(page).locator("a[role=option]:not([data-drawer])").count()
    expect(palette(page).get_by_role("group", name="Create")).to_have_count(0)
    places = [
        option.get_attribute("href") or ""
        for name in ("Go to", "Saved views")
        for option in palette(page).get_by_role("group", name=name).get_by_role("option").all()
    ]
    assert [url for url in places if not re.fullmatch(r"/admin/(\w+/)?(\?view=\w+)?", url)] == [], (
        "lists only"
    )
    others = texts[: len(texts) - len(places)]
    assert "Overview" in others
    assert not [t for t in others if t.startswith(("New ", "Edit", "Add ", "Merge", "Change", "Delete"))]
    context.close()
    assert problems.found() == []


@pytest.mark.parametrize("width", [1280, 360])
def test_the_button_opens_it_and_the_keys_name_it(desk: Page, shop: Shop, width: int) -> None:
    desk.set_viewport_size({"width": width, "height": 740})
    desk.goto(record(shop[RASHID]))
    desk.get_by_role("button", name="Commands").click()
    expect(lines(desk).first).to_be_visible()
    assert desk.evaluate("document.documentElement.scrollWidth") <= width
    palette(desk).get_by_role("button", name="Close").click()
    expect(palette(desk)).to_have_count(0)
    desk.locator("main").focus()
    desk.keyboard.press("?")
    expect(desk.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Ctrl K")


def test_without_scripts_there_is_no_button(chromium: Browser, server: str, problems: Problems) -> None:
    context = window(chromium, server, problems, java_script_enabled=False)
    sign_in(context, "Manager")
    page = context.new_page()
    page.goto("/admin/")
    expect(page.get_by_role("button", name="Commands")).to_have_count(0)
    context.close()


def test_it_is_accessible(desk: Page, shop: Shop) -> None:
    desk.goto(record(shop[RASHID]))
    opened(desk)
    check_everywhere(desk, "#palette")
    desk.keyboard.type("note")
    check_everywhere(desk, "#palette")
