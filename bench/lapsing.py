"""Lapsing the lots of one night beside one hand-written transaction that writes the same ledger rows.

The latter has no lease, chunks, checkpoints or locks of its own. Both lapse as many lots of one database, due on two
days in the past, among entries whose points stay.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.orm import configure_mappers

from actions import runs
from bench.imports import memory, settled, timed
from jobs.base import JOBS, start
from models.dialect import WRITE
from models.schema import open_engine

OURS, BY_HAND, STAYS = (
    dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2020, 2, 1, tzinfo=dt.UTC),
    dt.datetime(2090, 1, 1, tzinfo=dt.UTC),
)
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many)"
GIVEN = f"""
INSERT INTO loyalty_entry (customer_id, kind, points, expires_at, created_at, actor_name, comment, key, changeset_id)
{NUMBERS} SELECT c.id, 'earned', 10, :lapses, :given, 'bench', '', CAST(:mark AS TEXT) || n.i, :changeset
FROM n JOIN customer c ON c.id = (SELECT MIN(id) FROM customer) + n.i % (SELECT COUNT(*) FROM customer)
"""
LOTS = """
INSERT INTO loyalty_lot (entry_id, customer_id, points, unspent, expires_at)
SELECT id, customer_id, points, points, expires_at FROM loyalty_entry WHERE key LIKE CAST(:mark AS TEXT) || '%'
"""
TOTALS = """
UPDATE customer SET points = (SELECT COALESCE(SUM(l.unspent), 0) FROM loyalty_lot l WHERE l.customer_id = customer.id)
"""
HAND = (
    """
    INSERT INTO loyalty_entry (customer_id, kind, points, created_at, actor_name, comment, key, changeset_id)
    SELECT customer_id, 'expired', -unspent, :now, 'bench', '', 'lapse:' || id, :changeset
    FROM loyalty_lot WHERE unspent > 0 AND expires_at <= :due
    """,
    """
    INSERT INTO loyalty_allocation (entry_id, lot_id, points)
    SELECT e.id, l.id, l.unspent FROM loyalty_lot l JOIN loyalty_entry e ON e.key = 'lapse:' || l.id
    WHERE l.unspent > 0 AND l.expires_at <= :due
    """,
    """
    UPDATE customer SET points = customer.points - s.points
    FROM (SELECT customer_id, SUM(unspent) AS points FROM loyalty_lot WHERE unspent > 0 AND expires_at <= :due
          GROUP BY customer_id) AS s
    WHERE s.customer_id = customer.id
    """,
    "UPDATE loyalty_lot SET unspent = 0 WHERE unspent > 0 AND expires_at <= :due",
)  # fmt: skip

LEFT = "SELECT COUNT(*) FROM loyalty_lot WHERE unspent > 0 AND expires_at < '2021-01-01'"
DONE = "SELECT COUNT(*) FROM loyalty_entry WHERE kind = 'expired' AND key LIKE 'lapse:%'"


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds that each took, and the megabytes that ours took beyond what the process held."""

    ours: float
    by_hand: float
    grown: float

    @property
    def ratio(self) -> float:
        """How many times as long ours takes."""
        return self.ours / self.by_hand


def compare(url: str, due: int, among: int) -> Taken:
    """Lapse ``due`` lots each way, among so many entries."""
    engine = open_engine(url)
    writing = engine.execution_options(**{WRITE: True})
    with writing.begin() as connection:
        changeset = connection.scalar(text("SELECT MIN(id) FROM changeset"))
        _give(connection, "ours:", due, OURS, changeset)
        _give(connection, "hand:", due, BY_HAND, changeset)
        _give(connection, "stay:", among, STAYS, changeset)
        connection.execute(text(TOTALS))
    if engine.dialect.name == "postgresql":
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))
    now = dt.datetime.now(dt.UTC)
    configure_mappers()
    before = settled()
    ours = timed(lambda: _lapse(engine, now))
    grown = memory("VmHWM") - before

    def by_hand() -> None:
        with writing.begin() as connection:
            given = {"due": _at(connection, BY_HAND), "now": _at(connection, now), "changeset": changeset}
            for statement in HAND:
                connection.execute(text(statement), given)

    taken = Taken(ours, timed(by_hand), grown)
    _check(engine, due)
    return taken


def _lapse(engine: object, now: dt.datetime) -> None:
    start(engine, JOBS["loyalty.expire"], now, OURS)
    while runs.work_off(engine, lambda: dt.datetime.now(dt.UTC), "bench"):
        pass


def _give(connection: Connection, mark: str, many: int, lapses: dt.datetime, changeset: int) -> None:
    given = {"mark": mark, "many": many, "changeset": changeset}
    instants = {"lapses": _at(connection, lapses), "given": _at(connection, OURS - dt.timedelta(days=1))}
    connection.execute(text(GIVEN), {**given, **instants})
    connection.execute(text(LOTS), {"mark": mark})


def _at(connection: Connection, at: dt.datetime) -> object:
    """Return an instant as the database keeps it."""
    return at if connection.dialect.name == "postgresql" else f"{at:%Y-%m-%d %H:%M:%S.%f}"


def _check(engine: object, due: int) -> None:
    with engine.connect() as connection:
        left = connection.scalar(text(LEFT))
        done = connection.scalar(text(DONE))
    if left or done < 2 * due:
        raise SystemExit(f"{left} lots were left, {done} lapsed")
