"""Counting what a change would do to many rows: to the row and the sentence, what the run does then (rule 10.10)."""

import re
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

import actions.registry  # noqa: F401  declares the actions
from actions.core import bulk_counts, outcome_groups
from actions.core.base import ACTIONS, Invalid
from actions.core.bulk_counts import BulkOutcome
from actions.execution.records import fields_action
from actions.runs import runs
from models.address import Address
from models.base import metadata
from models.customer import Customer
from models.dialect import WRITE
from models.note import Note
from models.run import ItemState, RunItem
from tests import factories
from tests.actions.crowds import CROWDS, WHY, people, termed
from tests.actions.desk import Desk
from tests.databases import recorded_statements
from tests.scale import sampled

CHANGE, SAME = "would change", "already have this value"
GENERATED = [fields_action(model) for model in (Customer, Address, Note)]
every_crowd = pytest.mark.parametrize("code", sorted(CROWDS))


def arrange(desk: Desk, make: Any) -> tuple[list[int], dict[str, Any]]:
    """The ids of a crowd that is really there, and the parameters."""
    with Session(desk.engine.execution_options(**{WRITE: True})) as session, session.begin():
        crowd, values = make(session)
        return [row.id for row in crowd], values


def chosen(code: str, ids: list[int]) -> Any:
    """The statement for a crowd."""
    model: Any = ACTIONS[code].model
    return select(model.id).where(model.id.in_(ids))


def count(desk: Desk, code: str, ids: list[int], values: dict[str, Any]) -> BulkOutcome:
    """What the bulk counts says."""
    with desk.look() as session:
        return bulk_counts.count(session, ACTIONS[code], chosen(code, ids), values)


def said(tally: BulkOutcome) -> Counter[str]:
    """A tally as sentence -> how many."""
    found = Counter({CHANGE: tally.change, SAME: tally.same})
    for size, why in tally.refused:
        found[str(why)] += size
    return +found


def judged(desk: Desk, code: str, ids: list[int], values: dict[str, Any]) -> dict[int, str]:
    """What each row is counted as."""
    declared: Any = ACTIONS[code].bulk_counts
    with desk.look() as session:
        groups = declared(values)
        names = [SAME if group.why is None else str(group.why) for group in groups] + [CHANGE]
        wanted = bulk_counts.verdicts(ACTIONS[code], groups, chosen(code, ids))
        return {row.id: names[row.place] for row in session.execute(wanted)}


def work(desk: Desk, code: str, ids: list[int], values: dict[str, Any]) -> dict[int, str]:
    """What became of each row in the run; one a transaction, so that it shows who wrote something."""
    desk.allow(ACTIONS[code])
    run = runs.start(desk.engine, code, desk.call(), chosen(code, ids), values)
    while runs.process_next_run(desk.engine, lambda: desk.now, "one"):
        pass
    items = desk.all(RunItem, run_id=run)
    assert {item.state for item in items} <= {ItemState.DONE, ItemState.REFUSED}
    return {item.row_id: became(item) for item in items}


def became(item: RunItem) -> str:
    """What a run made of a row, in the words of a tally."""
    if item.state == ItemState.REFUSED:
        return str(item.message)
    return CHANGE if item.changeset_id else SAME


def is_said(message: str, counted: str) -> bool:
    """Whether a run's message is the counted sentence, whatever its figures."""
    return bool(re.fullmatch(re.escape(counted).replace(outcome_groups.VARIES, ".+"), message))


def compare(desk: Desk, code: str, make: Any) -> BulkOutcome:
    """Count, then do it, and hold one to the other."""
    ids, values = arrange(desk, make)
    tally = count(desk, code, ids, values)
    foreseen = judged(desk, code, ids, values)
    assert said(tally) == Counter(foreseen.values())
    done = work(desk, code, ids, values)
    assert foreseen.keys() == done.keys() == set(ids)
    assert {i: (foreseen[i], done[i]) for i in ids if not is_said(done[i], foreseen[i])} == {}, values
    return tally


