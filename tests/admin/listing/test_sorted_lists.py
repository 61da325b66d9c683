"""A page of a sorted list walks an index, whatever it is sorted by: no table is read, or sorted, for fifty rows of it."""

import re

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from actions.ledgers import points_breakdown
from admin.listing import paging
from admin.listing.order import FOUND, Found, Past, in_order, joined, with_groups
from admin.site.home import AWAITING
from models.customer import Customer
from tests.admin.conftest import Shop
from tests.factories import NOW

WALKED = [
    ("customer", "sort_name"),
    ("customer", "primary_phone"),
    ("customer", "primary_address"),
    ("customer", "customer_class"),
    ("customer", "first_name"),
    ("customer", "last_activity_at"),
    ("customer", "status"),
    ("customer", "account_type"),
    ("address", "customer"),
    ("address", "postcode"),
]
BY_STATISTICS = ("status", "account_type")
"""Columns of few values: SQLite tells by its statistics, which a small shop lacks, that most rows have the same one."""


def plan_of(session: Session, statement: sa.Select) -> list[str]:
    """How the database would answer, were its tables large."""
    if session.get_bind().dialect.name == "postgresql":
        for switch in (
            "enable_seqscan",
            "enable_sort",
            "enable_bitmapscan",
            "enable_hashjoin",
            "enable_mergejoin",
        ):
            session.execute(sa.text(f"SET LOCAL {switch} = off"))
    sql = statement.compile(session.connection(), compile_kwargs={"literal_binds": True})
    how = "EXPLAIN" if session.get_bind().dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    return [str(row[-1]) for row in session.connection().exec_driver_sql(f"{how} {sql}".replace("%", "%%"))]


def reads_all(line: str) -> bool:
    """Whether a line of a plan says that a table is read from end to end, or its rows sorted."""
    whole = re.search(r"Seq Scan on (customer|address)\b|SCAN (customer|address)\w*$", line)
    return (
        bool(whole)
        or "USE TEMP B-TREE FOR ORDER BY" in line
        or re.search(r"(?<!Incremental )Sort  \(", line) is not None
    )


@pytest.mark.both_databases
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(("resource", "name"), WALKED)
def test_the_first_page_and_the_next_come_from_an_index(
    stocked: Shop, resource: str, name: str, descending: bool
) -> None:
    screen = stocked.screen(resource)
    if name in BY_STATISTICS and stocked.database.kind == "sqlite":
        return
    with stocked.look() as session, stocked.app.test_request_context():
        whole = sa.select(screen.model)
        keys = with_groups(session, screen.sort_keys(name, descending))
        newest = screen.identity == sa.select(sa.func.max(screen.identity)).scalar_subquery()
        beside = joined(whole.with_only_columns(*(key.expression for key in keys)).where(newest), keys)
        values = tuple(session.execute(beside).one())
        for past in (None, Past(values, session.get_bind().dialect.name, backwards=False)):
            ids, _found = in_order(whole, keys, screen.identity, 51, past)
            plan = plan_of(session, ids)
            # Of a short list's entries, and of anyone who has a value and who has none, each gives the first rows of its own;
            # those few are sorted.
            in_parts = keys[0].group or keys[0].filled is not None
            worst = [line for line in plan if reads_all(line)][1 if in_parts else 0 :]
            assert worst == [], "\n".join(plan)


@pytest.mark.both_databases
@pytest.mark.parametrize(("resource", "text"), [("customer", "an"), ("address", "an")])
def test_what_very_many_are_found_by_is_never_gathered(
    stocked: Shop, resource: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is walked by its own index, and each row of it asked."""
    monkeypatch.setattr(paging, "COUNT_CAP", 0)
    with stocked.look() as session, stocked.app.test_request_context():
        screen = stocked.screen(resource)
        statement = paging.sized(session, screen.search(sa.select(screen.model), text), screen.identity)
        wide = statement.get_execution_options()[FOUND].wide
        assert wide, "nothing is found by more than are counted"
        only = statement.execution_options(**{FOUND: Found(sa.select(screen.model), wide, wide)})
        ids, gathered = in_order(only, screen.sort_keys(None, False), screen.identity, 51)
        assert gathered is None
        plan = plan_of(session, ids)
        walked = [line for line in plan if "ix_customer_name" in line]
        assert len(walked) >= len(wide), "\n".join(plan)


@pytest.mark.both_databases
@pytest.mark.parametrize("text", ["smith", "an", "LS2"])
def test_a_search_reads_indexes_alone(stocked: Shop, text: str) -> None:
    with stocked.look() as session, stocked.app.test_request_context():
        for resource in ("customer", "address"):
            screen = stocked.screen(resource)
            statement = screen.search(sa.select(screen.model), text)
            ids, _found = in_order(statement, screen.sort_keys(None, False), screen.identity, 51)
            plan = plan_of(session, ids)
            worst = [line for line in plan if reads_all(line) and "B-TREE" not in line and "Sort" not in line]
            assert worst == [], "\n".join(plan)
            assert "MATERIALIZED" in str(ids.compile(session.connection()))


@pytest.mark.both_databases
def test_points_past_their_date_are_read_from_an_index_of_those_alone(stocked: Shop) -> None:
    """Each page that shows a customer asks for them: most days there are none among all the lots there are."""
    with stocked.look() as session:
        plan = plan_of(session, points_breakdown.past_by_owner(NOW))
        assert any("ix_loyalty_lot_expiring" in line for line in plan), "\n".join(plan)


@pytest.mark.both_databases
def test_who_waits_for_approval_is_read_from_an_index_of_those_alone(stocked: Shop) -> None:
    if stocked.database.kind == "sqlite":
        return  # which tells by its statistics, too
    with stocked.look() as session, stocked.app.test_request_context():
        waiting = sa.select(Customer.id).where(Customer.status == AWAITING)
        plan = plan_of(session, waiting.order_by(Customer.created_at, Customer.id).limit(6))
        assert any("ix_customer_awaiting" in line for line in plan), "\n".join(plan)
