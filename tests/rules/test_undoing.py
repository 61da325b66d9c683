"""Whatever staff do, undone in reverse order, leaves every row as it was; in any order, newer values stay (rule 9.3)."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select

from actions.core.base import Invalid, Outcome, Refused
from actions.core.journal import journalled_columns, plain
from actions.customers import addresses, customers, notes
from actions.ledgers.loyalty import adjust
from actions.maintenance.verify import verify
from actions.undo.undo import undo
from models.address import Address
from models.customer import Customer
from models.note import Note
from models.phone import Phone
from tests import factories, scale
from tests.actions.desk import Desk

TABLES: tuple[Any, ...] = (Customer, Phone, Address, Note)
LEFT_OUT = {"version", "created_at", "updated_at"}
Picture = dict[tuple[str, int], dict[str, Any]]
Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["name", "terms", "class_", "verify", "off", "on_", "phones", "note", "done", "reword", "drop", "address",
             "primary", "move", "leave", "points"]
        ),
        st.integers(0, 3),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip


class Staff:
    """Somebody at work on two customers, whose every change is kept to be undone."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.people = [desk.create(Customer, last_name=f"Person {n}") for n in range(2)]
        self.classes = [desk.make(factories.make_customer_class) for _n in range(2)]

    def rows(self, model: Any) -> list[int]:
        """Ids of the rows of both customers."""
        column = model.id if model is Customer else model.customer_id
        with self.desk.look() as session:
            return list(session.scalars(select(model.id).where(column.in_(self.people)).order_by(model.id)))

    def picture(self) -> Picture:
        """Every journalled value of every row, save versions and timestamps."""
        found: Picture = {}
        with self.desk.look() as session:
            for model in TABLES:
                wanted = select(model).where(inspect(model).primary_key[0].in_(self.rows(model)))
                for row in session.scalars(wanted).unique():
                    names = set(journalled_columns(row)) - LEFT_OUT
                    found[row.__tablename__, row.id] = {n: plain(getattr(row, n)) for n in names}
        return found

    def do(self, step: Step) -> Outcome | None:
        """Do something; None where the rules say no or nothing changed."""
        what, which, value = step
        try:
            outcome = getattr(self, what)(which, value)
        except (Refused, Invalid):
            return None
        return outcome if outcome is not None and outcome.changeset_id is not None else None

    def person(self, which: int) -> int:
        return self.people[which % 2]

    def on(self, model: Any, which: int, run: Callable[[int], Outcome]) -> Outcome | None:
        rows = self.rows(model)
        return run(rows[which % len(rows)]) if rows else None

    def name(self, which: int, value: int) -> Outcome:
        changes = ({"title": "Dr"}, {"first_name": f"N{value}"}, {"last_name": f"L{value}"}, {"email": None},
                   {"date_of_birth": dt.date(1980, 1, value + 1)}, {"global_discount": Decimal(value)})  # fmt: skip
        return self.desk.edit(Customer, self.person(which), **changes[value])

    def terms(self, which: int, value: int) -> Outcome:
        channel = self.desk.of(self.person(which)).sales_channel_id
        given = {"sales_channel": channel, "credit_limit": 100 * value, "free_delivery": value % 2 == 0}
        return self.desk.do(customers.set_terms, self.person(which), **given)

    def class_(self, which: int, value: int) -> Outcome:
        return self.desk.do(
            customers.change_class, self.person(which), customer_class=self.classes[value % 2]
        )

    def verify(self, which: int, value: int) -> Outcome:
        return self.desk.do(customers.verify, self.person(which))

    def off(self, which: int, value: int) -> Outcome:
        return self.desk.do(customers.deactivate, self.person(which), reason="Moved away")

    def on_(self, which: int, value: int) -> Outcome:
        return self.desk.do(customers.activate, self.person(which))

    def phones(self, which: int, value: int) -> Outcome:
        rows = [{"number": f"020 7946 00{value}{n}", "kind": "mobile"} for n in range(value % 3)]
        return self.desk.edit(Customer, self.person(which), phones=rows)

    def note(self, which: int, value: int) -> Outcome:
        kind = ("note", "task", "watch")[value % 3]
        due = dt.date(2026, 12, 1) if kind == "task" else None
        return self.desk.do(notes.add_note, self.person(which), kind=kind, body=f"Text {value}", due_on=due)

    def done(self, which: int, value: int) -> Outcome | None:
        return self.on(Note, which, lambda row: self.desk.do(notes.done, row))

    def reword(self, which: int, value: int) -> Outcome | None:
        return self.on(Note, which, lambda row: self.desk.edit(Note, row, body=f"Other {value}"))

    def drop(self, which: int, value: int) -> Outcome | None:
        return self.on(Note, which, lambda row: self.desk.delete(Note, row))

    def address(self, which: int, value: int) -> Outcome:
        return self.desk.do_create(
            Address, customer_id=self.person(which), line1=f"{value} Mill Lane", country="GB", postcode="LS1 1AA",
            is_primary=value % 2 == 0,
        )  # fmt: skip

    def primary(self, which: int, value: int) -> Outcome | None:
        return self.on(Address, which, lambda row: self.desk.do(addresses.make_primary, row))

    def move(self, which: int, value: int) -> Outcome | None:
        return self.on(Address, which, lambda row: self.desk.edit(Address, row, town=f"Town {value}"))

    def leave(self, which: int, value: int) -> Outcome | None:
        return self.on(Address, which, lambda row: self.desk.delete(Address, row))

    def points(self, which: int, value: int) -> Outcome:
        return self.desk.do(adjust, customer=self.person(which), points=10 * value - 20, comment="Because")


