"""The generated actions of a model in the portal: open where the model says so, and for the columns it says (rule 6.7)."""

import pytest

from actions.core.actors import Actor
from actions.core.base import ACTIONS, Missing, Portal, Refused
from actions.execution import portal_rows
from actions.execution.records import record_actions
from actions.execution.runner import Call, perform
from models.address import Address
from models.note import Note
from tests import factories
from tests.actions.desk import Desk
from tests.factories import NOW

WHERE = {"line1": "1 High Street"}


def call(customer_id: int, staff_id: int | None = None) -> Call:
    """Who asks in a customer's portal."""
    return Call(Actor(staff_id, "customer", customer_id), NOW)


def test_a_model_that_says_nothing_is_closed(desk: Desk) -> None:
    one = desk.make(factories.make_customer)
    for code, declared in ACTIONS.items():
        if code.startswith("note."):
            assert declared.portal is None, code
    with pytest.raises(Refused) as refused:
        perform(desk.engine, record_actions(Note)[0], call(one), values={"body": "x", "customer_id": one})
    assert refused.value.code == "not_in_portal"


def test_a_row_is_the_customers_whose_portal_it_is(desk: Desk) -> None:
    one, other = (desk.make(factories.make_customer) for _n in range(2))
    create, edit, delete = record_actions(Address)
    row = perform(desk.engine, create, call(one), values=WHERE).record_id
    assert row is not None
    for action, values in ((edit, {"values": WHERE, "version": None}), (delete, {})):
        with pytest.raises(Missing):
            perform(desk.engine, action, call(other), row, **values)
    with pytest.raises(Refused):
        perform(desk.engine, create, call(other), values={**WHERE, "customer_id": one})
    with pytest.raises(Refused):
        perform(desk.engine, edit, call(one), row, values={"is_billing": True}, version=None)


def test_what_is_declared_already_is_opened_too(monkeypatch: pytest.MonkeyPatch) -> None:
    before = record_actions(Note)
    monkeypatch.setattr(portal_rows, "_opened", dict(portal_rows._opened))
    for declared in before:
        monkeypatch.setitem(ACTIONS, declared.code, declared)
    portal_rows.open_in_portal(Note, ("body",), who=Portal.CUSTOMER)
    assert [a.portal for a in record_actions(Note)] == [Portal.CUSTOMER] * 3
    assert [a.portal for a in before] == [None] * 3
