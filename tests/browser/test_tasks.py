"""What staff do all day, done in a browser: sign in, find somebody, change the record, add what belongs to it."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy.orm import Session

from models.address import Address
from models.customer import Customer
from tests import application
from tests.browser.conftest import Problems
from tests.browser.people import FINDS_RASHID, RASHID

Arrange = Callable[[], AbstractContextManager[Session]]
Shop = dict[str, Customer]


def record(customer: Customer, tab: str = "") -> str:
    """Return the address of a customer's record."""
    return f"/admin/customer/details/?id={customer.id}" + (f"&tab={tab}" if tab else "")


def form_of(customer: Customer) -> str:
    """Return the address of a customer's form."""
    return f"/admin/customer/edit/?id={customer.id}"


def drawer(page: Page) -> Locator:
    """Return the side drawer, once it is open and what it holds is at work."""
    return page.locator("dialog#drawer[open]:not(:has(> #drawer-body[aria-busy]))")


def question(page: Page) -> Locator:
    """Return the dialog that asks before something is lost."""
    return page.locator("dialog#ask[open]")


def toast(page: Page) -> Locator:
    """Return the messages at the foot of the page."""
    return page.locator("#toasts")


def rows(page: Page) -> Locator:
    """Return the lines of the list in view."""
    return page.locator("[data-list] tbody tr")


# -- signing in and out ---------------------------------------------------------------------------------------------


