"""Editing chosen fields of many records at once: only what is ticked changes, each record by its own rules."""

import pytest
import sqlalchemy as sa

from models.choices import AccountType
from models.customer import Customer
from models.journal import Changeset
from models.note import Note
from models.run import Run, RunState
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.admin.row_actions.test_acting import DECLARED, HTMX, bulk, some_customer

ACTION = "customer.edit_fields"


def test_only_ticked_fields_change_and_none_is_a_choice(shop: Shop) -> None:
    named = shop.make(factories.make_customer_class, name="Trade")
    people = [
        some_customer(shop, customer_class_id=named.id, global_discount=5, free_delivery=True)
        for _n in range(3)
    ]
    form = page_of(bulk(shop, ACTION, ids=[str(p) for p in people])).form("/act/edit_fields/")
    sent = form.filled(change="customer_class", customer_class="none", global_discount="12")
    seen = shop.client().post(f"{form.action}?preview=1", data=sent, headers=HTMX)
    assert "Trade" in page_of(seen).text
    assert "iscount" not in page_of(seen).text, "typed, but not ticked"
    assert shop.client().post(form.action, data=sent, headers=HTMX).status_code == 204
    for person in people:
        row = shop.get(Customer, person)
        assert (row.customer_class_id, row.global_discount, row.free_delivery) == (None, 5, True)


def test_a_switch_that_is_to_change_is_set_to_yes_or_no(shop: Shop) -> None:
    people = [some_customer(shop, free_delivery=True) for _n in range(2)]
    form = page_of(bulk(shop, ACTION, ids=[str(p) for p in people])).form("/act/edit_fields/")
    unset = shop.client().post(form.action, data=form.filled(change="free_delivery"), headers=HTMX)
    assert unset.status_code == 422
    sent = form.filled(change="free_delivery", free_delivery="n")
    assert shop.client().post(form.action, data=sent, headers=HTMX).status_code == 204
    assert not any(shop.get(Customer, p).free_delivery for p in people)


def test_no_field_is_emptied_because_nothing_was_chosen(shop: Shop) -> None:
    named = shop.make(factories.make_customer_class)
    people = [some_customer(shop, customer_class_id=named.id, credit_limit=500) for _n in range(2)]
    form = page_of(bulk(shop, ACTION, ids=[str(p) for p in people])).form("/act/edit_fields/")
    ticked = ["customer_class", "account_type", "global_discount", "credit_limit", "language", "agent"]
    answer = shop.client().post(form.action, data={**form.filled(), "change": ticked}, headers=HTMX)
    assert answer.status_code == 422
    text = page_of(answer).text
    assert "Choose an option or “No class”." in text
    assert "tick “No credit limit”" in text
    sent = {**form.filled(customer_class="none"), "change": ["customer_class", "credit_limit"]}
    both = shop.client().post(
        form.action, data={**sent, "credit_limit": "7", "nothing": "credit_limit"}, headers=HTMX
    )
    assert both.status_code == 422, "an amount, and none"
    assert (
        shop.client().post(form.action, data={**sent, "nothing": "credit_limit"}, headers=HTMX).status_code
        == 204
    )
    row = shop.get(Customer, people[0])
    assert (row.customer_class_id, row.credit_limit) == (None, None)


SETTERS = sorted(c for c, a in DECLARED.items() if a.from_row and a.bulk)


@pytest.mark.parametrize("code", SETTERS)
def test_what_sets_many_rows_opens_with_nothing_chosen_and_takes_nothing_empty(shop: Shop, code: str) -> None:
    people = [str(some_customer(shop)) for _n in range(2)]
    form = page_of(bulk(shop, code, ids=people)).form("/act/")
    before = shop.figures()
    named = DECLARED[code].fields
    assert {form.fields.get(name) for name in named} <= {"", None}
    seen = shop.client().post(f"{form.action}?preview=1", data=form.filled(), headers=HTMX)
    assert "Fill in the form" in page_of(seen).text
    answer = shop.client().post(form.action, data=form.filled(), headers=HTMX)
    assert answer.status_code == 422
    assert shop.figures() == before


@pytest.mark.parametrize("code", SETTERS)
def test_a_program_says_what_it_empties(shop: Shop, code: str) -> None:
    group, named = shop.make(factories.make_membership_group), shop.make(factories.make_customer_class)
    row = some_customer(shop, customer_class_id=named.id, membership_group_id=group.id, credit_limit=500)
    fields, verb = DECLARED[code].fields, code.partition(".")[2]
    path = f"/api/v1/customer/{row}/actions/{verb}"
    answer = shop.api().send("POST", path, {})
    assert (answer.status_code, set(answer.json["errors"])) == (422, set(fields))
    other = str(some_customer(shop))
    lines = ["act", code, "--as", "admin"]
    some = ["--set", "credit_limit=4"] if "credit_limit" in fields else []
    for args in ([*lines, str(row)], [*lines, str(row), other, *some]):
        told = shop.app.test_cli_runner().invoke(args=args)
        assert told.exit_code != 0
        assert "blank after the =" in told.output
    empty = next(iter(fields)) if len(fields) == 1 else "credit_limit"
    assert shop.api().send("POST", path, {empty: None}).status_code == 200
    left = shop.get(Customer, row)
    kept = {"customer_class": left.customer_class_id, "membership_group": left.membership_group_id}
    assert {**kept, "credit_limit": left.credit_limit}[empty] is None


