"""Which records are flagged as duplicates, by what, and when (rules 7.5 to 7.9)."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from actions.core.base import Refused
from actions.duplicates import checking
from actions.duplicates.decisions import dismiss, household, reopen
from actions.undo.undo import undo
from models.address import Address
from models.customer import Customer
from models.duplicate import DuplicateCheck, DuplicateKey, DuplicatePair, PairDecision
from models.evidence import Evidence as E
from models.evidence import Scoring
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import put_together, take_back

BORN = dt.date(1965, 12, 6)


def person(desk: Desk, postcode: str = "", phone: str = "", **values: Any) -> int:
    """A customer, with an address and a phone where they are given."""
    with Session(desk.engine) as session, session.begin():
        named = {"first_name": "Otto", "last_name": "Ham", "email": None, **values}
        customer = factories.make_customer(session, **named)
        if postcode:
            factories.make_address(
                session, customer=customer, postcode=postcode, line1=f"{customer.id} Mill Lane"
            )
        if phone:
            factories.make_phone(session, customer=customer, number=phone)
        return int(customer.id)


def pairs(desk: Desk) -> dict[tuple[int, int], tuple[E, bool]]:
    """(lower, higher) -> what speaks for and against it, and whether they are likely the same."""
    checking.check_all(desk.engine, lambda: desk.now)
    with Session(desk.engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(DuplicateCheck)) == 0
        rows = session.scalars(sa.select(DuplicatePair)).all()
        assert all(row.score == Scoring().score(row.evidence) for row in rows)
        return {(row.lower_id, row.higher_id): (E(row.evidence), row.is_likely) for row in rows}


def change(desk: Desk, customer_id: int, **values: Any) -> None:
    """Change a record as any channel might, in the database."""
    with Session(desk.engine) as session, session.begin():
        customer = session.get_one(Customer, customer_id)
        for name, value in values.items():
            setattr(customer, name, value)


def test_an_equal_email_always_flags(desk: Desk) -> None:
    one = person(desk, email="Otto.Ham@example.com", status="guest")
    other = person(
        desk, first_name="Zoe", last_name="Quill", email="otto.ham@EXAMPLE.com", date_of_birth=BORN
    )
    assert pairs(desk) == {
        (one, other): (E.EMAIL | E.MAILBOX | E.FIRST_NAME_DIFFERS | E.SURNAME_DIFFERS, False)
    }


def test_surname_and_postcode_of_any_address_always_flag(desk: Desk) -> None:
    one, other = (
        person(desk, "LS2 9JT", last_name="Müller"),
        person(desk, "ls29jt", first_name="Zoe", last_name="MULLER"),
    )
    assert pairs(desk) == {(one, other): (E.SURNAME | E.POSTCODE | E.FIRST_NAME_DIFFERS, False)}
    with Session(desk.engine) as session, session.begin():
        factories.make_address(session, customer_id=other, postcode="YO1 7HH", is_primary=False)
    third = person(desk, "YO1 7HH", first_name="Ida", last_name="Muller")
    assert set(pairs(desk)) == {(one, other), (other, third)}


@pytest.mark.parametrize(
    ("one", "other", "likely"),
    [
        ({"phone": "0113 496 0123"}, {"phone": "+44 113 4960123", "first_name": "Oto"}, True),
        ({"date_of_birth": BORN, "first_name": "Otto"}, {"date_of_birth": BORN, "first_name": "Otto"}, True),
        ({"date_of_birth": BORN}, {"date_of_birth": BORN, "first_name": "Ham", "last_name": "Otto"}, True),
        ({"postcode": "LS2 9JT", "first_name": "Robert"}, {"postcode": "LS2 9JT", "first_name": "Bob"}, True),
        ({"phone": "0113 496 0123"}, {"phone": "0113 496 0123", "first_name": "Ida", "last_name": "Quill"}, None),
        ({"date_of_birth": BORN}, {"date_of_birth": BORN, "first_name": "Ida"}, None),
        ({"first_name": "Otto"}, {"first_name": "Otto"}, None),
        ({"last_name": "", "postcode": "LS2 9JT"}, {"last_name": "", "postcode": "LS2 9JT"}, None),
        ({"email": ""}, {"email": ""}, None),
        ({"email": "info@example.com"}, {"email": "info@example.org", "first_name": "Ida"}, None),
    ],
)  # fmt: skip
def test_what_else_flags_only_by_its_score(
    desk: Desk, one: dict[str, Any], other: dict[str, Any], likely: bool | None
) -> None:
    ids = person(desk, **one), person(desk, **other)
    assert {pair: found[1] for pair, found in pairs(desk).items()} == (
        {ids: likely} if likely is not None else {}
    )


def test_twins_and_father_and_son_are_not_likely_the_same(desk: Desk) -> None:
    home = {"postcode": "LS2 9JT", "phone": "0113 496 0123", "date_of_birth": BORN}
    twins = person(desk, first_name="Otto", **home), person(desk, first_name="Hugo", **home)
    home = {"postcode": "YO1 7HH", "phone": "0190 496 0123", "first_name": "Karl"}
    generations = tuple(
        person(desk, **home, date_of_birth=born) for born in (dt.date(1960, 2, 1), dt.date(1991, 3, 14))
    )
    with Session(desk.engine) as session, session.begin():
        session.execute(sa.update(Address).values(line1_key="3 mill lane"))
    found = pairs(desk)
    assert {pair: likely for pair, (_bits, likely) in found.items()} == {twins: False, generations: False}
    assert found[twins][0] & (E.TWINS | E.GENERATION | E.STREET | E.PHONE) == E.TWINS | E.STREET | E.PHONE
    assert found[generations][0] & (E.TWINS | E.GENERATION) == E.GENERATION


def test_a_wrong_digit_in_a_year_makes_no_parent(desk: Desk) -> None:
    home = {"postcode": "YO1 7HH", "first_name": "Karl"}
    for born in (dt.date(1961, 2, 1), dt.date(1991, 2, 1), dt.date(1948, 2, 1)):
        person(desk, **home, date_of_birth=born)
    assert {bits & E.GENERATION for bits, _likely in pairs(desk).values()} == {E(0)}


def test_people_of_one_age_who_share_a_name_are_no_generations(desk: Desk) -> None:
    home = {"postcode": "YO1 7HH", "first_name": "Karl"}
    for born in (dt.date(1961, 2, 1), dt.date(1974, 5, 23)):
        person(desk, **home, date_of_birth=born)
    assert [bits & E.GENERATION for bits, _likely in pairs(desk).values()] == [E(0)]


def test_twins_share_an_address(desk: Desk) -> None:
    for n, name in enumerate(("Otto", "Hugo")):
        person(desk, f"LS{n + 1} 9JT", "0113 496 0123", first_name=name, date_of_birth=BORN)
    assert [bits & E.TWINS for bits, _likely in pairs(desk).values()] in ([], [E(0)])


def test_an_equal_postcode_counts_though_another_address_is_nearer(desk: Desk) -> None:
    one, other = person(desk, "LS2 9JT"), person(desk, "LS2 9JT", first_name="Zoe")
    for customer, postcode in ((one, "YO1 7HH"), (other, "YO1 7HJ")):
        with Session(desk.engine) as session, session.begin():
            factories.make_address(
                session,
                customer_id=customer,
                postcode=postcode,
                line1="3 Mill Lane",
                town="York",
                is_primary=False,
            )
    assert list(pairs(desk)) == [(one, other)], "whatever address of each it is"


def test_pairs_follow_every_change(desk: Desk) -> None:
    one, other = person(desk, "LS2 9JT"), person(desk, "LS2 9JT")
    assert len(pairs(desk)) == 1
    change(desk, other, last_name="Quill", first_name="Zoe")
    assert pairs(desk) == {}
    change(desk, other, last_name="Ham")
    assert set(pairs(desk)) == {(one, other)}
    with Session(desk.engine) as session, session.begin():
        session.execute(
            sa.text("UPDATE address SET postcode_key = 'x' WHERE customer_id = :id"), {"id": other}
        )
    assert pairs(desk) == {}


def test_what_has_moved_to_another_record_is_looked_at_for_both(desk: Desk) -> None:
    one, other, third = person(desk, "LS2 9JT"), person(desk, first_name="Zoe"), person(desk, "LS2 9JT")
    assert set(pairs(desk)) == {(one, third)}
    for owner, found in ((other, (other, third)), (one, (one, third))):
        with Session(desk.engine) as session, session.begin():
            moved = sa.update(Address).where(Address.customer_id != third).values(customer_id=owner)
            session.execute(moved)
        assert set(pairs(desk)) == {found}


def test_another_town_is_looked_at_too(desk: Desk) -> None:
    person(desk, "LS2 9JT")
    pairs(desk)
    with Session(desk.engine) as session, session.begin():
        session.execute(sa.update(Address).values(town_key="otley"))
    with Session(desk.engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(DuplicateCheck)) == 1


def test_a_pair_that_stands_keeps_its_number(desk: Desk) -> None:
    one, _other = person(desk, "LS2 9JT"), person(desk, "LS2 9JT", first_name="Zoe")
    pairs(desk)
    with Session(desk.engine) as session:
        before = session.scalars(sa.select(DuplicatePair)).one()
    change(desk, one, first_name="Zoe")
    assert [likely for _bits, likely in pairs(desk).values()] == [True]
    with Session(desk.engine) as session:
        after = session.scalars(sa.select(DuplicatePair)).one()
    assert (after.id, after.found_at) == (before.id, before.found_at)
    assert after.score > before.score


def test_who_is_merged_or_erased_is_in_no_pair(desk: Desk) -> None:
    one, other = person(desk, "LS2 9JT"), person(desk, "LS2 9JT")
    third = person(desk, "LS2 9JT")
    assert len(pairs(desk)) == 3
    outcome = put_together(desk, one, other)
    assert set(pairs(desk)) == {(one, third)}
    take_back(desk, outcome)
    assert len(pairs(desk)) == 3
    change(desk, third, anonymised_at=desk.now)
    assert set(pairs(desk)) == {(one, other)}
    with Session(desk.engine) as session:
        assert session.scalars(sa.select(DuplicateKey).where(DuplicateKey.customer_id == third)).all() == []


def test_a_deleted_customer_leaves_nothing(desk: Desk) -> None:
    one, _other = person(desk), person(desk, email="otto@example.com")
    pairs(desk)
    with Session(desk.engine) as session, session.begin():
        session.execute(sa.delete(Customer).where(Customer.id == one))
    assert pairs(desk) == {}


# -- what people decide ---------------------------------------------------------------------------------------------


def only_pair(desk: Desk) -> int:
    """The number of the only pair."""
    pairs(desk)
    with Session(desk.engine) as session:
        return session.scalars(sa.select(DuplicatePair.id)).one()


def open_pairs(desk: Desk) -> list[tuple[int, int]]:
    """What the list of duplicates shows."""
    pairs(desk)
    with Session(desk.engine) as session:
        wanted = sa.select(DuplicatePair.lower_id, DuplicatePair.higher_id).where(DuplicatePair.is_open)
        return [(row[0], row[1]) for row in session.execute(wanted)]


@pytest.mark.parametrize("decide", [dismiss, household])
def test_what_was_decided_stays_until_somebody_reopens_it(desk: Desk, decide: Any) -> None:
    one, other = person(desk, "LS2 9JT"), person(desk, "LS2 9JT")
    desk.do(decide, only_pair(desk), reason="Twins")
    assert open_pairs(desk) == []
    change(desk, one, date_of_birth=BORN)
    change(desk, other, date_of_birth=BORN)
    checking.check_all(desk.engine, lambda: desk.now)
    assert open_pairs(desk) == []
    with Session(desk.engine) as session:
        decision = session.scalars(sa.select(PairDecision)).one()
    assert (decision.lower_id, decision.higher_id, decision.reason) == (one, other, "Twins")
    desk.do(reopen, decision.id)
    assert open_pairs(desk) == [(one, other)]
    desk.do(decide, only_pair(desk))
    assert open_pairs(desk) == []


def test_a_decision_is_undone(desk: Desk) -> None:
    person(desk, "LS2 9JT"), person(desk, "LS2 9JT")
    outcome = desk.do(dismiss, only_pair(desk))
    assert open_pairs(desk) == []
    desk.do(undo, outcome.changeset_id)
    assert len(open_pairs(desk)) == 1


def test_two_people_do_not_decide_the_same_twice(desk: Desk) -> None:
    person(desk, "LS2 9JT"), person(desk, "LS2 9JT")
    pair = only_pair(desk)
    desk.do(dismiss, pair)
    with pytest.raises(Refused, match="already decided"):
        desk.do(household, pair)


def test_a_decision_follows_the_survivor_and_comes_back(desk: Desk) -> None:
    keeps, goes, third = (person(desk, "LS2 9JT") for _n in range(3))
    pairs(desk)
    with Session(desk.engine) as session:
        pair = session.scalars(sa.select(DuplicatePair.id).where(DuplicatePair.lower_id == goes)).one()
    desk.do(dismiss, pair)
    outcome = put_together(desk, keeps, goes)
    assert decided(desk) == [(keeps, third)]
    assert open_pairs(desk) == []
    take_back(desk, outcome)
    assert decided(desk) == [(goes, third)]
    assert sorted(open_pairs(desk)) == [(keeps, goes), (keeps, third)]


def decided(desk: Desk) -> list[tuple[int, int]]:
    """What stands."""
    with Session(desk.engine) as session:
        return [(row.lower_id, row.higher_id) for row in session.scalars(sa.select(PairDecision))]


@pytest.mark.both_databases
def test_many_who_look_at_once_find_each_pair_once(desk: Desk) -> None:
    people = [person(desk, "LS2 9JT", first_name=name) for name in ("Otto", "Hugo", "Ida")]
    with Session(desk.engine) as session, session.begin():
        for _n in range(4):
            session.execute(sa.insert(DuplicateCheck), [{"customer_id": one} for one in people])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _n: checking.check_all(desk.engine, lambda: desk.now), range(4)))
    assert len(pairs(desk)) == 3


def test_of_two_decisions_the_survivors_own_stays(desk: Desk) -> None:
    keeps, goes, third = (person(desk, "LS2 9JT") for _n in range(3))
    pairs(desk)
    with Session(desk.engine) as session:
        numbers = session.execute(
            sa.select(DuplicatePair.lower_id, DuplicatePair.id).where(DuplicatePair.higher_id == third)
        )
        by_lower = {row[0]: row[1] for row in numbers}
    desk.do(dismiss, by_lower[goes], reason="the other's")
    desk.do(household, by_lower[keeps], reason="its own")
    outcome = put_together(desk, keeps, goes)
    with Session(desk.engine) as session:
        assert [row.reason for row in session.scalars(sa.select(PairDecision))] == ["its own"]
    take_back(desk, outcome)
    assert sorted(decided(desk)) == [(keeps, third), (goes, third)]
