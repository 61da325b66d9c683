"""An invariant sees what an action did as a whole, when it is done and when it is previewed."""

import pytest
from sqlalchemy import select

from actions.core.base import Context, Refused
from actions.execution import invariants
from actions.execution.records import record_actions
from actions.execution.runner import dry_run
from models.customer import Customer
from models.note import Note
from tests.actions.desk import Desk


def no_rioja(ctx: Context) -> None:
    """Refuse notes about it."""
    if ctx.session.scalar(select(Note.id).where(Note.body == "Rioja").limit(1)) is not None:
        raise Refused("rioja", "No Rioja.")


@pytest.fixture(autouse=True)
def _no_rioja(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "_KEPT", [*invariants._KEPT, (no_rioja, frozenset({"note"}))])


def test_what_it_refuses_is_not_done_and_its_preview_says_so(desk: Desk) -> None:
    values = {"customer_id": desk.customer(), "kind": "note", "body": "Rioja"}
    create, _edit, _delete = record_actions(Note)
    shown = dry_run(desk.engine, create, desk.call(), values=values)
    assert [blocker.code for blocker in shown.blockers] == ["rioja"]
    with pytest.raises(Refused, match=r"No Rioja\."):
        desk.create(Note, **values)
    assert desk.all(Note, customer_id=values["customer_id"]) == []


def test_what_it_lets_pass_is_done(desk: Desk) -> None:
    customer = desk.customer()
    note = desk.create(Note, customer_id=customer, kind="note", body="Port")
    with pytest.raises(Refused, match=r"No Rioja\."):
        desk.edit(Note, note, body="Rioja")
    assert desk.get(Note, note).body == "Port"


def test_it_does_not_look_at_actions_on_other_tables(desk: Desk) -> None:
    customer = desk.customer()
    desk.edit(Customer, customer, first_name="Rioja")
    assert desk.of(customer).first_name == "Rioja"
