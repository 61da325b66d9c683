"""Merging customers who have rows in every table that refers to one: found from the models, not listed here (rule 3.3)."""

from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from actions.core.journal import journalled_columns
from actions.customers.reassignment import BALANCES, ONE_EACH, key_of, model_of
from actions.undo.undo import undo
from models.account import AccountKind
from models.base import metadata
from models.customer import Customer
from models.journal import Change
from models.loyalty import LoyaltyLot
from models.merge import Merge
from models.note import NoteKind
from models.personal import policy, references
from models.vault import SecretText
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import BY_ITSELF, put_together, trouble
from tests.scale import scaled
from tests.usual import maker

ALL = [column for column in references(metadata) if policy(column).merge != "refuse"]
STAMPS = {"version", "updated_at"}
Place = tuple[str, str, int]
"""Table, the column that refers to a customer, and id of a row."""


def _unique_elsewhere(table: sa.Table) -> set[str]:
    """Return the columns whose value nobody else may have, whoever's the row is."""
    sets = [index.columns for index in table.indexes if index.unique]
    sets += [c.columns for c in table.constraints if isinstance(c, sa.UniqueConstraint)]
    whose = {column for column in ALL if column.table is table}
    return {column.name for columns in sets if not whose & set(columns) for column in columns}


class Family:
    """Some records of one person, with rows in every table, many of them alike."""

    def __init__(self, desk: Desk, size: int, chance: Random, *, everything: bool = False) -> None:
        desk.now = factories.NOW
        self.desk, self.chance, self.everything = desk, chance, everything
        self.before = desk.customer()
        email = f"family{factories.number()}@example.com"
        self.ids = [self._person(email, n) for n in range(size)]
        self.after = desk.customer()
        with Session(desk.engine) as session, session.begin():
            for column in ALL:
                self._fill(session, column)
            for customer in self.ids:
                self._add_up(session, customer)

    def _person(self, email: str, n: int) -> int:
        """An agent, so that they may all have sub-customers; of those with one email all but the first are guests."""
        given = {"email": self.chance.choice((email, None, f"{n}.{email}"))} | (
            {"status": "guest", "registered_at": None} if n else {}
        )
        for code in ("loyalty_code", "account_code"):
            given[code] = self.chance.choice((None, f"F{factories.number()}"))
        return self.desk.make(factories.make_agent, **given)

    def _fill(self, session: Session, column: sa.Column[Any]) -> None:
        """Give each of them some rows; about half of them like one that another has."""
        made: list[Any] = []
        for customer in self.ids:
            for n in range(1 if self.everything else self.chance.choice((0, 1, 1, 2))):
                like = self.chance.choice([*made, None]) if made else None
                given = {column.name: customer, **self._others(column), **self._mark(column, first=n == 0)}
                try:
                    with session.begin_nested():
                        made.append(self._row(session, column, {**self._twin(like, column), **given}))
                except sa.exc.IntegrityError:
                    assert like is not None or n, column  # they have it already

    def _row(self, session: Session, column: sa.Column[Any], given: dict[str, Any]) -> Any:
        table, customer, size = column.table.name, given[column.name], self.chance.randint(1, 900)
        if table == LoyaltyLot.__tablename__:
            entry = factories.make_loyalty_entry(session, customer_id=customer, points=size)
            return factories.make_loyalty_lot(session, entry=entry, points=size)
        if table == "loyalty_entry":
            row = factories.make_loyalty_entry(session, customer_id=customer, points=size)
            factories.make_loyalty_lot(session, entry=row, points=size)
            return row
        if table == Merge.__tablename__:  # one that was undone: that of a live record does not stand
            given["undone_by_id"] = factories.make_changeset(session, action="merge.unmerge").id
        row = maker(table)(session, **given)
        if table == "invoice":
            kind = {"kind": AccountKind.INVOICE, "amount": row.amount, "method": None}
            factories.make_account_entry(session, customer_id=customer, invoice_id=row.id, **kind)
        return row

    def _others(self, column: sa.Column[Any]) -> dict[str, int]:
        """Whom else a row refers to that is about two: somebody with a lower id, or with a higher one."""
        beside = [c for c in ALL if c.table is column.table and c is not column and not c.nullable]
        order = list(column.table.columns)
        return {c.name: self.before if order.index(c) < order.index(column) else self.after for c in beside}

    def _mark(self, column: sa.Column[Any], *, first: bool) -> dict[str, Any]:
        """Let the first row of each be the one of which there is one, where there is such a thing."""
        one = ONE_EACH.get(model_of(column.table.name))
        if one is None:
            return {}
        ((name, usual),) = one[1].items()
        return {name: (True if usual is False else NoteKind.WATCH) if first else usual}

    def _twin(self, row: Any, column: sa.Column[Any]) -> dict[str, Any]:
        if row is None or isinstance(row, Customer):
            return {}
        own = _unique_elsewhere(column.table)
        return {
            a.key: getattr(row, a.key)
            for a in sa.inspect(type(row)).column_attrs
            if not (c := a.columns[0]).primary_key and c.name not in own and policy(c).merge != "recompute"
        }

    def _add_up(self, session: Session, customer: int) -> None:
        row = session.get_one(Customer, customer)
        for name, (owner, figure) in BALANCES.items():
            total = sa.select(sa.func.coalesce(sa.func.sum(figure), 0)).where(owner == customer)
            setattr(row, name, int(session.scalar(total) or 0))

    def rows(self) -> dict[Place, dict[str, Any]]:
        """Every row that refers to one of them, by each column that does."""
        found = {}
        with self.desk.look() as session:
            for column in ALL:
                for row in session.execute(sa.select(column.table).where(column.in_(self.ids))).mappings():
                    found[column.table.name, column.name, row["id"]] = {
                        name: value
                        for name, value in row.items()
                        if name not in STAMPS | _secrets(column.table)
                    }
        return found

    def sums(self) -> tuple[int, ...]:
        rows = [self.desk.of(customer) for customer in self.ids]
        return tuple(sum(getattr(row, name) for row in rows) for name in BALANCES)


