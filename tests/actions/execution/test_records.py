"""The generated create, edit and delete, and the runner beneath them (rules 1.9, 9.1, 9.4)."""

import pytest
from sqlalchemy import select

from actions.core.base import Conflict, Invalid, Missing
from actions.customers.notes import done
from actions.ledgers.accounts import pay, raise_invoice, void_invoice
from actions.ledgers.loyalty import adjust
from models.account import AccountEntry
from models.customer import Customer
from models.journal import Changeset
from models.note import Note
from models.phone import Phone
from tests import factories
from tests.actions.desk import Desk


def test_two_people_edit_one_record_and_the_second_sees_base_theirs_and_mine(desk: Desk) -> None:
    customer = desk.create(Customer, first_name="Rashid", last_name="Karim", title="Mr")
    other = Desk(desk.engine)
    other.edit(Customer, customer, version=1, last_name="Khan")
    other.edit(Customer, customer, version=2, title="Dr")
    with pytest.raises(Conflict) as conflict:
        desk.edit(Customer, customer, version=1, last_name="Kahn", first_name="Rashid")
    found = conflict.value
    assert found.base == {"last_name": "Karim", "first_name": "Rashid"}
    assert found.theirs == {"last_name": "Khan", "first_name": "Rashid"}
    assert found.mine == {"last_name": "Kahn", "first_name": "Rashid"}
    assert (found.version, found.by, found.status) == (3, "Mary Kaur", 409)
    assert desk.of(customer).last_name == "Khan"
    desk.edit(Customer, customer, version=3, last_name="Kahn")


def test_a_repeated_key_answers_once_with_the_first_record(desk: Desk) -> None:
    customer = desk.customer()
    key = f"key-{factories.number()}"
    first = desk.do(adjust, key=key, customer=customer, points=100, comment="Sorry")
    again = desk.do(adjust, key=key, customer=customer, points=100, comment="Sorry")
    assert (again.record_id, again.changeset_id) == (first.record_id, first.changeset_id)
    assert desk.of(customer).points == 100


def test_a_key_used_for_another_request_is_refused_as_bad_input(desk: Desk) -> None:
    customer = desk.customer()
    key = f"key-{factories.number()}"
    desk.do(adjust, key=key, customer=customer, points=100, comment="Sorry")
    for action, values in (
        (adjust, {"points": 101, "comment": "Sorry"}),
        (pay, {"amount": 100, "method": "cash"}),
    ):
        with pytest.raises(Invalid) as invalid:
            desk.do(action, key=key, customer=customer, **values)
        assert set(invalid.value.errors) == {"key"}
    with pytest.raises(Invalid):
        desk.do(adjust, key="k" * 201, customer=customer, points=100, comment="Sorry")
    assert desk.all(AccountEntry, customer_id=customer) == []


def test_a_key_repeats_actions_on_a_row_and_creations_alike(desk: Desk) -> None:
    customer = desk.customer(pay_on_account=True)
    note = desk.make(factories.make_note, customer_id=customer, kind="task")
    invoice = desk.do(raise_invoice, customer=customer, amount=100).record_id
    from actions.execution.records import record_actions

    create = record_actions(Phone)[0]
    values = {"customer_id": customer, "number": "0113 496 0123"}
    for n, (action, target, given) in enumerate(
        ((done, note, {}), (void_invoice, invoice, {"reason": "Twice"}), (create, None, {"values": values}))
    ):
        key = f"key-{factories.number()}-{n}"
        first = desk.do(action, target, key=key, **given)
        again = desk.do(action, target, key=key, **given)
        assert (again.record_id, again.changeset_id) == (first.record_id, first.changeset_id)
    assert len(desk.all(Phone, customer_id=customer)) == 1


def test_a_row_that_is_gone_is_missing(desk: Desk) -> None:
    for target in (None, 999_999_999):
        with pytest.raises(Missing):
            desk.do(done, target)
    with pytest.raises(Missing):
        desk.delete(Note, 999_999_999)


def test_ledger_actions_are_filed_under_the_customer(desk: Desk) -> None:
    customer = desk.customer()
    outcome = desk.do(adjust, customer=customer, points=100, comment="Sorry")
    with desk.look() as session:
        row = session.scalars(select(Changeset).where(Changeset.id == outcome.changeset_id)).one()
    assert (row.action, row.subject_table, row.subject_id) == ("loyalty_entry.adjust", "customer", customer)
    assert (row.actor_id, row.at) == (desk.actor.id, desk.now)
