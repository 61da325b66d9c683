"""One primary address, at most one primary phone (rule 12)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from actions.core.base import Invalid
from models.address import Address
from models.customer import Customer
from models.phone import Phone
from tests.actions.desk import Desk

KINDS = [(Address, {"line1": "14 Mill Lane"}), (Phone, {"number": "0113 496 0123"})]


def primary(desk: Desk, model, customer: int) -> list[int]:
    return [row.id for row in desk.all(model, customer_id=customer) if row.is_primary]


@pytest.mark.parametrize(("model", "values"), KINDS)
def test_the_first_becomes_primary_by_itself_and_the_second_does_not(desk: Desk, model, values) -> None:
    customer = desk.customer()
    first = desk.create(model, customer_id=customer, is_primary=False, **values)
    desk.create(model, customer_id=customer, is_primary=False, **values)
    assert primary(desk, model, customer) == [first]


@pytest.mark.parametrize(("model", "values"), KINDS)
def test_a_new_primary_takes_the_place_of_the_old_in_one_changeset(desk: Desk, model, values) -> None:
    customer = desk.customer()
    first = desk.create(model, customer_id=customer, **values)
    second = desk.create(model, customer_id=customer, is_primary=True, **values)
    assert primary(desk, model, customer) == [second]
    done = desk.edit(model, first, is_primary=True, version=2)
    assert primary(desk, model, customer) == [first]
    marks = {
        c.row_id: (c.before["is_primary"], c.after["is_primary"]) for c in desk.changes(done.changeset_id)
    }
    assert marks == {first: (False, True), second: (True, False)}
    assert desk.get(model, first).version == 3


@pytest.mark.parametrize(("model", "values"), KINDS)
def test_deleting_the_primary_hands_it_to_the_oldest_that_remains(desk: Desk, model, values) -> None:
    customer = desk.customer()
    first, second, third = (desk.create(model, customer_id=customer, **values) for _ in range(3))
    done = desk.delete(model, first)
    assert primary(desk, model, customer) == [second]
    change = next(c for c in desk.changes(done.changeset_id) if c.row_id == first)
    assert (change.before["is_primary"], change.after) == (True, None)
    desk.delete(model, third)
    desk.delete(model, second)
    assert desk.all(model, customer_id=customer) == []


def test_the_primary_address_cannot_be_unticked(desk: Desk) -> None:
    customer = desk.customer()
    only = desk.create(Address, customer_id=customer, line1="14 Mill Lane")
    with pytest.raises(Invalid) as invalid:
        desk.edit(Address, only, is_primary=False)
    assert set(invalid.value.errors) == {"is_primary"}
    assert primary(desk, Address, customer) == [only]


def test_one_action_is_one_version_however_often_it_touches_the_row(desk: Desk) -> None:
    customer = desk.customer()
    first, second = (desk.create(Address, customer_id=customer, line1="14 Mill Lane") for _ in range(2))
    done = desk.edit(Address, second, is_primary=True, label="Home")
    assert [desk.get(Address, row).version for row in (first, second)] == [2, 2]
    change = next(c for c in desk.changes(done.changeset_id) if c.row_id == second)
    assert (change.before["version"], change.after["version"]) == (1, 2)
    assert (change.after["label"], change.after["is_primary"]) == ("Home", True)


def test_the_primary_phone_may_be_unticked(desk: Desk) -> None:
    customer = desk.customer()
    only = desk.create(Phone, customer_id=customer, number="0113 496 0123")
    desk.edit(Phone, only, is_primary=False)
    assert primary(desk, Phone, customer) == []


@pytest.mark.parametrize(("model", "values"), KINDS)
def test_a_row_stays_with_its_customer(desk: Desk, model, values) -> None:
    row = desk.create(model, customer_id=desk.customer(), **values)
    with pytest.raises(Invalid) as invalid:
        desk.edit(model, row, customer_id=desk.customer())
    assert set(invalid.value.errors) == {"customer"}


def test_a_row_needs_a_customer_that_exists(desk: Desk) -> None:
    for customer in (None, 999_999_999):
        with pytest.raises(Invalid) as invalid:
            desk.create(Address, customer_id=customer, line1="14 Mill Lane")
        assert "customer" in invalid.value.errors


def test_all_becoming_primary_at_once_leaves_one_and_no_deadlock(desk: Desk) -> None:
    customer = desk.customer()
    rows = [desk.create(Address, customer_id=customer, line1=f"{n} Mill Lane") for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda row: desk.edit(Address, row, is_primary=True), rows * 3))
    assert len(primary(desk, Address, customer)) == 1


# -- phones in the customer's own form -----------------------------------------------------------------


def form(desk: Desk, customer: int) -> list[dict]:
    found = desk.all(Phone, customer_id=customer)
    return [{"id": phone.id, "number": phone.number, "is_primary": phone.is_primary} for phone in found]


def phones(desk: Desk, *numbers: str) -> tuple[int, list[dict]]:
    rows = [{"id": None, "number": number, "is_primary": False} for number in numbers]
    customer = desk.create(Customer, last_name="Karim", phones=rows)
    return customer, form(desk, customer)


def test_the_first_phone_of_a_new_customer_is_primary(desk: Desk) -> None:
    customer, rows = phones(desk, "0113 496 0123", "0113 496 0124")
    assert primary(desk, Phone, customer) == [rows[0]["id"]]


def test_ticking_another_phone_unticks_the_first(desk: Desk) -> None:
    customer, rows = phones(desk, "0113 496 0123", "0113 496 0124", "0113 496 0125")
    rows[2]["is_primary"] = True
    done = desk.edit(Customer, customer, phones=rows, last_name="Khan")
    assert primary(desk, Phone, customer) == [rows[2]["id"]]
    rows[0]["is_primary"], rows[2]["is_primary"] = True, False
    desk.edit(Customer, customer, phones=rows)
    assert primary(desk, Phone, customer) == [rows[0]["id"]]
    assert {(c.table_name, c.row_id) for c in desk.changes(done.changeset_id)} >= {("phone", rows[2]["id"])}
    assert desk.of(customer).version == 3


def test_a_new_phone_may_be_the_primary_one(desk: Desk) -> None:
    customer, rows = phones(desk, "0113 496 0123")
    rows.append({"id": None, "number": "0113 496 0199", "is_primary": True})
    desk.edit(Customer, customer, phones=rows)
    assert [desk.get(Phone, row).number for row in primary(desk, Phone, customer)] == ["0113 496 0199"]


def test_ticking_two_new_ones_is_refused(desk: Desk) -> None:
    customer, rows = phones(desk, "0113 496 0123", "0113 496 0124", "0113 496 0125")
    rows[1]["is_primary"] = rows[2]["is_primary"] = True
    with pytest.raises(Invalid) as invalid:
        desk.edit(Customer, customer, phones=rows)
    assert set(invalid.value.errors) == {"phones"}


def test_leaving_out_the_primary_phone_deletes_it_and_the_next_becomes_primary(desk: Desk) -> None:
    customer, rows = phones(desk, "0113 496 0123", "0113 496 0124")
    done = desk.edit(Customer, customer, phones=rows[1:])
    assert primary(desk, Phone, customer) == [rows[1]["id"]]
    gone = next(c for c in desk.changes(done.changeset_id) if c.row_id == rows[0]["id"])
    assert (gone.table_name, gone.customer_id, gone.after) == ("phone", customer, None)
    assert gone.before["number"] == "0113 496 0123"
    assert gone.before["is_primary"] is True


def test_leaving_out_a_phone_is_journalled_as_a_deletion(desk: Desk) -> None:
    customer, rows = phones(desk, "0113 496 0123", "0113 496 0124")
    done = desk.edit(Customer, customer, phones=rows[:1])
    changes = {(c.table_name, c.row_id): c.after for c in desk.changes(done.changeset_id)}
    assert changes[("phone", rows[1]["id"])] is None


def test_a_primary_phone_may_be_unticked_in_the_form(desk: Desk) -> None:
    customer, rows = phones(desk, "0113 496 0123", "0113 496 0124")
    rows[0]["is_primary"] = False
    desk.edit(Customer, customer, phones=rows)
    assert primary(desk, Phone, customer) == []