@pytest.mark.soak
@every_crowd
def test_it_counts_what_the_run_then_does(desk: Desk, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a soak every other action has its first crowd alone."""
    monkeypatch.setattr(runs, "CHUNK", 1)
    crowds = CROWDS[code] if sampled(code, 2) else CROWDS[code][:1]
    met: Counter[str] = Counter()
    for make in crowds:
        met += said(compare(desk, code, make))
    assert met[CHANGE], "none of the crowd would change"
    if crowds == CROWDS[code]:
        assert groups_of(desk, code) <= set(met), "a group nobody is in"


def groups_of(desk: Desk, code: str) -> set[str]:
    """What the rows of all crowds of an action may be counted as, besides what would change."""
    parameters = [arrange(desk, make)[1] for make in CROWDS[code]]
    declared: Any = ACTIONS[code].bulk_counts
    groups = [group for values in parameters for group in declared(values)]
    return {str(group.why) if group.why is not None else SAME for group in groups}


@every_crowd
def test_it_is_one_statement_and_writes_nothing(desk: Desk, code: str) -> None:
    ids, values = arrange(desk, CROWDS[code][0])
    everything = union_all(*(select(func.count()).select_from(table) for table in metadata.sorted_tables))
    with desk.look() as session:
        before = session.scalars(everything).all()
        with recorded_statements() as seen:
            bulk_counts.count(session, ACTIONS[code], chosen(code, ids), values)
        assert len(seen) == 1
        assert seen[0].startswith("SELECT")
        assert "FOR UPDATE" not in seen[0]
        assert session.scalars(everything).all() == before


@pytest.mark.parametrize(
    ("code", "values", "field"),
    [
        ("customer.deactivate", {"reason": "  "}, "reason"),
        ("customer.reject", {"reason": " x "}, "reason"),
        ("loyalty_entry.reverse", {"reason": None}, "reason"),
        ("customer.edit_fields", {"values": {"credit_limit": -1}}, "credit_limit"),
        ("customer.edit_fields", {"values": {"global_discount": None}}, "global_discount"),
        ("customer.add_note", {"kind": "note", "body": "Ring", "due_on": factories.TODAY}, "due_on"),
    ],
)
def test_parameters_that_no_row_takes_are_bad_input(
    desk: Desk, code: str, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as invalid:
        count(desk, code, [], values)
    assert set(invalid.value.errors) == {field}


def test_the_terms_of_a_form_are_refused_as_the_action_refuses_them(desk: Desk) -> None:
    ids, values = arrange(desk, termed)
    with pytest.raises(Invalid) as invalid:
        count(desk, "customer.set_terms", ids, {**values, "credit_limit": -1})
    with pytest.raises(Invalid) as refused:
        desk.do(ACTIONS["customer.set_terms"], ids[0], **{**values, "credit_limit": -1})
    assert invalid.value.errors == refused.value.errors


def test_nobody_is_counted_twice_and_nobody_beside_the_selection(desk: Desk) -> None:
    ids, _values = arrange(desk, lambda session: (people(session), {}))
    tally = count(desk, "customer.verify", ids[:5], {})
    assert tally.total == 5
    assert count(desk, "customer.verify", [], {}) == BulkOutcome(0, 0, ())


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_who_has_an_email_is_looked_up_and_not_searched_for_among_all(desk: Desk) -> None:
    with desk.look() as session, recorded_statements() as seen:
        bulk_counts.count(session, ACTIONS["customer.approve"], select(Customer.id), {})
        plan = session.connection().exec_driver_sql(
            f"EXPLAIN QUERY PLAN {seen[-1]}", (0,) * seen[-1].count("?")
        )
        assert any("uq_customer_email (email_key=?)" in str(step) for step in plan)


def test_credit_that_suffices_for_each_but_not_for_all_shows_in_the_run(desk: Desk) -> None:
    customer = desk.customer(credit_balance=2_500)
    ids = [desk.make(factories.make_credit_entry, customer_id=customer) for _n in range(2)]
    assert count(desk, "credit_entry.reverse", ids, WHY) == BulkOutcome(2, 0, ())
    done = work(desk, "credit_entry.reverse", ids, WHY)
    assert done[ids[0]] == CHANGE
    assert "Not enough credit" in done[ids[1]]
