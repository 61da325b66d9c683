"""A new API key in the drawer: shown, copied, in the list behind it, and gone once the drawer is closed."""

import os

from playwright.sync_api import Page, expect


def test_a_key_is_made_copied_and_never_seen_again(desk: Page) -> None:
    desk.goto("/admin/api_key/")
    desk.get_by_role("link", name="New API key").first.click()
    drawer = desk.locator("dialog#drawer[open]")
    drawer.get_by_label("Name").fill("Stock sync")
    drawer.get_by_role("button", name="New API key").click()
    field = drawer.get_by_label("The key")
    expect(field).to_be_focused()
    key = field.input_value()
    assert key.startswith("clt_")
    rows = desk.locator("[data-list] tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(key[:8])
    if folder := os.environ.get("PICTURES"):
        desk.screenshot(path=f"{folder}/key.png")
    drawer.get_by_role("button", name="Copy").click()
    expect(desk.locator("#toasts")).to_contain_text("Copied")
    drawer.get_by_role("link", name="I have copied it").click()
    expect(drawer).to_be_hidden()
    assert key not in desk.content()
    desk.reload()
    assert key not in desk.content()
    rows.get_by_label("More actions").click()
    desk.get_by_role("link", name="Revoke", exact=True).click()
    drawer.get_by_role("button", name="Revoke").click()
    expect(desk.locator("#toasts")).to_contain_text("It no longer works")
    expect(desk.locator("#toasts [data-undo]")).to_have_count(0)
    expect(rows).to_have_count(0)