def test_a_wrong_password_is_refused_and_the_right_one_leads_to_the_page_asked_for(
    page: Page, shop: Shop, problems: Problems
) -> None:
    problems.expect("401")
    page.goto("/admin/address/?q=leeds")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("User name").fill("support")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("User name").fill("support")
    page.get_by_label("Password").fill(application.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/admin/address/\?q=leeds$"))
    expect(page.get_by_role("heading", name="Addresses", level=1)).to_be_visible()


def test_signing_out_is_a_button_and_ends_the_session(desk: Page) -> None:
    desk.goto("/admin/")
    desk.locator("summary", has_text="Manager Tester").click()
    desk.get_by_role("button", name="Sign out").click()
    expect(desk.get_by_role("heading", name="Sign in")).to_be_visible()
    desk.goto("/admin/customer/")
    expect(desk.get_by_role("heading", name="Sign in")).to_be_visible()


# -- finding somebody -----------------------------------------------------------------------------------------------


def test_the_search_box_finds_a_customer_by_whatever_is_at_hand(desk: Page, shop: Shop) -> None:
    desk.goto("/admin/")
    box, results = desk.get_by_role("combobox", name="Search everything"), desk.locator("#search-results")
    for kind, typed in FINDS_RASHID.items():
        box.fill(typed)
        hit = results.get_by_role("group", name="Customers").get_by_role("option", name="Karim, Rashid")
        expect(hit, f"by {kind}").to_be_visible()
        box.fill("")
        expect(results).to_be_hidden()


def test_results_are_grouped_walked_with_the_arrows_and_opened_with_enter(desk: Page, shop: Shop) -> None:
    desk.goto("/admin/address/")
    desk.keyboard.press("/")
    box = desk.get_by_role("combobox", name="Search everything")
    expect(box).to_be_focused()
    desk.keyboard.type("so-10482")
    order = desk.get_by_role("group", name="Orders").get_by_role("option", name="SO-10482")
    expect(order).to_be_visible()
    desk.keyboard.press("ArrowDown")
    first = desk.get_by_role("group", name="Customers").get_by_role("option", name="Karim, Rashid")
    expect(first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", first.get_attribute("id"))
    desk.keyboard.press("ArrowUp")
    expect(first).to_have_attribute("aria-selected", "false")
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", name=RASHID, level=1)).to_be_visible()


def test_escape_closes_the_results_and_enter_alone_shows_them_all(desk: Page, shop: Shop) -> None:
    desk.goto("/admin/")
    box = desk.get_by_role("combobox", name="Search everything")
    box.press_sequentially("bristol")
    expect(desk.locator("#search-results")).to_be_visible()
    box.press("Escape")
    expect(desk.locator("#search-results")).to_be_hidden()
    box.press("Enter")
    expect(desk.get_by_role("heading", name="Results for “bristol”")).to_be_visible()
    desk.get_by_role("link", name="Achterberg, Daniel").first.click()
    expect(desk.get_by_role("heading", name="Daniel Achterberg", level=1)).to_be_visible()
    desk.goto("/admin/")
    box.press_sequentially("zzz")
    expect(desk.locator("#search-results")).to_contain_text("Nothing found for “zzz”")


# -- the customer's form --------------------------------------------------------------------------------------------


def test_a_saved_form_says_so_and_the_record_shows_the_change(desk: Page, shop: Shop) -> None:
    desk.goto(record(shop[RASHID]))
    desk.get_by_role("link", name="Edit", exact=True).click()
    desk.get_by_label("Last name").fill("Kareem")
    desk.get_by_label("Class", exact=True).select_option(label="Wine club")
    desk.get_by_role("button", name="Save").click()
    expect(toast(desk)).to_contain_text("saved")
    expect(desk.get_by_role("heading", name="Rashid Kareem", level=1)).to_be_visible()
    expect(desk.locator("#record-overview")).to_contain_text("Wine club")
    expect(desk.locator("#record-activity")).to_contain_text("Last name: Karim → Kareem")


def test_leaving_a_changed_form_asks_first(desk: Page, shop: Shop) -> None:
    desk.goto(form_of(shop[RASHID]))
    name = desk.get_by_label("First name")
    name.fill("Raschid")
    name.fill("Rashid")  # taken back: nothing to ask about
    desk.get_by_role("link", name="Addresses").click()
    expect(desk.get_by_role("heading", name="Addresses", level=1)).to_be_visible()
    desk.goto(form_of(shop[RASHID]))
    name.fill("Raschid")
    desk.get_by_role("link", name="Addresses").click()
    expect(question(desk)).to_contain_text("Leave without saving?")
    question(desk).get_by_role("button", name="Stay here").click()
    expect(name).to_have_value("Raschid")
    name.press("Tab")
    with desk.expect_event("dialog") as asked:  # the browser's own question, when the window goes
        desk.evaluate("setTimeout(() => location.reload())")
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    desk.get_by_role("link", name="Cancel").click()
    question(desk).get_by_role("button", name="Leave without saving").click()
    expect(desk.get_by_role("heading", name=RASHID, level=1)).to_be_visible()


def test_a_refused_form_keeps_what_was_typed_and_leads_to_what_is_wrong(
    desk: Page, shop: Shop, problems: Problems
) -> None:
    problems.expect("422")
    desk.goto(form_of(shop[RASHID]))
    desk.get_by_label("First name").fill("Raschid")
    desk.get_by_label("Email", exact=True).fill("rashid at example")
    desk.get_by_role("button", name="Save").click()
    summary = desk.get_by_role("alert")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name="Email").click()
    email = desk.get_by_label("Email", exact=True)
    expect(email).to_be_focused()
    expect(email).to_have_value("rashid at example")
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_have_accessible_description(re.compile("Enter an email address such as"))
    expect(desk.get_by_label("First name")).to_have_value("Raschid")
    desk.get_by_role("link", name="Cancel").click()
    expect(question(desk), "still unsaved").to_be_visible()
    question(desk).get_by_role("button", name="Stay here").click()
    email.fill("raschid@example.com")
    desk.get_by_role("button", name="Save").click()
    expect(desk.get_by_role("heading", name="Raschid Karim", level=1)).to_be_visible()


def test_phones_are_lines_of_the_form(desk: Page, shop: Shop) -> None:
    desk.goto(form_of(shop[RASHID]))
    phones = desk.get_by_role("group", name="Phones")
    lines = phones.locator("[data-row]")
    expect(lines).to_have_count(1)
    phones.get_by_role("button", name="Add phone").click()
    expect(lines).to_have_count(2)
    lines.nth(1).get_by_label("Number").fill("020 7946 0999")
    lines.nth(1).get_by_label("Kind").select_option("Work")
    desk.get_by_role("button", name="Save").click()
    overview = desk.locator("#record-overview")
    expect(overview).to_contain_text("020 7946 0999")
    expect(overview).to_contain_text("0113 496 0137")
    desk.goto(form_of(shop[RASHID]))
    lines.filter(has=desk.locator("input[value='0113 496 0137']")).get_by_role(
        "button", name="Remove"
    ).click()
    expect(lines).to_have_count(1)
    desk.get_by_role("button", name="Save").click()
    expect(overview).to_contain_text("020 7946 0999")
    expect(overview).not_to_contain_text("0113 496 0137")


# -- two people at once ---------------------------------------------------------------------------------------------


def test_a_save_that_comes_second_is_asked_what_to_keep(
    desk: Page, colleague: Page, shop: Shop, arrange: Arrange, problems: Problems
) -> None:
    problems.expect("409")
    rashid = shop[RASHID]
    for page in (desk, colleague):
        page.goto(form_of(rashid))
    colleague.get_by_label("Last name").fill("Karimi")
    colleague.get_by_label("First name").fill("Rachid")
    colleague.get_by_label("Trading name").fill("The Corner")
    colleague.get_by_role("button", name="Save").click()
    expect(colleague.get_by_role("heading", name="Rachid Karimi", level=1)).to_be_visible()
    desk.get_by_label("Last name").fill("Kareem")
    desk.get_by_label("First name").fill("Rashad")
    desk.get_by_label("Company name").fill("Kareem & Sons Ltd")
    desk.get_by_role("button", name="Save").click()
    expect(desk.get_by_role("alert")).to_contain_text(
        "Support Tester saved this record while you were editing it."
    )
    last, first = desk.get_by_role("group", name="Last name"), desk.get_by_role("group", name="First name")
    expect(last).to_contain_text("When you opened it Karim")
    last.get_by_label("Keep yours").check()
    first.get_by_label("Keep theirs").check()
    expect(desk.get_by_role("group", name="Trading name")).to_contain_text("only Support Tester changed it")
    expect(desk.get_by_role("group", name="Company name")).to_contain_text("only you changed it")
    desk.get_by_role("button", name="Save with these choices").click()
    expect(desk.get_by_role("heading", name="Rachid Kareem", level=1)).to_be_visible()
    with arrange() as session:
        saved = session.get(Customer, rashid.id)
        names = (saved.first_name, saved.last_name, saved.company_name, saved.trading_name)
    assert names == ("Rachid", "Kareem", "Kareem & Sons Ltd", "The Corner")


def test_a_conflict_in_the_drawer_is_settled_in_the_drawer(
    desk: Page, colleague: Page, shop: Shop, problems: Problems
) -> None:
    problems.expect("409")
    desk.goto("/admin/customer/?q=karim")
    rows(desk).first.get_by_label("More actions").click()
    desk.get_by_role("link", name="Edit", exact=True).click()
    company = drawer(desk).get_by_label("Company name")
    expect(company).to_have_value("Karim & Sons Ltd")
    colleague.goto(form_of(shop[RASHID]))
    colleague.get_by_label("Last name").fill("Karimi")
    colleague.get_by_role("button", name="Save").click()
    expect(colleague.get_by_role("heading", name="Rashid Karimi", level=1)).to_be_visible()
    company.fill("Karim & Daughters Ltd")
    drawer(desk).get_by_role("button", name="Save").click()
    expect(drawer(desk)).to_contain_text("You changed different fields, so both can be kept.")
    drawer(desk).get_by_role("button", name="Save with these choices").click()
    expect(drawer(desk)).to_be_hidden()
    expect(rows(desk).first).to_contain_text("Karimi, Rashid")


# -- addresses, in the drawer ---------------------------------------------------------------------------------------


def fill_address(page: Page, line1: str, postcode: str) -> None:
    """Type an address into the open drawer."""
    drawer(page).get_by_label("Address 1").fill(line1)
    drawer(page).get_by_label("Town").fill("Leeds")
    drawer(page).get_by_label("Postcode").fill(postcode)


def test_an_address_is_added_in_the_drawer(desk: Page, shop: Shop, problems: Problems) -> None:
    problems.expect("422")
    desk.goto(record(shop[RASHID]))
    tab = desk.get_by_role("navigation", name="Sections of this record").get_by_role("link", name="Addresses")
    expect(tab).to_have_text("Addresses 1")
    tab.click()
    expect(desk).to_have_url(re.compile(r"tab=address$"))
    desk.get_by_role("link", name="New address").click()
    expect(drawer(desk).get_by_role("heading", name="New address")).to_be_visible()
    fill_address(desk, "14 Mill Lane", "LS2 9")
    drawer(desk).get_by_role("button", name="Create address").click()
    wrong = drawer(desk).get_by_label("Postcode")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(drawer(desk).get_by_role("alert")).to_be_focused()
    expect(drawer(desk).get_by_label("Address 1")).to_have_value("14 Mill Lane")
    wrong.fill("ls29jt")
    drawer(desk).get_by_role("button", name="Create address").click()
    expect(drawer(desk)).to_be_hidden()
    expect(toast(desk)).to_contain_text("14 Mill Lane, Leeds, LS2 9JT was created.")
    expect(rows(desk)).to_have_count(2)
    expect(rows(desk).filter(has_text="14 Mill Lane")).to_contain_text("LS2 9JT")
    expect(tab).to_have_text("Addresses 2")
    expect(desk.locator("#record-activity")).to_contain_text("Address created")
    expect(desk.get_by_role("link", name="New address"), "where the drawer was opened from").to_be_focused()


def test_escape_closes_the_drawer_and_asks_when_something_was_typed(desk: Page, shop: Shop) -> None:
    desk.goto(record(shop[RASHID], "address"))
    desk.get_by_role("link", name="New address").click()
    expect(drawer(desk).get_by_label("Label"), "the first field that is not filled in").to_be_focused()
    desk.evaluate("document.activeElement.blur()")  # as when its button was held
    desk.keyboard.press("Escape")
    expect(drawer(desk)).to_be_hidden()
    desk.get_by_role("link", name="New address").click()
    drawer(desk).get_by_label("Address 1").fill("14 Mill Lane")
    desk.keyboard.press("Escape")
    question(desk).get_by_role("button", name="Stay here").click()
    expect(drawer(desk).get_by_label("Address 1")).to_have_value("14 Mill Lane")
    desk.keyboard.press("Escape")
    question(desk).get_by_role("button", name="Leave without saving").click()
    expect(drawer(desk)).to_be_hidden()
    expect(rows(desk)).to_have_count(1)


def test_a_question_asked_again_at_once_is_answered_by_itself(desk: Page, shop: Shop) -> None:
    desk.goto(record(shop[RASHID], "address"))
    desk.get_by_role("link", name="New address").click()
    drawer(desk).get_by_label("Address 1").fill("14 Mill Lane")
    desk.keyboard.press("Escape")
    expect(question(desk)).to_be_visible()
    desk.evaluate("""() => {  // before the browser tells that the first one was closed
        document.querySelector("#ask [data-ask-no]").click();
        document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", cancelable: true }));
    }""")
    question(desk).get_by_role("button", name="Leave without saving").click()
    expect(drawer(desk)).to_be_hidden()
    expect(rows(desk)).to_have_count(1)


def test_a_new_primary_address_takes_the_mark_from_the_old(desk: Page, shop: Shop, arrange: Arrange) -> None:
    desk.goto(record(shop[RASHID], "address"))
    desk.get_by_role("link", name="New address").click()
    fill_address(desk, "14 Mill Lane", "LS2 9JT")
    drawer(desk).get_by_label("Primary").check()
    drawer(desk).get_by_role("button", name="Create address").click()
    expect(rows(desk)).to_have_count(2)
    with arrange() as session:
        found = session.query(Address).filter_by(customer_id=shop[RASHID].id)
        primary = {address.line1: address.is_primary for address in found}
    assert primary == {"9 Canal Street": False, "14 Mill Lane": True}


# -- points ---------------------------------------------------------------------------------------------------------


def test_points_are_adjusted_in_the_drawer_and_reversed_from_the_row(
    desk: Page, shop: Shop, problems: Problems
) -> None:
    problems.expect("409")
    desk.goto(record(shop[RASHID], "loyalty_entry"))
    tab = desk.get_by_role("navigation", name="Sections of this record").get_by_role("link", name="Loyalty")
    expect(tab).to_have_text("Loyalty 0")
    adjust = desk.locator("[data-list]").get_by_role("link", name="Adjust points")
    adjust.click()
    expect(drawer(desk).get_by_label("Customer")).to_have_value(str(shop[RASHID].id))
    drawer(desk).get_by_label("Points", exact=True).fill("120")
    drawer(desk).get_by_label("Why").fill("Sorry for the late parcel")
    drawer(desk).get_by_role("button", name="Adjust points").click()
    expect(toast(desk)).to_contain_text("Points added for Rashid Karim: 120.")
    expect(rows(desk)).to_contain_text(["+120"])
    expect(tab).to_have_text("Loyalty 120")
    adjust.click()
    drawer(desk).get_by_label("Points", exact=True).fill("-500")
    drawer(desk).get_by_label("Why").fill("Wants to spend them")
    drawer(desk).get_by_role("button", name="Adjust points").click()
    refusal = drawer(desk).get_by_role("alert")
    expect(refusal).to_contain_text("Not enough points: 120 available, 500 requested.")
    expect(refusal).to_be_focused()
    expect(drawer(desk).get_by_label("Points", exact=True)).to_have_value("-500")
    desk.keyboard.press("Escape")
    question(desk).get_by_role("button", name="Leave without saving").click()
    rows(desk).first.get_by_label("More actions").click()
    desk.get_by_role("link", name="Reverse").click()
    drawer(desk).get_by_label("Reason").fill("Typed twice")
    drawer(desk).get_by_role("button", name="Reverse").click()
    expect(rows(desk)).to_contain_text(["−120", "+120"])
    expect(tab).to_have_text("Loyalty 0")


# -- the same on PostgreSQL -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_day_on_postgresql(page_as: Callable[[str], Page], shop: Shop) -> None:
    page = page_as("Support")
    page.get_by_role("combobox", name="Search everything").press_sequentially("karim")
    page.get_by_role("option", name="Karim, Rashid").click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("First name").fill("Raschid")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Raschid Karim", level=1)).to_be_visible()
    page.get_by_role("link", name="Addresses 1").click()
    page.get_by_role("link", name="New address").click()
    fill_address(page, "14 Mill Lane", "LS2 9JT")
    drawer(page).get_by_role("button", name="Create address").click()
    expect(rows(page)).to_have_count(2)
    page.goto("/admin/customer/?view=all&sort=-points")
    expect(rows(page).first).to_contain_text("Prosser, Gareth")
