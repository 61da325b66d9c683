"""A role's matrix in the browser: tick, see what changes, save, and its holders see it."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.member import StaffRole
from tests.browser.accessibility import check_accessibility
from tests.browser.conftest import Problems, sign_in

Arrange = Callable[[], AbstractContextManager[Session]]


def role_id(arrange: Arrange, name: str) -> int:
    with arrange() as session:
        return int(session.scalars(select(StaffRole.id).where(StaffRole.name == name)).one())


def test_a_permission_is_ticked_previewed_saved_and_seen_by_the_holder(
    page: Page, context: BrowserContext, colleague: Page, arrange: Arrange
) -> None:
    support = role_id(arrange, "Support")
    menu = colleague.get_by_role("navigation", name="Main menu")
    colleague.goto("/admin/")
    expect(menu.get_by_role("link", name="Activity")).to_have_count(0)
    sign_in(context, "Admin")
    page.goto(f"/admin/role/details/?id={support}")
    page.get_by_role("link", name="Change permissions").click()
    preview = page.locator("[data-preview]")
    expect(preview).to_contain_text("Nothing would change")
    page.get_by_role("checkbox", name="Activity: List").check()
    expect(preview).to_contain_text("New Activity: List")
    page.get_by_role("checkbox", name="Invoices: Show").uncheck()
    expect(preview).to_contain_text("Deleted Invoices: Show")
    # A box that is scrolled halfway behind the headings is no smaller for that.
    page.get_by_role("group", name="Permissions").evaluate("matrix => matrix.scrollTo(0, 0)")
    check_accessibility(page)
    page.get_by_role("button", name="Change permissions").click()
    expect(page.locator("#toasts")).to_contain_text("Support: 1 added, 1 removed.")
    colleague.goto("/admin/")
    expect(menu.get_by_role("link", name="Activity")).to_be_visible()


def test_everything_is_looked_at_as_a_role_and_left_again(
    page: Page, context: BrowserContext, arrange: Arrange, problems: Problems
) -> None:
    sign_in(context, "Admin")
    page.goto(f"/admin/role/details/?id={role_id(arrange, 'Read-only')}")
    page.get_by_label("More actions").click()
    page.get_by_role("button", name="View as this role").click()
    banner = page.locator(".view-as")
    expect(banner).to_contain_text("You are viewing this as Read-only")
    menu = page.get_by_role("navigation", name="Main menu")
    expect(menu.get_by_role("link", name="Customers", exact=True)).to_be_visible()
    expect(menu.get_by_role("link", name="Roles")).to_have_count(0)
    check_accessibility(page)
    banner.get_by_role("button", name="End").click()
    expect(menu.get_by_role("link", name="Roles")).to_be_visible()
    expect(banner).to_have_count(0)
