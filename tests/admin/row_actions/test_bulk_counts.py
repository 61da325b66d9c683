"""More than 500 rows are counted at a button's click: what would change, what is so already, what would be refused."""

from typing import Any

import pytest
import sqlalchemy as sa

from actions.core.base import ACTIONS
from admin.screens import SCREENS
from models.choices import Status
from models.run import ItemState, RunItem
from tests import factories
from tests.actions.crowds import CROWDS
from tests.admin.conftest import Shop
from tests.admin.pages import Form, Page, page_of
from tests.admin.row_actions.test_acting import HTMX, bulk
from tests.databases import recorded_statements
from tests.factories import NOW

BULK = {
    f"{screen.model.__tablename__}.{declared.action.verb}": declared
    for screen in SCREENS
    for declared in screen().actions()
    if declared.action.targeted and declared.bulk
}
COUNT = "?preview=1&count=1"
TAKEN_APART = ("480 would change", "20 would be refused: This customer is already inactive.",
               "2 would be refused: This customer's personal data was erased",
               "1 would be refused: This trade account is awaiting approval")  # fmt: skip


def test_every_count_is_held_to_what_the_run_does_and_no_crowd_is_left_over() -> None:
    counted = {code for code, declared in BULK.items() if declared.action.bulk_counts is not None}
    assert counted == set(CROWDS), "put a crowd of every sort of row into tests/actions/crowds.py"
    idle = {a.code for a in ACTIONS.values() if a.bulk_counts is not None} - counted
    assert not idle, "counts that nothing shows, as the action is not offered for many rows"


@pytest.mark.either_database
@pytest.mark.parametrize("screen", [screen for screen in SCREENS if screen.column_bulk_list])
def test_every_field_that_is_set_for_many_is_set_for_a_crowd(shop: Shop, screen: Any) -> None:
    there = screen.model.__table__.c
    columns = {name if name in there else f"{name}_id" for name in screen.column_bulk_list}
    with shop.arrange() as session:
        crowds = [make(session) for make in CROWDS[f"{screen.model.__tablename__}.edit_fields"]]
    assert {name for _rows, given in crowds for name in given["values"]} == columns


def many(shop: Shop) -> None:
    """Make the 503 customers called Zander: 480 as usual, 20 switched off, two erased, one waiting."""
    with shop.arrange() as session:
        found = [factories.make_customer(session, last_name="Zander", email=None) for _n in range(503)]
        for row in found[:20]:
            row.is_active = False
        for row in found[20:22]:
            row.anonymised_at = NOW
        found[22].status = Status.PENDING_APPROVAL


def opened(shop: Shop, code: str = "customer.deactivate") -> Page:
    """The form of a change on all of them."""
    return page_of(bulk(shop, code, all="1", view="all", last_name__eq="Zander"))


def send(shop: Shop, form: Form, how: str, **filled: str) -> Any:
    """Send a form by one of its buttons."""
    return shop.client().post(f"{form.action}{how}", data=form.filled(**filled), headers=HTMX)


def button(page: Page) -> dict[str, str]:
    """The button that has them counted."""
    return next(given for _tag, given in page.tags if "data-count" in given)


def test_a_click_counts_and_the_run_then_does_just_that(shop: Shop) -> None:
    many(shop)
    page = opened(shop)
    assert "Count what would change" in page.text
    form = page.form("/act/deactivate/")
    assert button(page)["formaction"] == f"{form.action}{COUNT}"
    seen = page_of(send(shop, form, "?preview=1", reason="Moved away"))
    assert "in the background" in seen.text
    assert "Count what would change" in seen.text
    before = shop.figures()
    answer = send(shop, form, COUNT, reason="Moved away")
    assert answer.status_code == 200
    page = page_of(answer)
    assert all(words in page.text for words in TAKEN_APART)
    assert "in the background" in page.text
    assert shop.figures() == before
    assert "would be" not in page_of(send(shop, form, "?preview=1", reason="Moved")).text, (
        "another form, no count"
    )
    assert send(shop, form, "", reason="Moved away").status_code == 204
    assert shop.app.test_cli_runner().invoke(args=["worker", "--once"]).exit_code == 0
    with shop.look() as session:
        told = sa.select(sa.func.count()).where(RunItem.state == ItemState.REFUSED).group_by(RunItem.message)
        assert sorted(session.scalars(told)) == [1, 2, 20]
        assert session.scalar(sa.select(sa.func.count()).where(RunItem.state == ItemState.DONE)) == 480


def test_one_statement_counts_and_none_locks(shop: Shop) -> None:
    many(shop)
    form = opened(shop).form("/act/")
    with recorded_statements() as seen:
        send(shop, form, COUNT, reason="Moved away")
    asked = [text.lower() for text in seen]
    assert sum("count(" in text for text in asked) == 1
    assert not any(text.startswith(("insert", "update", "delete", "begin immediate")) for text in asked)
    assert not any("for update" in text for text in asked)


@pytest.mark.either_database
def test_what_is_so_already_is_told_apart_and_so_is_a_form_that_will_not_do(shop: Shop) -> None:
    many(shop)
    form = opened(shop, "customer.edit_fields").form("/act/")
    counted = page_of(send(shop, form, COUNT, change="free_delivery", free_delivery="n")).text
    assert "0 would change 501 already have this value 2 would be refused" in counted
    unticked = page_of(send(shop, form, COUNT)).text
    assert unticked == page_of(send(shop, form, "?preview=1")).text, "as a small preview is"
    assert "would change" not in unticked
    blank = page_of(send(shop, opened(shop).form("/act/"), COUNT, reason="   ")).text
    assert "This cannot be done: Reason : Enter a reason of at least 3 characters." in blank


@pytest.mark.either_database
def test_a_list_that_has_changed_is_looked_at_again(shop: Shop) -> None:
    many(shop)
    form = opened(shop).form("/act/")
    shop.make(factories.make_customer, last_name="Zander")
    answer = send(shop, form, COUNT, reason="Moved away")
    assert answer.status_code == 409
    assert "changed from 503 to 504 records" in page_of(answer).text


@pytest.mark.either_database
def test_without_scripts_the_button_leads_to_the_form_with_the_count_in_it(shop: Shop) -> None:
    many(shop)
    form = opened(shop).form("/act/")
    before = shop.figures()
    answer = shop.client().post(f"{form.action}{COUNT}", data=form.filled(reason="Moved away"))
    assert answer.status_code == 200
    page = page_of(answer)
    assert all(words in page.text for words in TAKEN_APART)
    again = page.form("/act/deactivate/")
    assert again.action == form.action, "its other button does it"
    assert again.fields["reason"] == "Moved away"
    assert again.fields["key"] == form.fields["key"]
    assert button(page)["formaction"] == f"{form.action}{COUNT}"
    empty = shop.client().post(f"{form.action}{COUNT}", data=form.filled(reason=""))
    assert empty.status_code == 422
    assert page_of(empty).error("reason")
    assert "would change" not in page_of(empty).text.replace("Count what would change", "")
    assert shop.figures() == before


@pytest.mark.either_database
def test_few_rows_have_no_such_button_and_are_tried_all_the_same(shop: Shop) -> None:
    people = [str(shop.make(factories.make_customer).id) for _n in range(2)]
    page = page_of(bulk(shop, "customer.deactivate", ids=people))
    assert not any("data-count" in given for _tag, given in page.tags)
    form = page.form("/act/")
    tried, counted = (send(shop, form, how, reason="Moved").get_data() for how in ("?preview=1", COUNT))
    assert tried == counted
    assert b"data-fingerprint" in tried