def test_a_program_that_ticks_a_field_says_its_value(shop: Shop) -> None:
    row = some_customer(shop, free_delivery=True)
    answer = shop.api().send(
        "POST", f"/api/v1/customer/{row}/actions/edit_fields", {"change": ["free_delivery"]}
    )
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["free_delivery"])
    assert shop.get(Customer, row).free_delivery


def test_nothing_ticked_or_what_is_not_offered_is_refused(shop: Shop) -> None:
    people = [str(some_customer(shop)) for _n in range(2)]
    form = page_of(bulk(shop, ACTION, ids=people)).form("/act/edit_fields/")
    before = shop.figures()
    for change in ([], ["email"], ["change"], ["points"], ["customer_class", "x"]):
        answer = shop.client().post(form.action, data={**form.filled(), "change": change}, headers=HTMX)
        assert answer.status_code == 422, change
    wrong = form.filled(change="global_discount", global_discount="120")
    answer = shop.client().post(form.action, data=wrong, headers=HTMX)
    assert answer.status_code == 422
    again = page_of(answer).form("/act/")
    assert (again.fields["global_discount"], again.fields["change"]) == ("120", "global_discount"), (
        "nothing typed or ticked is lost"
    )
    assert shop.figures() == before


def test_one_record_whose_rules_refuse_is_named_and_stops_all(shop: Shop) -> None:
    task = shop.make(factories.make_note, kind="task", body="Call back", due_on=factories.TODAY)
    plain = shop.make(factories.make_note, kind="note", body="Likes Rioja")
    form = page_of(bulk(shop, "note.edit_fields", ids=[str(task.id), str(plain.id)])).form("/act/")
    sent = form.filled(change="due_on", due_on="2031-05-04")
    seen = page_of(shop.client().post(f"{form.action}?preview=1", data=sent, headers=HTMX)).text
    assert "Likes Rioja" in seen
    assert "Only tasks have a due date" in seen
    answer = shop.client().post(form.action, data=sent, headers=HTMX)
    assert answer.status_code == 422
    assert "Likes Rioja: Only tasks have a due date" in page_of(answer).text
    assert shop.get(Note, task.id).due_on == factories.TODAY


def test_it_is_one_changeset_and_comes_back_at_one_click(shop: Shop) -> None:
    people = [some_customer(shop) for _n in range(3)]
    form = page_of(bulk(shop, ACTION, ids=[str(p) for p in people])).form("/act/")
    sent = form.filled(change="account_type", account_type="trade")
    done = shop.client().post(form.action, data=sent, headers=HTMX)
    undo = done.headers["HX-Trigger"].split('"undo": "')[1].split('"')[0]
    with shop.look() as session:
        assert session.scalars(sa.select(Changeset.action).order_by(Changeset.id.desc())).first() == ACTION
    headers = {**HTMX, "X-CSRFToken": shop.client().csrf_token()}
    assert shop.client().post(undo, headers=headers).status_code == 204
    assert {shop.get(Customer, p).account_type for p in people} == {AccountType.RETAIL}


def test_more_than_five_hundred_are_a_run(shop: Shop) -> None:
    with shop.arrange() as session:
        people = [factories.make_customer(session, last_name="Zander").id for _n in range(502)]
    opened = bulk(shop, ACTION, all="1", view="all", last_name__eq="Zander")
    form = page_of(opened).form("/act/")
    sent = form.filled(change="global_discount,free_delivery", global_discount="7.5", free_delivery="y")
    assert shop.client().post(form.action, data=sent, headers=HTMX).status_code == 204
    assert shop.app.test_cli_runner().invoke(args=["worker", "--once"]).exit_code == 0
    with shop.look() as session:
        run = session.scalars(sa.select(Run)).one()
        assert (run.state, run.done) == (RunState.DONE, 502)
    row = shop.get(Customer, people[-1])
    assert (float(row.global_discount), row.free_delivery) == (7.5, True)


def test_no_record_or_row_offers_it_beside_edit(shop: Shop) -> None:
    customer = some_customer(shop)
    for url in (f"/admin/customer/details/?id={customer}", "/admin/customer/?view=all"):
        page = page_of(shop.client().get(url))
        assert not any("/act/edit_fields/" in g.get("href", "") for _t, g in page.tags)
    bar = page_of(shop.client().get("/admin/customer/?view=all"))
    assert any("/act/edit_fields/" in g.get("formaction", "") for _t, g in bar.tags)
