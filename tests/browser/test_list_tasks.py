"""Lists in a browser: filters, views, order, columns, pages, cells edited in place, and many rows at once."""

import csv
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy.orm import Session

from models.customer import Customer
from models.lookups import CustomerClass
from models.note import Note, NoteKind
from tests import factories
from tests.browser import people
from tests.browser.accessibility import check_no_figure_is_cut
from tests.browser.conftest import Problems
from tests.browser.people import RASHID
from tests.factories import TODAY

Arrange = Callable[[], AbstractContextManager[Session]]
Shop = dict[str, Customer]
EVERYBODY = "/admin/customer/?view=all"


def rows(page: Page) -> Locator:
    """Return the lines of the list in view."""
    return page.locator("[data-list] tbody tr")


def names(page: Page) -> Locator:
    """Return the links to the records of a customer list, in its order."""
    return rows(page).locator(".who-text > a")


def chips(page: Page) -> Locator:
    """Return the filters in force."""
    return page.locator(".chip")


def cell(page: Page, row: str, column: str) -> Locator:
    """Return the editable cell of a column in the line that holds ``row``."""
    return rows(page).filter(has_text=row).locator(f"td[data-edit={column}]")


# -- filters --------------------------------------------------------------------------------------------------------


def test_a_typed_filter_becomes_a_chip_and_goes_with_it(desk: Page, shop: Shop) -> None:
    desk.goto(EVERYBODY)
    expect(rows(desk)).to_have_count(len(shop))
    desk.locator("summary", has_text="Add filter").click()
    builder = desk.locator("[data-filter-add]")
    column = builder.get_by_label("Column", exact=True)
    expect(column).to_be_focused()
    column.select_option(label="Points")
    desk.get_by_label("Condition", exact=True).select_option(label="at least")
    builder.get_by_label("Points", exact=True).locator("visible=true").fill("2250")
    desk.get_by_role("button", name="Filter the list").click()
    expect(chips(desk)).to_have_text("Points at least 2,250")
    expect(names(desk)).to_have_text(["Oyelaran, Beatrix", "Pemberton-Lyle, Hugh", "Prosser, Gareth"])
    expect(desk).to_have_url(re.compile("points__ge=2250"))
    desk.get_by_role("link", name="Remove the filter Points").click()
    expect(chips(desk)).to_have_count(0)
    expect(rows(desk)).to_have_count(len(shop))


def test_a_filter_that_will_not_do_is_said_at_the_filter_until_it_is_corrected(
    desk: Page, shop: Shop, problems: Problems
) -> None:
    problems.expect("400")
    desk.goto(EVERYBODY)
    desk.locator("summary", has_text="Add filter").click()
    builder = desk.locator("[data-filter-add]")
    builder.get_by_label("Column", exact=True).select_option(label="Points")
    value = builder.get_by_label("Points", exact=True).locator("visible=true")
    value.fill("many")
    desk.get_by_role("button", name="Filter the list").click()
    wrong = builder.get_by_role("alert")
    expect(wrong).to_have_text("Points: “many” is not valid. Enter a whole number, such as 12.")
    expect(value).to_be_focused()
    expect(desk.locator(".toast-note")).to_have_count(0)
    value.fill("250")
    expect(wrong).to_have_count(0)
    desk.get_by_role("button", name="Filter the list").click()
    expect(chips(desk)).to_have_text("Points is 250")


def test_what_is_wrong_with_a_field_goes_as_it_is_corrected(
    desk: Page, shop: Shop, problems: Problems
) -> None:
    problems.expect("422")
    desk.goto("/admin/customer/new/")
    desk.get_by_label("Email", exact=True).fill("nowhere")
    desk.get_by_role("button", name="Create customer").click()
    wrong = desk.locator("#email-error")
    expect(wrong).to_be_visible()
    desk.get_by_label("Email", exact=True).fill("somebody@example.com")
    expect(wrong).to_have_count(0)
    expect(desk.locator("[data-form-errors] a[href='#email']")).to_have_count(0)


