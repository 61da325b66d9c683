"""The frame around every page: keys, the theme, and a telephone's screen."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from models.customer import Customer
from tests.browser.conftest import Problems, sign_in, window
from tests.browser.people import RASHID

Shop = dict[str, Customer]
EVERYBODY = "/admin/customer/?view=all"


def test_a_list_is_worked_by_keys(desk: Page, shop: Shop) -> None:
    desk.goto(EVERYBODY)
    row = desk.locator("[data-list] tbody tr")
    desk.keyboard.press("j")
    expect(row.nth(0)).to_be_focused()
    desk.keyboard.press("j")
    desk.keyboard.press("x")
    expect(row.nth(1).get_by_role("checkbox")).to_be_checked()
    desk.keyboard.press("k")
    expect(row.nth(0)).to_be_focused()
    expect(row.nth(0).get_by_role("checkbox")).not_to_be_checked()
    with desk.expect_navigation():
        desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", name="Daniel Achterberg", level=1)).to_be_visible()
    desk.keyboard.press("e")
    expect(desk.get_by_role("heading", name="Edit Daniel Achterberg", level=1)).to_be_visible()
    desk.get_by_label("First name").press("n")
    expect(desk.get_by_label("First name"), "a key typed into a field is text").to_have_value(re.compile("n"))


@pytest.mark.parametrize(
    ("keys", "heading"),
    [("gc", "Customers"), ("go", "Orders"), ("gn", "Notes"), ("gh", "Hello Manager")],
)
def test_g_goes_places(desk: Page, keys: str, heading: str) -> None:
    desk.goto("/admin/address/")
    for key in keys:
        desk.keyboard.press(key)
    expect(desk.get_by_role("heading", name=heading, level=1)).to_be_visible()


def test_n_makes_a_new_record_where_there_is_a_button_for_it(desk: Page, shop: Shop) -> None:
    desk.goto("/admin/customer/")
    desk.keyboard.press("n")
    expect(desk.get_by_role("heading", name="New customer", level=1)).to_be_visible()
    desk.goto(f"/admin/customer/details/?id={shop[RASHID].id}&tab=note")
    desk.get_by_role("link", name="New note").wait_for()
    desk.keyboard.press("n")
    expect(desk.locator("dialog#drawer[open]").get_by_role("heading", name="New note")).to_be_visible()


def test_the_question_mark_lists_the_keys_in_force(desk: Page, shop: Shop) -> None:
    desk.goto("/admin/customer/")
    desk.keyboard.press("?")
    keys = desk.get_by_role("dialog", name="Keyboard shortcuts")
    for line in ("n New customer", "j k Next and previous row", "x Select the row", "g c Go to Customers"):
        expect(keys.locator("div", has_text=re.compile(f"^{line}$".replace(" ", r"\s*")))).to_be_visible()
    desk.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    desk.goto("/admin/")
    desk.keyboard.press("?")
    expect(keys.get_by_text("Select the row")).to_be_hidden()
    expect(keys.get_by_text("New customer")).to_have_count(0)


def test_the_theme_follows_the_system_until_it_is_switched(desk: Page) -> None:
    page, root = desk, desk.locator("html")
    page.emulate_media(color_scheme="dark")
    page.goto("/admin/")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-bs-theme", "light")
    for name, theme in (("light", "light"), ("dark", "dark")):
        page.get_by_role("button", name="Theme:").click()
        expect(page.get_by_role("button", name=f"Theme: {name}")).to_be_visible()
        expect(root).to_have_attribute("data-bs-theme", theme)
    page.goto("/admin/customer/")
    expect(root, "the choice stays").to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="Theme: dark").click()
    expect(root, "as the system again").to_have_attribute("data-bs-theme", "light")


def test_on_a_telephone_the_menu_opens_and_nothing_runs_off_the_side(
    chromium: Browser, server: str, problems: Problems, page: Page, shop: Shop
) -> None:
    context = window(
        chromium, server, problems, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    sign_in(context, "Manager")
    phone = context.new_page()
    phone.goto(EVERYBODY)
    addresses = phone.get_by_role("navigation", name="Main menu").get_by_role("link", name="Addresses")
    expect(addresses).to_be_hidden()
    opener = phone.get_by_role("link", name="Open menu")
    opener.tap()
    expect(addresses).to_be_in_viewport()
    expect(opener).to_have_attribute("aria-expanded", "true")
    phone.keyboard.press("Escape")
    expect(addresses).to_be_hidden()
    opener.tap()
    addresses.tap()
    expect(phone.get_by_role("heading", name="Addresses", level=1)).to_be_visible()
    for path in (EVERYBODY, f"/admin/customer/details/?id={shop[RASHID].id}&tab=address"):
        phone.goto(path)
        phone.locator("[data-list] tbody tr").first.wait_for()
        assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
            f"{path} scrolls sideways"
        )
    phone.get_by_role("link", name="New address").tap()
    fits = phone.get_by_role("dialog", name="New address").get_by_role("button", name="Create address")
    expect(fits).to_be_in_viewport(ratio=1)
    context.close()


def test_without_scripts_pages_still_work(
    chromium: Browser, server: str, problems: Problems, page: Page, shop: Shop
) -> None:
    context = window(chromium, server, problems, java_script_enabled=False)
    sign_in(context, "Manager")
    plain = context.new_page()
    plain.goto("/admin/customer/")
    plain.get_by_role("searchbox", name="Filter this list").fill("karim")
    plain.keyboard.press("Enter")
    plain.get_by_role("link", name="Karim, Rashid").click()
    plain.get_by_role("link", name="Edit", exact=True).click()
    plain.get_by_label("First name").fill("Raschid")
    plain.get_by_role("button", name="Save").click()
    expect(plain.get_by_role("heading", name="Raschid Karim", level=1)).to_be_visible()
    context.close()
