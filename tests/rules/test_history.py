"""What a record was at any moment, from the journal alone (rule 9.5): the same as what was seen at that moment."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from actions.core.base import Missing, Refused
from actions.core.journal import snapshot
from actions.customers.reassignment import BALANCES
from actions.ledgers.credit import adjust as adjust_credit
from actions.ledgers.loyalty import adjust
from actions.undo import history
from actions.undo.history import Past, as_it_was, related_models
from actions.undo.undo import undo
from models.address import Address
from models.base import Invalid
from models.customer import Customer
from models.journal import Change, Changeset
from models.note import Note
from models.phone import Phone
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import put_together
from tests.databases import recorded_statements
from tests.rules.test_undoing import STEPS, Staff, Step, by_plan

Seen = dict[tuple[str, int], dict[str, Any]]


def picture(desk: Desk, customer: int) -> tuple[Seen, dict[str, int]]:
    """A customer and every row of theirs as they are, and the balances of their ledgers."""
    found: Seen = {}
    with desk.look() as session:
        row = session.get_one(Customer, customer)
        found["customer", customer] = snapshot(row)
        for model in related_models():
            for own in session.scalars(select(model).filter_by(customer_id=customer)).unique():
                found[model.__tablename__, own.id] = snapshot(own)
        balances = {name: getattr(row, name) for name in BALANCES}
    return found, balances


def past(desk: Desk, customer: int, moment: dt.datetime) -> Past:
    with desk.look() as session:
        return as_it_was(session, Customer, customer, moment)


def told(found: Past) -> tuple[Seen, dict[str, int]]:
    """The same picture, out of the journal."""
    rows = [found, *(row for rows in found.related.values() for row in rows)]
    return {(row.model.__tablename__, row.id): row.values for row in rows}, found.balances


def without_stamps(seen: tuple[Seen, dict[str, int]]) -> tuple[Seen, dict[str, int]]:
    """Leave out when a row was last changed, which a set of rows moved by one statement does not journal."""
    rows, balances = seen
    return {p: {n: v for n, v in values.items() if n != "updated_at"} for p, values in rows.items()}, balances


class Clerk(Staff):
    """Somebody who also merges, takes changes back and gives credit, while the clock goes on."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.last: list[int] = []

    def undo(self, which: int, value: int) -> Any:
        return self.desk.do(undo, self.last.pop()) if self.last else None

    def merge(self, which: int, value: int) -> Any:
        return put_together(self.desk, self.person(which), self.person(which + 1))

    def credit(self, which: int, value: int) -> Any:
        return self.desk.do(
            adjust_credit, customer=self.person(which), amount=100 * value - 150, comment="Why"
        )

    def do(self, step: Step) -> Any:
        self.desk.later(seconds=step[1] * 40)
        done = super().do(step)
        if done is not None and step[0] != "undo":
            self.last.append(done.changeset_id)
        return done


MORE = st.lists(
    st.one_of(
        STEPS.flatmap(st.sampled_from),
        st.tuples(st.sampled_from(["undo", "merge", "credit", "points"]), st.integers(0, 3), st.integers(0, 5)),
    ),
    min_size=1,
    max_size=14,
)  # fmt: skip


@by_plan
@given(steps=MORE)
def test_a_customer_comes_out_of_the_journal_as_it_was_seen_at_every_moment(
    desk: Desk, steps: list[Step]
) -> None:
    clerk = Clerk(desk)
    seen: dict[dt.datetime, list[Any]] = {}
    for step in steps:
        clerk.do(step)
        seen[desk.now] = [picture(desk, person) for person in clerk.people]
    for moment, pictures in seen.items():
        for person, before in zip(clerk.people, pictures, strict=True):
            assert without_stamps(told(past(desk, person, moment))) == without_stamps(before), moment


@by_plan
@given(steps=STEPS)
def test_every_row_comes_out_as_it_was_seen_even_once_it_is_deleted(desk: Desk, steps: list[Step]) -> None:
    clerk = Clerk(desk)
    seen: dict[dt.datetime, Seen] = {}
    for step in steps:
        clerk.do(step)
        seen[desk.now] = {k: v for person in clerk.people for k, v in picture(desk, person)[0].items()}
        desk.later(seconds=1)
    models = {model.__tablename__: model for model in (Customer, *related_models())}
    places = {place for rows in seen.values() for place in rows}
    with desk.look() as session:
        for moment, rows in seen.items():
            for table, row_id in places:
                if (table, row_id) in rows:
                    assert as_it_was(session, models[table], row_id, moment).values == rows[table, row_id]
                else:
                    with pytest.raises(Invalid):
                        as_it_was(session, models[table], row_id, moment)


def test_a_deleted_row_is_told_apart_from_one_that_was_not_there_yet(desk: Desk) -> None:
    before = desk.now
    desk.later(hours=1)
    note = desk.create(Note, customer_id=desk.customer(), body="Call back")
    written = desk.now
    desk.later(hours=1)
    desk.delete(Note, note)
    with desk.look() as session:
        assert as_it_was(session, Note, note, written).values["body"] == "Call back"
        assert as_it_was(session, Note, note, written).now is None
        with pytest.raises(Invalid, match="had been deleted"):
            as_it_was(session, Note, note, desk.now)
        with pytest.raises(Invalid, match="did not exist at that time"):
            as_it_was(session, Note, note, before)
        with pytest.raises(Missing):
            as_it_was(session, Note, 10**9, desk.now)


