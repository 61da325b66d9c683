"""Expiring the lots of one night beside one hand-written transaction that writes the same ledger rows.

The latter has no lease, chunks, checkpoints or locks of its own. Both expire as many lots of one database, due on
different days in the past, among entries whose points stay. Ours works in a process of its own, as the clock's does; it
expires as many a second time, while somebody looks at pages.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session, configure_mappers

from actions.maintenance.verify import verify
from actions.runs import runs
from bench.imports import memory, settled, timed
from bench.lists import ROUNDS, WARM_UP, Timing, asked, pages_of, timing
from jobs.base import JOBS, start
from models.dialect import WRITE
from models.schema import open_engine

OURS, BY_HAND, WATCHED, STAYS = (
    dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2020, 2, 1, tzinfo=dt.UTC),
    dt.datetime(2020, 3, 1, tzinfo=dt.UTC),
    dt.datetime(2090, 1, 1, tzinfo=dt.UTC),
)
FEWEST = 20
"""Looks at a page that make a 95th percentile."""
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many)"
CUSTOMERS = "(SELECT COUNT(*) FROM customer)"
SCATTERED, IN_TURN = f"n.i % {CUSTOMERS}", f"CAST(n.i AS BIGINT) * {CUSTOMERS} / (:many + 1)"
"""Whose an entry is: what expires in one night was given to this and that customer; others are filled in quickly."""
GIVEN = """
INSERT INTO loyalty_entry (customer_id, kind, points, expires_at, created_at, actor_name, comment, key, changeset_id)
{numbers} SELECT c.id, 'earned', 10, :expires, :given, 'bench', '', CAST(:mark AS TEXT) || (1000000000 + n.i),
    :changeset
FROM n JOIN customer c ON c.id = (SELECT MIN(id) FROM customer) + {place}
"""
LOTS = """
INSERT INTO loyalty_lot (entry_id, customer_id, points, unspent, expires_at)
SELECT id, customer_id, points, points, expires_at FROM loyalty_entry WHERE key LIKE CAST(:mark AS TEXT) || '%'
"""
TOTALS = """
UPDATE customer SET points = (SELECT COALESCE(SUM(l.unspent), 0) FROM loyalty_lot l WHERE l.customer_id = customer.id)
"""
KEY = "lapse:"
"""What the key of an entry begins with that takes the rest of a lot."""
HAND = (
    f"""
    INSERT INTO loyalty_entry (customer_id, kind, points, created_at, actor_name, comment, key, changeset_id)
    SELECT customer_id, 'expired', -unspent, :now, 'bench', '', '{KEY}' || id, :changeset
    FROM loyalty_lot WHERE unspent > 0 AND expires_at <= :due
    """,
    f"""
    INSERT INTO loyalty_allocation (entry_id, lot_id, points)
    SELECT e.id, l.id, l.unspent FROM loyalty_lot l JOIN loyalty_entry e ON e.key = '{KEY}' || l.id
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
DONE = f"SELECT COUNT(*) FROM loyalty_entry WHERE kind = 'expired' AND key LIKE '{KEY}%'"


