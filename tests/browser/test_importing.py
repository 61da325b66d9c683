"""Importing in a browser: a file is chosen, its columns mapped, every row tried, the file applied and undone."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

from playwright.sync_api import Page, expect
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from actions.runs import runs
from tests import factories
from tests.browser.accessibility import check_everywhere
from tests.browser.conftest import Problems
from tests.browser.test_tasks import drawer

Arrange = Callable[[], AbstractContextManager[Session]]
FILE = "Clientele record number,Name,Tastings,Notes\n{id},Harvest club,3,x\n,Cellar club,5,x\n,,9,x\n"


def work(engine: Engine) -> None:
    """Do what a worker beside the server would do."""
    while runs.process_next_run(engine, lambda: factories.NOW, "browser"):
        pass


def test_a_file_is_mapped_tried_applied_and_undone(desk: Page, arrange: Arrange) -> None:
    with arrange() as session:
        old = factories.make_customer_class(session, name="Harvest club", free_tastings=1)
        engine = session.get_bind().engine
    desk.goto("/admin/customer_class/")
    desk.get_by_role("link", name="Import").click()
    expect(desk.get_by_role("heading", name="Import customer classes")).to_be_visible()
    check_everywhere(desk, "main")
    content = FILE.format(id=old.id).encode()
    desk.get_by_label("CSV or Excel file").set_input_files(
        {"name": "clubs.csv", "mimeType": "text/csv", "buffer": content}
    )
    desk.get_by_role("button", name="Upload").click()
    expect(desk.get_by_label("Name", exact=True)).to_have_value("name")
    expect(desk.get_by_label("Notes")).to_have_value("")
    desk.get_by_label("Tastings").select_option("Free tastings")
    check_everywhere(desk, "main")
    desk.get_by_role("button", name="Preview import").click()
    expect(desk.get_by_role("link", name="Refused 1")).to_be_visible()
    expect(desk.get_by_text("This field is required.")).to_be_visible()
    check_everywhere(desk, "main")
    desk.get_by_role("link", name="Changed 1").click()
    expect(desk.get_by_role("row", name="Harvest club")).to_contain_text("Free tastings: 1 → 3")
    desk.get_by_role("button", name="Import 2 customer classes").click()
    expect(desk.get_by_text("Waiting").first).to_be_visible()
    work(engine)
    expect(desk.get_by_text("Completed with errors").first).to_be_visible()
    desk.get_by_role("link", name="Undo everything").click()
    drawer(desk).get_by_role("button", name="Undo everything").click()
    expect(desk.get_by_text("Undo started")).to_be_visible()
    work(engine)
    desk.goto("/admin/customer_class/")
    expect(desk.get_by_role("row", name="Harvest club")).to_be_visible()
    expect(desk.get_by_text("Cellar club")).to_be_hidden()


def test_a_mapping_is_saved_replaced_and_deleted_where_it_is_used(desk: Page, problems: Problems) -> None:
    problems.expect("422")
    desk.goto("/admin/customer_class/import/")
    content = b"Club,Glasses\nCellar club,5\n"
    desk.get_by_label("CSV or Excel file").set_input_files(
        {"name": "clubs.csv", "mimeType": "text/csv", "buffer": content}
    )
    desk.get_by_role("button", name="Upload").click()
    desk.get_by_label("Club").select_option("Name *")
    desk.get_by_label("Save this mapping as").fill("…")
    desk.get_by_role("button", name="Preview import").click()
    expect(desk.get_by_label("Save this mapping as")).to_be_focused()
    expect(desk.get_by_label("Save this mapping as")).to_have_accessible_description(re.compile("letters"))
    check_everywhere(desk, "main")
    for word in ("saved", "replaced"):
        desk.get_by_label("Save this mapping as").fill("Clubs")
        desk.get_by_role("button", name="Preview import").click()
        expect(desk.get_by_text(f"The mapping Clubs was {word}.")).to_be_visible()
        desk.get_by_role("link", name="Change the mapping").click()
    desk.get_by_text("Delete mappings you have saved").click()
    check_everywhere(desk, "main")
    desk.get_by_role("button", name="Delete Clubs").click()
    question = desk.locator("dialog#ask[open]")
    expect(question).to_contain_text("Delete the mapping Clubs?")
    question.get_by_role("button", name="Delete Clubs").click()
    expect(desk.get_by_text("The mapping Clubs was deleted.")).to_be_visible()
    expect(desk.get_by_label("Club")).to_have_value("name")
    expect(desk.get_by_text("Delete mappings you have saved")).to_be_hidden()


def test_how_a_file_is_read_is_confirmed_and_changed_on_the_page_of_its_columns(
    desk: Page, problems: Problems
) -> None:
    problems.expect("422")
    desk.goto("/admin/customer/import/")
    content = "Surname;Birthday\nÜnal;03/04/1980\n".encode("cp1252")
    desk.get_by_label("CSV or Excel file").set_input_files(
        {"name": "people.csv", "mimeType": "text/csv", "buffer": content}
    )
    desk.get_by_role("button", name="Upload").click()
    expect(desk.get_by_label("Surname")).to_have_value("last_name")
    expect(desk.get_by_label("3 April")).to_be_checked()
    check_everywhere(desk, "main")
    desk.get_by_role("button", name="Preview import").click()
    expect(desk.get_by_role("alert")).to_contain_text("The file does not say which encoding")
    desk.get_by_label("Western European (Windows-1252)").check()
    desk.get_by_role("button", name="Read the file this way").click()
    expect(desk.get_by_label("Western European (Windows-1252)")).to_be_checked()
    desk.get_by_label("Separator").select_option("Comma")
    desk.get_by_role("button", name="Read the file this way").click()
    expect(desk.get_by_text("The file was read again")).to_be_visible()
    expect(desk.get_by_label("Surname;Birthday")).to_have_value("")