def attempt(desk: Desk, outcome: Outcome) -> Refused | None:
    """Undo a change; return why not."""
    try:
        desk.do(undo, outcome.changeset_id)
    except Refused as refused:
        return refused
    return None


by_plan = settings(
    max_examples=scale.scaled(600, 8),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.either_database
@pytest.mark.soak
@by_plan
@given(steps=STEPS)
def test_undone_in_reverse_order_every_row_is_as_it_was(desk: Desk, steps: list[Step]) -> None:
    staff = Staff(desk)
    done: list[tuple[Picture, Outcome]] = []
    for step in steps:
        before = staff.picture()
        if (outcome := staff.do(step)) is not None:
            done.append((before, outcome))
    for before, outcome in reversed(done):
        back = desk.do(undo, outcome.changeset_id)
        assert back.warnings == ()
        assert staff.picture() == before
    mine = [f"ustomer {person}:" for person in staff.people]
    with desk.look() as session:
        assert [s for s in verify(session) if any(m in s for m in mine)] == []


@pytest.mark.either_database
@pytest.mark.soak
@by_plan
@given(steps=STEPS, order=st.randoms(use_true_random=False))
def test_undone_in_any_order_newer_values_stay_and_are_listed(
    desk: Desk, steps: list[Step], order: Any
) -> None:
    staff = Staff(desk)
    done = [outcome for step in steps if (outcome := staff.do(step)) is not None]
    order.shuffle(done)
    for outcome in done:
        before = staff.picture()
        changes = {(c.table_name, c.row_id): c for c in desk.changes(outcome.changeset_id)}
        refused = attempt(desk, outcome)
        if refused is not None:
            assert refused.code == "nothing_to_undo"
            assert staff.picture() == before
            continue
        for place, values in staff.picture().items():
            for name, value in values.items():
                was, change = before.get(place, {}).get(name), changes.get(place)
                if value == was or (place[0] == "address" and name == "is_primary"):
                    continue  # one address stays primary, whatever goes back
                assert change is not None, (place, name)
                assert place not in before or change.after is None or (change.after or {}).get(name) == was
    with desk.look() as session:
        found = [s for s in verify(session) if any(f"ustomer {p}:" in s for p in staff.people)]
        assert found == []


@pytest.mark.parametrize("model", TABLES)
def test_what_the_journal_keeps_is_enough_to_bring_a_row_back(model: Any) -> None:
    needed = {
        c.key for c in inspect(model).columns
        if not c.nullable and c.default is None and c.server_default is None and not c.key.endswith("_key")
    } - LEFT_OUT  # fmt: skip
    assert needed <= {*journalled_columns(model()), "id"}