def test_a_choice_can_be_one_of_several_and_a_relation_is_searched_for(desk: Page, shop: Shop) -> None:
    desk.goto(EVERYBODY)
    desk.locator("summary", has_text="Add filter").click()
    desk.get_by_label("Column", exact=True).select_option(label="Status")
    desk.get_by_label("Condition", exact=True).select_option(label="is one of")
    desk.locator("[data-filter-slot]").get_by_label("Status", exact=True).locator(
        "visible=true"
    ).select_option(label=["Registered", "Guest"])
    desk.get_by_role("button", name="Filter the list").click()
    expect(chips(desk)).to_have_text("Status is one of Registered, Guest")
    expect(rows(desk)).to_have_count(9)
    desk.locator("summary", has_text="Add filter").click()
    desk.get_by_label("Column", exact=True).select_option(label="Class")
    desk.get_by_role("combobox", name="Class").press_sequentially("whole")
    desk.get_by_role("option", name="Wholesale").click()
    desk.get_by_role("button", name="Filter the list").click()
    expect(chips(desk)).to_have_text(["Status is one of Registered, Guest", "Class is Wholesale"])
    expect(names(desk)).to_have_text(["Byrne, Saoirse", "Keane, Orla", "Pemberton-Lyle, Hugh"])


def test_the_list_narrows_as_one_types(desk: Page, shop: Shop) -> None:
    desk.goto(EVERYBODY)
    box = desk.get_by_role("searchbox", name="Filter this list")
    box.press_sequentially("oyel")
    expect(names(desk)).to_have_text(["Oyelaran, Beatrix"])
    expect(box).to_be_focused()
    expect(desk).to_have_url(re.compile("q=oyel"))
    box.press_sequentially("xx")
    expect(desk.get_by_text("No results for these filters")).to_be_visible()
    box.fill("")
    expect(rows(desk)).to_have_count(len(shop))
    expect(box).to_be_focused()


def test_views_are_tabs(desk: Page, shop: Shop) -> None:
    desk.goto("/admin/customer/")
    views = desk.get_by_role("navigation", name="Views")
    expect(views.get_by_role("link", name="Registered")).to_have_attribute("aria-current", "page")
    expect(rows(desk)).to_have_count(9)
    waiting = views.get_by_role("link", name="Awaiting approval 3")
    waiting.click()
    expect(waiting).to_have_attribute("aria-current", "page")
    expect(names(desk)).to_have_text(["Carvalho, Inês", "Mackay, Lewis", "Prosser, Gareth"])
    desk.go_back()
    expect(rows(desk)).to_have_count(9)


# -- order, columns, pages ------------------------------------------------------------------------------------------


def test_a_heading_sorts_and_shows_which_way(desk: Page, shop: Shop) -> None:
    desk.goto(EVERYBODY)
    customer, points = (desk.get_by_role("columnheader", name=name) for name in ("Customer", "Points"))
    expect(customer).to_have_attribute("aria-sort", "ascending")
    expect(customer.locator("svg use")).to_have_attribute("href", re.compile("#arrow-up$"))
    points.get_by_role("link").click()
    expect(points).to_have_attribute("aria-sort", "ascending")
    points.get_by_role("link").click()
    expect(points).to_have_attribute("aria-sort", "descending")
    expect(points.locator("svg use")).to_have_attribute("href", re.compile("#arrow-down$"))
    expect(customer).not_to_have_attribute("aria-sort", re.compile("."))
    expect(names(desk).first).to_have_text("Prosser, Gareth")


def test_chosen_columns_are_kept_for_the_person_who_chose_them(
    desk: Page, colleague: Page, shop: Shop
) -> None:
    desk.goto(f"{EVERYBODY}&points__ge=2000")
    desk.locator("summary", has_text="Columns").click()
    desk.get_by_role("checkbox", name="Phone").uncheck()
    desk.get_by_role("checkbox", name="Email").check()
    desk.get_by_role("button", name="Show these columns").click()
    heading = desk.get_by_role("columnheader", name="Email")
    expect(heading).to_be_visible()
    expect(chips(desk), "the filter stays").to_have_count(1)
    desk.reload()
    expect(heading).to_be_visible()
    expect(desk.get_by_role("columnheader", name="Phone")).to_have_count(0)
    colleague.goto(EVERYBODY)
    expect(colleague.get_by_role("columnheader", name="Phone")).to_be_visible()
    expect(colleague.get_by_role("columnheader", name="Email")).to_have_count(0)
    desk.locator("summary", has_text="Columns").click()
    desk.get_by_role("button", name="Reset").click()
    expect(desk.get_by_role("columnheader", name="Phone")).to_be_visible()
    expect(heading).to_have_count(0)


