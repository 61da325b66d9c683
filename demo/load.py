"""Loading the demo shop: lists and the first few thousand customers in one transaction, then as many at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from sqlalchemy import Connection, Engine, exists, select
from sqlalchemy.orm import Session

from demo.addresses import make_contacts, settle
from demo.batch import Batch
from demo.history import write_history
from demo.lists import make_lists
from demo.money import make_accounts, make_cards, make_credit
from demo.notes import make_notes
from demo.people import make_people
from demo.plan import CHUNK, HISTORY, Plan
from demo.points import make_points
from demo.rng import Chance
from demo.sales import make_orders
from demo.staff import authors
from demo.tastings import make_tastings
from models.customer import Customer
from models.dialect import WRITE, advisory_lock

SEED = 2026

Progress = Callable[[int], None]
Twice = Callable[[int, int], None]


class DemoRefused(RuntimeError):
    """The demo shop is not loaded; the message says why."""


def load(
    engine: Engine,
    customers: int = 2000,
    seed: int = SEED,
    now: dt.datetime | None = None,
    progress: Progress = lambda done: None,
    chunk: int = CHUNK,
    slips: float = 1,
    twice: Twice = lambda earlier, later: None,
) -> int:
    """Fill an empty shop with ``customers`` believable customers and return how many rows that took.

    The same seed, ``now``, ``chunk`` and ``slips`` give the same rows. Memory use does not grow with ``customers``.

    :param now: every date is relative to it; the present instant when left out.
    :param progress: called after each transaction with the number of customers loaded so far.
    :param chunk: customers in one transaction.
    :param slips: how many times as much as usual is changed in records of people who are there twice.
    :param twice: called with the ids of two records of one person, the earlier one first; the shop itself does not
        say whose they are.
    :raises DemoRefused: there are customers already.
    """
    now = (now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).replace(microsecond=0)
    writer = engine.execution_options(**{WRITE: True})
    with Session(writer) as session:
        staff = authors(session)
    rows = 0
    for number in range(-(-customers // chunk)):
        with writer.begin() as connection:
            if number == 0:
                _refuse_second_time(connection)
            batch = Batch(connection, now - HISTORY - dt.timedelta(days=1))
            chance = Chance(f"{seed} {number}")
            plan = Plan(batch, chance, seed, now, make_lists(batch), staff, number, customers, chunk, slips)
            rows += _write(plan, twice)
        progress(min((number + 1) * chunk, customers))
    with Session(writer) as session, session.begin():
        write_history(session, Chance(f"{seed} deeds"), staff, now)
    _tell_planner(engine)
    return rows


def _write(plan: Plan, twice: Twice) -> int:
    """Write the customers of one chunk and all that is theirs, as one changeset dated before the oldest of them."""
    people = make_people(plan)
    for known in people:
        settle(plan, known)
        if known.same_as is not None:
            twice(int(known.same_as.row["id"]), int(known.row["id"]))
    make_orders(plan, people)
    make_points(plan, people)
    make_accounts(plan, people)
    make_credit(plan, people)
    make_cards(plan, people)
    make_notes(plan, people)
    make_tastings(plan, people)
    make_contacts(plan, people)
    return plan.batch.write()


def refuse_unless_empty(engine: Engine) -> None:
    """Return quietly when there are no customers yet. :raises DemoRefused: there are some."""
    with engine.connect() as connection:
        _refuse_second_time(connection)


def _refuse_second_time(connection: Connection) -> None:
    advisory_lock(connection, "demo")
    if connection.execute(select(exists().where(Customer.id.is_not(None)))).scalar():
        raise DemoRefused("The shop already has customers. The demo shop is for an empty database only.")


def _tell_planner(engine: Engine) -> None:
    """Give the database the statistics that its next queries are planned by."""
    with engine.connect().execution_options(**{WRITE: True}) as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
