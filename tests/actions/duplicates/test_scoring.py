"""Points and threshold of duplicates as the shop sets them (rule 7.13)."""

import random
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from actions.core.base import Invalid
from actions.duplicates import checking, scoring
from actions.duplicates.decisions import dismiss
from actions.setup.settings import save
from actions.undo.undo import undo
from models import evidence
from models.duplicate import DuplicateCheck, DuplicatePair
from models.evidence import WEIGHTS, WORDS, Evidence, Scoring
from models.shop import SETTINGS, WEIGHT_SETTINGS, ShopSetting
from tests import factories
from tests.actions.desk import Desk
from tests.actions.duplicates.test_looking import pairs, person


def likely(desk: Desk) -> list[bool]:
    """Whether each pair there is is likely the same, without another look at anybody."""
    with Session(desk.engine) as session:
        return list(session.scalars(sa.select(DuplicatePair.is_likely).order_by(DuplicatePair.id)))


def to_check(desk: Desk) -> int:
    """How many wait to be looked at."""
    with Session(desk.engine) as session:
        return session.scalar(sa.select(sa.func.count()).select_from(DuplicateCheck)) or 0


def set_to(desk: Desk, **values: Any) -> int | None:
    """Save some settings."""
    return desk.do(save, values=values).changeset_id


def test_every_kind_of_evidence_is_a_setting_with_a_tested_default() -> None:
    assert set(WEIGHTS) == set(WORDS) == set(Evidence)
    for (kind, weight), (code, setting) in zip(WEIGHTS.items(), WEIGHT_SETTINGS.items(), strict=True):
        assert code == f"duplicate_weight_{str(kind.name).lower()}"
        assert SETTINGS[code].default == weight == setting.check("value", weight)
        assert setting.group
    assert Scoring() == Scoring(tuple(WEIGHTS.values()), evidence.THRESHOLD)


@pytest.mark.parametrize(
    ("code", "value", "said"),
    [
        ("duplicate_weight_email", 51, "from 0 to 50"),
        ("duplicate_weight_email", -1, "from 0 to 50"),
        ("duplicate_weight_birth_differs", 1, "from -50 to 0"),
        ("duplicate_weight_birth_differs", -51, "from -50 to 0"),
        ("duplicate_weight_phone", None, "or 0 to leave it out"),
        ("duplicate_weight_phone", 1.5, "whole number"),
        ("duplicate_threshold", 0, "from 1 to 60"),
    ],
)
def test_points_out_of_range_are_refused_by_name(desk: Desk, code: str, value: Any, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        set_to(desk, **{code: value})
    assert set(refused.value.errors) == {code}
    assert said in str(refused.value.errors[code])


@pytest.mark.both_databases
def test_another_threshold_holds_for_all_pairs_at_once_and_is_undone(desk: Desk) -> None:
    person(desk, "LS2 9JT"), person(desk, "LS2 9JT")
    assert [found[1] for found in pairs(desk).values()] == [True]
    changed = set_to(desk, duplicate_threshold=60)
    assert likely(desk) == [False]
    assert to_check(desk) == 0, "nothing new can have come"
    desk.do(undo, changed)
    assert likely(desk) == [True]
    with Session(desk.engine) as session:
        assert session.scalars(sa.select(ShopSetting)).all() == []


@pytest.mark.both_databases
def test_other_points_hold_for_all_pairs_at_once(desk: Desk) -> None:
    person(desk, "LS2 9JT"), person(desk, "LS2 9JT", first_name="Zoe")
    assert [found[1] for found in pairs(desk).values()] == [False]
    set_to(desk, duplicate_weight_surname=30)
    assert likely(desk) == [True]
    with Session(desk.engine) as session:
        row = session.scalars(sa.select(DuplicatePair)).one()
        assert row.score == Scoring().score(row.evidence) + 30 - WEIGHTS[Evidence.SURNAME]


def test_what_is_flagged_by_its_score_alone_goes_and_is_found_again(desk: Desk) -> None:
    same = {"phone": "0113 496 0123"}
    pair = person(desk, **same), person(desk, **same, first_name="Oto")
    assert set(pairs(desk)) == {pair}
    changed = set_to(desk, duplicate_weight_phone=0)
    assert likely(desk) == []
    assert to_check(desk) == 0
    desk.do(undo, changed)
    assert to_check(desk) == 2
    checking.check_all(desk.engine, lambda: desk.now)
    assert likely(desk) == [True]


def test_the_next_look_goes_by_the_settings(desk: Desk) -> None:
    set_to(desk, duplicate_threshold=60)
    person(desk, "LS2 9JT"), person(desk, "LS2 9JT")
    assert [found[1] for found in pairs(desk).values()] == [False]


def test_what_is_decided_stays_decided(desk: Desk) -> None:
    person(desk, "LS2 9JT"), person(desk, "LS2 9JT")
    pairs(desk)
    with Session(desk.engine) as session:
        pair = session.scalars(sa.select(DuplicatePair.id)).one()
    desk.do(dismiss, pair)
    set_to(desk, duplicate_threshold=60)
    set_to(desk, duplicate_threshold=1)
    with Session(desk.engine) as session:
        row = session.scalars(sa.select(DuplicatePair)).one()
    assert (row.id, row.is_likely, row.is_open) == (pair, True, False)


@pytest.mark.both_databases
def test_the_database_adds_up_as_the_program_does(desk: Desk) -> None:
    chance = random.Random(7)
    weights = tuple(chance.randrange(-50, 51) for _kind in WEIGHTS)
    ours = Scoring(weights, threshold=10)
    kinds = [chance.getrandbits(31) for _n in range(60)] + [1 << place for place in range(31)]
    with Session(desk.engine) as session, session.begin():
        lower = factories.make_customer(session).id
        for bits in kinds:
            factories.make_duplicate_pair(
                session, lower_id=lower, evidence=bits, is_plain=evidence.is_plain(bits)
            )
        scoring.judge_again(session.connection(), ours)
    with Session(desk.engine) as session:
        rows = session.scalars(sa.select(DuplicatePair)).all()
        assert {row.evidence for row in rows} == {bits for bits in kinds if ours.flags(bits)}
        assert all(
            (row.score, row.is_likely) == (ours.score(row.evidence), ours.is_likely(row.evidence))
            for row in rows
        )
        counts = scoring.likely(session, sa.select(DuplicatePair), (ours, Scoring(weights, threshold=200)))
    assert counts == [sum(ours.is_likely(row.evidence) for row in rows), 0]
