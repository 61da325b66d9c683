"""Undo: what a changeset wrote goes back where it still stands, the rest is listed (rule 9.3)."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.orm import Session

from actions.core.base import Outcome, Refused
from actions.customers.notes import done
from actions.execution.records import fields_action, save_new
from actions.execution.runner import Call, perform
from actions.ledgers.accounts import pay, raise_invoice
from actions.ledgers.credit import adjust as adjust_credit
from actions.ledgers.loyalty import adjust, reverse
from actions.maintenance.verify import verify
from actions.setup.settings import save
from actions.undo.undo import undo
from models.account import AccountEntry
from models.address import Address
from models.customer import Customer
from models.journal import Changeset
from models.lookups import CustomerClass
from models.loyalty import LoyaltyEntry
from models.note import Note
from models.phone import Phone
from models.shop import load_shop
from tests import factories
from tests.actions.desk import Desk


def take_back(desk: Desk, outcome: Outcome) -> Outcome:
    """Undo a change."""
    assert outcome.changeset_id is not None
    return desk.do(undo, outcome.changeset_id)


def said(outcome: Outcome) -> list[str]:
    """The warnings in words."""
    return [warning.text for warning in outcome.warnings]


def test_an_edit_goes_back_and_the_undo_can_be_undone(desk: Desk) -> None:
    customer = desk.create(
        Customer, first_name="Rashid", last_name="Karim", date_of_birth=dt.date(1980, 1, 2)
    )
    outcome = desk.edit(Customer, customer, last_name="Khan", date_of_birth=None, credit_limit=7_50)
    back = take_back(desk, outcome)
    row = desk.of(customer)
    assert (row.last_name, row.last_name_key, row.date_of_birth) == ("Karim", "karim", dt.date(1980, 1, 2))
    assert said(back) == []
    header = desk.get(Changeset, back.changeset_id)
    assert (header.action, header.undoes_id, header.subject) == (
        "changeset.undo", outcome.changeset_id, ("customer", customer),
    )  # fmt: skip
    take_back(desk, back)
    assert desk.of(customer).last_name == "Khan"


def test_a_newer_value_stays_and_is_named(desk: Desk) -> None:
    customer = desk.create(Customer, first_name="Rashid", last_name="Karim")
    outcome = desk.edit(Customer, customer, first_name="Omar", last_name="Khan")
    desk.edit(Customer, customer, last_name="Kahn")
    back = take_back(desk, outcome)
    row = desk.of(customer)
    assert (row.first_name, row.last_name) == ("Rashid", "Kahn")
    assert len(said(back)) == 1
    assert "last name" in said(back)[0]


def test_what_was_created_goes_and_what_was_deleted_comes_back_under_its_id(desk: Desk) -> None:
    customer = desk.customer()
    made = desk.do_create(
        Note, customer_id=customer, kind="task", body="Call back", due_on=dt.date(2026, 12, 1)
    )
    take_back(desk, made)
    assert desk.all(Note, customer_id=customer) == []
    note = desk.create(Note, customer_id=customer, kind="task", body="Call back", due_on=dt.date(2026, 12, 1))
    before = desk.get(Note, note)
    take_back(desk, desk.delete(Note, note))
    after = desk.get(Note, note)
    for name in ("id", "customer_id", "kind", "body", "due_on", "author_id", "author_name", "created_at"):
        assert getattr(after, name) == getattr(before, name), name


def test_a_created_record_that_is_used_or_changed_stays(desk: Desk) -> None:
    made = desk.do_create(CustomerClass, name=f"Gold {factories.number()}")
    desk.customer(customer_class_id=made.record_id)
    with pytest.raises(Refused, match="refer to it") as refused:
        take_back(desk, made)
    assert refused.value.code == "nothing_to_undo"
    other = desk.do_create(CustomerClass, name=f"Silver {factories.number()}")
    desk.edit(CustomerClass, other.record_id, free_tastings=3)
    with pytest.raises(Refused, match="has been changed since"):
        take_back(desk, other)
    assert desk.get(CustomerClass, other.record_id).free_tastings == 3


def test_a_created_customer_goes_with_what_was_made_with_it(desk: Desk) -> None:
    made = desk.do_create(Customer, last_name="Karim", phones=[{"number": "020 7946 0001", "kind": "mobile"}])
    back = take_back(desk, made)
    assert said(back) == []
    assert desk.all(Customer, id=made.record_id) == []
    assert desk.all(Phone, customer_id=made.record_id) == []
    take_back(desk, back)
    assert [row.number for row in desk.all(Phone, customer_id=made.record_id)] == ["020 7946 0001"]


def test_a_created_customer_stays_for_a_phone_that_somebody_added_or_changed_since(desk: Desk) -> None:
    number = {"number": "020 7946 0001", "kind": "mobile"}
    bare = desk.do_create(Customer, last_name="Karim")
    added = desk.create(Phone, customer_id=bare.record_id, **number)
    with pytest.raises(Refused, match="Karim cannot be deleted: 1 phone refer"):
        take_back(desk, bare)
    assert desk.get(Phone, added).number == "020 7946 0001"
    made = desk.do_create(Customer, last_name="Lee", phones=[number])
    phone = desk.all(Phone, customer_id=made.record_id)[0]
    desk.edit(Phone, phone.id, number="020 7946 0002")
    with pytest.raises(Refused, match="changed since"):
        take_back(desk, made)
    assert desk.get(Phone, phone.id).number == "020 7946 0002"


def test_a_value_that_would_be_refused_today_is_named_and_the_others_go_back(desk: Desk) -> None:
    odd, good = (desk.customer(last_name="Karim", date_of_birth=dt.date(1980, 1, 2)) for _n in range(2))
    with Session(desk.engine) as session, session.begin():
        long_ago = {"date_of_birth": dt.date(1812, 1, 2)}
        session.execute(update(Customer).where(Customer.id == odd).values(**long_ago))
    values = {"date_of_birth": dt.date(1990, 1, 2)}
    outcome = perform(desk.engine, fields_action(Customer), desk.call(), [odd, good], values=values)
    back = take_back(desk, outcome)
    assert said(back) == [f"{desk.of(odd)} cannot be restored: Enter a date of birth after 1900."]
    assert [desk.of(i).date_of_birth for i in (odd, good)] == [dt.date(1990, 1, 2), dt.date(1980, 1, 2)]


def test_of_many_rows_those_in_somebodys_way_stay_and_the_others_go_back(desk: Desk) -> None:
    cards = [f"CARD-{factories.number()}" for _n in range(9)]
    rows = [desk.customer(loyalty_code=card) for card in cards]
    outcome = perform(desk.engine, fields_action(Customer), desk.call(), rows, values={"loyalty_code": None})
    for n in (2, 6):
        desk.customer(loyalty_code=cards[n])
    back = take_back(desk, outcome)
    assert [bool(desk.of(row).loyalty_code) for row in rows] == [n not in (2, 6) for n in range(9)]
    assert len(said(back)) == 2
    assert all("taken its place" in text for text in said(back))
    assert len(desk.changes(back.changeset_id)) == 7


def statements(desk: Desk, run: Callable[[], object]) -> int:
    """How often the database is asked in the meantime."""
    asked: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    event.listen(desk.engine, "before_cursor_execute", note)
    try:
        run()
    finally:
        event.remove(desk.engine, "before_cursor_execute", note)
    return len(asked)


def test_undoing_many_rows_asks_the_database_no_more_often_than_undoing_few(desk: Desk) -> None:
    def changesets(count: int) -> list[int | None]:
        made = []
        with desk.changeset() as ctx:
            for n in range(count):
                save_new(ctx, row := Customer(), {"last_name": f"Karim {n}"})
                made.append(row.id)
            created = ctx.changeset_id
        edited = perform(desk.engine, fields_action(Customer), desk.call(), made, values={"title": "Dr"})
        return [edited.changeset_id, created]

    few, many = changesets(3), changesets(60)
    for one, other in zip(few, many, strict=True):
        wanted = statements(desk, lambda: desk.do(undo, one))
        assert statements(desk, lambda: desk.do(undo, other)) <= wanted + 2
    undone = [desk.all(Changeset, undoes_id=made[1])[0].id for made in (few, many)]
    assert (
        statements(desk, lambda: desk.do(undo, undone[1]))
        <= statements(desk, lambda: desk.do(undo, undone[0])) + 2
    )


def test_rows_that_stand_in_each_others_way_go_back_together(desk: Desk) -> None:
    customer = desk.customer()
    first = desk.create(Address, customer_id=customer, line1="1 Mill Lane", country="GB", postcode="LS1 1AA")
    outcome = desk.do_create(
        Address, customer_id=customer, line1="2 Canal St", country="GB", postcode="LS1 1AB", is_primary=True
    )
    assert not desk.get(Address, first).is_primary
    take_back(desk, outcome)
    assert [(row.id, row.is_primary) for row in desk.all(Address, customer_id=customer)] == [(first, True)]


def test_one_address_stays_primary_whatever_is_undone(desk: Desk) -> None:
    customer = desk.customer()
    rows = [
        desk.create(Address, customer_id=customer, line1=f"{n} Mill Lane", country="GB", postcode="LS1 1AA")
        for n in (1, 2, 3)
    ]
    outcome = desk.edit(Address, rows[1], is_primary=True)
    desk.delete(Address, rows[0])
    take_back(desk, outcome)
    assert sum(row.is_primary for row in desk.all(Address, customer_id=customer)) == 1
    other = desk.edit(Address, rows[2], is_primary=True)
    desk.edit(Address, rows[1], is_primary=True)
    with pytest.raises(Refused):
        take_back(desk, other)
    assert sum(row.is_primary for row in desk.all(Address, customer_id=customer)) == 1


def test_phones_kept_in_the_customers_form_go_back_with_it(desk: Desk) -> None:
    customer = desk.create(
        Customer, last_name="Karim", phones=[{"number": "020 7946 0001", "kind": "mobile"}]
    )
    phone = desk.all(Phone, customer_id=customer)[0]
    outcome = desk.edit(
        Customer, customer, last_name="Khan", phones=[{"number": "020 7946 0002", "kind": "mobile"}]
    )
    take_back(desk, outcome)
    found = desk.all(Phone, customer_id=customer)
    assert [(row.number, row.number_key) for row in found] == [(phone.number, phone.number_key)]
    assert desk.of(customer).last_name == "Karim"


def test_a_ledger_is_reversed_never_deleted(desk: Desk) -> None:
    customer = desk.customer(pay_on_account=True, credit_limit=100_000)
    outcomes = [
        desk.do(adjust, customer=customer, points=100, comment="Sorry"),
        desk.do(raise_invoice, customer=customer, amount=5_000),
        desk.do(pay, customer=customer, amount=2_000, method="cash"),
        desk.do(adjust_credit, customer=customer, amount=700, comment="Card"),
    ]
    for outcome in outcomes:
        take_back(desk, outcome)
    row = desk.of(customer)
    assert (row.points, row.account_balance, row.credit_balance) == (0, 0, 0)
    assert desk.entries(customer) == [("goodwill", 100), ("reversal", -100)]
    assert len(desk.all(AccountEntry, customer_id=customer)) == 4
    with desk.look() as session:
        assert [sentence for sentence in verify(session) if f"ustomer {customer}:" in sentence] == []


def test_points_spent_since_cannot_be_taken_back_and_the_reason_says_so(desk: Desk) -> None:
    customer = desk.customer()
    given = desk.do(adjust, customer=customer, points=100, comment="Sorry")
    desk.do(adjust, customer=customer, points=-30, comment="Tasting")
    with pytest.raises(Refused, match="30 of these 100 points"):
        take_back(desk, given)
    assert desk.of(customer).points == 70


def test_a_reversal_is_not_undone(desk: Desk) -> None:
    customer = desk.customer()
    desk.do(adjust, customer=customer, points=100, comment="Sorry")
    entry = desk.all(LoyaltyEntry, customer_id=customer)[0]
    back = desk.do(reverse, entry.id, reason="Mistake")
    with pytest.raises(Refused, match="reversal"):
        take_back(desk, back)


def test_once_and_again_only_when_the_undo_was_undone(desk: Desk) -> None:
    customer = desk.create(Customer, last_name="Karim")
    outcome = desk.edit(Customer, customer, last_name="Khan")
    back = take_back(desk, outcome)
    with pytest.raises(Refused) as refused:
        take_back(desk, outcome)
    assert refused.value.code == "already_undone"
    take_back(desk, back)
    take_back(desk, outcome)
    assert desk.of(customer).last_name == "Karim"


def test_the_shop_says_for_how_long(desk: Desk) -> None:
    customer = desk.create(Customer, last_name="Karim")
    outcome = desk.edit(Customer, customer, last_name="Khan")
    desk.later(days=31)
    with pytest.raises(Refused, match="30 days") as refused:
        take_back(desk, outcome)
    assert refused.value.code == "too_old"
    kept = desk.do(save, values={"undo_days": None})
    take_back(desk, outcome)
    assert desk.of(customer).last_name == "Karim"
    take_back(desk, kept)
    with desk.look() as session:
        assert load_shop(session).undo_days == 30


def test_an_action_on_many_rows_is_undone_as_one(desk: Desk) -> None:
    customer = desk.customer()
    notes = [
        desk.create(Note, customer_id=customer, kind="task", body=f"Call {n}", due_on=dt.date(2026, 12, 1))
        for n in range(3)
    ]
    outcome = perform(desk.engine, done, Call(desk.actor, desk.now), notes)
    assert all(desk.get(Note, note).done_at for note in notes)
    take_back(desk, outcome)
    assert not any(desk.get(Note, note).done_at for note in notes)


def test_an_erased_customer_and_their_old_values_stay_gone(desk: Desk) -> None:
    customer = desk.create(Customer, last_name="Karim")
    outcome = desk.edit(Customer, customer, last_name="Khan")
    with desk.changeset() as ctx:
        ctx.lock_one(Customer, customer).anonymised_at = desk.now
    with pytest.raises(Refused, match="erased"):
        take_back(desk, outcome)
    assert desk.of(customer).last_name == "Khan"
