"""Ledgers without a database: entries in a list, and what hangs together with what. The machines are held against them."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from actions.core.base import Action, Invalid, Outcome, Refused
from actions.ledgers.balances import balances_after
from actions.undo.undo import undo
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import put_together, trouble
from tests.scale import FULL, scaled

MODEST = settings(
    max_examples=scaled(400, least=6),
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
STARTS = [
    factories.NOW,
    dt.datetime(2026, 10, 23, 20, tzinfo=dt.UTC),  # the clocks go back in the night to the 25th
    dt.datetime(2027, 3, 26, 22, tzinfo=dt.UTC),  # and forward in that to the 28th
]


UNDO_FOR, UNMERGE_FOR = dt.timedelta(days=30), dt.timedelta(days=90)
"""The shop's settings."""


@dataclass(eq=False)
class Entry:
    """One movement. ``beside`` are the entries that it is bound up with: what it took from, and what it reverses."""

    owner: int
    amount: int
    row: int | None = None
    """What takes it back is told this id; None for what nothing takes back."""
    changeset: int | None = None
    reverses: "Entry | None" = None
    beside: list["Entry"] = field(default_factory=list)
    kind: str = ""
    order: str = ""
    at: dt.datetime = factories.NOW
    reversed: bool = False
    undone: bool = False


def of_one_order(moved: set[Entry], entries: list[Entry], since: int) -> list[tuple[Entry, Entry]]:
    """Return what was given back or taken back of an order, with all that the order moved and that went over.

    :param since: how many entries there were when it went over.
    """
    corrections = {e for n, e in enumerate(entries) if e.kind == "corrected" and (e in moved or n >= since)}
    return [
        (one, other)
        for one in corrections
        for other in moved
        if one is not other and one.order == other.order
    ]


def closure(
    begin: set[Entry], entries: Iterable[Entry], pairs: Iterable[tuple[Entry, Entry]] = ()
) -> set[Entry]:
    """Return what hangs together, by whatever chain, with some entries, themselves among it."""
    neighbours: dict[Entry, set[Entry]] = {}
    for one, other in [*((entry, other) for entry in entries for other in entry.beside), *pairs]:
        neighbours.setdefault(one, set()).add(other)
        neighbours.setdefault(other, set()).add(one)
    reached, waiting = set(), list(begin)
    while waiting:
        entry = waiting.pop()
        if entry not in reached:
            reached.add(entry)
            waiting += neighbours.get(entry, ())
    return reached