def is_accounted_for(
    family: Family, place: Place, was: dict[str, Any], survivor: int, changeset: int
) -> bool:
    """Whether a row of somebody who was merged away is where its declaration says, or is whole in the journal."""
    table, name, row_id = place
    column, rule = metadata.tables[table].c[name], policy(metadata.tables[table].c[name]).merge
    with family.desk.look() as session:
        row = session.execute(sa.select(column.table).where(column.table.c.id == row_id)).mappings().first()
        if rule == "drop":
            return row is None
        if rule == "keep":
            return row[name] == was[name] if row is not None else not model_of(table).__journal__
        if row is not None:
            return survivor in {row[c.name] for c in ALL if c.table is column.table}
        model = model_of(table)
        about = Change.changeset_id == changeset, Change.table_name == table, Change.row_id == row_id
        change = session.scalars(sa.select(Change).where(*about)).one()
        kept = {n for n in journalled_columns(model()) if was.get(n) is not None and n not in STAMPS}
        assert kept <= {*(change.before or {})}, "a row that goes stays whole in the journal"
        if table in BY_ITSELF:
            return True
        gone = model(**{a.key: was.get(a.columns[0].name) for a in sa.inspect(model).column_attrs})
        there = session.scalars(sa.select(model).where(column == survivor)).all()
        return rule == "combine" and any(_has_all_of(row, gone) for row in there)


def _has_all_of(row: Any, gone: Any) -> bool:
    """Whether a row stands for one that was combined with it: the same by its key, with what only the other one had."""
    filled = all(getattr(row, n) is not None for n in row.__filled__ if getattr(gone, n) is not None)
    either = all(getattr(row, n) for n in row.__either__ if getattr(gone, n))
    return bool(key_of(gone)[0]) and key_of(row) == key_of(gone) and filled and either


def _secrets(table: sa.Table) -> set[str]:
    return {column.name for column in table.columns if isinstance(column.type, SecretText)}


def _without(row: dict[str, Any] | None, names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in (row or {}).items() if name not in names}


def comes_back(family: Family, before: dict[Place, dict[str, Any]], told: set[Place]) -> None:
    """Hold an undo to what was there: all but what is found again, who was signed in, and what the journal may not keep.

    :param told: the only rows that are there besides: those that tell of the merge that was undone.
    """
    back = family.rows()
    for place, was in before.items():
        table = metadata.tables[place[0]]
        rule, model = policy(table.c[place[1]]).merge, model_of(place[0])
        gone = rule == "drop" or (rule == "keep" and not model.__journal__)
        if gone or (rule == "combine" and _secrets(table) and place not in back):  # rule 12.4
            continue
        # Where a card that was the default may not come back, another one is the default.
        free = set(ONE_EACH[model][1]) if model in ONE_EACH and _secrets(table) else set()
        assert _without(back.get(place), free) == _without(was, free), place
    dropped = {column.table.name for column in ALL if policy(column).merge == "drop"}
    assert {place for place in back if place[0] not in dropped} - before.keys() == told


def told_of(family: Family, changeset: int, undone_by: int) -> set[Place]:
    """Return the rows that tell of a merge, one for each who went, which stay once it is undone and say by what."""
    one, *others = family.ids
    rows = family.desk.all(Merge, changeset_id=changeset)
    assert sorted((row.merged_id, row.survivor_id, row.undone_by_id) for row in rows) == [
        (other, one, undone_by) for other in others
    ]
    return {(Merge.__tablename__, name, row.id) for row in rows for name in ("merged_id", "survivor_id")}


def merge_and_check(family: Family) -> None:
    """Merge all into the first, and take it back."""
    desk, (one, *others) = family.desk, family.ids
    before, sums = family.rows(), family.sums()
    done = put_together(desk, one, *others)
    assert done.changeset_id is not None
    assert family.sums() == sums
    assert [desk.of(other).merged_into_id for other in others] == [one] * len(others)
    for place, was in before.items():
        if was[place[1]] in others:
            assert is_accounted_for(family, place, was, one, done.changeset_id), (place, was)
    assert trouble(desk, *family.ids) == []
    undone = desk.do(undo, done.changeset_id)
    assert undone.changeset_id is not None
    assert family.sums() == sums
    comes_back(family, before, told_of(family, done.changeset_id, undone.changeset_id))
    assert trouble(desk, *family.ids) == []


def test_one_row_of_every_table_moves_and_comes_back(desk: Desk) -> None:
    family = Family(desk, 3, Random(1), everything=True)
    there = {(table, column) for table, column, _row in family.rows()}
    assert there == {(column.table.name, column.name) for column in ALL}, "a table of which nobody has a row"
    merge_and_check(family)


@pytest.mark.either_database
@pytest.mark.soak
@settings(
    max_examples=scaled(200, least=4),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(size=st.integers(2, 3), chance=st.randoms(use_true_random=False))
def test_pairs_and_triples_with_rows_that_clash_lose_nothing(desk: Desk, size: int, chance: Random) -> None:
    merge_and_check(Family(desk, size, chance))
