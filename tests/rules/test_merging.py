"""Merging whatever there is: sums hold, nothing is lost, and an undo gives every row back (rule 3)."""

from contextlib import suppress
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from actions.core.base import Outcome, Refused
from actions.customers.reassignment import moved_columns
from actions.execution.runner import dry_run
from actions.ledgers.accounts import pay, raise_invoice, void_invoice
from actions.ledgers.credit import adjust as adjust_credit
from actions.ledgers.loyalty import adjust
from actions.ledgers.loyalty import reverse as reverse_points
from actions.merging.merge import merge
from actions.merging.unmerge import _undone, unmerge
from actions.undo.undo import undo
from models.address import Address
from models.attribute import AttributeValue
from models.base import Invalid
from models.customer import Customer
from models.journal import Changeset
from models.loyalty import LoyaltyEntry, LoyaltyLot
from models.merge import Merge
from models.note import Note
from models.phone import Phone
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_choices import clashes
from tests.actions.merging.test_merge import everything, put_together, trouble
from tests.races import race
from tests.scale import scaled

NUMBERS = ("020 7946 0001", "020 7946 0002", "0113 496 0003")
LINES = ("1 Mill Lane", "2 Canal St")
ONE_OF = ("points", "spend", "invoice", "void", "pay", "credit", "use", "address", "phone", "watch", "note", "attribute", "order")  # fmt: skip
steps = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(ONE_OF), st.integers(1, 400)), min_size=3, max_size=14
)
modest = settings(
    max_examples=scaled(80, least=4),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


class People:
    """Three customers to whom this and that happens."""

    def __init__(self, desk: Desk) -> None:
        desk.now = factories.NOW
        self.desk = desk
        self.ids = [desk.customer(pay_on_account=True, email=email) for email in self._emails()]
        self.kinds = [desk.make(factories.make_attribute_definition) for _n in range(2)]

    @staticmethod
    def _emails() -> list[str | None]:
        return [None, f"two{factories.number()}@example.com", f"three{factories.number()}@example.com"]

    def happen(self, who: int, what: str, size: int) -> None:
        """Do one thing to one of them; what the rules refuse does not happen."""
        with suppress(Refused, Invalid):
            getattr(self, what)(self.ids[who], size)

    def points(self, customer: int, size: int) -> None:
        days = size % 4 * 10 or None
        self.desk.do(adjust, customer=customer, points=size, comment="Given", expires_after_days=days)

    def spend(self, customer: int, size: int) -> None:
        self.desk.do(adjust, customer=customer, points=-size, comment="Spent")

    def invoice(self, customer: int, size: int) -> None:
        self.desk.do(raise_invoice, customer=customer, amount=size)

    def void(self, customer: int, size: int) -> None:
        made = self.desk.do(raise_invoice, customer=customer, amount=size).record_id
        assert made is not None
        self.desk.do(void_invoice, made, reason="Mistake")

    def pay(self, customer: int, size: int) -> None:
        self.desk.do(pay, customer=customer, amount=size, method="cash")

    def credit(self, customer: int, size: int) -> None:
        self.desk.do(adjust_credit, customer=customer, amount=size, comment="Card")

    def use(self, customer: int, size: int) -> None:
        self.desk.do(adjust_credit, customer=customer, amount=-size, comment="Used")

    def address(self, customer: int, size: int) -> None:
        values = {
            "line1": LINES[size % 2],
            "country": "GB",
            "postcode": "LS1 1AA",
            "is_primary": size % 3 == 0,
        }
        self.desk.create(Address, customer_id=customer, **values)

    def phone(self, customer: int, size: int) -> None:
        self.desk.create(Phone, customer_id=customer, number=NUMBERS[size % 3], is_primary=size % 2 == 0)

    def watch(self, customer: int, size: int) -> None:
        self.desk.create(Note, customer_id=customer, kind="watch", body=f"Watch {size}")

    def note(self, customer: int, size: int) -> None:
        self.desk.create(Note, customer_id=customer, body=f"Note {size}")

    def attribute(self, customer: int, size: int) -> None:
        kind = self.kinds[size % 2]
        self.desk.create(AttributeValue, customer_id=customer, definition_id=kind, value=str(size))

    def order(self, customer: int, size: int) -> None:
        self.desk.make(factories.make_order, customer_id=customer, total=size)

    def sums(self, *customers: int) -> tuple[int, int, int]:
        rows = [self.desk.of(customer) for customer in customers]
        return (
            sum(row.points for row in rows),
            sum(row.account_balance for row in rows),
            sum(row.credit_balance for row in rows),
        )


@pytest.mark.either_database
@pytest.mark.soak
@modest
@given(before=steps, several=st.booleans(), chance=st.randoms(use_true_random=False))
def test_sums_hold_nothing_points_at_the_loser_and_an_undo_restores_every_row(
    desk: Desk, before: list[tuple[int, str, int]], several: bool, chance: Random
) -> None:
    people = People(desk)
    for step in before:
        people.happen(*step)
    one, two, three = people.ids
    others = (three, two) if several else (two,)
    rows, sums = everything(desk, *people.ids), people.sums(one, *others)
    differ = clashes(desk, one, *others).values()
    chosen = [f"{clash.field}:{chance.choice(sorted(clash.options))}" for clash in differ]
    done = put_together(desk, one, *others, take=chosen)
    assert people.sums(one) == sums
    with desk.look() as session:
        for column in moved_columns():
            assert session.scalars(select(column).where(column.in_(others))).all() == [], column
    changes = {(c.table_name, c.row_id) for c in desk.changes(done.changeset_id)}
    assert {p for p, row in rows.items() if row.get("customer_id") in others} <= changes
    assert trouble(desk, *people.ids) == []
    back = desk.do(undo, done.changeset_id)
    assert back.warnings == ()
    assert everything(desk, *people.ids) == rows
    assert trouble(desk, *people.ids) == []


@pytest.mark.either_database
@pytest.mark.soak
@modest
@given(before=steps, since=steps, decided=st.booleans(), chance=st.randoms(use_true_random=False))
def test_whatever_happens_in_between_no_figure_is_ever_wrong(
    desk: Desk,
    before: list[tuple[int, str, int]],
    since: list[tuple[int, str, int]],
    decided: bool,
    chance: Random,
) -> None:
    people = People(desk)
    for step in before:
        people.happen(*step)
    one, two, _three = people.ids
    done = put_together(desk, one, two)
    for _who, what, size in since:
        people.happen(0, what, size)
    for entry in desk.all(LoyaltyEntry, customer_id=one)[-2:]:
        with suppress(Refused):
            desk.do(reverse_points, entry.id, reason="Mistake")
    sums = people.sums(one)
    desk.do(undo, done.changeset_id)
    assert people.sums(one, two) == sums
    assert desk.of(two).is_live
    assert trouble(desk, one, two) == []
    for customer in (one, two):
        held = desk.all(Address, customer_id=customer)
        assert sum(row.is_primary for row in held) == bool(held)


def decide_by_chance(desk: Desk, done: Outcome, chance: Random) -> None:
    """Undo a merge, each row that is asked about to whomever."""
    merge_id = desk.all(Merge, changeset_id=done.changeset_id)[0].id
    looked = dry_run(desk.engine, unmerge, desk.call(), merge_id)
    assert looked.outcome is not None
    assert looked.outcome.sheet is not None
    clashes = looked.outcome.sheet.clashes
    desk.do(unmerge, merge_id, take=[f"{c.field}:{chance.choice(sorted(c.options))}" for c in clashes])


def unspent_of(desk: Desk, done: Outcome, survivor: int) -> int:
    """How many points are left of the lots that came with a merge."""
    came = {c.row_id for c in desk.changes(done.changeset_id) if c.table_name == "loyalty_lot"}
    return sum(lot.unspent for lot in desk.all(LoyaltyLot, customer_id=survivor) if lot.id in came)


@pytest.mark.either_database
@pytest.mark.soak
@modest
@given(before=steps, chance=st.randoms(use_true_random=False))
def test_merges_come_apart_in_whatever_order(
    desk: Desk, before: list[tuple[int, str, int]], chance: Random
) -> None:
    """Three records become one by two merges, which are undone in either order: each has what it had."""
    people = People(desk)
    for step in before:
        people.happen(*step)
    rows, ids = everything(desk, *people.ids), chance.sample(people.ids, 3)
    first = put_together(desk, *chance.sample(ids[:2], 2))
    live = [i for i in ids if desk.of(i).is_live]
    second = put_together(desk, *chance.sample(live, 2))
    for done in chance.sample([first, second], 2):
        assert desk.do(undo, done.changeset_id).warnings == ()
        assert trouble(desk, *people.ids) == []
    assert everything(desk, *people.ids) == rows


# -- races --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.soak
def test_of_actions_at_once_there_is_some_serial_order(desk: Desk) -> None:
    for _turn in range(scaled(200, least=3)):
        one, two, three = (desk.customer() for _n in range(3))
        for customer in (one, two, three):
            desk.do(adjust, customer=customer, points=100, comment="Given")
            desk.make(factories.make_note, customer_id=customer)
        ends = race(
            lambda: put_together(desk, one, two),
            lambda: put_together(desk, two, one),
            lambda: put_together(desk, one, three),
            lambda: desk.do(adjust, customer=one, points=-100, comment="Spent"),
            lambda: desk.do(adjust, customer=two, points=-30, comment="Spent"),
        )
        assert set(ends) <= {"done", "merged", "missing"}, ends
        assert ends[:2].count("done") == 1, ends
        everybody = {c: desk.of(c) for c in (one, two, three)}
        live = [row for row in everybody.values() if row.is_live]
        assert len(live) == 3 - sum(end == "done" for end in ends[:3]), "each merge has one tombstone"
        led = [row.merged_into_id for row in everybody.values() if not row.is_live]
        assert all(everybody[survivor or 0].is_live for survivor in led), (
            "no circle, and one hop to the survivor"
        )
        spent = 100 * (ends[3] == "done") + 30 * (ends[4] == "done")
        assert sum(row.points for row in live) == sum(row.points for row in everybody.values()) == 300 - spent
        assert sum(len(desk.all(Note, customer_id=row.id)) for row in live) == 3, "nothing is left behind"
        assert trouble(desk, one, two, three) == []


@pytest.mark.slow
@pytest.mark.soak
def test_nobody_gets_an_agent_who_is_merged_away_at_that_moment(desk: Desk) -> None:
    for _turn in range(scaled(20, least=3)):
        one, two = desk.make(factories.make_agent), desk.make(factories.make_agent)
        led, other = desk.customer(agent_id=two), desk.customer()

        def take_agent(customer: int = other, agent: int = two) -> None:
            try:
                desk.edit(Customer, customer, agent_id=agent)
            except Invalid:
                raise Refused("agent", "merged away") from None

        ends = race(
            lambda: put_together(desk, one, two),
            take_agent,
            lambda: desk.edit(Customer, led, title="Dr"),
        )
        assert (ends[0], ends[2]) == ("done", "done"), ends
        assert desk.of(led).agent_id == one
        assert desk.of(other).agent_id == (one if ends[1] == "done" else None)


@pytest.mark.slow
@pytest.mark.soak
def test_of_two_undos_one_wins_whatever_is_spent_meanwhile(desk: Desk) -> None:
    for _turn in range(scaled(20, least=3)):
        one, two = desk.customer(), desk.customer()
        desk.do(adjust, customer=two, points=100, comment="Given")
        changeset = put_together(desk, one, two).changeset_id
        assert changeset is not None
        ends = race(
            lambda: desk.do(undo, changeset),
            lambda: desk.do(undo, changeset),
            lambda: desk.do(adjust, customer=one, points=-40, comment="Spent"),
        )
        assert ends[:2].count("done") == 1, ends
        left = 100 - 40 * (ends[2] == "done")
        assert desk.of(one).points + desk.of(two).points == left
        assert trouble(desk, one, two) == []
        assert len(desk.all(Changeset, undoes_id=changeset)) == 1


def test_the_merge_names_its_own_way_back() -> None:
    from actions.undo.undo import UNDOERS

    assert UNDOERS[merge.code].take_back is _undone