@dataclass(frozen=True, slots=True)
class Seen:
    """How long a page took by itself, and while points were expiring; ``looks`` is how often it was looked at then."""

    idle: Timing
    meanwhile: Timing
    looks: int

    @property
    def ratio(self) -> float:
        """How many times as long the slowest in twenty takes in the meantime."""
        return self.meanwhile.p95 / self.idle.p95


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds that each took, the megabytes that ours took beyond what its process held, and the pages in the meantime.

    ``checked`` and ``checked_grown`` are what going through all the books took afterwards.
    """

    ours: float
    by_hand: float
    grown: float
    pages: tuple[Seen, ...]
    checked: float
    checked_grown: float

    @property
    def ratio(self) -> float:
        """How many times as long ours takes."""
        return self.ours / self.by_hand


def fill(url: str, due: int, among: int) -> None:
    """Give so many points that expire on each of the days, and others that stay."""
    engine = open_engine(url)
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        changeset = connection.scalar(text("SELECT MIN(id) FROM changeset"))
        _quickly(connection)
        for mark, expires in (("ours:", OURS), ("hand:", BY_HAND), ("seen:", WATCHED)):
            _give(connection, mark, due, expires, changeset, SCATTERED)
        _give(connection, "stay:", among, STAYS, changeset, IN_TURN)
        connection.execute(text(TOTALS))
    if engine.dialect.name == "postgresql":
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))


def compare(url: str, due: int) -> Taken:
    """Expire ``due`` lots each way, and once more while pages are looked at."""
    engine = open_engine(url)
    told = json.loads(_started(url, OURS).communicate()[0].splitlines()[-1])
    by_hand = timed(lambda: _by_hand(engine))
    pages = _watched(url)
    _check(engine, due)
    before = settled()
    checked = timed(lambda: _verify(engine))
    return Taken(told["seconds"], by_hand, told["grown"], pages, checked, memory("VmHWM") - before)


def _verify(engine: Engine) -> None:
    with Session(engine) as session:
        if found := verify(session):
            raise SystemExit("\n".join(found))


def _started(url: str, as_of: dt.datetime) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.expiring", url, as_of.isoformat()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _watched(url: str) -> tuple[Seen, ...]:
    """Look at pages by themselves, then while another process expires points."""
    with open_engine(url).connect() as connection:
        customer = connection.scalar(text("SELECT MIN(id) FROM customer"))
    asks = pages_of(
        url,
        {
            "customer list": "/admin/customer/?view=all",
            "Loyalty tab": f"/admin/customer/details/?id={customer}&tab=loyalty_entry",
        },
    )
    for _round in range(WARM_UP):
        _look(asks)
    idle = [_look(asks) for _round in range(ROUNDS)]
    meanwhile = []
    with _started(url, WATCHED) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it begins
        while process.poll() is None or not meanwhile:
            meanwhile.append(_look(asks))
    return tuple(
        Seen(
            timing(name, [look[name] for look in idle]),
            timing(name, [look[name] for look in meanwhile]),
            len(meanwhile),
        )
        for name in asks
    )


def _look(asks: dict[str, Callable[[], Any]]) -> dict[str, float]:
    return {name: asked(ask) for name, ask in asks.items()}


def _by_hand(engine: Engine) -> None:
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        changeset = connection.scalar(text("SELECT MIN(id) FROM changeset"))
        now = _at(connection, dt.datetime.now(dt.UTC))
        given = {"due": _at(connection, BY_HAND), "now": now, "changeset": changeset}
        for statement in HAND:
            connection.execute(text(statement), given)


def expire(url: str, as_of: str) -> None:
    """Expire what is due; say when it begins, and what it took."""
    engine = open_engine(url)
    configure_mappers()
    before = settled()
    print("begins", flush=True)
    taken = timed(lambda: _expire(engine, dt.datetime.fromisoformat(as_of)))
    print(json.dumps({"seconds": taken, "grown": memory("VmHWM") - before}), flush=True)


def _expire(engine: Engine, as_of: dt.datetime) -> None:
    start(engine, JOBS["loyalty.expire"], dt.datetime.now(dt.UTC), as_of)
    while runs.process_next_run(engine, lambda: dt.datetime.now(dt.UTC), "bench"):
        pass


def _quickly(connection: Connection) -> None:
    """Let SQLite keep what it fills in its memory."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA cache_size = -1000000")


def _give(
    connection: Connection, mark: str, many: int, expires: dt.datetime, changeset: int, place: str
) -> None:
    given = {"mark": mark, "many": many, "changeset": changeset}
    instants = {"expires": _at(connection, expires), "given": _at(connection, OURS - dt.timedelta(days=1))}
    connection.execute(text(GIVEN.format(numbers=NUMBERS, place=place)), {**given, **instants})
    connection.execute(text(LOTS), {"mark": mark})


def _at(connection: Connection, at: dt.datetime) -> object:
    """Return an instant as the database keeps it."""
    return at if connection.dialect.name == "postgresql" else f"{at:%Y-%m-%d %H:%M:%S.%f}"


def _check(engine: Engine, due: int) -> None:
    with engine.connect() as connection:
        left = connection.scalar(text(LEFT))
        done = connection.scalar(text(DONE))
    if left or done < 3 * due:
        raise SystemExit(f"{left} lots were left, {done} expired")


if __name__ == "__main__":
    expire(*sys.argv[1:])
