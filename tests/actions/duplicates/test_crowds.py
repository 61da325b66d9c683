"""What so many records share that it makes no pairs (rule 7.8)."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from actions.core.base import Refused
from actions.duplicates import checking, crowds, keys
from actions.duplicates.crowds import dismiss, reopen
from actions.undo.undo import undo
from models.address import Address
from models.customer import Customer
from models.duplicate import CrowdKind, DuplicateCrowd
from tests.actions.desk import Desk
from tests.actions.duplicates.test_looking import change, pairs, person
from tests.actions.merging.test_merge import put_together

HOME = "LS2 9JT"
pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "CROWD", 3)


def people(desk: Desk, count: int, first: int = 0) -> list[int]:
    """So many of one surname in one postcode, who share nothing else."""
    return [person(desk, HOME, first_name=chr(97 + first + n) * 5) for n in range(count)]


def found(desk: Desk) -> dict[CrowdKind, tuple[int, bool]]:
    """Kind -> (records, whether it is shown), of what many share, once everybody was looked at."""
    pairs(desk)
    with Session(desk.engine) as session:
        rows = session.scalars(
            sa.select(DuplicateCrowd).where(DuplicateCrowd.kind != CrowdKind.NAME_POSTCODE)
        ).all()
        assert len({row.value for row in rows}) == len(rows)
        return {row.kind: (row.size, row.is_open) for row in rows}


def only(desk: Desk) -> int:
    """The number of the one by surname and postcode."""
    with Session(desk.engine) as session:
        wanted = sa.select(DuplicateCrowd.id).where(DuplicateCrowd.kind == CrowdKind.SURNAME_POSTCODE)
        return session.scalars(wanted).one()


def test_every_kind_of_key_has_its_words() -> None:
    assert [kind.name for kind in CrowdKind] == [kind.name for kind in keys.Kind]


def test_more_than_a_few_are_one_row_and_no_pairs(desk: Desk) -> None:
    ids = people(desk, 3)
    assert len(pairs(desk)) == 3
    assert found(desk) == {}
    people(desk, 1, first=3)
    assert found(desk) == {CrowdKind.SURNAME_POSTCODE: (4, True)}
    assert pairs(desk) == {}, "those who were pairs before are looked at, too"
    change(desk, ids[0], last_name="Quill")
    assert found(desk) == {}
    assert len(pairs(desk)) == 3, "and those who are left"


def test_no_run_doubles_or_loses_it(desk: Desk) -> None:
    ids = people(desk, 5)
    for _n in range(2):
        assert found(desk) == {CrowdKind.SURNAME_POSTCODE: (5, True)}
        for one in ids[:2]:
            change(desk, one, first_name="Someone")
        with Session(desk.engine) as session, session.begin():
            checking.check_everybody(session.connection())
            crowds.follow_all(session.connection(), desk.now)
    person(desk, HOME, first_name="Zoe")
    assert found(desk)[CrowdKind.SURNAME_POSTCODE] == (6, True)


def test_who_is_merged_or_deleted_is_counted_no_more(desk: Desk) -> None:
    ids = people(desk, 5)
    assert found(desk) == {CrowdKind.SURNAME_POSTCODE: (5, True)}
    put_together(desk, ids[0], ids[1])
    assert found(desk) == {CrowdKind.SURNAME_POSTCODE: (4, True)}
    with Session(desk.engine) as session, session.begin():
        session.execute(sa.delete(Address).where(Address.customer_id == ids[2]))
        session.execute(sa.delete(Customer).where(Customer.id == ids[2]))
    with Session(desk.engine) as session, session.begin():
        crowds.follow_all(session.connection(), desk.now)
    assert found(desk) == {}
    assert len(pairs(desk)) == 3


def test_what_is_no_problem_stays_away_until_it_has_grown_by_half(desk: Desk) -> None:
    ids = people(desk, 4)
    found(desk)
    changed = desk.do(dismiss, only(desk), reason="A hall of residence").changeset_id
    assert found(desk) == {CrowdKind.SURNAME_POSTCODE: (4, False)}
    with pytest.raises(Refused, match="already said"):
        desk.do(dismiss, only(desk))
    change(desk, ids[0], last_name="Quill")
    assert found(desk) == {CrowdKind.SURNAME_POSTCODE: (0, False)}
    change(desk, ids[0], last_name="Ham")
    people(desk, 1, first=4)
    assert found(desk) == {CrowdKind.SURNAME_POSTCODE: (5, False)}
    desk.do(undo, changed)
    assert found(desk) == {CrowdKind.SURNAME_POSTCODE: (5, True)}
    desk.do(dismiss, only(desk))
    people(desk, 2, first=5)
    assert found(desk)[CrowdKind.SURNAME_POSTCODE] == (7, False)
    people(desk, 1, first=7)
    assert found(desk)[CrowdKind.SURNAME_POSTCODE] == (8, True)


def test_it_is_reopened(desk: Desk) -> None:
    people(desk, 4)
    found(desk)
    with pytest.raises(Refused, match="already been reopened"):
        desk.do(reopen, only(desk))
    desk.do(dismiss, only(desk))
    desk.do(reopen, only(desk))
    assert found(desk) == {CrowdKind.SURNAME_POSTCODE: (4, True)}