class Pair(RuleBasedStateMachine):
    """Two records of one person, one of which may be merged into the other for a while, and a clock that goes forward."""

    desk: Desk
    ledger: Any
    figure = "amount"
    cache: str
    given: dict[str, Any] = {}

    def __init__(self) -> None:
        super().__init__()
        self.desk.now = factories.NOW
        self.people = [self.desk.customer(**self.given) for _n in range(2)]
        self.entries: list[Entry] = []
        self.sent: list[tuple[Action, str, int | None, dict[str, Any], Outcome]] = []
        self.merged: tuple[int, int, set[Entry], int | None, dt.datetime] | None = None
        """Survivor, tombstone, what went over, in which change and when."""
        self.before_merge = 0
        """How many entries there were by then."""

    # -- what each ledger says for itself

    def why_not(self, entry: Entry) -> str:
        """The code with which taking an entry back is refused; empty where it is not."""
        raise NotImplementedError

    def take_back(self, entry: Entry, row: int | None, changeset: int | None) -> None:
        """Write the reversal of an entry into the model."""
        entry.reversed = True
        self.note(Entry(entry.owner, -entry.amount, row, changeset, entry, [entry], "reversal"))

    def reverser(self, entry: Entry) -> Action:
        """The action that takes an entry back."""
        raise NotImplementedError

    def parted(self, moved: set[Entry]) -> tuple[set[Entry], set[Entry]]:
        """Return what goes home when the merge is undone, and what stays that came or followed from what came."""
        pairs = self.pairs(moved)
        since = {entry for entry in self.entries[self.before_merge :] if self.follows(entry)}
        there = closure(moved, self.entries, pairs)
        held = closure(there - moved - since, self.entries, pairs)
        theirs = moved | (there & since)
        return theirs - held, theirs & held

    def pairs(self, moved: set[Entry]) -> list[tuple[Entry, Entry]]:
        """What hangs together by the order that it is about."""
        return of_one_order(moved, self.entries, self.before_merge)

    def follows(self, entry: Entry) -> bool:
        """Whether an entry only follows from another that it is bound up with."""
        return True

    def rest(self, kept: set[Entry], survivor: int, gone: int, changeset: int | None) -> bool:
        """Write into the model what is left of what stays; return whether some of it was spent."""
        assert not kept
        return False

    def an_action(self, customer: int) -> tuple[Action, dict[str, Any]]:
        """Something that is always permitted."""
        raise NotImplementedError

    def begin(self, data: st.DataObject) -> None:
        """Something to begin with."""

    # -- what all have in common

    def who(self, which: int) -> int:
        """One of the two who is alive."""
        return self.merged[0] if self.merged else self.people[which]

    def balance(self, owner: int) -> int:
        return sum(entry.amount for entry in self.entries if entry.owner == owner)

    def of_order(self, owner: int, order: str, *kinds: str) -> list[Entry]:
        """What an order moved by entries of some kinds, and what was corrected of it, that was not reversed."""
        return [
            entry
            for entry in self.entries
            if (entry.owner, entry.order) == (owner, order) and entry.kind in kinds and not entry.reversed
        ]

    def note(self, entry: Entry) -> None:
        """Write an entry into the model."""
        entry.at = self.desk.now
        self.entries.append(entry)

    def send(self, action: Action, target: int | None = None, **values: Any) -> Outcome:
        """Do something by a key, to be sent again one day."""
        key = f"machine-{factories.number()}"
        done = self.desk.do(action, target, key=key, **values)
        self.sent.append((action, key, target, values, done))
        return done

    def refused(self, code: str, action: Action, target: int | None = None, **values: Any) -> None:
        """See that something is refused with a code."""
        with pytest.raises(Refused) as refused:
            self.desk.do(action, target, **values)
        assert refused.value.code == code

    @initialize(start=st.sampled_from(STARTS), data=st.data())
    def it_begins(self, start: dt.datetime, data: st.DataObject) -> None:
        self.desk.now = start
        self.begin(data)

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        self.desk.later(hours=hours)

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), other=st.booleans())
    def sent_again(self, data: st.DataObject, other: bool) -> None:
        action, key, target, values, first = data.draw(st.sampled_from(self.sent))
        if other:
            text = "reason" if "reason" in values else "comment" if "comment" in values else "description"
            with pytest.raises(Invalid) as invalid:
                self.desk.do(action, target, key=key, **values | {text: "Something else"})
            assert set(invalid.value.errors) == {"key"}
            return
        again = self.desk.do(action, target, key=key, **values)
        assert (again.record_id, again.changeset_id) == (first.record_id, first.changeset_id)

    @precondition(lambda self: any(entry.row for entry in self.entries))
    @rule(data=st.data())
    def reversed(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from([entry for entry in self.entries if entry.row]))
        action = self.reverser(entry)
        if code := self.why_not(entry):
            self.refused(code, action, entry.row, reason="Mistake")
            return
        done = self.send(action, entry.row, reason="Mistake")
        row = done.record_id if done.record_id != entry.row else None  # a voided invoice answers with itself
        self.take_back(entry, row, done.changeset_id)

    @precondition(lambda self: any(entry.changeset for entry in self.entries))
    @rule(data=st.data())
    def undone(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from([entry for entry in self.entries if entry.changeset]))
        if code := self.why_not_undone(entry):
            self.refused(code, undo, entry.changeset)
            return
        done = self.desk.do(undo, entry.changeset)
        assert done.warnings == ()
        self.take_back(entry, None, done.changeset_id)
        entry.undone = True

    def why_not_undone(self, entry: Entry) -> str:
        if entry.at < self.desk.now - UNDO_FOR:
            return "too_old"
        return "already_undone" if entry.undone else "nothing_to_undo" if self.why_not(entry) else ""

    @precondition(lambda self: self.merged is None)
    @rule(which=st.integers(0, 1))
    def one_is_merged_into_the_other(self, which: int) -> None:
        survivor, gone = self.people[which], self.people[1 - which]
        changeset = put_together(self.desk, survivor, gone).changeset_id
        moved = {entry for entry in self.entries if entry.owner == gone}
        for entry in moved:
            entry.owner = survivor
        self.merged = survivor, gone, moved, changeset, self.desk.now
        self.before_merge = len(self.entries)

    @precondition(lambda self: self.merged is not None)
    @rule()
    def the_tombstone_takes_nothing(self) -> None:
        action, values = self.an_action(self.merged[1])
        self.refused("merged", action, **values)

    @precondition(lambda self: self.merged is not None)
    @rule()
    def the_merge_is_undone(self) -> None:
        assert self.merged is not None
        survivor, gone, moved, changeset, at = self.merged
        if at < self.desk.now - UNMERGE_FOR:
            self.refused("too_old", undo, changeset)
            return
        going, kept = self.parted(moved)
        done = self.desk.do(undo, changeset)
        for entry in going:
            entry.owner = gone
        assert bool(done.warnings) == self.rest(kept, survivor, gone, done.changeset_id)
        self.merged = None

    @invariant()
    def the_database_says_the_same(self) -> None:
        for person in self.people:
            rows = self.desk.all(self.ledger, customer_id=person)
            mine = [entry.amount for entry in self.entries if entry.owner == person]
            assert sorted(getattr(row, self.figure) for row in rows) == sorted(mine)
            assert getattr(self.desk.of(person), self.cache) == sum(mine)

    @invariant()
    def the_running_balance_is_the_prefix_sum(self) -> None:
        for person in self.people:
            mine = select(self.ledger).where(self.ledger.customer_id == person)
            total = 0
            with self.desk.look() as session:
                rows = session.scalars(mine.order_by(self.ledger.created_at, self.ledger.id)).all()
                after = balances_after(session, self.ledger, rows)
                for row in rows:
                    total += getattr(row, self.figure)
                    assert after[row.id] == total
                    if FULL or row is rows[-1]:
                        assert balances_after(session, self.ledger, [row]) == {row.id: total}

    def teardown(self) -> None:
        assert trouble(self.desk, *self.people) == []


def of(desk: Desk, machine: type[Pair]) -> type[Pair]:
    """Return a machine on a desk."""
    return type(f"{machine.__name__}Here", (machine,), {"desk": desk})