def test_pages_are_turned_and_their_size_is_chosen(desk: Page, arrange: Arrange) -> None:
    with arrange() as session:
        people.many(session, 60)
    desk.goto(f"{EVERYBODY}&q=extra")
    expect(rows(desk)).to_have_count(50)
    expect(desk.get_by_text("60 in this list")).to_be_visible()
    desk.locator("summary", has_text="50 per page").click()
    desk.get_by_role("link", name="25", exact=True).click()
    expect(rows(desk)).to_have_count(25)
    desk.get_by_role("link", name="Next").click()
    expect(names(desk).first).to_have_text("Extra, Nr 25")
    desk.get_by_role("link", name="Next").click()
    expect(rows(desk)).to_have_count(10)
    expect(desk.get_by_role("link", name="Next")).to_have_count(0)
    desk.get_by_role("link", name="Previous").click()
    expect(names(desk).last).to_have_text("Extra, Nr 49")
    desk.get_by_role("columnheader", name="Customer").get_by_role("link").click()
    expect(names(desk).first).to_have_text("Extra, Nr 59")
    expect(rows(desk), "another order, the same size").to_have_count(25)


# -- cells edited in place ------------------------------------------------------------------------------------------


def test_a_cell_is_edited_in_place(desk: Page, shop: Shop, arrange: Arrange, problems: Problems) -> None:
    problems.expect("422")
    desk.goto("/admin/customer_class/")
    discount = cell(desk, "Wholesale", "discount")
    box = discount.get_by_label("Discount", exact=True)
    discount.dblclick()
    expect(box).to_be_focused()
    box.fill("7")
    box.press("Escape")
    expect(box).to_have_count(0)
    expect(discount).to_contain_text("0 %")
    discount.dblclick()
    box.fill("150")
    box.press("Enter")
    expect(discount.get_by_role("alert")).to_be_visible()
    expect(box).to_have_value("150")
    expect(box).to_be_focused()
    box.fill("12.5")
    box.press("Enter")
    expect(box).to_have_count(0)
    expect(discount).to_contain_text("12.5 %")
    with arrange() as session:
        saved = session.query(CustomerClass).filter_by(name="Wholesale").one()
        assert str(saved.discount) in {"12.5", "12.50"}


def test_a_choice_is_edited_in_place_from_the_keyboard(desk: Page, shop: Shop) -> None:
    desk.goto(EVERYBODY)
    of_saoirse = cell(desk, "Byrne, Saoirse", "customer_class")
    expect(of_saoirse).to_contain_text("Wholesale")
    of_saoirse.get_by_role("button", name="Quick edit").press("Enter")
    box = of_saoirse.get_by_label("Class", exact=True)
    expect(box).to_be_focused()
    box.select_option(label="Wine club")
    box.press("Enter")
    expect(box).to_have_count(0)
    expect(of_saoirse).to_contain_text("Wine club")
    expect(of_saoirse.get_by_role("button", name="Quick edit")).to_be_focused()


# -- many rows at once ----------------------------------------------------------------------------------------------


def exported(page: Page, click: Locator, folder: Path) -> list[dict[str, str]]:
    """Return the lines of the CSV file that a click downloads."""
    with page.expect_download() as download:
        click.click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_ticked_rows_or_all_that_match_are_exported(
    desk: Page, arrange: Arrange, shop: Shop, tmp_path: Path
) -> None:
    with arrange() as session:
        people.many(session, 60)
    desk.goto(f"{EVERYBODY}&q=extra&sort=-sort_name")
    bar, boxes = desk.locator("[data-bulk]"), rows(desk).get_by_role("checkbox")
    expect(bar).to_be_hidden()
    boxes.nth(1).check()
    expect(bar).to_contain_text("1 selected")
    boxes.nth(4).click(modifiers=["Shift"])
    expect(bar).to_contain_text("4 selected")
    export = bar.get_by_role("button", name="Export selected as CSV")
    bar.get_by_text("More", exact=True).click()
    lines = exported(desk, export, tmp_path)
    assert [line["Customer"] for line in lines] == [f"Extra, Nr {n}" for n in (58, 57, 56, 55)]
    bar.get_by_role("button", name="Select all 60 matching").click()
    expect(bar).to_contain_text("All 60 matching selected")
    bar.get_by_text("More", exact=True).click()
    assert len(exported(desk, export, tmp_path)) == 60
    bar.get_by_role("button", name="Select none").click()
    expect(bar).to_be_hidden()
    desk.get_by_role("checkbox", name="Select all rows on this page").check()
    expect(bar).to_contain_text("50 selected")