def test_a_row_older_than_its_journal_says_since_when_it_is_known(desk: Desk) -> None:
    customer = desk.customer(last_name="Karim")
    start = desk.now
    assert past(desk, customer, start).known_from is None
    desk.later(days=3)
    first = desk.now
    desk.edit(Customer, customer, last_name="Khan")
    found = past(desk, customer, start)
    assert (found.values["last_name"], found.known_from, found.certain) == ("Karim", first, False)
    assert past(desk, customer, first).certain
    made = desk.create(Customer, last_name="New")
    assert past(desk, made, desk.now).known_from == desk.now


def test_a_row_written_down_before_the_day_it_says_it_began_is_there_from_then_on(desk: Desk) -> None:
    made, written = desk.create(Customer, last_name="New"), desk.now
    later = {"id": made, "at": "2999-01-01 00:00:00.000000+00:00"}
    with desk.engine.begin() as connection:
        connection.execute(text("UPDATE customer SET created_at = :at WHERE id = :id"), later)
    assert past(desk, made, written).values["last_name"] == "New"
    with pytest.raises(Invalid, match="did not exist at that time"):
        past(desk, made, written - dt.timedelta(seconds=1))


def test_after_a_merge_each_record_has_the_rows_and_balances_it_had_before(desk: Desk) -> None:
    survivor, other = (desk.customer(last_name=name) for name in ("Karim", "Khan"))
    for who, points in ((survivor, 100), (other, 40)):
        desk.do(adjust, customer=who, points=points, comment="Welcome")
    address = desk.make(factories.make_address, customer_id=other, is_primary=True)
    phone = desk.create(Phone, customer_id=other, number="020 7946 0001")
    before = desk.now
    desk.later(hours=1)
    merged = put_together(desk, survivor, other)
    desk.later(hours=1)
    then, there = past(desk, other, before), past(desk, survivor, before)
    assert [row.id for row in then.related["address"]] == [address]
    assert [row.id for row in then.related["phone"]] == [phone]
    assert (then.balances["points"], there.balances["points"]) == (40, 100)
    assert there.related["address"] == there.related["phone"] == []
    assert past(desk, survivor, desk.now).balances["points"] == 140
    assert past(desk, other, desk.now).balances["points"] == 0
    desk.do(undo, merged.changeset_id)
    assert past(desk, survivor, desk.now - dt.timedelta(minutes=1)).balances["points"] == 140
    assert past(desk, other, desk.now).balances["points"] == 40


def test_an_action_that_waited_for_a_later_one_counts_as_after_it(desk: Desk) -> None:
    customer = desk.create(Customer, last_name="First")
    start = desk.now
    desk.later(seconds=10)
    desk.edit(Customer, customer, last_name="Second")
    desk.now -= dt.timedelta(seconds=5)
    desk.edit(Customer, customer, last_name="Third")
    late = start + dt.timedelta(seconds=10)
    found = [past(desk, customer, m).values["last_name"] for m in (start, desk.now, late)]
    assert found == ["First", "First", "Third"]


def test_what_an_erasure_blanked_is_not_made_up(desk: Desk) -> None:
    customer = desk.create(Customer, last_name="Karim")
    start = desk.now
    desk.later(hours=1)
    desk.edit(Customer, customer, last_name="Khan")
    with desk.engine.begin() as connection:
        connection.execute(
            text("UPDATE customer SET anonymised_at = created_at WHERE id = :id"), {"id": customer}
        )
        blank = text("UPDATE change SET before = NULL, after = NULL WHERE customer_id = :id")
        connection.execute(blank, {"id": customer})
    with pytest.raises(Refused, match="erased"):
        past(desk, customer, start)
    assert past(desk, customer, desk.now).values["last_name"] == "Khan"


def test_an_import_of_many_customers_is_not_read_for_the_past_of_one(desk: Desk) -> None:
    mine, other = desk.customer(), desk.customer()
    phones = [desk.make(factories.make_phone, customer_id=other) for _n in range(3)]
    with desk.engine.begin() as connection:
        header = {"at": desk.now, "action": "demo.load", "actor_name": "x"}
        made = connection.execute(Changeset.__table__.insert(), header).inserted_primary_key[0]
        rows = [("customer", mine, mine), ("customer", other, other), *(("phone", p, other) for p in phones)]
        connection.execute(
            Change.__table__.insert(),
            [
                {"changeset_id": made, "table_name": t, "row_id": r, "customer_id": c, "after": {"id": r}}
                for t, r, c in rows
            ],
        )
    with desk.look() as session:
        assert history._known(session, mine) == {}
        assert history._known(session, other) == {"phone": set(phones)}


@pytest.mark.parametrize("changes", [3, 300])
def test_a_long_history_costs_no_more_statements(desk: Desk, changes: int) -> None:
    customer = desk.customer()
    address = desk.make(factories.make_address, customer_id=customer, town="Town 0")
    start = desk.now
    with desk.engine.begin() as connection:
        for n in range(changes):
            at = start + dt.timedelta(minutes=n + 1)
            header = {"at": at, "action": "address.edit", "actor_name": "x"}
            made = connection.execute(Changeset.__table__.insert(), header).inserted_primary_key[0]
            values = {
                "changeset_id": made,
                "table_name": "address",
                "row_id": address,
                "customer_id": customer,
            }
            values |= {"before": {"town": f"Town {n}"}, "after": {"town": f"Town {n + 1}"}}
            connection.execute(Change.__table__.insert(), values)
    with desk.look() as session, recorded_statements() as seen:
        found = as_it_was(session, Customer, customer, start + dt.timedelta(minutes=1, seconds=1))
    assert found.related["address"][0].values["town"] == "Town 1"
    assert len([s for s in seen if s.lstrip().startswith("SELECT")]) <= 4 + 3 + 2 * len(related_models())
    with desk.look() as session:
        assert as_it_was(session, Address, address, start).values["town"] == "Town 0"