def test_what_is_shown_is_exported(desk: Page, shop: Shop, tmp_path: Path) -> None:
    desk.goto(f"{EVERYBODY}&points__ge=2500&sort=-points")
    desk.locator(".list-tools summary").filter(has_text="Export").click()
    lines = exported(desk, desk.get_by_role("link", name="CSV"), tmp_path)
    assert [line["Customer"] for line in lines] == ["Prosser, Gareth", "Pemberton-Lyle, Hugh"]
    assert lines[0]["Points"] == "2750"


def test_a_task_is_done_from_its_row(desk: Page, shop: Shop, arrange: Arrange) -> None:
    with arrange() as session:
        for body in ("Ring back about the order", "Post the new card"):
            factories.make_note(session, customer=shop[RASHID], kind=NoteKind.TASK, body=body, due_on=TODAY)
    desk.goto("/admin/note/?view=tasks")
    rows(desk).filter(has_text="Ring back").get_by_label("More actions").click()
    desk.get_by_role("link", name="Mark as done").click()
    desk.locator("dialog#drawer[open]").get_by_role("button", name="Mark as done").click()
    expect(desk.locator("#toasts")).to_contain_text("was marked as done.")
    expect(rows(desk)).to_have_count(1)
    expect(rows(desk)).to_contain_text("Post the new card")


def test_deleting_ticked_rows_asks_first(desk: Page, shop: Shop, arrange: Arrange) -> None:
    with arrange() as session:
        for n in range(3):
            factories.make_note(session, customer=shop[RASHID], body=f"Rang about case {n}")
    desk.goto("/admin/note/?q=rang")
    for n in range(2):
        rows(desk).filter(has_text=f"case {n}").get_by_role("checkbox").check()
    bar = desk.locator("[data-bulk]")
    delete = bar.get_by_role("button", name="Delete")
    bar.get_by_text("More", exact=True).click()
    delete.click()
    question = desk.locator("dialog#ask[open]")
    expect(question).to_contain_text("Delete the selected notes?")
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_be_hidden()
    bar.get_by_text("More", exact=True).click()
    delete.click()
    question.get_by_role("button", name="Delete").click()
    expect(desk.locator("#toasts")).to_contain_text("2 deleted.")
    with arrange() as session:
        left = [note.body for note in session.query(Note).filter(Note.body.startswith("Rang"))]
    assert left == ["Rang about case 2"]


@pytest.mark.parametrize("role", ["Read-only"])
def test_a_reader_is_offered_nothing_that_would_be_refused(
    page: Page, page_as: Callable[[str], Page], shop: Shop, role: str
) -> None:
    page_as(role).goto(EVERYBODY)
    expect(rows(page)).to_have_count(len(shop))
    for name in ("New customer", "CSV", "Excel", "Edit"):
        expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("Quick edit|Delete"))).to_have_count(0)


def test_a_click_on_a_row_opens_its_record(desk: Page, shop: Shop) -> None:
    desk.goto("/admin/customer/?view=all&q=karim")
    row = rows(desk).first
    row.locator("td.tick").click()
    row.get_by_role("checkbox").check()
    expect(desk).to_have_url(re.compile("q=karim"))
    with desk.context.expect_page() as opened:
        row.locator("td.tight").first.click(modifiers=["ControlOrMeta"])
    expect(opened.value.get_by_role("heading", name="Rashid Karim", level=1)).to_be_visible()
    opened.value.close()
    row.locator("td.tight").first.click()
    expect(desk.get_by_role("heading", name="Rashid Karim", level=1)).to_be_visible()


def test_columns_give_way_before_a_figure_does(desk: Page, shop: Shop) -> None:
    desk.set_viewport_size({"width": 1000, "height": 800})
    desk.goto(EVERYBODY)
    expect(desk.locator("[data-gave-way]")).to_contain_text("do not fit")
    check_no_figure_is_cut(desk)
    desk.set_viewport_size({"width": 1900, "height": 800})
    expect(desk.locator("[data-gave-way]")).to_be_hidden()
